"""Bad requests, sites and names: each is an answer in JSON that says what is wrong."""

import gzip
import io
import re
from itertools import product

from jimeng import tasks
from jimeng.schemas.fields import Text
from tests.api.refusing import client
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

__all__ = ["client"]

DEEP = b"[" * 100_000
TOO_LARGE = b'{"prompt": "' + b"a" * 1024 * 1024 + b'"}'
NO_JSON = [
    *(b"{", b"nope", b"{'a': 1}", b'{"n": NaN}', b'{"n": -Infinity}', b"{} {}"),
    *(DEEP, b'{"a":' * 100_000, b'{"n": ' + b"1" * 5000 + b"}"),
    *(b"\xff\xfe{}", '{"prompt": "é"}'.encode("latin-1"), b"\xef\xbb\xbf{}", b" "),
]
ENGLISH = {"Accept-Language": "en"}
ODD_IDS = [
    *("nope", "a" * 3000, "%00", "a%00b", "$where", "%7B%22$gt%22:%22%22%7D", "猫"),
    *("a.b", "..%2F..", "a%2Fb", "%ff", "%ed%a0%80", "%0a", "' or 1=1", "-1", "null"),
]


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
    """
    The length that is announced is enough to refuse; a body without one is read up to
    the limit, and is not taken cut off.
    """
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


@for_each(
    "path",
    [
        f"{API}/tasks/user/a?limit=3&limit=4",
        f"{API}/models?limit=3&limit=3",
        f"{API}/ai/image/tasks?user_id=a&limit=3&limit=3",
    ],
)
def test_parameter_that_is_there_twice_is_refused(client, path):
    """Nobody can tell which is meant."""
    assert errors_of(client.get(path)) == {"limit": ["只能出现一次"]}


def test_message_names_fields_and_reasons(client):
    """Whoever shows no more than the sentence tells what to mend."""
    one = client.post(CREATE, json={**CAT, "n": 9}, headers=ENGLISH)
    many = {**CAT, "n": 9, "seed": -2, "a": 1, "b" * 100: 2, "c": 3}
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


def test_unknown_task_or_user_is_not_found(client):
    """An id of any shape is one that there is not, or no address at all."""
    tasks, users = f"{API}/tasks/{{}}", f"{USERS}/{{}}"
    asked = [
        *[("GET", tasks), ("POST", f"{tasks}/cancel"), ("POST", f"{tasks}/retry")],
        *[("GET", f"{API}/ai/image/result/{{}}"), ("DELETE", f"{CREATE}/{{}}")],
        *[("GET", users), ("PUT", users), ("DELETE", users)],
    ]
    for (method, path), odd in product(asked, ODD_IDS):
        code = "user_not_found" if path == users else "task_not_found"
        body = {"json": {"name": "b"}} if method == "PUT" else {}
        answer = client.open(path.format(odd), method=method, **body)
        refused(answer, 404, "not_found" if "%2F" in odd else code)


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
