"""Gunicorn's master, without what goes wrong in it while workers start."""

from jimeng.serve import libraries

if __name__ == "__main__":
    libraries.load()  # first of all

import signal  # noqa: E402

from gunicorn.app import base, wsgiapp  # noqa: E402
from gunicorn.arbiter import Arbiter  # noqa: E402
from gunicorn.errors import HaltServer  # noqa: E402


class Master(Arbiter):
    """
    Ends with the status of the worker that refused first, and loses no signal.

    In Gunicorn's own the refusal of a second worker breaks off the stopping for the
    first, with a traceback and a status of its own. And a worker that is told to stop
    before it listens to signals never learns of it, and is waited for in vain: here
    it is told again whenever the master looks whether it has ended.
    """

    _is_halting = False

    def halt(self, reason: str | None = None, exit_status: int = 0) -> None:
        self._is_halting = True
        super().halt(reason, exit_status)

    def reap_workers(self) -> None:
        if self._is_halting:
            self.kill_workers(signal.SIGTERM)
        try:
            super().reap_workers()
        except HaltServer:
            if not self._is_halting:
                raise


if __name__ == "__main__":
    base.Arbiter = Master  # which Gunicorn has no setting for
    wsgiapp.run(prog="gunicorn")
