"""Ids and values of every shape on every route: nothing is found, nothing breaks."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import ClassVar
from urllib.parse import urlencode

import pytest
from flask import Request
from werkzeug.datastructures import ImmutableMultiDict

from tests.access.test_walk import places  # noqa: F401 (a fixture)
from tests.access.walk import LAST, ask, placeholder, walk
from tests.each import for_each
from tests.page import HTMX, POST
from tests.rest import API, CREATE
from tests.security.hostile import IDS, TEXTS

# What pages read from addresses and forms, with what they make of them.
FIELDS = (
    *("q", "status", "batch", "n", "days", "page", "auto", "after", "model", "ratio"),
    *("from", "to", "seed", "prompt", "size", "deleted", "saved", "done", "left_out"),
    *("more", "code", "day", "user", "c", "email", "download", "next", "lang", "how"),
    *("said", "paused", "seen", "fav", "style", "style_own", "resolution", "quality"),
    *("of", "id", "all", "only", "on", "word", "theme", "current", "new", "again"),
    *("scopes", "quota", "token", "name", "accept_double_charge", "trash", "v"),
    *("in", "put", "left", "task", "plain", "collection", "take", "title"),
    *("prompts", "until"),
)
VALUES = {
    **{name: TEXTS[name] for name in ("lines", "odd letters")},
    "NUL": "a\0b",
    "half a character": b"\xed\xa0\x80\xff",
    "digits without end": "9" * 5000,
    "beyond 64 bits": str(2**63),
    "negative": "-5",
    "other digits": "\u0663\u0661",
    "no number": "nan",
    "first day": "0001-01-01",
    "last day": "9999-12-31",
    "marks": "a" + "\u0301\u0316" * 8,
    "nothing": "",
    "cursor": "OTk5OTk5OTk5OTk5OTk5Ong",
}
# Anybody may have tasks, whoever has a record or not; dropping what is not there is
# done at once; some have choices that are looked at first; and a preview that is not
# there leads to the thumbnail. A price in force is as one that never was.
MAY = {
    "api.list_tasks": {200, 422},
    "api.show_usage": {200},
    "api.change_collection": {422},
    "admin.drop_failure": {303},
    "admin.remove_price": {422},
    "admin.switch": {422},
    "admin.set_role": {422},
    "web.preview": {302},
}
# These change who asks, or end who asks.
OTHERWISE = {"web.accept_invitation", "web.do_sign_in", "web.change_password"}


# Of what goes where an eighth is tried by `make test`.
EIGHTHS = {"first": {0}, "others": {*range(1, 8)}}
PARTS = pytest.mark.parametrize(
    "part", ["first", pytest.param("others", marks=pytest.mark.system)]
)


@PARTS
@for_each("odd", IDS)
def test_odd_id_is_not_found(odd, secured, admin, part):
    """404 for an operator too, from whom nothing is kept; never an error of ours. Each
    id goes to half of the routes, and each route gets half of the ids."""
    admin.sign_in()
    wrong, turn = [], IDS.index(odd)
    for number, (rule, method) in enumerate(walk(secured)):
        place = (number + turn) % 8
        if place % 2 or place not in EIGHTHS[part]:
            continue
        if not rule.arguments or rule.endpoint in LAST:
            continue
        places = defaultdict(lambda: odd, ext="png", index="0")  # noqa: F811
        answer = ask(admin.client, rule, method, places, admin.key)
        wanted = {404} | MAY.get(rule.endpoint, set())
        if answer.status_code not in wanted:
            wrong.append((method, rule.rule, answer.status_code))
        answer.close()

    assert wrong == []


def noting(method: str, *, is_one: bool) -> Callable:
    """Notes the name that is looked at, or all where *is_one* is not so."""
    usual = getattr(ImmutableMultiDict, method)

    def look(self, *args, **options):
        self.seen.update(args[:1] if is_one else (*FIELDS, "cursor"))
        return usual(self, *args, **options)

    return look


class Noting(ImmutableMultiDict):
    """What came in an address or a form, and a note of what is looked at in it."""

    seen: ClassVar[set[str]] = set()


for each in ("__getitem__", "__contains__", "getlist"):
    setattr(Noting, each, noting(each, is_one=True))
for each in ("__iter__", "items", "to_dict"):
    setattr(Noting, each, noting(each, is_one=False))


class NotingRequest(Request):
    parameter_storage_class = Noting


@PARTS
@pytest.mark.parametrize("what", VALUES)
def test_odd_value_breaks_nothing(
    what,
    part,
    secured,
    admin,
    places,  # noqa: F811
    monkeypatch,
):
    """In addresses and forms of all pages. What a page has not looked at among all
    fields it is not sent alone. Every value goes to each page, by htmx to half of them
    and plain to the others: how a page is asked decides what it answers with, and
    nothing about what it reads."""
    monkeypatch.setattr(secured, "request_class", NotingRequest)
    admin.sign_in()
    value, wrong, seen = VALUES[what], [], set()
    odd = urlencode([(name, value) for name in FIELDS if name != "again"])
    alone = [{"cursor": value}, {"trash": "1", "cursor": value}, {"again": value}]
    turn = list(VALUES).index(what)
    for number, (rule, method) in enumerate(walk(secured)):
        if rule.endpoint in {*LAST, *OTHERWISE} or rule.rule.startswith("/api/"):
            continue
        if (number + turn) % 8 not in EIGHTHS[part]:
            continue
        path, way = rule.rule, HTMX if (number + turn) // 4 % 2 else {}
        for name in rule.arguments:
            path = path.replace(placeholder(rule, name), places[name])
        Noting.seen.clear()
        for options in requests(method, odd, alone, way):
            answer = admin.client.open(path, method=method, **options)
            is_health = rule.endpoint == "health.ready"  # no worker runs here
            if answer.status_code >= 500 and not is_health:
                wrong.append((method, path, options, answer.status_code))
            answer.close()
        seen |= Noting.seen

    assert wrong == []
    assert seen  # else nothing was noted


def requests(method: str, odd: str, alone: list[dict], way: dict) -> Iterator[dict]:
    """All fields; then, in an address, those alone that are looked at."""
    if method == "GET":
        yield {"query_string": odd, "headers": way}
        for fields in alone:
            if fields.keys() & Noting.seen:
                yield {"query_string": urlencode(fields)}
        return
    form = {"data": odd, "content_type": "application/x-www-form-urlencoded"}
    yield {**form, "headers": {**POST, **way}}


HEADERS = {
    "Range": ["bytes=-1", "bytes=9-1", "bytes=0-0,2-3", "x", "bytes=" + "0-1," * 900],
    "If-None-Match": ['"', '"x', "*", 'W/"' + "x" * 5000 + '"', "\xff"],
    "If-Modified-Since": ["never", "Thu, 99 Foo 0000 99:99:99 GMT", "\xff"],
    "Accept-Language": ["zz;q=x", ";" * 900, "en;q=1e999", "\xff", "en" * 4000],
    "Accept-Encoding": ["gzip;q=x", "gzip;q=-1", "*;q=0", "\xff"],
    "Cookie": [
        *("session=x", "session=" + "a.b.c" * 900, "lang=../x; theme=<b>", "=;=;"),
        *("zone=../../etc/passwd", "zone=Africa", "zone=posix/UTC", "defaults=n=x"),
        *("zone=\xff", "zone=" + "a" * 99, "defaults=model=%00&size=%ff", "lang=\0"),
    ],
    "Content-Type": ["multipart/form-data", "multipart/form-data; boundary=", "x/y;="],
    "Content-Length": ["0", "5"],
    "Authorization": ["Bearer", "Bearer \xff", "Digest x", "Bearer " + "x" * 7000],
    "X-Request-ID": ["x" * 500, "<b>", "\xff", "a b"],
    "HX-Request": ["true"],
    "HX-Target": ["<b>", "\xff"],
    "Idempotency-Key": ["", '"', "\xff", "x" * 999, '{"$gt": ""}'],
    "Sec-Fetch-Site": ["same-origin"],
}


@pytest.fixture
def pictured(ada, work_off) -> tuple[str, str]:
    """The id of a task of hers, and the path of its picture."""
    ada.sign_in()
    task = ada.api("POST", CREATE, json={"prompt": "x"}).json["data"]["task_id"]
    work_off()
    (path,) = {*re.findall(r"/i/[^/]+\.png", ada.client.get(f"/tasks/{task}").text)}
    return task, path


@for_each("name", HEADERS)
def test_odd_header_breaks_nothing(name, ada, pictured):
    """On a page, a picture, a file, a form, and the API."""
    task, picture = pictured
    body, bearer = {"prompt": "x"}, {"Authorization": f"Bearer {ada.key}"}

    for value in HEADERS[name]:
        headers = {**bearer, name: value}
        paths = ("/gallery", picture, f"{picture}?download=1", "/static/app.css")
        answers = [ada.client.get(path, headers=headers) for path in paths]
        answers += [
            ada.client.get(f"{API}/ai/image/result/{task}", headers=headers),
            ada.client.post(CREATE, json=body, headers=headers),
            ada.client.post("/tasks", data=body, headers=headers),
        ]
        assert [a.status_code for a in answers if a.status_code >= 500] == []
        for answer in answers:
            answer.close()
