"""The example of the documentation is what it says, and works."""

import json
import re
from collections.abc import Iterator
from dataclasses import fields
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from jimeng import documents
from jimeng.config import Config
from jimeng.providers import PROVIDERS, ImageRequest, InputPicture, registry
from jimeng.providers.models.file import checked, load_models
from scripts.tables.models import price
from tests.conftest import png
from tests.example_provider import COPY, OIL, EaselConfig, EaselProvider

HERE = Path(__file__).parent
KEY = "easel-key-4471"


class Easel(ThreadingHTTPServer):
    """
    Attributes:
        refusals: Status and body of the next orders' answers; with none left, orders
            are taken.
        looks: How often each painting was looked at; it is there at the second look.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Brush)
        self.orders: list[dict] = []
        self.refusals: list[tuple[int, bytes]] = []
        self.looks: dict[str, int] = {}
        self.address = f"127.0.0.1:{self.server_port}"


class Brush(BaseHTTPRequestHandler):
    server: Easel

    def do_POST(self) -> None:  # noqa: N802 - the name is http.server's
        order = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.orders.append({**order, "key": self.headers["Authorization"]})
        taken = (201, b'{"id": "p%d"}' % len(self.server.orders))
        self.give(*(self.server.refusals.pop(0) if self.server.refusals else taken))

    def do_GET(self) -> None:  # noqa: N802
        if self.path.endswith(".png"):
            self.give(200, png())
            return
        looks = self.server.looks[self.path] = self.server.looks.get(self.path, 0) + 1
        link = f"http://{self.server.address}/p.png"
        found = {"links": [link]} if looks > 1 else {}
        self.give(200, json.dumps(found).encode())

    def give(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def easel() -> Iterator[Easel]:
    with Easel() as made:
        thread = Thread(target=made.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield made
        made.shutdown()
        thread.join()


@pytest.fixture
def settings(config, easel) -> EaselConfig:
    values = {each.name: getattr(config, each.name) for each in fields(config)}
    values |= {"ALLOWED_PRIVATE_HOSTS": (easel.address,), "ARK_API_KEY": "ark"}
    return EaselConfig(**values, EASEL_KEY=KEY, EASEL_URL=f"http://{easel.address}")


@pytest.fixture
def app(database, settings, monkeypatch):
    """The product with one line more in `PROVIDERS`, beside the demo's keys."""
    from app import create_app

    monkeypatch.setattr(documents, "connect", lambda config: None)  # as it is
    monkeypatch.setattr(registry, "PROVIDERS", (*PROVIDERS, EaselProvider))
    return create_app(settings)


@pytest.fixture
def draw(client, work_off):
    """Have a picture made and say what became of it."""

    def draw(**fields) -> dict:
        body = {"prompt": "向日葵", "user_id": "user_3", "model": OIL.id, **fields}
        made = client.post("/api/v1/ai/image/task", json=body)
        assert made.status_code == 202, made.json
        work_off()
        return client.get(made.json["data"]["links"]["result"]).json["data"]

    return draw


@pytest.mark.parametrize("language", ["", ".en"])
def test_documentation_shows_the_file(language):
    """The code of the page is the code that is tested here."""
    name = f"docs/AI_PROVIDER_ARCHITECTURE{language}.md"
    page = (HERE.parent / name).read_text("utf-8")

    assert f"```python\n{(HERE / 'example_provider.py').read_text('utf-8')}```" in page


def test_model_is_in_order():
    """As a row of ``MODELS_FILE`` must be; docs/models.md has its price."""
    for model, yuan in ((OIL, "0.15"), (COPY, "–")):
        assert checked(model) is model
        assert price(model, "en") == yuan


def test_picture_goes_in(settings, easel):
    """What its model takes stands in the order, in order, and nothing else does."""
    given = tuple(InputPicture(each, "image/png", 80, 80) for each in (b"one", b"two"))

    EaselProvider(settings).submit(
        ImageRequest("copy", "向日葵", 512, 512, None, inputs=given)
    )

    (order,) = easel.orders
    assert order["pictures"] == ["b25l", "dHdv"]


def test_picture_from_a_service_of_ones_own(client, draw, easel):
    """Registered, and nothing else changed: a prompt goes in, a picture comes out."""
    data = draw(size="16:9")

    (image,) = data["result"]["images"]
    assert client.get(image["url"]).data == png()
    size, key = {"width": 768, "height": 432}, f"Bearer {KEY}"
    assert easel.orders == [{"style": "oil", "text": "向日葵", **size, "key": key}]


def test_its_price_is_told_before_anything_is_drawn(client):
    """The other has none, and is offered all the same."""
    body = {"prompt": "x", "user_id": "a", "model": "easel-oil", "n": 2}
    told = client.post("/api/v1/ai/image/task?dry_run=1", json=body).json["data"]
    models = client.get("/api/v1/models").json["data"]

    assert told["cost"]["fen_of_all"] == 30
    assert ("easel-oil", "easel") in [(each["id"], each["provider"]) for each in models]
    prices = {each["id"]: each["price"] for each in models}
    assert prices["easel-oil"] is not None
    assert prices["easel-copy"] is None


PATHS = (
    *("/", "/?show=all", "/gallery", "/account/usage", "/docs", "/openapi.json"),
    *("/admin/queue", "/admin/failures", "/admin/usage", "/admin/settings"),
    *("/api/v1/queue", "/api/v1/models", "/metrics"),
)


def test_every_door_knows_it(client, draw, easel, work_off):
    """Its settings stand beside all others; none of the doors says its key."""
    draw()
    easel.refusals = [(400, b'{"error": "whim"}')]
    draw()
    picked = client.post("/tasks", data={"prompt": "向日葵", "model": OIL.id})
    work_off()

    answers = {path: client.get(path) for path in PATHS}

    assert {each.status_code for each in answers.values()} == {200}, answers
    assert [path for path, each in answers.items() if KEY in each.text] == []
    settings = answers["/admin/settings"].text
    assert "EASEL_KEY" in settings and "EASEL_URL" in settings
    assert (picked.status_code, len(easel.orders)) == (303, 3)
    assert "easel-oil" in answers["/gallery"].text
    for language, label in (("zh", "画架"), ("en", "Easel")):
        assert label in client.get("/", headers={"Accept-Language": language}).text


def test_commands_know_it(app, tmp_path):
    """Its key is tried, and costs nothing; and `MODELS_FILE` knows its name."""
    done = app.test_cli_runner().invoke(args=["provider", "check"])
    assert re.search(r"^ok +easel +easel-oil", done.output, re.MULTILINE), done.output
    file = tmp_path / "models.json"
    file.write_text('[{"id": "easel-oil", "provider": "easel", "typical": 60}]')

    model, _ = load_models(str(file), (EaselProvider,))

    assert model.typical == 60


def test_built_in_providers_declare_all():
    """Each has words in both languages, and settings that there are."""
    names = {each.name for each in fields(Config)}

    for each in PROVIDERS:
        assert all(each.label), each
        assert set(each.settings) <= names
        assert {model.provider for model in each.models} == {each.name}


def test_full_service_is_waited_for(draw, easel):
    easel.refusals = [(429, b'{"error": "full"}')] * 2

    assert draw()["status"] == "completed"
    assert len(easel.orders) == 3


@pytest.mark.parametrize(
    ("status", "body", "code", "charged"),
    [
        (422, b'{"error": "words"}', "content_refused_prompt", "no"),
        (400, b'{"error": "whim"}', "provider_refused", "no"),
        (500, b'{"error": "full"}', "submit_unknown", "unknown"),
        (201, b"<html>", "submit_unknown", "unknown"),
        (201, b"{}", "submit_unknown", "unknown"),
        (201, b"[]", "submit_unknown", "unknown"),
    ],
)
def test_refusal_ends_the_task(draw, easel, status, body, code, charged):
    """Refused for good, or perhaps accepted: either way ordered only once."""
    easel.refusals = [(status, body)]

    error = draw()["error"]

    assert (error["code"], error["charged"]) == (code, charged)
    assert len(easel.orders) == 1
