"""The entry point for servers: `jimeng.serve`, Gunicorn, and huey_consumer."""

import gc
import sys

# Nothing loaded here becomes garbage; collecting would take a fifth of the start-up.
gc.disable()

from app import create_app
from jimeng.config import Config, logs
from jimeng.errors import ConfigError
from jimeng.http.auth import require_access
from jimeng.jobs import huey

try:
    config = Config.load()
    require_access(config)
    app = create_app(config)
except ConfigError as error:
    sys.exit(logs.refuse(error))
gc.freeze()
gc.enable()

__all__ = ["app", "huey"]
