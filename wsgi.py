"""What servers import; `jimeng.serve` is one, Gunicorn and huey_consumer others."""

import sys

from app import create_app
from jimeng import logs
from jimeng.auth import require_access
from jimeng.config import Config
from jimeng.errors import ConfigError
from jimeng.jobs import huey

try:
    config = Config.load()
    require_access(config)
    app = create_app(config)
except ConfigError as error:
    sys.exit(logs.refuse(error))

__all__ = ["app", "huey"]
