"""What servers import; `jimeng.serve` is one, Gunicorn and huey_consumer others."""

import gc
import sys

# Nothing of what is loaded here goes again: to look for it takes a fifth of the time.
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
