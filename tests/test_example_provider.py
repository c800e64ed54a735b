"""The example of the documentation is what it says, and works."""

import json
import re
from collections.abc import Iterator
from dataclasses import fields
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from jimeng.cli.tables.models import price
from jimeng.config import Config
from jimeng.providers import PROVIDERS, ImageRequest, InputPicture, registry
from jimeng.providers.models.file import checked, load_models
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
def app(database, config, easel, monkeypatch):
    """The product with one line more in `PROVIDERS`, beside the demo's keys."""
    from app import create_app

    monkeypatch.setattr(registry, "PROVIDERS", (*PROVIDERS, EaselProvider))
    values = {each.name: getattr(config, each.name) for each in fields(config)}
    values |= {"ALLOWED_PRIVATE_HOSTS": (easel.address,), "ARK_API_KEY": "ark"}
    made = EaselConfig(**values, EASEL_KEY=KEY, EASEL_URL=f"http://{easel.address}")
    return create_app(made)


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
    """It passes what a row of ``MODELS_FILE`` must pass."""
    assert checked(OIL) is OIL
    assert checked(COPY) is COPY


def test_picture_goes_in(config, easel):
    """What its model takes stands in the order, in order, and nothing else does."""
    values = {each.name: getattr(config, each.name) for each in fields(config)}
    url = f"http://{easel.address}"
    service = EaselProvider(EaselConfig(**values, EASEL_KEY=KEY, EASEL_URL=url))
    given = (
        InputPicture(b"one", "image/png", 80, 80),
        InputPicture(b"two", "image/jpeg", 80, 80),
    )

    service.submit(ImageRequest("copy", "向日葵", 512, 512, None, inputs=given))

    (order,) = easel.orders
    assert order["pictures"] == ["b25l", "dHdv"]


def test_picture_from_a_service_of_ones_own(client, draw, easel):
    """Registered, and nothing else changed: a prompt goes in, a picture comes out."""
    data = draw(size="16:9")

    (image,) = data["result"]["images"]
    assert client.get(image["url"]).data == png()
    assert easel.orders == [
        {
            "style": "oil",
            "text": "向日葵",
            "width": 768,
            "height": 432,
            "key": f"Bearer {KEY}",
        }
    ]


def test_its_model_is_offered(client):
    """What clients may ask for follows from the row."""
    models = client.get("/api/v1/models").json["data"]

    assert ("easel-oil", "easel") in [(each["id"], each["provider"]) for each in models]


def test_its_price_is_told_before_anything_is_drawn(client):
    """As the model says it; the other has none, and is offered all the same."""
    body = {"prompt": "x", "user_id": "a", "model": "easel-oil", "n": 2}
    told = client.post("/api/v1/ai/image/task?dry_run=1", json=body).json["data"]
    models = client.get("/api/v1/models").json["data"]

    assert told["cost"]["fen_of_all"] == 30
    prices = {each["id"]: each["price"] for each in models}
    assert prices["easel-oil"] is not None
    assert prices["easel-copy"] is None


def test_tables_show_its_price():
    """Those of docs/models.md, too, for a built-in one that brings its price."""
    assert (price(OIL, "en"), price(COPY, "en")) == ("0.15", "–")


def test_pages_call_it_by_its_label(client):
    """In the language of their reader, and nothing of it is missing anywhere."""
    chinese, english = (
        client.get("/", headers={"Accept-Language": language}).text
        for language in ("zh", "en")
    )

    assert "画架" in chinese
    assert "Easel" in english


def test_form_draws_with_it(client, work_off, easel):
    """A browser's user picks it as any other."""
    answer = client.post("/tasks", data={"prompt": "向日葵", "model": OIL.id})
    work_off()

    assert answer.status_code == 303
    assert [order["style"] for order in easel.orders] == ["oil"]
    assert "easel-oil" in client.get("/gallery").text


PATHS = (
    *("/", "/tasks", "/gallery", "/account/usage", "/docs", "/openapi.json"),
    *("/admin/queue", "/admin/failures", "/admin/usage", "/admin/settings"),
    *("/api/v1/queue", "/api/v1/models", "/metrics"),
)


def test_every_door_knows_it(client, draw, easel):
    """Pages, REST and metrics, after a picture that came and one that did not."""
    draw()
    easel.refusals = [(400, b'{"error": "whim"}')]
    draw()

    answers = {path: client.get(path) for path in PATHS}

    assert {each.status_code for each in answers.values()} == {200}, answers
    told = {path for path, each in answers.items() if KEY in each.text}
    assert told <= {"/admin/settings"}


def test_settings_page_hides_its_key(client):
    """Its settings stand beside all others."""
    page = client.get("/admin/settings").text

    assert "EASEL_KEY" in page
    assert "EASEL_URL" in page
    assert KEY not in page


def test_commands_know_it(app):
    """Its key is tried, and costs nothing."""
    done = app.test_cli_runner().invoke(args=["provider", "check"])

    assert re.search(r"^ok +easel +easel-oil", done.output, re.MULTILINE), done.output


def test_operator_may_change_its_models(app, tmp_path):
    """`MODELS_FILE` knows its name."""
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
    """It said no, so it is asked again."""
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
