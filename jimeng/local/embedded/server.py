"""Base of the embedded MongoDB and Redis: a stable port, start and stop."""

import secrets
import shutil
import socket
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from jimeng.errors import ConfigError
from jimeng.local.embedded.child_process import Child
from jimeng.local.embedded.private_files import stored_secret

LOOPBACK = "127.0.0.1"
# Below the ephemeral range of outgoing connections, so that the port is rarely in use
# at the next run.
FIRST, COUNT = 20_000, 12_000


def is_free(port: int) -> bool:
    """Whether a server can listen on the loopback *port* now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def is_open(port: int, host: str = LOOPBACK) -> bool:
    """Whether *port* accepts connections; by default on the loopback address."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def stored_port(path: Path) -> int:
    """The port stored in *path*, or 0 if there is none."""
    try:
        port = int(path.read_text("ascii"))
    except (OSError, ValueError):
        return 0
    # Some programs refuse a port above 65535, others truncate it to 16 bits.
    return port if FIRST <= port <= 65_535 else 0


def choose_port(path: Path) -> int:
    """The port stored in *path*; a new one if there is none or it is in use."""
    port = stored_port(path)
    while not (port and is_free(port)):
        port = FIRST + secrets.randbelow(COUNT)
    return port


def store_port(path: Path) -> int:
    """Choose a port as `choose_port` does, and store it in *path*."""
    port = choose_port(path)
    path.write_text(f"{port}\n", "ascii")
    return port


ATTEMPTS = 3  # another process may take the chosen port first
POLL_INTERVAL_S = 0.02  # between checks of a starting server
LITTLE = 20  # MB of free disk space, below which errors mention it
LOG_LIMIT = 8_000_000  # bytes; a larger log is deleted at the next start


class Server:
    """
    A database server on its own loopback port.

    Args:
        data_dir: The directory of data, log and port; created if missing.
        inherited_fds: As in `Child`.
    """

    name = ""

    def __init__(
        self, data_dir: Path | str, *, inherited_fds: Sequence[int] = ()
    ) -> None:
        self.data_dir = Path(data_dir).resolve()
        self.port = 0
        self.child: Child | None = None
        self._inherited_fds = inherited_fds

    def command(self) -> list[str]:
        """The command line that serves `data_dir` on `port`."""
        raise NotImplementedError

    def answers(self) -> bool:
        """Whether this very server responds and accepts writes."""
        raise NotImplementedError

    @property
    def password(self) -> str:
        """A random password, stored in a private file."""
        return stored_secret(self.data_dir / "password")

    @property
    def log(self) -> Path:
        return self.data_dir / f"{self.name}.log"

    @property
    def port_file(self) -> Path:
        return self.data_dir / "port"

    def start(self, timeout: float = 30.0) -> None:
        """
        Start the server and wait until it is ready, for at most *timeout* seconds.

        The port is that of the previous run, unless another program uses it.

        Raises:
            ConfigError: the program was not found, exited, or did not become ready.
        """
        deadline = time.monotonic() + timeout
        for _ in range(ATTEMPTS):
            self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.port = choose_port(self.port_file)
            if self.port != stored_port(self.port_file):
                self.move(deadline)
            self.spawn()
            if self.await_ready(deadline):
                self.port_file.write_text(f"{self.port}\n", "ascii")
                return
            # It exited by itself with its port free: its stored data are the cause.
            ended = self.child and self.child.status() is not None
            if ended and is_free(self.port) and not self._free_space():
                self.begin_anew()
            self.stop()
        raise ConfigError(
            f"{self.name} did not start{self._free_space()}; its log is {self.log}"
        )

    def _free_space(self) -> str:
        free = shutil.disk_usage(self.data_dir).free // 2**20
        return f" with {free} MB of free disk space" if free < LITTLE else ""

    def begin_anew(self) -> None:
        """Move aside data that prevent the start, if they are expendable."""

    def move(self, deadline: float) -> None:
        """Prepare the data for serving on a new `port`."""

    def spawn(self) -> Child:
        """Start the process on the current port without waiting for it."""
        if self.log.is_file() and self.log.stat().st_size > LOG_LIMIT:
            self.log.unlink()
        return self.run(self.command())

    def run(self, command: list[str]) -> Child:
        self.child = Child(command, log=self.log, inherited_fds=self._inherited_fds)
        return self.child

    def await_ready(self, deadline: float) -> bool:
        """Wait for `answers` until *deadline*; False if it exited or timed out."""
        return self.await_true(self.answers, deadline)

    def await_true(self, is_true: Callable[[], bool], deadline: float) -> bool:
        while self.child and self.child.status() is None:
            if is_open(self.port) and is_true():
                return True
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_INTERVAL_S)
        return False

    def stop(self, stop_timeout_s: float = 15.0) -> None:
        """Stop it, by SIGKILL after *stop_timeout_s*; no effect if not started."""
        if self.child:
            self.child.stop(stop_timeout_s)
            self.child = None
