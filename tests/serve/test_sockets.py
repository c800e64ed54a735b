"""Sockets of the web server: bounded memory, heads with bodies, and gevent alone."""

import subprocess
import sys
from dataclasses import dataclass

import gevent.socket
import pytest

from jimeng.serve.sockets import (
    MAX_BUFFERED_BYTES_PER_PEER,
    BufferedBytes,
    ClientSocket,
)
from tests.serving import ask, front

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"


@pytest.fixture
def link():
    """A socket that answers, and that of the client."""
    ours, client = gevent.socket.socketpair()
    with ClientSocket(ours, "", BufferedBytes()) as answering, client:
        client.setblocking(False)
        yield answering, client


def test_head_goes_out_with_the_body(link):
    """One packet, and the client is woken once. Without a body it goes out in the end,
    as to a request for the head alone; of a stream at once: the rest may take long."""
    answering, client = link

    answering.sendall(HEAD)
    with pytest.raises(BlockingIOError):
        client.recv(100)
    answering.sendall(b"body")
    assert client.recv(100) == HEAD + b"body"

    answering.sendall(HEAD)
    answering.end_answer()
    assert client.recv(100) == HEAD

    stream = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    answering.sendall(stream)
    assert client.recv(100) == stream


@dataclass(eq=False)
class Client:
    peer: str
    is_cut: bool = False

    def cut_off(self) -> None:
        self.is_cut = True


@pytest.mark.parametrize("peer", ["a", ""], ids=["client", "proxy"])
def test_oldest_of_an_address_that_holds_more_than_its_share_is_cut_off(peer):
    """But not of a proxy: many are behind it."""
    held, first, second = BufferedBytes(), Client(peer), Client(peer)
    held.change(first, MAX_BUFFERED_BYTES_PER_PEER)
    assert not first.is_cut

    held.change(second, 1)

    assert (first.is_cut, second.is_cut) == (bool(peer), False)


def test_all_together_hold_no_more_than_twice_as_much():
    """What is given back counts no more."""
    held, full = BufferedBytes(), [Client("a"), Client("b")]
    for _ in range(3):
        for each in full:
            held.change(each, MAX_BUFFERED_BYTES_PER_PEER)
        assert not any(each.is_cut for each in full)
        for each in full:
            held.change(each, 0)

    clients = [Client(peer) for peer in "abc"]
    for each in clients:
        held.change(each, MAX_BUFFERED_BYTES_PER_PEER * 7 // 10)

    assert [each.is_cut for each in clients] == [True, False, False]


SAYS = """
import threading
from gevent import monkey

def app(environ, start_response):
    said = [monkey.is_module_patched(name) for name in ("socket", "threading", "time")]
    said.append("gevent" in type(threading.Lock()).__module__)
    start_response("200 OK", [("Content-Length", str(len(str(said))))])
    return [str(said).encode()]
"""
UNPATCHED = (
    *("jimeng.serve.consumer", "wsgi", "jimeng.local.supervisor"),
    *("jimeng.serve.master", "jimeng.serve.worker"),  # which tests import
)


@pytest.mark.system
def test_web_runs_on_gevent(tmp_path):
    """Where a lock were the system's, one request could stop all others for good."""
    with front(tmp_path, "--workers", "1", app=SAYS) as port:
        assert ask(port).endswith(b"[True, True, True, True]")


def test_nothing_else_does():
    """Consumers have threads, which compute beside each other."""
    lines = ["from gevent.monkey import is_anything_patched"]
    for module in UNPATCHED:
        lines += [f"import {module}", f"assert not is_anything_patched(), {module!r}"]
    env = {"AUTH": "off", "ALLOW_OPEN_ACCESS": "1", "PYTHONPATH": "."}

    subprocess.run([sys.executable, "-c", "\n".join(lines)], env=env, check=True)
