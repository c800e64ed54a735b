"""The entry point for servers: `jimeng.serve`, Gunicorn, and huey_consumer."""

import gc
import os
import sys

# Nothing loaded here becomes garbage; collecting would take a fifth of the start-up.
gc.disable()

from app import create_app
from jimeng.config import Config, logs, read_environment
from jimeng.errors import ConfigError
from jimeng.http.auth import require_access, warn_without_proxies
from jimeng.jobs import huey

try:
    environment = read_environment()
    config = Config.from_env(environment)
    require_access(config)
    app = create_app(config)
except ConfigError as error:
    sys.exit(logs.refuse(error))
if "SERVER_SOFTWARE" in os.environ:  # Gunicorn's; consumers and commands do not listen
    warn_without_proxies(config, environment)
gc.freeze()
gc.enable()

__all__ = ["app", "huey"]
