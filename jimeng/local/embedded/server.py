"""What the embedded MongoDB and Redis share: a port that is stored, and the start."""

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
# Below the range from which systems take the ports of outgoing connections, so
# that a port is rarely taken by chance between two runs.
FIRST, COUNT = 20_000, 12_000


def is_free(port: int) -> bool:
    """Whether a server could listen on the loopback *port* now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def is_open(port: int, host: str = LOOPBACK) -> bool:
    """Whether something answers there; by default on the loopback."""
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
    # A greater one some programs refuse, and others take for what is left of it.
    return port if FIRST <= port <= 65_535 else 0


def choose_port(path: Path) -> int:
    """The port stored in *path*; a new one if there is none or it is in use."""
    port = stored_port(path)
    while not (port and is_free(port)):
        port = FIRST + secrets.randbelow(COUNT)
    return port


def store_port(path: Path) -> int:
    """As `choose_port`, and keep it there."""
    port = choose_port(path)
    path.write_text(f"{port}\n", "ascii")
    return port


ATTEMPTS = 3  # another process may take the chosen port first
POLL_INTERVAL_S = 0.02  # seconds between two looks at a starting server
LITTLE = 20  # MB
LOG_LIMIT = 8_000_000  # bytes; a longer log is begun anew at the next start


class Server:
    """
    A database server on a loopback port of its own.

    Args:
        data_dir: Holds data, log and port; made if it is not there.
        hold: As for `Child`.
    """

    name = ""

    def __init__(self, data_dir: Path | str, *, hold: Sequence[int] = ()) -> None:
        self.data_dir = Path(data_dir).resolve()
        self.port = 0
        self.child: Child | None = None
        self._hold = hold

    def command(self) -> list[str]:
        """The command line that serves `data_dir` on `port`."""
        raise NotImplementedError

    def answers(self) -> bool:
        """Whether it is this server that answers, and can be written to."""
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
        Start it and return when it can be used, after at most *timeout* seconds.

        The port is that of the last time unless something else has taken it.

        Raises:
            ConfigError: no program was found, or it ended or hung at the start.
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
            # Ended by itself, and not for want of its port: by what it has kept.
            ended = self.child and self.child.status() is not None
            if ended and is_free(self.port) and not self._room():
                self.begin_anew()
            self.stop()
        raise ConfigError(
            f"{self.name} did not start{self._room()}; its log is {self.log}"
        )

    def _room(self) -> str:
        free = shutil.disk_usage(self.data_dir).free // 2**20
        return f" with {free} MB of disk left" if free < LITTLE else ""

    def begin_anew(self) -> None:
        """Put aside what it does not start on, if that may be lost."""

    def move(self, deadline: float) -> None:
        """Do what it takes before serving on a `port` that was not there before."""

    def spawn(self) -> Child:
        """Start the process on the present port and do not wait for it."""
        if self.log.is_file() and self.log.stat().st_size > LOG_LIMIT:
            self.log.unlink()
        return self.run(self.command())

    def run(self, command: list[str]) -> Child:
        self.child = Child(command, log=self.log, hold=self._hold)
        return self.child

    def await_ready(self, deadline: float) -> bool:
        """Wait for `answers` until *deadline*; False if it ended or never came."""
        return self.await_true(self.answers, deadline)

    def await_true(self, is_true: Callable[[], bool], deadline: float) -> bool:
        while self.child and self.child.status() is None:
            if is_open(self.port) and is_true():
                return True
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_INTERVAL_S)
        return False

    def stop(self, patience: float = 15.0) -> None:
        """End it, by force after *patience* seconds; harmless when not started."""
        if self.child:
            self.child.stop(patience)
            self.child = None
