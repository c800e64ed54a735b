"""Long answers: one client has a few at a time, before a proxy and behind it."""

import random
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import pytest
from PIL import Image

from jimeng.pictures import inspect
from jimeng.web.gallery import downloads
from jimeng.web.gallery.downloads import MAX_DOWNLOADS, MAX_PER_PRINCIPAL, RETRY_AFTER_S
from tests.given_pictures import encoded
from tests.hung import hang
from tests.proxy import before
from tests.serving import connect, product, read_all
from tests.waiting import wait_for

EXPORT = "/account/export"
ASK = f"GET {EXPORT} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()


def noise() -> bytes:
    """A picture of 3 MB, which nothing makes smaller."""
    pixels = random.Random(7).randbytes(3_000_000)
    picture = Image.frombytes("RGB", (1000, 1000), pixels)
    return encoded(picture, "PNG", compress_level=0)


@pytest.fixture
def served(client, config, tmp_path):
    """The product in a process of its own, with as many proxies before it, and more
    pictures than is held for a client that does not read."""
    hang(*(f"{n}" for n in range(12)), picture=inspect(noise()))

    @contextmanager
    def serve(proxies: int) -> Iterator[int]:
        env = {"AUTH": "off", "ALLOW_OPEN_ACCESS": "1", "TRUSTED_PROXIES": str(proxies)}
        with product(config, tmp_path, **env) as port:
            yield port

    return serve


def ask(port: int, of: str = "127.0.0.1") -> socket.socket:
    """A connection from the address *of* that has asked for everything."""
    link = connect(port, of=of)
    link.sendall(ASK)
    return link


def status(link: socket.socket) -> int:
    return int(link.recv(13, socket.MSG_WAITALL)[9:12])


def test_one_person_has_a_few(client):
    """The next is told to come again; what is closed makes room; heads take none."""
    for _ in range(2 * MAX_PER_PRINCIPAL):
        with client.head(EXPORT) as answer:
            assert answer.status_code == 200
    hang("一")
    first, second = (client.get(EXPORT) for _ in range(MAX_PER_PRINCIPAL))

    answer = client.get(EXPORT)

    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == str(RETRY_AFTER_S)
    assert "压缩包" in answer.text
    second.close()
    with client.get(EXPORT) as again:
        assert again.status_code == 200
    first.close()


def test_all_have_a_few(client):
    """Many persons do not take every thread."""
    hang("一")
    with ExitStack() as held:
        for n in range(MAX_DOWNLOADS):
            held.enter_context(downloads._slots.acquire(f"user{n}"))
        assert client.get(EXPORT).status_code == 429

    with client.get(EXPORT) as answer:
        assert answer.status_code == 200


@pytest.mark.system
def test_who_does_not_read_has_a_few_streams(served):
    """Without a proxy: the third is refused at once, another address is not."""
    with served(0) as port, ExitStack() as links:
        mine = [links.enter_context(ask(port)) for _ in range(MAX_PER_PRINCIPAL)]
        assert [status(link) for link in mine] == [200, 200]

        with ask(port) as third, ask(port, "127.0.0.2") as others:
            assert (status(third), status(others)) == (429, 200)

        mine[0].close()

        def is_let_in() -> bool:
            with ask(port) as again:
                return status(again) == 200

        wait_for(is_let_in)


@pytest.mark.system
def test_many_at_once_by_a_proxy_are_refused(served, tmp_path):
    """It reads fast, so those that are let in come whole; the others are told."""
    folder = tmp_path / "nginx"
    folder.mkdir()

    def are_some_told() -> bool:
        with ExitStack() as links, ThreadPoolExecutor(5) as threads:
            asked = [links.enter_context(ask(port)) for _ in range(4)]
            asked.append(links.enter_context(ask(port, "127.0.0.2")))
            *mine, his = threads.map(read_all, asked)
        let_in = [each for each in mine if each.startswith(b"HTTP/1.1 200 ")]
        told = [each for each in mine if each.startswith(b"HTTP/1.1 429 ")]
        assert len(told) + len(let_in) == 4
        assert his.startswith(b"HTTP/1.1 200 ")
        for answer in (*let_in, his):
            assert answer.endswith(b"0\r\n\r\n") and len(answer) > 36_000_000
        return bool(told and let_in)

    with served(1) as behind, before(behind, folder) as port:
        wait_for(are_some_told, what="four come at once, and not one after the other")
