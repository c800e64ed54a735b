"""An embedded Redis (or Valkey): append-only, so that the queue outlives a restart."""

import os
import socket

from jimeng.local.embedded.binaries import find_redis
from jimeng.local.embedded.ports import LOOPBACK
from jimeng.local.embedded.server import Server


class Redis(Server):
    """A ``redis-server`` that serves *data_dir*; see `Server`."""

    name = "redis"

    @property
    def url(self) -> str:
        return f"redis://{LOOPBACK}:{self.port}/0"

    def command(self) -> list[str]:
        return [
            find_redis(self.data_dir / "bin"),
            *("--port", str(self.port), "--bind", LOOPBACK),
            *("--dir", str(self.data_dir), "--appendonly", "yes", "--save", ""),
            *("--loglevel", "warning", "--daemonize", "no"),
        ]

    def answers(self) -> bool:
        """Ask for its directory too: two processes may have chosen one port."""
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=1) as link:
                link.sendall(b"PING\r\nCONFIG GET dir\r\nQUIT\r\n")
                with link.makefile("rb") as answers:
                    lines = answers.read().split(b"\r\n")
        except OSError:
            return False
        return lines[0] == b"+PONG" and os.fsencode(self.data_dir) in lines
