"""What the API's description says of /v1 is what happens there."""

import io

import pytest

from jimeng.documents import Task
from tests.each import for_each
from tests.given_pictures import photo
from tests.openai.conftest import EDITS, GENERATIONS, error_of
from tests.test_openapi_examples import conforms, find

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
    operation = document["paths"][path]["post"]

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
