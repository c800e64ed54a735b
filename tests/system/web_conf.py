"""`gunicorn.conf.py` for a worker that is killed, see `killed_process`."""

import runpy

from tests.standin import ROOT

globals().update(runpy.run_path(str(ROOT / "gunicorn.conf.py")))


class worker_class(worker_class):  # noqa: N801, F821 - as Gunicorn calls it
    def load_wsgi(self):
        from pymongo import monitoring

        from tests.system.killed_process import Teller

        monitoring.register(Teller())
        super().load_wsgi()
