"""A child process in its own process group that does not outlive this process."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext, suppress
from pathlib import Path

PARENT_WATCH = Path(__file__).with_name("parent_watch.py")
KILL_TAKES = 3.0  # seconds in which the kernel removes a killed process


class Child:
    """
    A running command under a parent watch (see ``parent_watch.py``).

    Args:
        command: The program, found on ``PATH``, and its arguments.
        env: Its whole environment; by default inherited from this process.
        log: A file to which its output is appended; by default, it shares this
            process's output.
        inherited_fds: Descriptors open until all processes of the child have exited.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        log: Path | None = None,
        inherited_fds: Sequence[int] = (),
    ) -> None:
        fds = ",".join(map(str, inherited_fds))
        with open(log, "ab") if log else nullcontext() as output:
            # No shell, and no external input in the arguments.
            self._watch = subprocess.Popen(  # noqa: S603
                [sys.executable, "-I", "-S", str(PARENT_WATCH), fds, *command],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT if output else None,
                env=env,
                pass_fds=inherited_fds,
                start_new_session=True,  # only the parent handles Ctrl-C
            )
        if self._watch.stdin is None:
            raise TypeError("a parent watch has a pipe")
        self._pipe = self._watch.stdin

    @property
    def pid(self) -> int:
        """The process id of the parent watch, which is also the process group id."""
        return self._watch.pid

    def status(self) -> int | None:
        """The exit status (128 + n after signal n); None while it runs."""
        if self._watch.poll() is not None:
            self._sweep()
        return self._watch.returncode

    def signal(self, number: int) -> None:
        """Send SIGTERM or SIGHUP to the command; no effect after it has exited."""
        self._watch.send_signal(number)

    def stop(self, stop_timeout_s: float) -> int:
        """Send SIGTERM, and SIGKILL after *stop_timeout_s*; return the status."""
        self.signal(signal.SIGTERM)
        try:
            self._watch.wait(stop_timeout_s)
        except subprocess.TimeoutExpired:
            return self.kill()
        self._sweep()
        return self._watch.returncode

    def kill(self) -> int:
        """
        Kill the whole process group immediately; return the exit status.

        The parent watch sends the signal and reaps the command, so its ports and locks
        are free when this returns.
        """
        try:
            os.write(self._pipe.fileno(), b"k")
            self._watch.wait(KILL_TAKES)
        except (OSError, ValueError, subprocess.TimeoutExpired):
            self._kill_group()  # already exited, or the parent watch hangs
            self._watch.wait()
        self._sweep()
        return self._watch.returncode

    def _sweep(self) -> None:
        """Kill remaining processes, such as the workers of a killed Gunicorn."""
        if not self._pipe.closed:
            self._pipe.close()
            self._kill_group()

    def _kill_group(self) -> None:
        # The group may be empty, for which macOS raises PermissionError.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
