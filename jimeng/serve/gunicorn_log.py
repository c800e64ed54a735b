"""Gunicorn's log lines in the format of all others."""

import logging
import os

from gunicorn.glogging import Logger

from jimeng.config import logs


class GunicornLog(Logger):
    """Format Gunicorn's log by ``LOG_FORMAT``; the application logs requests."""

    def setup(self, cfg) -> None:
        super().setup(cfg)
        handler = logging.StreamHandler()
        handler.setFormatter(logs.formatter(os.environ.get("LOG_FORMAT", "")))
        self.error_log.handlers[:] = [handler]
