"""Volcengine as a few lines of HTTP: it gives the answers that it is told to give."""

import base64
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit

from jimeng.config import Config
from jimeng.providers import MODELS, Registry
from jimeng.providers.ark import ArkProvider
from jimeng.providers.visual import VisualProvider
from tests.conftest import png
from tests.providers.replies import SEEDED

FOLDER = Path(__file__).parents[1] / "data/samples"
# The host of all links in the samples; answers name this server instead.
ELSEWHERE = b"https://pictures.example"
# The first is in the sample that echoes it.
ACCESS_KEY, SECRET_KEY = "AKSAMPLE7730194", "sk-sample-51c07e92"
ARK_KEY = "ark-sample-a90b6d31"
SECRETS = (ACCESS_KEY, SECRET_KEY, ARK_KEY)
CALLS = {
    "CVSync2AsyncSubmitTask": "submit",
    "CVSync2AsyncGetResult": "poll",
    "CVProcess": "process",
}
VISUAL, ARK = "volcengine_jimeng", "volcengine_ark"
ALL_MODELS = (*MODELS, SEEDED)


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    content_type: str = "application/json"
    request_id: str | None = None


def sample(name: str) -> Answer:
    found = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    text = found.get("body_text")
    body = json.dumps(found["body"], ensure_ascii=False) if text is None else text
    headers = found["headers"]
    return Answer(
        found["http_status"],
        body.encode(),
        headers["Content-Type"],
        headers.get("X-Request-Id"),
    )


def told(**data: object) -> Answer:
    """A poll's answer of success with *data*."""
    body = {"code": 10000, "data": data, "message": "ok", "request_id": "told-1"}
    return Answer(200, json.dumps(body).encode())


def in_base64(*pictures: bytes) -> Answer:
    """A poll's answer of success with the pictures in it."""
    texts = [base64.b64encode(content).decode() for content in pictures]
    return told(status="done", image_urls=None, binary_data_base64=texts)


class Service(ThreadingHTTPServer):
    """
    Attributes:
        asked: Each call with what was sent, a download as ``picture`` with its path.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, object]] = []
        self._coming: dict[str, Iterator[Answer]] = {}
        self._otherwise = {
            "submit": sample("submit_ok"),
            "poll": sample("get_done_urls"),
            "process": sample("cvprocess_v21_ok"),
            "ark": sample("ark_ok_url"),
            "picture": Answer(200, png(), "image/png"),
        }

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def say(self, call: str, answers: Iterable[Answer]) -> None:
        """Answer the next calls of a kind so; with none left, well."""
        self._coming[call] = iter(answers)

    def answer(self, call: str, content: object) -> Answer:
        self.asked.append((call, content))
        return next(self._coming.get(call, iter(())), self._otherwise[call])

    def sent(self, *calls: str) -> list:
        """What came with the calls of a kind."""
        return [content for call, content in self.asked if call in calls]


class Handler(BaseHTTPRequestHandler):
    server: Service

    def do_POST(self) -> None:  # noqa: N802 - the name is http.server's
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        action = parse_qs(urlsplit(self.path).query).get("Action", [""])[0]
        self.give(self.server.answer(CALLS.get(action, "ark"), body))

    def do_GET(self) -> None:  # noqa: N802
        self.give(self.server.answer("picture", self.path))

    def give(self, answer: Answer) -> None:
        body = answer.body.replace(ELSEWHERE, self.server.url.encode())
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(body)))
        if answer.request_id:
            self.send_header("X-Request-Id", answer.request_id)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def serving() -> Iterator[Service]:
    with Service() as service:
        thread = Thread(target=service.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield service
        service.shutdown()
        thread.join()


def pointed_at(service: Service, config: Config) -> Config:
    """The settings of who has keys, and takes *service* for Volcengine."""
    return replace(
        config,
        VOLCENGINE_ACCESS_KEY=ACCESS_KEY,
        VOLCENGINE_SECRET_KEY=SECRET_KEY,
        VOLCENGINE_ENDPOINT=service.url,
        ARK_API_KEY=ARK_KEY,
        ARK_BASE_URL=f"{service.url}/api/v3",
        ALLOWED_PRIVATE_HOSTS=(service.address,),
    )


def real_clients(config: Config) -> Registry:
    """Both real clients, with a model of Ark that takes seeds besides."""
    providers = {
        VISUAL: VisualProvider.from_config(config, ALL_MODELS),
        ARK: ArkProvider.from_config(config, ALL_MODELS),
    }
    return Registry(providers, {VISUAL: 2, ARK: 2}, ALL_MODELS)
