"""An answer on its way out."""

import socket

import pytest

from jimeng.serve.outgoing import Held, PatientSocket


@pytest.fixture
def link():
    """A socket that answers, and that of the client."""
    ours, client = socket.socketpair()
    client.setblocking(False)
    with PatientSocket(ours, "", Held(by_peer=False)) as answering, client:
        yield answering, client


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"


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
    answering.flush()

    assert client.recv(100) == HEAD


def test_head_of_a_stream_goes_out_at_once(link):
    """What follows may come much later."""
    answering, client = link
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

    answering.sendall(head)

    assert client.recv(100) == head
