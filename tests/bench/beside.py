"""
What computes for long in a web process, and how long others wait beside it.

There is one process here: with two the other would answer half of the time.
"""

import base64
import http.client
import io
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

from PIL import Image

from app import create_app
from jimeng import accounts
from jimeng.accounts import users
from jimeng.config import Config
from jimeng.documents.principal import Principal
from jimeng.pictures import inspect
from tests.bench.load import send
from tests.bench.rows import Row, Site
from tests.bench.started import started
from tests.hung import hang

GOAL_MS = 150
SIGN_INS = 24
PASSWORD = "a horse that nobody knows"
ARCHIVED = 40  # pictures of 3 MB
SIDE = 8000  # pixels
LARGE_BYTES = 15 * 1024 * 1024
CHUNK_BYTES = 1_000_000  # in chunks of one byte


def rows(site: Site) -> Iterator[Row]:
    database = "bench_beside"
    app = create_app(
        Config(
            MONGODB_URI=site.mongodb_uri,
            MONGODB_DATABASE=database,
            REDIS_URL=site.redis_url,
            AUTH="off",
        )
    )
    root = Principal("root", is_operator=True)
    with app.app_context():
        user = users.create(root, email="bench@example.com", name="bench")
        accounts.accept(accounts.invite(root, user.id), PASSWORD)
        _, key = accounts.create_key(root, user.id, name="b", scopes=["read", "write"])
        noise = Image.effect_noise((1800, 1700), 100)
        hang(*map(str, range(ARCHIVED)), picture=inspect(encoded(noise, "PNG")))
    open_settings = {"MONGODB_DATABASE": database}
    closed = {**open_settings, "AUTH": "on", "SECRET_KEY": secrets.token_hex(32)}
    photo = encoded(noise.resize((SIDE, SIDE)), "JPEG")
    how = site.mongodb_uri, site.redis_url
    with started(*how, workers=1, **closed) as port:
        yield row(port, f"{SIGN_INS} sign-ins at once", lambda: sign_in(port))
        mine = {"Authorization": f"Bearer {key}"}
        yield row(
            port,
            f"2 uploads of a photograph of {SIDE}×{SIDE}",
            lambda: together(2, lambda _: upload(port, photo, mine)),
        )
        yield row(
            port, "a JSON body of 15 MiB", lambda: post_json(port, LARGE_BYTES, mine)
        )
        yield row(port, "a megabyte in chunks of one byte", lambda: post_chunks(port))
    with started(*how, workers=1, **open_settings) as port:
        what = f"an archive of {ARCHIVED} pictures of 3 MB"
        yield row(port, what, lambda: request(port, "GET", "/account/export"))


def row(port: int, what: str, work: Callable[[], object]) -> Row:
    waits, told = beside(port, work)
    found = (
        f"**{waits[-1]:.0f} ms** at most, p95 {waits[len(waits) * 95 // 100]:.0f} ms"
    )
    return Row(f"GET beside {what}", found, f"{told}", f"{GOAL_MS} ms")


def beside(port: int, work: Callable[[], object]) -> tuple[list[float], object]:
    """How many ms each small request took while *work* went on, in order of size."""
    took: list[float] = []
    done = threading.Event()

    def ask_on() -> None:
        link = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while not done.is_set() or len(took) < 20:
            began = time.monotonic()
            link.request("GET", "/health")
            link.getresponse().read()
            took.append(1000 * (time.monotonic() - began))
            time.sleep(0.005)
        link.close()

    asking = threading.Thread(target=ask_on)
    asking.start()
    time.sleep(0.2)
    try:
        told = work()
    finally:
        done.set()
        asking.join()
    return sorted(took), told


def encoded(image: Image.Image, kind: str) -> bytes:
    out = io.BytesIO()
    image.save(out, kind)
    return out.getvalue()


def together(times: int, act: Callable[[int], int]) -> str:
    """The answers to that many at once."""
    with ThreadPoolExecutor(times) as threads:
        statuses = list(threads.map(act, range(times)))
    found = sorted(set(statuses))
    return ", ".join(f"{statuses.count(each)} × {each}" for each in found)


def request(
    port: int, method: str, path: str, body: bytes | None = None, **headers: str
) -> int:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return send(port, method, path, body, named)[0].status


def sign_in(port: int) -> str:
    form = f"email=bench@example.com&password={PASSWORD.replace(' ', '+')}".encode()
    kind = "application/x-www-form-urlencoded"
    return together(
        SIGN_INS, lambda _: request(port, "POST", "/sign-in", form, Content_Type=kind)
    )


def upload(port: int, photo: bytes, mine: dict[str, str]) -> int:
    name = b'Content-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
    body = b"--b\r\n" + name + photo + b"\r\n--b--\r\n"
    kind = "multipart/form-data; boundary=b"
    return request(port, "POST", "/api/v1/uploads", body, Content_Type=kind, **mine)


def post_json(port: int, size: int, mine: dict[str, str]) -> int:
    picture = base64.b64encode(secrets.token_bytes(size * 3 // 4))
    body = b'{"prompt":"x","images":["data:image/png;base64,' + picture + b'"]}'
    kind = "application/json"
    return request(
        port, "POST", "/api/v1/ai/image/task", body, Content_Type=kind, **mine
    )


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
