"""``POST /v1/images/generations``: what clients send and get, and what is described."""

import base64
import io
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image as Pillow

from jimeng.documents import Task
from jimeng.errors import ProviderError
from jimeng.http import long_polls
from jimeng.openai import streams
from jimeng.providers import Registry
from tests.each import for_each
from tests.given_pictures import photo
from tests.openai.conftest import CAT, EDITS, GENERATIONS, error_of
from tests.rest import operation_of
from tests.test_openapi_examples import conforms, find

# As the clients of the same name send it.
SHAPES = {
    "Open WebUI": {
        **{"model": "jimeng-3.0", "prompt": "cat", "n": 1, "size": "512x512"},
        "response_format": "b64_json",
    },
    "LobeHub": {
        **{"model": "jimeng-3.0", "prompt": "cat", "n": 1, "size": "1024x1024"},
        **{"seed": None, "aspectRatio": "1:1"},
    },
    "Dify": {
        **{"model": "gpt-image-1", "prompt": "cat", "size": "1024x1024"},
        **{"quality": "auto", "n": 1},
    },
    "new-api": {
        **{"model": "jimeng-3.0", "prompt": "cat", "n": 1, "size": "1024x1024"},
        "extra_fields": {"seed": 7},
    },
    "dall-e": {
        **{"model": "dall-e-3", "prompt": "cat", "quality": "hd", "style": "vivid"},
        **{"response_format": "url", "user": "u-1"},
    },
    "nulls": {  # what is not given is not there; what nobody knows is left alone
        **dict.fromkeys(("model", "n", "size", "quality", "seed", "stream")),
        **{"prompt": "cat", "response_format": None, "logprobs": 3, "user": ""},
        **{"watermark": True, "negative_prompt": "dog"},
    },
}


def post(client, headers=None, **fields):
    return client.post(GENERATIONS, json={**CAT, **fields}, headers=headers)


@pytest.mark.parametrize("client_name", SHAPES)
def test_shapes_of_clients_are_answered(client, draws, provider, client_name):
    """One submission each, and the form of the answer that they expect."""
    answer = client.post(GENERATIONS, json=SHAPES[client_name])

    assert answer.status_code == 200, answer.text
    assert len(provider.requests) == 1
    wants_bytes = client_name in {"Open WebUI", "Dify"}
    (item,) = answer.json["data"]
    assert ("b64_json" in item, "url" in item) == (wants_bytes, not wants_bytes)
    if not wants_bytes:  # whoever fetches it has no key of ours
        assert item["url"].startswith("http://localhost/i/")
        with client.get(item["url"]) as fetched:
            assert fetched.mimetype == "image/png"
    assert answer.json["created"] > 1_700_000_000
    assert "usage" not in answer.json
    assert "submissions" in answer.headers["RateLimit"]


@pytest.mark.parametrize(
    ("asked", "kind"),
    [(None, "PNG"), ("png", "PNG"), ("jpeg", "JPEG"), ("webp", "WEBP")],
)
def test_bytes_have_the_format_that_was_asked_for(client, draws, asked, kind):
    """PNG where nothing is said: clients label it so without looking."""
    answer = post(client, response_format="b64_json", output_format=asked)

    assert answer.status_code == 200, answer.text
    content = base64.b64decode(answer.json["data"][0]["b64_json"])
    assert Pillow.open(io.BytesIO(content)).format == kind
    assert answer.json["size"] == "64x64", "that of what came, not of what was asked"
    assert answer.json["output_format"] == kind.lower()
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    assert json.loads(answer.data) == answer.json


def test_words_that_look_like_an_escape_stay_whole(client, draws):
    """The bytes are put into the document behind the words' backs."""
    prompt = 'a\\u0000b "quoted" {"b64_json": "x"}'

    answer = post(client, prompt=prompt, response_format="b64_json", n=2)

    assert [each["revised_prompt"] for each in answer.json["data"]] == [prompt] * 2


@for_each(
    ("fields", "param"),
    [
        *[({"n": value}, "n") for value in (5, 0, "two", True)],
        *[({"size": value}, "size") for value in ("9000x9000", "huge")],
        *[({"prompt": value}, "prompt") for value in (" ", "x" * 900, ["x"], "a\0b")],
        *[({"quality": "superb"}, "quality"), ({"seed": 2**40}, "seed")],
        ({"response_format": "file"}, "response_format"),
        ({"output_format": "gif"}, "output_format"),
        ({"output_compression": 101}, "output_compression"),
        ({"background": "transparent"}, "background"),
        ({"stream": "perhaps"}, "stream"),
        *[({"metadata": value}, "metadata") for value in ({"order": 1}, "order")],
        ({"metadata": {"o" * 41: "x"}}, "metadata"),
        ({"size": "huge", "stream": True}, "size"),  # before there is a stream
    ],
)
def test_wrong_value_is_named_before_anything_is_spent(client, provider, fields, param):
    """By the name that the client has for it, with nothing created."""
    error = error_of(post(client, **fields), 400, f"invalid_{param}")

    assert (error["param"], error["type"]) == (param, "invalid_request_error")
    if param == "size":  # so that the next request is a good one
        assert all(each in error["message"] for each in ("512", "2048", "16:9", "2K"))
    assert Task.collection().count_documents({}) == 0


ARK = "/api/v3"
ARK_VIDEO = {
    "model": "doubao-seedance-1-5-pro-251215",
    "content": [{"type": "text", "text": "一只猫"}],
}
PICTURE_IN = "data:image/jpeg;base64," + base64.b64encode(photo()).decode()


@pytest.fixture
def both(app, provider, config, configure) -> None:
    """Pictures and videos are offered."""
    offered = {"volcengine_ark": provider, "volcengine_jimeng": provider}
    configure(config, Registry(offered, dict.fromkeys(offered, 100)))


def check_refusal(answer) -> None:
    """It says where estimates are, and nothing was created."""
    assert answer.status_code == 400, answer.text
    error = answer.json["error"]
    assert error["param"] == "dry_run"
    assert error["code"] in ("invalid_dry_run", "InvalidParameter")
    assert "/api/v1" in error["message"]
    assert Task.collection().count_documents({}) == 0


@for_each(
    ("path", "body"),
    [
        (GENERATIONS, CAT),
        (EDITS, {**CAT, "image": PICTURE_IN}),
        ("/v1/videos", CAT),
        (f"{ARK}/images/generations", {**CAT, "model": "jimeng-3.0"}),
        (f"{ARK}/contents/generations/tasks", ARK_VIDEO),
    ],
)
@for_each(
    ("query", "fields"),
    [
        *[(f"?dry_run{value}", {}) for value in ("=1", "", "=0", "=false")],
        *[("", {"dry_run": value}) for value in (True, False, "1", 0)],
        ("", {"extra_body": {"dry_run": True}}),
    ],
)
def test_estimate_is_refused_not_charged(hurried, both, path, body, query, fields):
    """These interfaces have none: what asks for one must not create a task."""
    client = hurried.test_client()

    check_refusal(client.post(f"{path}{query}", json={**body, **fields}))


@for_each("path", [GENERATIONS, EDITS, "/v1/videos"])
@for_each(
    ("query", "fields"),
    [
        ("?dry_run=1", {}),
        ("", {"dry_run": "true"}),
        ("", {"extra_body": '{"dry_run": true}'}),
    ],
)
def test_estimate_by_a_form_is_refused(hurried, both, path, query, fields):
    client = hurried.test_client()

    check_refusal(client.post(f"{path}{query}", data={"prompt": "cat", **fields}))


@for_each(
    ("body", "kind", "status", "code"),
    [
        (b"{", "application/json", 400, "invalid_json"),
        (b"[]", "application/json", 400, "invalid_json"),
        (b"prompt=x", "text/plain", 415, "unsupported_media_type"),
        (b"x" * 17_000_000, "application/json", 413, "request_too_large"),
    ],
)
def test_unreadable_body_is_refused_in_their_shape(client, body, kind, status, code):
    """No program is answered with a page."""
    error_of(client.post(GENERATIONS, data=body, content_type=kind), status, code)


@for_each(
    ("method", "path", "status", "code"),
    [
        ("POST", "/v1/images/variations", 404, "not_found"),
        ("GET", "/v1", 404, "not_found"),
        ("GET", "/v1/", 404, "not_found"),
        ("GET", "/v1/images/generations", 405, "method_not_allowed"),
        ("DELETE", "/v1/models", 405, "method_not_allowed"),
    ],
)
def test_every_path_answers_in_their_shape(client, method, path, status, code):
    error_of(client.open(path, method=method), status, code)


@for_each(
    "path",
    ["chat/completions", "embeddings", "responses", "audio/speech", "moderations"],
)
def test_what_else_openai_has_names_the_routes_there_are(client, path):
    """For a client that is set up for a server of texts."""
    error = error_of(client.post(f"/v1/{path}", json={}), 404, "not_found")

    assert error["type"] == "invalid_request_error"
    assert "generates pictures and videos" in error["message"]
    assert "POST /v1/images/generations, " in error["message"]
    assert "POST /v1/videos, " in error["message"]


def test_refused_prompt_is_the_callers_to_mend(client, draws, provider):
    """Nobody posts it again, nor what may have been paid for."""
    refusal = ProviderError("no", code="content_refused_prompt")
    lost = ProviderError("?", code="submit_unknown", maybe_accepted=True)
    provider.submits = [refusal, refusal, lost]

    answer = post(client)

    error = error_of(answer, 400, "content_refused_prompt")
    assert error["charged"] == "no"
    assert error["task_id"] in error["message"]
    assert answer.headers["x-should-retry"] == "false"
    (event,) = events(post(client, stream=True))
    assert event["error"]["code"] == "content_refused_prompt"
    assert event["error"]["charged"] == "no"
    answer = post(client)
    error = error_of(answer, 502, "submit_unknown")
    assert (error["charged"], answer.headers["x-should-retry"]) == ("unknown", "false")
    assert client.get(error["result_url"]).json["data"]["status"] == "failed"


def test_some_of_them_are_better_than_none(client, draws, provider):
    """Those that came, and how many did not."""
    provider.submits = [ProviderError("no", code="provider_refused")]

    answer = post(client, n=3)

    assert answer.status_code == 200
    assert (len(answer.json["data"]), answer.json["failed"]) == (2, 1)


def test_task_is_as_one_of_our_own(client, draws):
    """Its record shows what was asked, in this server's words."""
    made = post(client, size="1536x1024", seed=7, style="watercolor").json["task_id"]

    task = client.get(f"/api/v1/tasks/{made}").json["data"]
    assert task["input"] == {
        **{"prompt": "一只猫", "model": "doubao-seedream-3.0-t2i", "seed": 7},
        **{"size": "1536x1024", "style": "watercolor", "n": 1},
    }
    assert task["user_id"] == "guest"


@pytest.mark.parametrize(
    "body",
    [
        {"json": {"metadata": {"order": "123"}}},
        {"json": {"extra_body": {"metadata": {"order": "123"}}}},
        {"json": {"metadata": '{"order": "123"}'}},
        {"data": {"metadata[order]": "123"}},
    ],
)
def test_metadata_is_kept_with_the_task(client, draws, body):
    """A client may nest it; the official SDKs write a field of a form for each pair."""
    ((kind, fields),) = body.items()
    answer = client.post(GENERATIONS, **{kind: {**CAT, **fields}})

    assert answer.status_code == 200, answer.text
    (row,) = Task.collection().find()
    assert Task.read(row).metadata == {"order": "123"}


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


def test_pictures_come_as_events(client, draws):
    """One for each, whole, with the fields that clients need."""
    more = {"partial_images": 2, "output_format": "webp"}
    answer = post(client, n=2, stream=True, **more)

    found = events(answer)
    assert [each["type"] for each in found] == ["image_generation.completed"] * 2
    for each in found:
        image = Pillow.open(io.BytesIO(base64.b64decode(each["b64_json"])))
        assert (image.format, each["output_format"]) == ("WEBP", "webp")
        assert each["size"] == f"{image.width}x{image.height}"
        assert each["usage"]["total_tokens"] == 0
        assert each["created_at"] > 1_700_000_000
    assert Task.find_one({}).answered_at is not None


def test_line_is_kept_open(client, quick_room, monkeypatch):
    """Comments go out while nothing happens, the first of them at once."""
    monkeypatch.setattr(streams, "HEARTBEAT_S", 0.0)

    body = {**CAT, "stream": True}
    with client.post(GENERATIONS, json=body, buffered=False) as answer:
        lines = iter(answer.response)
        assert next(lines) == next(lines) == b": still drawing\n\n"
        long_polls.shut_down()
        *_, last = lines

    error = json.loads(last.removeprefix(b"data: "))["error"]
    assert error["code"] == "wait_over"
    assert error["task_id"]


def test_place_is_free_again_after_the_stream(client, app, monkeypatch):
    monkeypatch.setattr(streams, "MAX_STREAM_S", 0.05)
    long_polls.configure(permits=long_polls.ProcessPermits(1, 1))

    body = {**CAT, "stream": True}
    with client.post(GENERATIONS, json=body, buffered=False) as answer:
        next(iter(answer.response))
        with ThreadPoolExecutor(1) as elsewhere:  # as in a server
            ask_too = app.test_client().post
            refused = elsewhere.submit(ask_too, GENERATIONS, json=CAT).result()
        assert error_of(refused, 429, "too_many_waiting")["type"] == "rate_limit_error"
        assert refused.headers["Retry-After"]
        assert "x-should-retry" not in refused.headers
        assert Task.collection().count_documents({}) == 1

    (event,) = events(post(client, stream=True))
    assert event["error"]["code"] == "wait_over"
    long_polls.configure()


MODELS = "/v1/models"


@pytest.fixture
def document(client) -> dict:
    return client.get("/openapi.json").json


@pytest.mark.parametrize("key", ["minimal", "usual", "stream"])
def test_examples_of_a_request_are_drawn(client, document, draws, key):
    """Sent as printed, with the type that is described; JSON to the last field."""
    path, _, operation = find(document, "generate_images")
    assert path == GENERATIONS
    body = operation["requestBody"]["content"]["application/json"]["examples"][key]

    answer = client.post(path, json=body["value"])

    assert answer.status_code == 200
    assert answer.mimetype in operation["responses"]["200"]["content"]
    if answer.mimetype == "application/json":
        conforms(document, operation, 200, answer.json)
    else:
        assert b"event: image_generation.completed\n" in answer.data


def test_form_is_taken_as_described(client, document, draws):
    """Every field of it, and the pictures under one name."""
    path, _, operation = find(document, "edit_images")
    assert path == EDITS
    content = operation["requestBody"]["content"]["multipart/form-data"]
    shape = document["components"]["schemas"][content["schema"]["$ref"].split("/")[-1]]
    assert shape["required"] == ["image"]
    form = {"image": (io.BytesIO(photo()), "a.png"), "prompt": "x", "n": "1"}
    form |= {"size": "auto", "quality": "auto", "response_format": "url"}
    assert set(form) < set(shape["properties"])

    answer = client.post(path, data=form)

    assert answer.status_code == 200
    conforms(document, operation, 200, answer.json)


def test_what_is_beyond_its_description_is_refused(client, document):
    """Every field that has a limit or a choice, by its name."""
    shapes, beyond = document["components"]["schemas"], {}
    for name, shape in shapes["CreateImageRequest"]["properties"].items():
        if "maximum" in shape:
            beyond[name] = shape["maximum"] + 1
        elif "enum" in shape:
            beyond[name] = "other"
        elif "maxLength" in shape:
            beyond[name] = "x" * (shape["maxLength"] + 1)
    assert len(beyond) > 9

    for name, value in beyond.items():
        answer = client.post(GENERATIONS, json={"prompt": "x", name: value})
        assert answer.status_code == (404 if name == "model" else 400), name
        assert answer.json["error"]["param"] == name


def test_models_conform(client, document):
    found = client.get(MODELS).json
    one = client.get(f"{MODELS}/{found['data'][0]['id']}").json

    conforms(document, find(document, "list_openai_models")[2], 200, found)
    conforms(document, find(document, "get_openai_model")[2], 200, one)


@for_each(
    ("path", "body", "status"),
    [
        (GENERATIONS, {"prompt": "x", "size": "9000x9000"}, 400),
        (GENERATIONS, {"prompt": "x", "model": "nope", "n": 99}, 404),
        (GENERATIONS, {"prompt": ""}, 400),
        (EDITS, {"prompt": "x"}, 400),
    ],
)
def test_errors_conform(client, document, path, body, status):
    operation = operation_of(document, path, "post")

    answer = client.post(path, json=body)

    assert answer.status_code == status
    conforms(document, operation, status, answer.json)


def test_error_after_there_is_a_task_conforms(hurried, client, document):
    """It says more: which, which goes on, and whether it was charged; no retry does."""
    answer = hurried.test_client().post(GENERATIONS, json={"prompt": "x"})

    error = error_of(answer, 504, "wait_over")
    assert {"task_id", "charged", "result_url"} < set(error)
    assert answer.headers["x-should-retry"] == "false"
    assert Task.find_one({"_id": error["task_id"]}).status == "pending"
    operation = find(document, "generate_images")[2]
    conforms(document, operation, 504, answer.json)
