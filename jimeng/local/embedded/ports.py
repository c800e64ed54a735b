"""Loopback ports, chosen once and kept in a file."""

import secrets
import socket
from pathlib import Path

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


def kept_port(path: Path) -> int:
    """The port kept in the file *path*, or 0 if it holds none that we chose."""
    try:
        port = int(path.read_text("ascii"))
    except (OSError, ValueError):
        return 0
    # A greater one some programs refuse, and others take for what is left of it.
    return port if FIRST <= port <= 65_535 else 0


def choose_port(path: Path) -> int:
    """The port kept in the file *path*; another if there is none or it is taken."""
    port = kept_port(path)
    while not (port and is_free(port)):
        port = FIRST + secrets.randbelow(COUNT)
    return port


def keep_port(path: Path) -> int:
    """As `choose_port`, and keep it there."""
    port = choose_port(path)
    path.write_text(f"{port}\n", "ascii")
    return port
