"""The examples of the API's description are true: sent, they are answered so."""

import io
from collections.abc import Callable
from dataclasses import replace

import pytest
from jsonschema import Draft202012Validator

from jimeng import lanes
from jimeng.api import blp
from jimeng.errors import ProviderError
from tests.billing.conftest import settle
from tests.conftest import make_as_new
from tests.examples import KINDS, USER, Examples
from tests.given_pictures import photo
from tests.rest import API, create, data_of, operations, refused

REQUESTS = [
    pytest.param(name, key, id=f"{name}-{key}")
    for name, methods in blp._docs.items()
    for method in {"post", "put"} & set(methods)
    for taken in methods[method].get("arguments", {}).get("parameters", [])
    for key in taken["schema"].examples
]
OPEN = {"input", "ratios", "hd_ratios", "keywords"}  # objects of any names


@pytest.fixture
def app(built, database, config, configure, registry):
    """The application, which has a key to sign webhooks with."""
    signing = replace(config, SECRET_KEY="k" * 40)
    make_as_new(built, signing)
    configure(signing, registry)
    return built


@pytest.fixture(scope="module")
def kept() -> dict:
    """The document, once it was asked for."""
    return {}


@pytest.fixture
def document(client, kept) -> dict:
    if not kept:
        kept |= client.get("/openapi.json").json
    return kept


@pytest.fixture
def place(client, provider, work_off) -> Callable[[str], str]:
    """Turns a path of the description into one where there is something."""
    return Examples(client, provider, work_off).fill


def find(document: dict, name: str) -> tuple[str, str, dict]:
    return next(each for each in operations(document) if each[2]["operationId"] == name)


def closed(node: object) -> object:
    """The same schema, in which nothing goes that it does not name."""
    if isinstance(node, list):
        return [closed(each) for each in node]
    if not isinstance(node, dict):
        return node
    found = {key: closed(value) for key, value in node.items()}
    if found.get("type") == "object" and "properties" in found:
        found.setdefault("additionalProperties", False)
    return found


def conforms(document: dict, operation: dict, status: int, body: object) -> None:
    """*body* is what the description says of *status*, to the last field."""
    content = next(iter(operation["responses"][str(status)]["content"].values()))
    schema = closed({**content["schema"], "components": document["components"]})
    wrong = list(Draft202012Validator(schema).iter_errors(body))
    assert wrong == [], operation["operationId"]


def shape(node: object) -> object:
    """The names and kinds in an answer; of a list those of its first entry."""
    if isinstance(node, dict):
        return {k: shape(v) if k not in OPEN else OPEN for k, v in node.items()}
    if isinstance(node, list):
        return [shape(each) for each in node[:1]]
    return type(node).__name__


@pytest.mark.parametrize("name, key", REQUESTS)
def test_example_of_a_request_is_taken(client, document, place, name, key):
    """Sent as printed it succeeds, with the status and fields that are described."""
    path, method, operation = find(document, name)
    content = operation["requestBody"]["content"]["application/json"]
    body, schema = content["examples"][key]["value"], content["schema"]

    answer = client.open(place(path), method=method.upper(), json=body)

    status, _ = answers_of(operation)[0]  # nobody waits for more
    data_of(answer, status)
    conforms(document, operation, status, answer.json)
    whole = {**schema, "components": document["components"]}
    assert list(Draft202012Validator(whole).iter_errors(body)) == []


def answers_of(operation: dict) -> list[tuple[int, object]]:
    """The statuses of success, the usual one first, and their examples."""
    found = []
    for status, answer in operation["responses"].items():
        if status[0] == "2":
            content = next(iter(answer["content"].values()))
            found.append((int(status), content["example"]))
    return found


def test_example_of_an_answer_conforms(document):
    """Each operation has one, and each that takes fields one of a request."""
    for _, _, operation in operations(document):
        bodies = operation.get("requestBody", {}).get("content", {}).values()
        assert all(each["examples"] for each in bodies), operation["operationId"]
        assert answers_of(operation)[0][1], operation["operationId"]
        for status, example in answers_of(operation):
            conforms(document, operation, status, example)


LOOKS = [
    *("get_result", "list_images", "get_task", "list_models", "list_styles"),
    *("show_usage", "health", "get_upload", "list_uploads"),
    *("list_collections", "get_collection", "list_pictures"),
    *("list_shares", "get_share", "list_prompts", "get_prompt"),
]
# In another state than the example's.
OTHER_LOOKS = [
    *("list_batches", "get_batch", "list_batch_tasks", "delete_batch"),
    *("delete_upload", "delete_task", "get_user", "delete_user"),
]
OF_A_USER = {
    *("list_images", "list_collections", "list_shares", "list_prompts"),
    *("list_batches", "list_uploads"),
}


def test_example_of_an_answer_is_like_the_real_one(client, document, place):
    """The same fields of the same kinds as the server gives."""
    place("".join(KINDS))  # for what lists it
    settle()
    for name in (*LOOKS, *OTHER_LOOKS):
        path, method, operation = find(document, name)
        query = {"user_id": USER} if name in OF_A_USER else {}
        answer = client.open(place(path), method=method.upper(), query_string=query)
        assert answer.status_code == 200, name
        assert answer.json.get("data", True), name
        if name in LOOKS:
            assert shape(answer.json) == shape(answers_of(operation)[0][1]), name
        conforms(document, operation, 200, answer.json)


def test_body_is_required_where_a_request_needs_it(client, document, place):
    """Without it such a request is refused, and every other one succeeds."""
    told, found = {}, {}
    for path, method, operation in operations(document):
        if "requestBody" in operation:
            name = operation["operationId"]
            told[name] = operation["requestBody"]["required"]
            status = client.open(place(path), method=method.upper()).status_code
            found[name] = status in {400, 415, 422}

    assert told == found


@pytest.mark.parametrize(
    "path, name, status, code",
    [
        (f"{API}/tasks/nope", "get_task", 404, "task_not_found"),
        (f"{API}/models?x=1", "list_models", 422, "validation_failed"),
        (f"{API}/tasks/user/a?limit=0", "list_tasks", 422, "validation_failed"),
    ],
)
def test_errors_conform(client, document, path, name, status, code):
    answer = client.get(path)

    refused(answer, status, code)
    conforms(document, find(document, name)[2], status, answer.json)


def test_every_state_of_a_task_conforms(client, document, provider, work_off):
    """Waiting, failed, cleared, whole or short: all of it is described."""
    from jimeng.documents.principal import Principal
    from jimeng.operations import queue_actions

    provider.submits = [ProviderError("no", code="content_refused_prompt")]
    failed = create(client)
    work_off()
    half = create(client, n=2)
    provider.submits = [ProviderError("no", code="content_refused_prompt")]
    work_off()
    waiting = create(client)
    statuses = {}
    for again in (False, True):
        for task_id in (failed, half, waiting):
            for name, path in (
                ("get_task", f"{API}/tasks/{task_id}"),
                ("get_result", f"{API}/ai/image/result/{task_id}"),
            ):
                answer = client.get(path)
                conforms(document, find(document, name)[2], 200, answer.json)
                statuses[task_id, again] = answer.json["data"]["status"]
        queue_actions.clear(Principal("root", is_operator=True))

    found = [*statuses.values()]
    assert found == ["failed", "completed", "pending", *found[:2], "cancelled"]


def test_batch_conforms(client, document):
    """Tried, waiting for room, cancelled: as described."""
    path, body = f"{API}/batches", {"template": "{a|b}", "user_id": "user_123"}
    tried = client.post(f"{path}?dry_run=1", json=body)
    conforms(document, find(document, "create_batch")[2], 200, tried.json)
    lanes.pause(lanes.SENDING, "user_1")
    asked = client.post(path, json=body)
    waits = client.get(f"{path}/{asked.json['data']['batch_id']}")
    assert waits.json["data"]["waits"]["code"] == "sending_paused"
    conforms(document, find(document, "get_batch")[2], 200, waits.json)
    cancelled = client.post(f"{waits.request.path}/cancel", json={})
    conforms(document, find(document, "cancel_batch")[2], 200, cancelled.json)


def test_upload_conforms(client, document):
    """A form with a file is described, and what it is answered with."""
    operation = find(document, "create_upload")[2]
    form = {"user_id": "user_123", "file": (io.BytesIO(photo()), "photo.jpg")}

    answer = client.post(f"{API}/uploads", data=form)

    conforms(document, operation, 201, answer.json)
    (content,) = operation["requestBody"]["content"].values()
    name = content["schema"]["$ref"].rpartition("/")[2]
    shape_of = document["components"]["schemas"][name]
    assert set(shape_of["properties"]) == set(form)
    assert shape_of["properties"]["file"]["format"] == "binary"


def test_fields_stand_beside_no_choice(document):
    """Generators take a shape with ``anyOf`` or ``oneOf`` for that, and forget them."""
    schemas = document["components"]["schemas"]

    assert [n for n, each in schemas.items() if {"anyOf", "oneOf"} & set(each)] == []


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("NewImageTask", ["prompt"], []),
        ("NewImageTask", ["images"], ["mask"]),
        ("NewBatch", ["template"], []),
        ("CancelSeveral", ["ids"], ["ids", "user_id"]),
        ("CancelSeveral", ["status", "user_id"], ["status"]),
    ],
)
def test_fields_that_go_together_are_told(document, name, right, wrong):
    """Which are needed depends on which others are there."""
    shape = document["components"]["schemas"][name]
    rules = {part: shape[part] for part in ("if", "then", "else") if part in shape}

    is_right = Draft202012Validator(rules).is_valid

    assert is_right(dict.fromkeys(right)) and not is_right(dict.fromkeys(wrong))
