"""A command in a process group of its own that does not outlive this process."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext, suppress
from pathlib import Path

PARENT_WATCH = Path(__file__).with_name("parent_watch.py")
KILL_TAKES = 3.0  # seconds at most for the kernel to clear a killed process away


class Child:
    """
    A running command under a parent watch (see ``parent_watch.py``).

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
            self._watch = subprocess.Popen(  # noqa: S603
                [sys.executable, "-I", "-S", str(PARENT_WATCH), fds, *command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT if output else None,
                env=env,
                pass_fds=hold,
                start_new_session=True,  # Ctrl-C is the parent's to hear
            )
        if self._watch.stdin is None:
            raise TypeError("a parent watch has a pipe")
        self._pipe = self._watch.stdin

    @property
    def pid(self) -> int:
        """The parent watch's process id, which is also the id of the child's group."""
        return self._watch.pid

    def status(self) -> int | None:
        """The exit status (128 + n after signal n), or None while it runs."""
        if self._watch.poll() is not None:
            self._sweep()
        return self._watch.returncode

    def signal(self, number: int) -> None:
        """Send SIGTERM or SIGHUP to the command; harmless when it has ended."""
        self._watch.send_signal(number)

    def stop(self, patience: float) -> int:
        """End it with SIGTERM, after *patience* seconds with SIGKILL; its status."""
        self.signal(signal.SIGTERM)
        try:
            self._watch.wait(patience)
        except subprocess.TimeoutExpired:
            return self.kill()
        self._sweep()
        return self._watch.returncode

    def kill(self) -> int:
        """
        End the whole group at once; its status.

        The parent watch does it and reaps the command, so that its ports and locks are
        free when this returns.
        """
        try:
            os.write(self._pipe.fileno(), b"k")
            self._watch.wait(KILL_TAKES)
        except (OSError, ValueError, subprocess.TimeoutExpired):
            self._kill_group()  # ended already, or the parent watch itself hangs
            self._watch.wait()
        self._sweep()
        return self._watch.returncode

    def _sweep(self) -> None:
        """Kill what the command left behind, such as a killed Gunicorn's workers."""
        if not self._pipe.closed:
            self._pipe.close()
            self._kill_group()

    def _kill_group(self) -> None:
        # Nobody may be left; macOS says that by PermissionError.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
