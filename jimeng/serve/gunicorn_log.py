"""Gunicorn's own lines in the form of all others."""

import logging
import os

from gunicorn.glogging import Logger

from jimeng.config import logs


class GunicornLog(Logger):
    """Writes what Gunicorn has to say as ``LOG_FORMAT`` wants it; requests are ours."""

    def setup(self, cfg) -> None:
        super().setup(cfg)
        handler = logging.StreamHandler()
        handler.setFormatter(logs.formatter(os.environ.get("LOG_FORMAT", "")))
        self.error_log.handlers[:] = [handler]
