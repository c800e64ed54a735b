"""Players that have stopped reading: each costs a piece in memory, and no thread."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from jimeng.pictures.contents import PIECE_BYTES
from tests.browser import wall
from tests.hung_videos import hang_video, noise
from tests.serving import connect
from tests.system.stack import Stack

pytestmark = pytest.mark.system

PLAYERS = 200
SECONDS = 12  # of a video that is larger than what the system takes over from a process
TAKES = 65_536  # bytes that a paused player still takes


@pytest.fixture
def address(live_server) -> Iterator[str]:
    with wall.connected(live_server):
        yield hang_video(content=noise(SECONDS)).path


def worker_state(stack: Stack) -> tuple[int, int]:
    """Threads, and bytes of memory, of the process that answers."""
    children = Path(f"/proc/{stack.web.pid}/task/{stack.web.pid}/children")
    pid = int(children.read_text("ascii").split()[0])
    lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    found = dict(line.split(":", 1) for line in lines)
    return int(found["Threads"]), int(found["VmRSS"].split()[0]) * 1024


def play(port: int, path: str, n: int) -> socket.socket:
    """Ask as Chromium does, each from an address of its own, and read a little."""
    link = connect(port, receive=TAKES, of=f"127.0.{1 + n // 200}.{1 + n % 200}")
    head = f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nRange: bytes=0-\r\n\r\n"
    link.sendall(head.encode())
    assert b" 206 " in link.recv(1024)
    return link


def test_paused_players_hold_up_nobody(live_server, address):
    """Others are answered meanwhile, and whoever goes on gets the rest."""
    port = int(live_server.url.rpartition(":")[2])
    threads, bytes_before = worker_state(live_server)
    with ExitStack() as links:
        players = [links.enter_context(play(port, address, n)) for n in range(PLAYERS)]
        time.sleep(1)  # until all that can be sent is
        threads_now, bytes_now = worker_state(live_server)
        for _ in range(20):
            path = "/api/v1/ai/image/tasks?user_id=guest"
            assert live_server.ask("GET", path)[0] == 200

        got = len(players[-1].recv(TAKES))
        while got < 4 * PIECE_BYTES:
            got += len(players[-1].recv(TAKES))

    assert threads_now < threads + PLAYERS // 20  # the process may start a few others
    assert bytes_now - bytes_before < 1.5 * PLAYERS * PIECE_BYTES
