"""
``python -m jimeng.serve web [OPTIONS]`` and ``worker``, for one more release: the same
as the commands in the Procfile.
"""

import os
import sys

from jimeng.config import server

kind, *options = sys.argv[1:] or [""]
command = {"web": server.WEB, "worker": server.WORKER}.get(kind)
if command is None or (kind == "worker" and options):
    sys.exit("usage: gunicorn wsgi:app [OPTIONS] | huey_consumer wsgi.huey")
os.execv(sys.executable, [sys.executable, *command, *options])  # noqa: S606
