"""Text that cannot be stored is refused with words, wherever it comes in."""

import json
import re
from io import BytesIO

from jimeng.documents import Collection, SavedPrompt, Task
from tests.each import for_each
from tests.given_pictures import photo
from tests.page import POST
from tests.rest import API, CAT, CREATE, USERS, errors_of, operations, refused

NUL, HALF = "a\0b", "a\ud800b"
ENGLISH = {"Accept-Language": "en"}
WORDS = "NUL"  # what the reason names
EVERY = for_each("bad", [NUL, HALF])


def post(client, path: str, body: dict):
    """Send JSON as it is: a test client would not write half of a pair."""
    return client.post(
        path, data=json.dumps(body), content_type="application/json", headers=ENGLISH
    )


@for_each(
    ("path", "body", "field"),
    [
        (CREATE, {**CAT, "prompt": NUL}, "prompt"),
        (CREATE, {**CAT, "prompt": HALF}, "prompt"),
        (CREATE, {**CAT, "images": [NUL]}, "images.0"),
        (USERS, {"email": "a@example.com", "name": HALF}, "name"),
        (f"{API}/batches", {"user_id": "a", "prompts": ["x", NUL]}, "prompts.1"),
        (f"{API}/collections", {"user_id": "a", "name": HALF}, "name"),
    ],
)
def test_rest_says_which_field_and_why(client, path, body, field):
    """The reason names what is in the text, not only that it is wrong."""
    found = errors_of(post(client, path, body))

    assert list(found) == [field]
    assert WORDS in found[field][0]


@EVERY
@for_each("field", ["prompt", "model", "image", "mask"])
def test_v1_says_which_field_and_why(client, bad, field):
    body = {"prompt": "a", field: bad}

    answer = post(client, "/v1/images/generations", body)

    error = answer.json["error"]
    assert answer.status_code in {400, 404}
    assert error["param"] == field
    assert WORDS in error["message"]


@EVERY
def test_agent_is_told_which_argument_and_why(client, bad):
    """As an error of the tool, which a model can act on."""
    call = {"name": "generate_image", "arguments": {"prompt": bad}}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}

    result = post(client, "/mcp", body).json["result"]

    assert result["isError"]
    assert "prompt" in result["content"][0]["text"]
    assert WORDS in result["content"][0]["text"]


@for_each(
    ("path", "fields"),
    [
        ("/tasks", {"prompt": NUL, "n": "1"}),
        ("/prompts", {"name": NUL, "prompt": "x"}),
        ("/collections", {"name": NUL}),
        ("/admin/users", {"email": "a@example.com", "name": NUL}),
    ],
)
@for_each("kind", ["multipart/form-data", None])
def test_form_of_a_page_is_refused(client, path, fields, kind):
    """Half of a pair does not get into a form: it is read as U+FFFD."""
    answer = client.post(
        path, data=fields, content_type=kind, headers={**POST, **ENGLISH}
    )

    assert answer.status_code == 422
    assert WORDS in answer.text
    counts = [each.collection().count_documents({}) for each in (SavedPrompt, Task)]
    assert [*counts, Collection.collection().count_documents({})] == [0, 0, 0]


@for_each("path", ["/", "/gallery", "/admin/users", "/admin/audit"])
def test_query_of_a_page_is_refused(client, path):
    """As everything else; of the API by its name."""
    answer = client.get(f"{path}?q=a%00b", headers=ENGLISH)

    assert answer.status_code == 422
    assert WORDS in answer.text
    for query in ("q=a%00b", "a%00b=1"):
        of_api = client.get(f"{API}/tasks/user/a?{query}", headers=ENGLISH)
        (reasons,) = errors_of(of_api).values()
        assert WORDS in reasons[0]


def test_form_of_the_api_is_refused(client):
    form = {"user_id": NUL, "file": (BytesIO(photo()), "photo.jpg")}

    answer = client.post(f"{API}/uploads", data=form, headers=ENGLISH)

    assert list(refused(answer, 422, "validation_failed")["errors"]) == ["user_id"]


def test_patterns_exclude_nul(client):
    """Every string that a request may bring has an end to what it may hold."""
    document = client.get("/openapi.json").json
    schemas = document["components"]["schemas"]

    def strings(node: object, where: str):
        if isinstance(node, list):
            for each in node:
                yield from strings(each, where)
        elif isinstance(node, dict):
            if "$ref" in node:
                name = node["$ref"].rpartition("/")[2]
                yield from strings(schemas.get(name, {}), f"{where} {name}")
                return
            if node.get("type") == "string" and node.get("format") != "binary":
                yield where, node
            for name, each in node.items():
                if name not in {"example", "examples"}:
                    yield from strings(each, f"{where} {name}")

    lacking = [
        where
        for path, method, operation in operations(document)
        for part in (
            operation.get("requestBody", {}),
            [p for p in operation["parameters"] if p.get("in") == "query"],
        )
        for where, shape in strings(part, f"{method} {path}")
        if "enum" not in shape
        and shape.get("format") not in {"date", "date-time"}
        and (not shape.get("pattern") or re.search(shape["pattern"], NUL))
    ]

    assert lacking == []
