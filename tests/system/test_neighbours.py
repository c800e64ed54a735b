"""One user sends all that a server takes; another, beside them, does not notice."""

import http.client
import io
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from PIL import Image as Pillow
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from tests.page import POST
from tests.system import people
from tests.system.people import Account
from tests.system.stack import Stack

pytestmark = pytest.mark.system

AT_ONCE = 8  # connections of the greedy one
ROUNDS = 10
PAUSE = 0.5  # seconds after which it comes again: sooner than it is told to


@pytest.fixture(scope="module")
def stack(own_stack) -> Iterator[Stack]:
    with own_stack("neighbours", **people.SIGN_IN) as made:
        made.start_consumer()
        made.await_ready()
        yield made


@pytest.fixture(scope="module")
def greedy(stack: Stack) -> Account:
    people.make(stack, "root@example.com", role="admin")
    return people.make(stack, "greedy@example.com")


@pytest.fixture(scope="module")
def polite(stack: Stack, greedy: Account) -> Account:
    return people.make(stack, "polite@example.com")


def photograph(side: int, quality: int = 90) -> bytes:
    """As large in bytes as those of cameras are."""
    grain = Pillow.effect_noise((side, side // 4), 60).resize((side, side))
    out = io.BytesIO()
    Pillow.merge("RGB", [grain] * 3).save(out, "JPEG", quality=quality)
    return out.getvalue()


def filled() -> bytes:
    """Fifteen megabytes of which fourteen are no picture."""
    photo = photograph(400)
    return photo[:2] + b"\xff" * 15_000_000 + photo[2:]


def form(**fields: object) -> tuple[bytes, str]:
    boundary, body = encode_multipart(fields)
    return body, f"multipart/form-data; boundary={boundary}"


def post(stack: Stack, path: str, body: bytes, **headers: str) -> int:
    link = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=60)
    try:
        link.request("POST", path, body, headers)
        return link.getresponse().status
    finally:
        link.close()


def upload(stack: Stack, who: Account, content: bytes) -> int:
    body, kind = form(file=FileStorage(io.BytesIO(content), filename="a.jpg"))
    bearer = {"Authorization": f"Bearer {who.key}", "Content-Type": kind}
    return post(stack, "/api/v1/uploads", body, **bearer)


def send_form(stack: Stack, who: Account, number: int) -> int:
    """The page's own form, which is one of several parts, without a file."""
    body, kind = form(prompt=f"a cat {number}", files=FileStorage(filename=""))
    cookie = {"Cookie": f"session={who.cookies['session']}", "Content-Type": kind}
    return post(stack, "/tasks", body, **cookie, **POST)


@contextmanager
def uploading(stack: Stack, who: Account, content: bytes) -> Iterator[None]:
    """Inside, *who* sends it on all connections."""
    stop = threading.Event()

    def go_on() -> None:
        while not stop.is_set():
            with suppress(OSError):
                status = upload(stack, who, content)
                stop.wait(PAUSE if status == 503 else 0)

    threads = [threading.Thread(target=go_on) for _ in range(AT_ONCE)]
    for each in threads:
        each.start()
    try:
        time.sleep(2)  # by then all that they hold is held
        yield
    finally:
        stop.set()
        for each in threads:
            each.join()


@pytest.mark.parametrize("content", [filled, lambda: photograph(6000, 50)])
def test_upload_and_form_succeed_beside_a_greedy_user(stack, greedy, polite, content):
    """Places and the decoder are shared out by user; a form alone needs neither."""
    mine, found = photograph(1600), Counter[int]()
    assert len(mine) > 1024 * 1024

    with uploading(stack, greedy, content()):
        for number in range(ROUNDS):
            found[upload(stack, polite, mine)] += 1
            found[send_form(stack, polite, number)] += 1

    assert found == {201: ROUNDS, 303: ROUNDS}
