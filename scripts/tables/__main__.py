"""Print tables of docs/models.md and docs/errors.md: ``python -m scripts.tables``."""

import argparse
import sys

from jimeng.i18n import LANGUAGES
from scripts.tables import errors, models

TABLES = {"models": models.tables, "errors": errors.table}

parser = argparse.ArgumentParser(description="Print tables of the documentation.")
parser.add_argument("table", choices=TABLES)
parser.add_argument("--lang", choices=LANGUAGES, default=LANGUAGES[0])
asked = parser.parse_args()
sys.stdout.write(TABLES[asked.table](asked.lang))
