"""What servers import: ``gunicorn wsgi:app`` and ``huey_consumer wsgi.huey``."""

import sys

from app import create_app
from jimeng.auth import require_access
from jimeng.config import Config
from jimeng.errors import ConfigError
from jimeng.jobs import huey

try:
    config = Config.load()
    require_access(config)
    app = create_app(config)
except ConfigError as error:
    sys.exit(f"jimeng does not start: {error}")

__all__ = ["app", "huey"]
