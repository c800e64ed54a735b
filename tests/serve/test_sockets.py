"""What is held in memory for clients is bounded; heads and bodies go out together."""

from dataclasses import dataclass

import gevent.socket
import pytest

from jimeng.serve.sockets import MAX_HELD_BYTES_PER_PEER, ClientSocket, HeldBytes

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"


@pytest.fixture
def link():
    """A socket that answers, and that of the client."""
    ours, client = gevent.socket.socketpair()
    with ClientSocket(ours, "", HeldBytes()) as answering, client:
        client.setblocking(False)
        yield answering, client


def test_head_goes_out_with_the_body(link):
    """One packet, and the client is woken once."""
    answering, client = link

    answering.sendall(HEAD)
    with pytest.raises(BlockingIOError):
        client.recv(100)
    answering.sendall(b"body")

    assert client.recv(100) == HEAD + b"body"


def test_head_of_an_answer_without_a_body_goes_out_in_the_end(link):
    """As to a request for the head alone."""
    answering, client = link

    answering.sendall(HEAD)
    answering.end_answer()

    assert client.recv(100) == HEAD


def test_head_of_a_stream_goes_out_at_once(link):
    """What follows may come much later."""
    answering, client = link
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

    answering.sendall(head)

    assert client.recv(100) == head


@dataclass(eq=False)
class Client:
    peer: str
    is_cut: bool = False

    def cut_off(self) -> None:
        self.is_cut = True


def test_oldest_of_who_holds_most_is_cut_off():
    """Of an address that holds more than its share, and of all together."""
    held, first, second = HeldBytes(), Client("a"), Client("a")
    held.change(first, MAX_HELD_BYTES_PER_PEER)
    assert not first.is_cut

    held.change(second, 1)

    assert (first.is_cut, second.is_cut) == (True, False)


def test_all_together_hold_no_more_than_twice_as_much():
    held, clients = HeldBytes(), [Client(peer) for peer in "abc"]
    for each in clients:
        held.change(each, MAX_HELD_BYTES_PER_PEER * 7 // 10)

    assert [each.is_cut for each in clients] == [True, False, False]


def test_what_is_given_back_counts_no_more():
    held = HeldBytes()
    for _ in range(3):
        one = Client("a")
        held.change(one, MAX_HELD_BYTES_PER_PEER)
        held.change(one, 0)

        assert not one.is_cut


def test_proxy_is_no_client():
    """Many are behind it."""
    held, first, second = HeldBytes(), Client(""), Client("")
    held.change(first, MAX_HELD_BYTES_PER_PEER)

    held.change(second, 1)

    assert not first.is_cut and not second.is_cut
