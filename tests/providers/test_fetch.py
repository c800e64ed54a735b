"""Fetching pictures: what is followed, what is refused, and when it ends."""

import socket

import pytest

from jimeng.providers.download import (
    FetchFailed,
    LinkGone,
    fetch_picture,
    is_public,
    public_addresses,
)
from tests.each import for_each

HERE = ("127.0.0.1",)


@pytest.fixture
def names(monkeypatch):
    """Let names have the addresses that a test gives them."""

    def resolve(**addresses):
        def getaddrinfo(host, port, *args, **kwargs):
            found = addresses.get(host.partition(".")[0], [host])
            return [
                (socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port))
                for each in found
            ]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    return resolve


def test_picture_arrives_whole(answering, answer_with):
    """The bytes are those that were sent."""
    server = answering(answer_with(200, bytes(range(256)) * 1000))

    content = fetch_picture(f"{server.url}/a%20b?x=1&y", allowed_private=HERE)

    assert content == bytes(range(256)) * 1000
    assert server.requests[0].startswith(b"GET /a%20b?x=1&y ")


@for_each("status", [403, 404, 410])
def test_ended_link_is_gone(answering, answer_with, status):
    """These answers stay: new links are needed."""
    server = answering(answer_with(status, b""))

    with pytest.raises(LinkGone) as caught:
        fetch_picture(server.url, allowed_private=HERE)

    assert (caught.value.code, caught.value.transient) == ("link_gone", False)


@for_each("status", [200, 206, 302, 400, 500, 503])
def test_anything_else_may_get_better(answering, answer_with, status):
    """An empty picture, a redirect, a failing server: try the link again."""
    body = b"" if status == 200 else b"x"
    server = answering(answer_with(status, body, f"Location: http://{HERE[0]}:1/"))

    with pytest.raises(FetchFailed) as caught:
        fetch_picture(server.url, allowed_private=HERE)

    assert (caught.value.code, caught.value.transient) == ("fetch_failed", True)
    assert len(server.requests) == 1


@for_each(
    "address", ["1.1.1.1", "2606:4700::1111", "64:ff9b::1.1.1.1", "::ffff:1.1.1.1"]
)
def test_addresses_that_are_public(address):
    """The internet stays reachable."""
    assert is_public(address)


@for_each(
    ("allowed", "is_allowed"),
    [
        (("inside.example",), True),
        (("inside.example:8080",), True),
        (("inside.example:9090",), False),
        (("example",), False),
        ((), False),
    ],
)
def test_permission_is_for_a_host_or_its_port(names, allowed, is_allowed):
    """A listed host may be private, on every port or on the listed one."""
    names(inside=["10.0.0.1"])

    if not is_allowed:
        with pytest.raises(FetchFailed):
            public_addresses("INSIDE.example", 8080, allowed)
        return
    assert public_addresses("INSIDE.example", 8080, allowed) == ["10.0.0.1"]


def test_second_address_stands_in_for_the_first(names, answering, answer_with):
    """An address that does not answer does not end the download."""
    server = answering(answer_with(200, b"picture"))
    names(pictures=["127.0.0.2", "127.0.0.1"])
    url = f"http://pictures.example:{server.port}/1"

    assert fetch_picture(url, allowed_private=["pictures.example"]) == b"picture"


def test_unknown_host_may_be_known_later(monkeypatch):
    """A name without an address is no reason to give a picture up."""

    def nowhere(*args, **kwargs):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)

    with pytest.raises(FetchFailed, match=r"no address for pictures\.example"):
        fetch_picture("https://pictures.example/1", allowed_private=())
