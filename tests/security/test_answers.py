"""Answers of the image service that are small to send and large to read."""

import gzip
import tracemalloc

import pytest

from jimeng.errors import ProviderError
from jimeng.providers import ImageRequest
from jimeng.providers.ark import ArkProvider
from jimeng.providers.transport import parse
from jimeng.providers.visual import VisualProvider

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
MB = 1024 * 1024
FOX = ImageRequest("jimeng_t2i_v30", "a fox", 1328, 1328, 7)
# The parts of 60 MB of text: what is repeated, how often, and the end.
BOMBS = {
    "lists": (b"[],", 20 * MB, b"[]]"),
    "objects": (b"{},", 20 * MB, b"{}]"),
    "numbers": (b"1,", 30 * MB, b"1]"),
    "nested": (b"[", 60 * MB, b""),
}


@pytest.fixture
def bomb(request) -> bytes:
    """Made where it is looked at: all of them at once are 240 MB."""
    part, times, end = BOMBS[getattr(request, "param", "lists")]
    return b"[" + part * times + end


def visual(port: int) -> VisualProvider:
    return VisualProvider("ak", "sk", endpoint=f"http://127.0.0.1:{port}")


def zipped(body: bytes) -> bytes:
    packed = gzip.compress(body, 9)
    head = HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
    return head % len(packed) + packed


@pytest.fixture
def memory():
    tracemalloc.start()
    yield lambda: tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()


@pytest.mark.parametrize("bomb", BOMBS, indirect=True)
def test_answer_of_nothing_but_brackets_is_not_read(bomb, memory):
    """61 kB as they are sent, 64 MB as text; as objects 1.6 GB."""
    with pytest.raises(ValueError):
        parse(bomb)

    assert memory() < MB


def test_poll_of_a_bomb_takes_what_its_text_takes(serve, bomb, memory):
    """It is a failed look, like any answer that is not JSON."""
    server = serve(zipped(bomb))

    with pytest.raises(ProviderError) as caught:
        visual(server.port).poll("12", FOX)

    assert caught.value.transient
    assert memory() < 3 * len(bomb)


def test_large_picture_within_an_answer_is_read():
    """One long word is no bomb."""
    body = b'{"data": {"binary_data_base64": ["' + b"A" * 40 * MB + b'"]}}'

    assert len(parse(body)["data"]["binary_data_base64"][0]) == 40 * MB


def test_answer_without_a_picture_is_short(serve, memory):
    """
    To a submission that is only the task's name, and to the question whether a key is
    good less: nothing more is read of it.
    """
    server = serve(HEAD + b"\r\n", bytes(65536))
    ark = ArkProvider("key", base_url=f"http://127.0.0.1:{server.port}")

    with pytest.raises(ProviderError) as caught:
        visual(server.port).submit(FOX)
    with pytest.raises(ProviderError):
        ark.check("doubao-seedream-4-0-250828")

    assert caught.value.maybe_accepted
    assert memory() < 8 * MB
