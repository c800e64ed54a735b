"""``stream: true``: a line that stays open until the picture is there."""

import base64
import io
import json
from concurrent.futures import ThreadPoolExecutor

from PIL import Image as Pillow

from jimeng.config import Config
from jimeng.documents import Task
from jimeng.errors import ProviderError
from jimeng.http import long_polls
from jimeng.openai import streams
from tests.openai.conftest import CAT, GENERATIONS, error_of


def events(answer) -> list[dict]:
    """What the lines of data say; each event's name is that of its data."""
    assert answer.mimetype == "text/event-stream", answer.text
    found = []
    for block in filter(None, answer.text.split("\n\n")):
        lines = dict(line.split(": ", 1) for line in block.split("\n"))
        if "data" in lines:
            data = json.loads(lines["data"])
            assert lines.get("event") == data.get("type")
            found.append(data)
    return found


def ask(client, **fields):
    return client.post(GENERATIONS, json={**CAT, "stream": True, **fields})


def test_pictures_come_as_events(client, draws):
    """One for each, whole, with the fields that clients need."""
    answer = ask(client, n=2, partial_images=2, output_format="webp")

    found = events(answer)
    assert [each["type"] for each in found] == ["image_generation.completed"] * 2
    for each in found:
        image = Pillow.open(io.BytesIO(base64.b64decode(each["b64_json"])))
        assert (image.format, each["output_format"]) == ("WEBP", "webp")
        assert each["size"] == f"{image.width}x{image.height}"
        assert each["usage"]["total_tokens"] == 0
        assert each["created_at"] > 1_700_000_000
    assert Task.find_one({}).answered_at is not None


def test_line_is_kept_open(client, app, monkeypatch, work_off):
    """Comments go out while nothing happens, the first of them at once."""
    monkeypatch.setattr(streams, "HEARTBEAT_S", 0.0)
    monkeypatch.setattr(streams, "MAX_STREAM_S", 1.2)

    answer = ask(client)

    assert answer.text.count(": still drawing\n\n") >= 2
    (error,) = (each["error"] for each in events(answer))
    assert error["code"] == "wait_over"
    assert error["task_id"]


def test_failure_is_an_event(client, draws, provider):
    """In the same words as elsewhere."""
    provider.submits = [ProviderError("no", code="content_refused_prompt")]

    (event,) = events(ask(client))

    assert event["error"]["code"] == "content_refused_prompt"
    assert event["error"]["charged"] == "no"


def test_what_is_refused_before_is_no_stream(client):
    """The status says it."""
    error_of(ask(client, size="huge"), 400, "invalid_size")


def test_place_is_free_again_after_the_stream(client, app, monkeypatch):
    """And taken until then."""
    monkeypatch.setattr(streams, "MAX_STREAM_S", 0.05)
    long_polls.configure(Config(MAX_LONG_POLLS=1))

    with client.open(
        GENERATIONS, method="POST", json={**CAT, "stream": True}, buffered=False
    ) as answer:
        next(iter(answer.response))
        with ThreadPoolExecutor(1) as elsewhere:  # as in a server
            ask_too = app.test_client().post
            refused = elsewhere.submit(ask_too, GENERATIONS, json=CAT).result()
        assert error_of(refused, 429, "too_many_waiting")["type"] == "rate_limit_error"
        assert refused.headers["Retry-After"]
        assert "x-should-retry" not in refused.headers
        assert Task.collection().count_documents({}) == 1

    assert ask(client).status_code == 200
    long_polls.configure(Config())
