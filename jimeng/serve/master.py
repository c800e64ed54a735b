"""Gunicorn's master, with fixes for errors while workers start."""

from jimeng.serve import libraries

if __name__ == "__main__":
    libraries.load()  # first of all

import signal  # noqa: E402

from gunicorn.app import base, wsgiapp  # noqa: E402
from gunicorn.arbiter import Arbiter  # noqa: E402
from gunicorn.errors import HaltServer  # noqa: E402


class Master(Arbiter):
    """
    Exit with the status of the first worker that failed to boot, and lose no signal.

    In Gunicorn's own master, a second worker that fails to boot aborts the shutdown for
    the first, with a traceback and another status. And a worker that is signalled
    before it has installed its handlers never stops, and is waited for in vain: here it
    is signalled again whenever the master reaps workers.
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
    base.Arbiter = Master  # Gunicorn has no setting for it
    wsgiapp.run(prog="gunicorn")
