"""A command in a process group of its own that does not outlive this process."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext, suppress
from pathlib import Path

LEASH = Path(__file__).with_name("leash.py")
KILL_TAKES = 3.0  # seconds at most for the kernel to clear a killed process away


class Child:
    """
    A running command on a leash (see ``leash.py``).

    Args:
        command: The program, found on ``PATH``, and its arguments.
        env: Its whole environment; by default that of this process.
        log: A file for what it prints, appended to; by default it prints where
            this process does.
        hold: Descriptors kept open until nothing of the child is left.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        log: Path | None = None,
        hold: Sequence[int] = (),
    ) -> None:
        fds = ",".join(map(str, hold))
        with open(log, "ab") if log else nullcontext() as output:
            # No shell; the words are our own.
            self._leash = subprocess.Popen(  # noqa: S603
                [sys.executable, "-I", "-S", str(LEASH), fds, *command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT if output else None,
                env=env,
                pass_fds=hold,
                start_new_session=True,  # Ctrl-C is the parent's to hear
            )
        if self._leash.stdin is None:
            raise TypeError("a leash has a pipe")
        self._pipe = self._leash.stdin

    @property
    def pid(self) -> int:
        """The leash's process id, which is also the id of the child's group."""
        return self._leash.pid

    def status(self) -> int | None:
        """The exit status (128 + n after signal n), or None while it runs."""
        if self._leash.poll() is not None:
            self._sweep()
        return self._leash.returncode

    def signal(self, number: int) -> None:
        """Send SIGTERM or SIGHUP to the command; harmless when it has ended."""
        self._leash.send_signal(number)

    def stop(self, patience: float) -> int:
        """End it with SIGTERM, after *patience* seconds with SIGKILL; its status."""
        self.signal(signal.SIGTERM)
        try:
            self._leash.wait(patience)
        except subprocess.TimeoutExpired:
            return self.kill()
        self._sweep()
        return self._leash.returncode

    def kill(self) -> int:
        """
        End the whole group at once; its status.

        The leash does it and reaps the command, so that its ports and locks are
        free when this returns.
        """
        try:
            os.write(self._pipe.fileno(), b"k")
            self._leash.wait(KILL_TAKES)
        except (OSError, ValueError, subprocess.TimeoutExpired):
            self._kill_group()  # ended already, or the leash itself hangs
            self._leash.wait()
        self._sweep()
        return self._leash.returncode

    def _sweep(self) -> None:
        """Kill what the command left behind, such as a killed Gunicorn's workers."""
        if not self._pipe.closed:
            self._pipe.close()
            self._kill_group()

    def _kill_group(self) -> None:
        # Nobody may be left; macOS says that by PermissionError.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
