"""An embedded Redis (or Valkey): append-only, so that the queue survives a restart."""

import logging
import socket
from datetime import UTC, datetime

from jimeng.local.embedded.binaries import find_redis
from jimeng.local.embedded.private_files import write_private
from jimeng.local.embedded.server import LOOPBACK, Server

log = logging.getLogger(__name__)

APPEND_ONLY_DIR = "appendonlydir"


class Redis(Server):
    """
    A ``redis-server`` that serves *data_dir*; see `Server`.

    Its random password is stored in the same directory. Without a password, another
    user of this machine could read and write the queue, and another server on the port
    could be mistaken for this one.
    """

    name = "redis"

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@{LOOPBACK}:{self.port}/0"

    def command(self) -> list[str]:
        # In a file: arguments are visible to other users in the process list.
        settings = self.data_dir / "redis.conf"
        write_private(settings, f"requirepass {self.password}\n")
        return [
            *(find_redis(self.data_dir / "bin"), str(settings)),
            *("--port", str(self.port), "--bind", LOOPBACK),
            *("--dir", str(self.data_dir), "--appendonly", "yes", "--save", ""),
            *("--loglevel", "warning", "--daemonize", "no"),
        ]

    def answers(self) -> bool:
        """Whether this server responds; another one on the port fails to sign in."""
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=1) as link:
                link.sendall(f"AUTH {self.password}\r\nPING\r\nQUIT\r\n".encode())
                with link.makefile("rb") as answers:
                    return answers.read().startswith(b"+OK\r\n+PONG\r\n")
        except OSError:
            return False

    def begin_anew(self) -> None:
        """Move the files aside, for an empty queue: due jobs are in MongoDB."""
        directory = self.data_dir / APPEND_ONLY_DIR
        if not directory.exists():
            return
        aside = directory.with_name(
            f"{APPEND_ONLY_DIR}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
        )
        directory.rename(aside)
        log.warning("redis did not start on its files, begins empty; see %s", aside)
