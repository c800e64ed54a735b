"""API keys, made and revoked by their owner on a page."""

import html
import logging
import re
import shlex
from datetime import UTC, datetime, timedelta

import pytest

from jimeng.documents import ApiKey, utcnow
from tests.access.conftest import call
from tests.each import for_each
from tests.page import error_at, send

SECRET = re.compile(r"jm_[\w-]{40,}")


@pytest.fixture
def ada(ada):
    """Signed in."""
    ada.sign_in()
    return ada


def make(person, **fields):
    form = {"name": "上架脚本", "scopes": ["read", "write"], "days": "", **fields}
    return send(person.client, "/account/keys", **form)


def stored(person) -> list[ApiKey]:
    rows = ApiKey.collection().find({"user_id": person.id, "name": {"$ne": "test"}})
    return [ApiKey.read(row) for row in rows]


def test_key_is_shown_once_and_works(ada, nobody, caplog):
    """It stands in the answer that made it, to be copied, and nowhere afterwards; with
    a line that a shell takes as one command. Once revoked it is worth nothing."""
    with caplog.at_level(logging.DEBUG):
        answer = make(ada)

    assert answer.status_code == 201
    assert answer.headers["Cache-Control"] == "no-store"
    (text,) = set(SECRET.findall(answer.text))
    assert "key created" in caplog.text and text not in caplog.text
    assert 'data-copies="#new-key-text"' in answer.text
    assert call(nobody, "GET", "/api/v1/models", key=text).status_code == 200
    later = ada.client.get("/account/keys").text
    assert "上架脚本" in later and text[:10] in later
    assert text not in later
    line = html.unescape(re.search(r'id="new-key-curl">([^<]*)<', answer.text)[1])
    words = shlex.split(line.replace("\\\n", ""))
    assert words[:2] == ["curl", "http://localhost/api/v1/ai/image/task"]
    assert text in words[3]
    assert '"prompt"' in words[-1]
    (key,) = stored(ada)
    revoked = send(ada.client, f"/account/keys/{key.id}/revoke")
    assert call(nobody, "GET", "/api/v1/models", key=text).status_code == 401
    assert key.prefix not in ada.client.get(revoked.location).text


@pytest.mark.parametrize("days", ["30", "90", "365"])
def test_key_ends(ada, days):
    """It is good for as long as was chosen, to the minute."""
    span, before = timedelta(days=int(days), minutes=1), utcnow()
    make(ada, days=days)

    (key,) = stored(ada)
    assert before + span - timedelta(minutes=2) < key.expires_at < utcnow() + span


@for_each(
    ("field", "value"),
    [
        ("name", " "),
        ("name", "x" * 101),
        ("scopes", []),
        ("scopes", ["everything"]),
        ("scopes", ["admin"]),
        ("days", "1000000"),
        ("days", "-1"),
    ],
)
def test_wrong_form_makes_no_key(ada, field, value):
    """The reason stands at the field, and what was written stays."""
    answer = make(ada, **{field: value})

    assert answer.status_code == 422
    assert error_at(answer, field)
    assert stored(ada) == []


def test_admin_may_make_an_admins_key(admin, ada):
    """Others are not offered what they would not get."""
    admin.sign_in()

    assert 'value="admin"' in admin.client.get("/account/keys").text
    assert make(admin, scopes=["admin"]).status_code == 201
    assert stored(admin)[0].scopes == ["admin"]
    assert 'value="admin"' not in ada.client.get("/account/keys").text


def test_list_says_what_there_is_to_know(ada, nobody):
    """Name, beginning, scopes, when it was made, used, and ends; and that it has."""
    ada.client.set_cookie("lang", "en")
    (text,) = set(SECRET.findall(make(ada, name="<b>", days="30").text))

    page = ada.client.get("/account/keys").text
    assert "&lt;b&gt;" in page and "<b>" not in page
    assert page.count("Never used") == 2

    call(nobody, "GET", "/api/v1/models", key=text)
    page = ada.client.get("/account/keys").text
    assert "Last used" in page and "Expired" not in page
    past = {"$set": {"expires_at": datetime.now(UTC) - timedelta(days=1)}}
    ApiKey.collection().update_one({"_id": stored(ada)[0].id}, past)
    assert "Expired" in ada.client.get("/account/keys").text
