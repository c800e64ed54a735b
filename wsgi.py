"""The entry point for Gunicorn and Huey's consumer, see the Procfile."""

import gc
import os
import sys
from functools import partial

# Nothing loaded here becomes garbage; collecting would take a fifth of the start-up.
gc.disable()

from app import create_app
from jimeng.config import Config, logs, read_environment, server
from jimeng.documents import migrations
from jimeng.errors import ConfigError
from jimeng.http.auth import require_access
from jimeng.jobs import huey, pump
from jimeng.operations import backup

try:
    environ = read_environment()
    config = Config.from_env(environ)
    require_access(config)
    migrations.check_before_start(config)
    app = create_app(config)
except ConfigError as error:
    sys.exit(logs.refuse(error))
if "SERVER_SOFTWARE" in os.environ:  # Gunicorn's
    from jimeng.serve import web

    web.check_configured()
else:  # Gunicorn's master has said so
    server.warn_withdrawn(environ)
if data_id := os.environ.get("JIMENG_DATA_PLACE"):  # those of `make run`
    pump.before_start.append(partial(backup.await_recognition, data_id))
gc.freeze()
gc.enable()

__all__ = ["app", "huey"]
