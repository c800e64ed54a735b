"""
What computes for long in a web process, and how long others wait beside it.

There is one process here: with two the other would answer half of the time.
"""

import base64
import http.client
import secrets
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from PIL import Image

from jimeng.config import Config
from jimeng.pictures import inspect
from tests.bench.load import send
from tests.bench.requests import CREATE, sign_up
from tests.bench.rows import Row, Site
from tests.bench.started import started
from tests.given_pictures import encoded
from tests.hung import hang
from tests.waiting import meanwhile, wait_for

GOAL_MS = 150
SIGN_INS = 24
PASSWORD = "a horse that nobody knows"
ARCHIVED = 40  # pictures of 3 MB
SIDE = 8000  # pixels
LARGE_BYTES = 15 * 1024 * 1024
CHUNK_BYTES = 1_000_000  # in chunks of one byte


def rows(site: Site) -> Iterator[Row]:
    name = {"MONGODB_DATABASE": "bench_beside"}
    key = sign_up(Config(MONGODB_URI=site.mongodb_uri, **name), PASSWORD)
    noise = Image.effect_noise((1800, 1700), 100)
    hang(*map(str, range(ARCHIVED)), picture=inspect(encoded(noise, "PNG")))
    closed = {**name, "AUTH": "on", "SECRET_KEY": secrets.token_hex(32)}
    photo = encoded(noise.resize((SIDE, SIDE)), "JPEG")
    with started(site, workers=1, **closed) as port:
        yield row(port, f"{SIGN_INS} sign-ins at once", lambda: sign_in(port))
        mine = {"Authorization": f"Bearer {key}"}
        yield row(
            port,
            f"2 uploads of a photograph of {SIDE}×{SIDE}",
            lambda: together(2, lambda _: upload(port, photo, mine), 2),
        )
        yield row(
            port, "a JSON body of 15 MiB", lambda: post_json(port, LARGE_BYTES, mine)
        )
        yield row(port, "a megabyte in chunks of one byte", lambda: post_chunks(port))
    with started(site, workers=1, **name) as port:
        what = f"an archive of {ARCHIVED} pictures of 3 MB"
        yield row(port, what, lambda: send(port, "GET", "/account/export").status)


def row(port: int, what: str, work: Callable[[], object]) -> Row:
    waits, told = beside(port, work)
    found = (
        f"**{waits[-1]:.0f} ms** at most, p95 {waits[len(waits) * 95 // 100]:.0f} ms"
    )
    return Row(f"GET beside {what}", found, f"{told}", f"{GOAL_MS} ms")


def beside(port: int, work: Callable[[], object]) -> tuple[list[float], object]:
    """How many ms each small request took while *work* went on, in order of size."""
    took: list[float] = []
    link = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def ask() -> None:
        began = time.monotonic()
        link.request("GET", "/health")
        link.getresponse().read()
        took.append(1000 * (time.monotonic() - began))

    with closing(link), meanwhile(ask, 0.005):
        time.sleep(0.2)
        told = work()
        wait_for(lambda: len(took) >= 20)
    return sorted(took), told


def together(times: int, act: Callable[[int], object], threads: int) -> str:
    """What that many calls gave, on so many threads."""
    with ThreadPoolExecutor(threads) as pool:
        found = Counter(pool.map(act, range(times)))
    return ", ".join(f"{times} × {each}" for each, times in found.items())


def post(port: int, path: str, body: bytes, kind: str, **mine: str) -> int:
    """The status."""
    return send(port, "POST", path, body, {"Content-Type": kind, **mine}).status


def sign_in(port: int) -> str:
    form = f"email=bench@example.com&password={PASSWORD.replace(' ', '+')}".encode()
    kind = "application/x-www-form-urlencoded"
    return together(SIGN_INS, lambda _: post(port, "/sign-in", form, kind), SIGN_INS)


def upload(port: int, photo: bytes, mine: dict[str, str]) -> int:
    name = b'Content-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
    body = b"--b\r\n" + name + photo + b"\r\n--b--\r\n"
    kind = "multipart/form-data; boundary=b"
    return post(port, "/api/v1/uploads", body, kind, **mine)


def post_json(port: int, size: int, mine: dict[str, str]) -> int:
    picture = base64.b64encode(secrets.token_bytes(size * 3 // 4))
    body = b'{"prompt":"x","images":["data:image/png;base64,' + picture + b'"]}'
    return post(port, CREATE, body, "application/json", **mine)


def post_chunks(port: int) -> str:
    head = b"POST /api/v1/ai/image/task HTTP/1.1\r\nHost: localhost\r\n"
    with socket.create_connection(("127.0.0.1", port), 60) as link:
        try:
            link.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n")
            link.sendall(b"1\r\nx\r\n" * CHUNK_BYTES + b"0\r\n\r\n")
        except OSError:
            pass  # refused before all was sent
        try:
            return link.recv(12).decode()
        except OSError:
            return "cut off"
