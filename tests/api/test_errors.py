"""Bad requests, names and fields: each is an answer in JSON that says what is wrong."""

import gzip
import io
import json
import re
from itertools import product

import pytest
from marshmallow import ValidationError

from jimeng import tasks
from jimeng.schemas.fields import Length, Text
from tests.each import for_each
from tests.rest import (
    API,
    CAT,
    CREATE,
    GENERAL,
    USERS,
    create,
    data_of,
    errors_of,
    framed,
    refused,
)

DEEP = b"[" * 100_000
TOO_LARGE = b'{"prompt": "' + b"a" * 1024 * 1024 + b'"}'
NO_JSON = [
    *(b"{", b"nope", b"{'a': 1}", b'{"n": NaN}', b'{"n": -Infinity}', b"{} {}"),
    *(DEEP, b'{"a":' * 100_000, b'{"n": ' + b"1" * 5000 + b"}"),
    *(b"\xff\xfe{}", '{"prompt": "é"}'.encode("latin-1"), b"\xef\xbb\xbf{}", b" "),
]
ENGLISH = {"Accept-Language": "en"}
FORM = "multipart/form-data"


@pytest.fixture
def client(connection, built, configure, config, registry):
    """Somebody whose requests are refused: nothing is cleared before them."""
    connection.restore()
    configure(config, registry)
    return built.test_client()


def post(client, body: bytes, kind: str | None = "application/json", path=CREATE):
    return client.post(path, data=body, content_type=kind)


def test_body_that_is_no_json_is_refused(client):
    """Bad syntax, constants, depth, numbers and encodings are all 400."""
    for path, body in product((CREATE, GENERAL, USERS), NO_JSON):
        refused(post(client, body, path=path), 400, "invalid_json")


def test_body_is_an_object(client):
    """Another kind of JSON is an error of the body as a whole; none is an empty one."""
    bodies = (b"[]", b'[{"n": 1}]', b'"x"', b"5", b"true", b"null")
    for path, body in product((CREATE, GENERAL, USERS), bodies):
        assert list(errors_of(post(client, body, path=path))) == ["body"], (path, body)
    assert set(errors_of(client.post(CREATE))) == {"prompt", "user_id"}


@for_each(
    "kind", ["application/x-www-form-urlencoded", "text/plain", "text/json", None, ""]
)
def test_body_of_another_type_is_refused(client, kind):
    """Forms are for pictures and videos alone."""
    form = client.post(GENERAL, data={**CAT, "type": "video"}, content_type=FORM)
    refused(form, 415, "unsupported_media_type")
    refused(post(client, b"prompt=a&user_id=b", kind), 415, "unsupported_media_type")


@for_each(
    "headers",
    [
        {"Content-Type": "application/json; charset=utf-8"},
        {"Content-Type": "application/JSON"},
        *[{"Content-Encoding": coding} for coding in ("identity", "", "Identity")],
    ],
)
def test_body_may_be_declared_in_other_words(client, headers):
    """The usual spellings of its type, and of no coding, are all taken."""
    data_of(client.post(CREATE, json=CAT, headers=headers), 202)


def test_body_over_a_mebibyte_is_refused(client):
    """By its announced length; one without is not taken cut off."""
    for path in (CREATE, GENERAL, USERS):
        refused(post(client, TOO_LARGE, path=path), 413, "request_too_large")
    for body in (TOO_LARGE, b'{"prompt": "a"}' + b" " * 1024 * 1024):
        answer = client.post(
            CREATE,
            input_stream=io.BytesIO(body),
            content_type="application/json",
            headers={"Transfer-Encoding": "chunked"},
            environ_overrides={"wsgi.input_terminated": True},
        )
        refused(answer, 413, "request_too_large")


@for_each(
    "path",
    [
        *("/api/", "/api/v2/models", f"{API}/nope", f"{API}/models/", f"{CREATE}/x/y"),
        *("/api//v1/models", f"{API}/tasks//cancel"),
    ],
)
def test_unknown_address_is_not_found_in_json(client, path):
    """Under /api/ there is no other kind of answer, and no redirect, which is HTML."""
    refused(client.get(path), 404, "not_found")


@for_each(
    "method, path, allowed",
    [
        ("PUT", f"{API}/models", "GET"),
        ("GET", CREATE, "POST"),
        ("PATCH", f"{API}/tasks/x", "GET"),
        ("POST", f"{API}/users/x", "PUT"),
        ("GET", f"{API}/tasks/cancel", "POST"),
    ],
)
def test_wrong_method_names_the_right_ones(client, method, path, allowed):
    answer = client.open(path, method=method)

    refused(answer, 405, "method_not_allowed")
    assert allowed in answer.headers["Allow"]


def test_options_name_what_a_route_takes(client, app):
    """Allow has the methods of the route, and not those of one that looks like it."""
    allowed: dict[str, set] = {}
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith((API, "/health", "/metrics")):
            path = re.sub(r"<[^>]+>", "x", re.sub(r"<int:[^>]+>", "0", rule.rule))
            allowed.setdefault(path, set()).update(rule.methods)

    for path, methods in allowed.items():
        answer = client.options(path)
        assert answer.status_code == 200
        assert set(answer.allow) == methods, path
        assert "Content-Type" not in answer.headers
    assert len(allowed) > 15


def test_message_names_fields_and_reasons(client):
    """Whoever shows no more than the sentence tells what to mend."""
    one = client.post(CREATE, json={**CAT, "n": 9}, headers=ENGLISH)
    many = {"prompt": " ", "n": 9, "seed": -2, "a": 1, "b" * 100: 2, "c": 3}
    several = client.post(CREATE, json=many, headers=ENGLISH)

    said = refused(one, 422, "validation_failed")["message"]
    assert said == "Invalid: n: Must be 1 to 4"
    assert one.json["errors"]["n"] == ["Must be 1 to 4"]
    chinese = client.post(CREATE, json={**CAT, "n": 9})
    assert "请求参数有误" in chinese.json["message"]
    assert errors_of(chinese)["n"] == ["必须在 1 到 4 之间"]
    said = refused(several, 422, "validation_failed")["message"]
    assert said.count("; ") == 3
    assert said.endswith("; …")
    assert "b" * 65 not in said
    named = {"prompt", "user_id", "n", "seed", "a", "b" * 64 + "…", "c"}
    assert {*errors_of(several)} == named, "nobody comes back once a mistake"
    twice = errors_of(client.get(f"{API}/models?limit=3&limit=3"))
    assert twice == {"limit": ["只能出现一次"]}, "nobody can tell which is meant"


def test_bug_is_an_answer_without_its_traceback(client, monkeypatch):
    """What nobody foresaw is a 500 that gives nothing away."""

    def fail(*args):
        raise RuntimeError("secret detail")

    monkeypatch.setattr(tasks, "find", fail)

    answer = client.get(f"{API}/tasks/x")

    refused(answer, 500, "internal")
    assert "secret detail" not in answer.text


def test_body_on_a_route_without_fields_is_checked(client):
    """Even where nothing can be said, what is said must be understood."""
    cancel = f"{API}/tasks/{create(client)}/cancel"

    assert list(errors_of(client.post(cancel, json={"why": "x"}))) == ["why"]
    refused(client.post(cancel, data=b"{"), 415, "unsupported_media_type")
    framed(client.post(cancel, json={}))


@for_each("coding", ["gzip", "br", "GZIP, identity"])
@for_each("path", [CREATE, f"{API}/uploads", "/v1/images/generations"])
def test_packed_body_is_refused_with_words(client, path, coding):
    """Nobody unpacks it here, and "not JSON" would say nothing of that."""
    headers = {"Content-Encoding": coding, **ENGLISH}
    body = gzip.compress(b"{}")

    answer = client.post(
        path, data=body, content_type="application/json", headers=headers
    )

    assert answer.status_code == 415
    assert "Content-Encoding" in answer.text
    assert "unsupported_encoding" in answer.text
    assert answer.headers["Accept-Encoding"] == "identity"


@for_each(
    ("path", "body", "field"),
    [
        (CREATE, {**CAT, "images": [1] * 100_000}, "images"),
        (f"{API}/batches", {"user_id": "a", "prompts": [{}] * 100_000}, "prompts"),
        (f"{API}/tasks/cancel", {"ids": [[]] * 100_000}, "ids"),
    ],
)
def test_long_list_is_not_looked_through(client, monkeypatch, path, body, field):
    """How long it is is told before what is in it: each entry takes its time."""
    looked = []
    deserialize = Text.deserialize
    monkeypatch.setattr(
        Text, "deserialize", lambda *a, **k: looked.append(a) or deserialize(*a, **k)
    )

    assert list(errors_of(client.post(path, json=body))) == [field]
    assert len(looked) < 10


@for_each(
    "given, is_kept",
    [
        *[(given, True) for given in ("abc-123", "A.b_c:d", "x" * 128)],
        *[(given, False) for given in ("", "a b", "x" * 129, "<script>", "ü", "a;b")],
    ],
)
def test_sane_request_id_is_kept(client, given, is_kept):
    """The caller's own id comes back, unless it could do harm in a log."""
    found = client.get(f"{API}/models", headers={"X-Request-ID": given})

    assert found.headers["X-Request-ID"]
    assert (found.headers["X-Request-ID"] == given) is is_kept


ENGLISH_WISHES = [
    *("en-US,zh;q=0.5", "en-GB;q=0.8, zh;q=0.2", "en-US, zh-CN;q=0.9, zh;q=0.8"),
]


@for_each(
    "header",
    [*ENGLISH_WISHES, "", "*", "de", "zh-TW,en;q=0.8", "en;q=0", "en;q=x"],
)
def test_chinese_is_spoken_unless_english_is_preferred(client, header):
    """With whatever region; who says nothing that can be read gets Chinese, too."""
    answer = client.get("/health", headers={"Accept-Language": header})

    is_english = answer.json["message"] == "The service is running"
    assert is_english is (header in ENGLISH_WISHES)
    assert is_english or answer.json["message"] == "服务正常运行"


@for_each(
    "field, value",
    [
        *[("n", value) for value in ("2", True, 1.5, 1e30, None, 0, 5, [1], {})],
        *[("seed", value) for value in (2**31, -2, "1", True, 0.5, None, 10**30)],
        *[("prompt", value) for value in ({"$gt": ""}, ["a"], 1, None, True)],
        *[("prompt", value) for value in ("", " \n\t　", "猫" * 801, "a\0b", "\ud800")],
        *[("user_id", value) for value in ("a b", "a" * 65, "", "猫", {"$ne": None})],
        *[("user_id", value) for value in ("a\n", "a/b", "$where", 5, None, "\0")],
        *[("size", value) for value in (1024, None, "", "1" * 21, ["1:1"], "\ud800")],
        *[("size", value) for value in ("4K", "512x100", "100x512", "2049x512", "0x0")],
        *[("size", value) for value in ("1024*1024", "1024", "x", "1024x", "-512x512")],
        *[("size", value) for value in ("1e3x1e3", "５１２x512", "512x512x512", "0:4")],
        ("size", "0512x512"),
        *[("quality", value) for value in ("HD", "best", "", None, 1, {"$in": []})],
        *[("style", value) for value in ("", " ", "a" * 65, 1, None, {"$gt": ""})],
        *[("model", value) for value in ("nope", "", None, 3, {"$gt": ""}, "a" * 101)],
        *[("provider", value) for value in ("nope", "", None, 3, {"$gt": ""})],
        *[("negative_prompt", value) for value in ("blurry", "", {"$gt": ""})],
        *[("delay", 5), ("type", "image"), ("input", {}), ("$where", "1"), ("a.b", 1)],
        *[("id", "x"), ("status", "completed"), ("_schema", 1), ("", 1)],
        *[("Prompt", ""), ("\ud800", 1)],
    ],
)
def test_wrong_field_is_refused_by_its_name(client, field, value):
    # As ASCII, so that half a character can be sent.
    body = json.dumps({**CAT, field: value})

    errors = errors_of(client.post(CREATE, data=body, content_type="application/json"))

    name = {"_schema": "body", "": "body", "\ud800": "\\ud800"}.get(field, field)
    assert list(errors) == [name]
    assert all(errors[name])


def test_refused_names_list_those_there_are(client):
    model = errors_of(client.post(CREATE, json={**CAT, "model": "dall-e"}))
    provider = errors_of(client.post(CREATE, json={**CAT, "provider": "openai"}))
    (words,) = errors_of(client.post(CREATE, json={**CAT, "size": "4K"}))["size"]

    assert "doubao-seedream-3.0-t2i" in model["model"][0]
    assert "volcengine_jimeng" in provider["provider"][0]
    assert all(each in words for each in ("512", "2048", "21:9", "2K"))


@for_each(
    "method, path",
    [
        *[("GET", f"{API}/{path}") for path in ("models", "tasks/x", "tasks/user/a")],
        *[("GET", f"{API}/ai/image/{path}") for path in ("result/x", "tasks")],
        *[("GET", USERS), ("GET", f"{USERS}/x"), ("DELETE", f"{USERS}/x")],
        *[("POST", CREATE), ("POST", f"{API}/tasks/x/retry")],
    ],
)
def test_unknown_query_parameter_is_refused(client, method, path):
    """A misspelt parameter is an error on every route."""
    answer = client.open(path, method=method, query_string={"limt": "5", "$where": "1"})

    assert {"limt", "$where"} <= set(errors_of(answer))


def test_field_inside_and_beside_is_refused(client):
    """Where a field stands twice nobody can tell which is meant."""
    body = {"type": "image", **CAT, "input": {"prompt": "一只狗"}}

    assert list(errors_of(client.post(GENERAL, json=body))) == ["prompt"]


@for_each("name", ["type", "delay", "input", "colour"])
def test_input_takes_no_other_fields(client, name):
    """What belongs beside the input, or nowhere, is refused inside it."""
    body = {"input": {**CAT, name: 1}, "type": "image"}

    assert name in errors_of(client.post(GENERAL, json=body))


@for_each(
    "field, value",
    [
        *[("input", value) for value in (None, [], "x", 5, True)],
        *[("type", value) for value in ("audio", "", None, 1, ["image"])],
        *[("delay", value) for value in (-1, -0.001, 86_401, True, "5", None, [])],
        *[("delay", value) for value in ({"$gt": 0}, float("inf"))],
    ],
)
def test_wrong_field_of_the_general_form_is_refused(client, field, value):
    """Pictures and videos alone, whose fields are an object, within a day."""
    body = json.dumps({"type": "image", **CAT, field: value})
    body = body.replace("Infinity", "1e999")  # JSON, but no number of seconds

    answer = client.post(GENERAL, data=body, content_type="application/json")

    assert list(errors_of(answer)) == [field]


@for_each(
    "field, value",
    [
        *[("email", value) for value in ("a@example.org*", "a..b@example.org", "")],
        *[("email", value) for value in ("a@-example.org", "a", "a@b.c\u0345")],
        *[("email", value) for value in ("@", "a@b", "a b@c.de", "a@b.c@d.ef", "a@b.")],
        *[("email", value) for value in ("a\0@b.cd", "\ta\n@b.c", "a＠b.cd", None, 5)],
        *[("email", value) for value in (True, ["a@b.cd"], {"$gt": ""})],
        ("email", "a" * 250 + "@b.cd"),
        *[("name", value) for value in ("", " \n ", "a" * 101, None, 5, ["a"])],
        ("name", {"$gt": ""}),
    ],
)
def test_impossible_user_is_refused(client, field, value):
    """Nothing can be sent to the address; a name is text of 1 to 100 characters."""
    body = {"email": "a@example.com", "name": "b", field: value}

    assert list(errors_of(client.post(USERS, json=body))) == [field]


@pytest.mark.parametrize(("value", "unit"), [("abc", "字符"), (["a", "b", "c"], "项")])
def test_lengths_of_texts_and_lists_differ_in_words(value, unit):
    with pytest.raises(ValidationError, match=f"1 .* 2 .*{unit}"):
        Length(1, 2)(value)
