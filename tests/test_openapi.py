"""The API's description: valid, complete, and in both languages."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from apispec import APISpec
from openapi_spec_validator import validate

from app import create_app
from jimeng.api.openapi.blueprint import WITH_KEYS
from jimeng.errors import statuses
from jimeng.mcp.tools import TOOLS
from jimeng.schemas import field_descriptions as words
from jimeng.schemas.reference_texts import WITH_DEFAULT, chinese, translated
from tests.rest import API, CREATE, METHODS, operation_of, operations

OF_PAGES = {
    *("sign_in_required", "sign_in_failed", "too_many_attempts"),
    *("second_factor_failed", "second_factor_lacking", "ticket_invalid"),
    *("invitation_invalid", "not_yourself", "sign_in_busy"),
    *("nothing_selected", "archive_too_large", "session_not_found"),
    *("clips_unlike", "too_many_downloads", "password_needed", "selection_too_large"),
    "too_many_assistant_requests",
}
SOURCES = (Path(__file__).parent.parent / "jimeng").glob("**/*.py")
LETTER = re.compile(r"[\u4e00-\u9fff]")


def texts(node: object, inside: str = "") -> Iterator[str]:
    """The descriptions and summaries in a document, but for its examples."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in {"description", "summary"} and isinstance(value, str):
                yield value
            elif inside not in {"example", "value"}:
                yield from texts(value, key)
    elif isinstance(node, list):
        for value in node:
            yield from texts(value)


@pytest.fixture(scope="module")
def described(connection, config):
    """The application, and its description in both languages."""
    app = create_app(config)
    client = app.test_client()
    documents = {
        language: client.get("/openapi.json", headers={"Accept-Language": language})
        for language in ("zh", "en")
    }
    return app, {name: answer.json for name, answer in documents.items()}


@pytest.fixture
def document(described) -> dict:
    return described[1]["en"]


def test_nothing_is_described_before_somebody_asks(connection, config, monkeypatch):
    """It would take most of the time that a start, or any command, takes."""
    described, describe = [], APISpec.path

    def count(*args, **options):
        described.append(args)
        return describe(*args, **options)

    monkeypatch.setattr(APISpec, "path", count)
    client = create_app(config).test_client()
    assert described == []

    counts = [client.get("/openapi.json") and len(described) for _ in range(2)]

    assert counts[0] == counts[1] > 20


def test_every_route_is_described(described, document):
    """Each path and method under /api/v1/ and /v1/ and of the probes; no others."""
    app = described[0]
    routes = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith(("/api/v1/", "/v1/", "/health", "/metrics"))
        for method in rule.methods & {each.upper() for each in METHODS}
    }

    assert {(path, method) for path, method, _ in operations(document)} == routes


@pytest.mark.parametrize("language", ["zh", "en"])
def test_document_is_valid_and_has_words_in_the_language(described, language):
    """
    Operations, parameters, headers, fields and answers are all explained; a new route
    comes with words in both languages: its docstring. No field is left to be guessed.
    """
    document = described[1][language]
    assert document["openapi"] == "3.1.0"
    validate(document)
    for name, schema in document["components"]["schemas"].items():
        for field, shape in schema["properties"].items():
            assert shape.get("description"), (name, field)

    found = [*texts(document)]
    chinese = [text for text in found if LETTER.search(text)]

    assert len(found) > 300
    assert chinese == (found if language == "zh" else [])


def test_table_of_chinese_texts_is_complete(described, config):
    """With sign-in, too; each text is one of the document's or of a tool for agents."""
    client = create_app(replace(config, AUTH="on")).test_client()
    signed_in = {
        language: client.get("/openapi.json", headers={"Accept-Language": language})
        for language in ("zh", "en")
    }
    with described[0].test_request_context(headers={"Accept-Language": "en"}):
        tools = [each.described() for each in TOOLS.values()]
    whole = [described[1]["en"], signed_in["en"].json, tools]
    said = {*texts(whole), *(each["title"] for each in tools)}
    said |= {found[1] for found in map(WITH_DEFAULT.fullmatch, said) if found}
    tables = chinese()

    assert [t for t in texts(signed_in["zh"].json) if not LETTER.search(t)] == []
    assert {*tables["description"], *tables["summary"]} - said == set()


def test_summary_has_a_chinese_text_of_its_own(described):
    """Where the description says the same in English."""
    path = f"{API}/collections/{{collection_id}}"
    english, chinese = (
        described[1][each]["paths"][path]["get"] for each in ("en", "zh")
    )

    assert english["summary"] == english["description"]
    assert (chinese["summary"], chinese["description"]) == (
        *("查看相册", "名称、图片数和最新的一张。"),
    )


def test_examples_are_not_translated():
    """Their texts are a client's; a pair has one for each language."""
    node = {"example": [{"description": "A note"}, ("备注", "A remark")]}

    assert translated({"description": "A note", **node}, "zh") == {
        "description": "备注",
        "example": [{"description": "A note"}, "备注"],
    }
    assert translated(node, "en")["example"][1] == "A remark"


def test_no_shared_words_are_left_over():
    """What schemas share of a field's words, some schema says."""
    shared = {
        name
        for name, text in vars(words).items()
        if name.isupper() and isinstance(text, str)
    }
    sources = "".join(path.read_text("utf-8") for path in SOURCES)

    assert shared == set(re.findall(r"\bfield_descriptions\.([A-Z_0-9]+)", sources))


def test_every_answer_has_a_shape_and_a_request_id(document):
    """To the last field, in errors too; of types that writers of clients know."""
    known = {"application/json", "application/octet-stream", "text/plain"}
    known |= {"text/event-stream"}
    for path, method, operation in operations(document):
        for status, answer in operation["responses"].items():
            where = f"{method} {path} {status}"
            assert "X-Request-ID" in answer["headers"], where
            assert known & set(answer.get("content", known)), where
            contents = answer["content"].values() if status != "304" else ()
            for schema in [each["schema"] for each in contents]:
                plain = schema.get("type") == "string"
                named = schema.get("$ref") or plain or schema["properties"]["data"]
                assert named, where
        bodies = operation.get("requestBody", {}).get("content", {})
        assert set(bodies) <= {"application/json", "multipart/form-data"}


def test_error_responses_are_shared(document):
    """They are most of an operation, and nearly all alike: written out, half a megabyte
    instead of a quarter."""
    for path, methods in document["paths"].items():
        for method in METHODS & set(methods):
            for status, answer in methods[method]["responses"].items():
                assert ("$ref" in answer) is (status >= "4"), (path, method, status)
    names = document["components"]["responses"]
    assert "404.task_not_found.not_found" in names
    assert "OpenAIError.404.model_not_found.not_found" in names


def test_body_may_be_left_out_where_nothing_of_it_is_needed(document):
    """A client may rely on it: there, and nowhere else."""
    optional = {
        (path, method)
        for path, method, operation in operations(document)
        if "requestBody" in operation and not operation["requestBody"]["required"]
    }

    assert optional == {
        ("/api/v1/batches/{batch_id}/retry", "post"),
        ("/api/v1/tasks/{task_id}/retry", "post"),
        ("/api/v1/users/{user_id}", "put"),
        ("/api/v1/users/{user_id}/keys/{key_id}", "put"),
        ("/api/v1/shares/{share_id}", "put"),
    }


def test_every_code_stands_where_it_may_come(document):
    """Whatever a request can be refused with, some operation names."""
    named = {
        code
        for _, _, operation in operations(document)
        for answer in operation["responses"].values()
        for content in answer.get("content", {}).values()
        for code in content.get("examples", {})
    }
    refusals = {code for code, status in statuses().items() if status < 500}
    elsewhere = {
        "image_not_found",
        "method_not_allowed",
        "starts_too_late",
        "charge_known",  # of the operator's commands
        *OF_PAGES,
        *WITH_KEYS,
    }

    assert refusals - elsewhere <= named
    assert {"database_unavailable", "queue_unavailable", "internal"} <= named


def test_headers_that_matter_are_described(document):
    """Where to go, when to come back, and what makes asking cheap or safe."""
    create = operation_of(document, CREATE, "post")
    look = operation_of(document, f"{API}/ai/image/result/{{task_id}}", "get")
    page = operation_of(document, f"{API}/tasks/user/{{user_id}}", "get")

    accepted = create["responses"]["202"]["headers"]
    assert {"Location", "Retry-After", "Idempotent-Replayed"} < set(accepted)
    assert "Retry-After" in create["responses"]["429"]["headers"]
    assert "Retry-After" in create["responses"]["503"]["headers"]
    assert {"ETag", "Retry-After"} < set(look["responses"]["200"]["headers"])
    assert "304" in look["responses"]
    assert "Link" in page["responses"]["200"]["headers"]
    taken = [each.get("$ref", "") for each in create["parameters"]]
    assert any(each.endswith("/Idempotency-Key") for each in taken)


def test_names_do_not_depend_on_the_language(described):
    """What programs go by is the same in both: tags, operations, codes, fields."""

    def names(node: object) -> object:
        if isinstance(node, dict):
            words = {"description", "summary", "message", "title", "example", "value"}
            kept = {k: names(v) for k, v in node.items() if k not in words}
            return {k: v for k, v in kept.items() if k != "examples"} | {
                "named": sorted(node.get("examples", {}), key=str)
                if isinstance(node.get("examples"), dict)
                else None
            }
        return [names(each) for each in node] if isinstance(node, list) else node

    documents = described[1]
    assert names(documents["zh"]) == names(documents["en"])
    assert {tag["name"] for tag in documents["zh"]["tags"]} == {
        tag for _, _, each in operations(documents["en"]) for tag in each["tags"]
    }


def test_server_errors_are_those_that_come(document):
    """Any request may fail here with a 500; a 502 is never an answer."""
    for path, _, operation in operations(document):
        assert "internal" in shown(operation, "500")
        assert {"414", "431"} < set(operation["responses"])
        # As OpenAI's clients have it, a request that waits is told what came of it.
        waits = path.startswith("/v1/images/")
        assert ("502" in operation["responses"]) is waits


def shown(operation: dict, status: str) -> dict:
    (content,) = operation["responses"][status]["content"].values()
    return content["examples"]


def test_every_operation_has_a_name_of_its_own(described):
    """In ASCII, as the title in every language: programs make names of them."""
    chinese, english = (described[1][language] for language in ("zh", "en"))
    names = [each["operationId"] for _, _, each in operations(english)]

    assert len(names) == len(set(names))
    titles = [document["info"]["title"] for document in (chinese, english)]
    assert all(name.isascii() for name in [*titles, *names])


def test_what_is_not_described_is_named(document):
    """Agents' way in says by itself what it takes; the document says where."""
    said = document["info"]["description"]

    assert "/mcp" in said
    assert "https://modelcontextprotocol.io" in said
    assert "/api/v3/contents/generations/tasks" in said


def test_v1_is_described_as_openai_has_it(document):
    """Fields, forms, streams and errors in the shapes of its clients."""
    edit = operation_of(document, "/v1/images/edits", "post")
    generate = operation_of(document, "/v1/images/generations", "post")

    assert set(edit["requestBody"]["content"]) == {
        *("application/json", "multipart/form-data")
    }
    assert edit["requestBody"]["required"] and generate["requestBody"]["required"]
    for operation in (edit, generate):
        success = operation["responses"]["200"]
        assert set(success["content"]) == {"application/json", "text/event-stream"}
        assert "Idempotent-Replayed" in success["headers"]
        for status, answer in operation["responses"].items():
            if status >= "400":
                (content,) = answer["content"].values()
                assert content["schema"]["$ref"].endswith("/OpenAIError")
    shown = generate["responses"]["429"]["content"]["application/json"]["examples"]
    assert {"insufficient_quota", "rate_limit_exceeded"} < set(shown)
    fields = document["components"]["schemas"]["CreateImageRequest"]["properties"]
    assert {"prompt", "size", "n", "seed", "stream", "images"} < set(fields)


def test_fields_with_a_default_stay_optional(document):
    """Generators make a field with ``default`` one that is always sent."""
    schemas = document["components"]["schemas"]

    shapes = [each for its in schemas.values() for each in its["properties"].values()]
    assert not any("default" in shape for shape in shapes)
    assert "n" not in schemas["NewImageTask"]["required"]
    fields = schemas["NewImageTask"]["properties"]
    assert fields["n"]["description"].endswith("; 1 by default")
    assert not fields["prompt"]["description"].endswith("default")


@pytest.mark.parametrize("sign_in", [False, True])
def test_user_is_asked_for_where_nobody_signs_in(connection, config, sign_in):
    """Required without sign-in; with it neither required nor in examples."""
    app = create_app(replace(config, AUTH="on" if sign_in else "off"))
    document = app.test_client().get("/openapi.json").json

    create = document["paths"][CREATE]["post"]["requestBody"]["content"]
    bodies = create["application/json"]["examples"].values()
    page = document["paths"][f"{API}/ai/image/tasks"]["get"]["parameters"]
    needed = document["components"]["schemas"]["NewImageTask"].get("required", [])
    (whose,) = [each for each in page if each.get("name") == "user_id"]
    assert ("user_id" in needed) is whose["required"] is not sign_in
    assert all(("user_id" in each["value"]) is not sign_in for each in bodies)
    assert ("security" in document) is sign_in


def test_printed_document_is_the_one_served(app, client):
    """By `flask openapi print`; the field of models says what this server has."""
    printed = app.test_cli_runner().invoke(args=["openapi", "print"])
    document = client.get("/openapi.json").json

    assert json.loads(printed.stdout) == document
    model = document["components"]["schemas"]["NewImageTask"]["properties"]["model"]
    assert "doubao-seedream-3.0-t2i" in model["examples"]
