"""API keys, made, bounded and revoked by their owner on a page."""

import html
import logging
import re
import shlex
from datetime import UTC, datetime, timedelta

import pytest

from jimeng.documents import ApiKey, utcnow
from tests.access.conftest import call
from tests.access.test_keys import DEFAULT, ask, new_key
from tests.each import for_each
from tests.page import error_at, send

BOUNDS = {
    **{"daily_budget": "much", "monthly_budget": "0", "doors": ["window"]},
    **{"models": ["sdxl"], "tasks_per_minute": "many", "pictures_per_day": "0"},
}  # wrong ones
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
        *BOUNDS.items(),
    ],
)
def test_wrong_form_makes_no_key(ada, field, value):
    """The reason stands at the field, and what was written stays; bounds are open."""
    answer = make(ada, **{field: value})

    assert answer.status_code == 422
    assert error_at(answer, field)
    assert ("<details open>" in answer.text) == (field in BOUNDS)
    assert stored(ada) == []


def test_admin_may_make_an_admins_key(admin, ada):
    """Others are not offered what they would not get."""
    admin.sign_in()

    assert 'value="admin"' in admin.client.get("/account/keys").text
    assert make(admin, scopes=["admin"]).status_code == 201
    assert stored(admin)[0].scopes == ["admin"]
    assert 'value="admin"' not in ada.client.get("/account/keys").text


def test_list_says_what_there_is_to_know(ada, nobody):
    """Name, beginning, scopes, when it was made, used, and ends; and that it has. The
    scope that is as good as the password is offered unticked."""
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
    page = ada.client.get("/account/keys").text
    assert "Expired" in page and "equivalent to your password" in page
    assert '<input type="checkbox" name="scopes" value="account">' in page
    assert make(ada, scopes=["write", "account"]).status_code == 201


def test_owner_limits_a_key(ada):
    bounds = {"doors": ["openai"], "models": [DEFAULT]}

    made = make(ada, **bounds, tasks_per_minute="3", pictures_per_day=" 9 ")

    assert made.status_code == 201
    page = re.sub(r"<[^>]+>", " ", ada.client.get("/account/keys").text)
    assert "OpenAI 兼容接口" in page and "只用 Seedream 3.0" in page
    assert "每分钟 3 个任务" in page and "每天 9 项" in page


def test_owner_sets_the_budgets_of_a_key(ada):
    """When it is made and later; the list says what is spent and when that ends."""
    ada.client.set_cookie("lang", "en")
    made = make(ada, daily_budget="0.5", monthly_budget=" 12 ")
    (key,) = stored(ada)
    assert (key.daily_budget_micros, key.monthly_budget_micros) == (500_000, 12_000_000)
    (text,) = set(SECRET.findall(made.text))
    assert ask(ada, {"key": text}, n=2).status_code == 202

    page = re.sub(r"<[^>]+>", " ", ada.client.get("/account/keys").text)

    assert "¥0.40 of ¥0.50 today, including reserved; resets" in page
    assert "¥0.40 of ¥12.00 this month" in page
    assert re.search(r"resets\s+\d\d-\d\d 00:00 Asia/Shanghai", page)
    path = f"/account/keys/{key.id}/budgets"
    for text, words in (("much", "0.22"), ("0", "0.01"), ("1000001", "0.22")):
        answer = send(ada.client, path, daily_budget=text)
        assert answer.status_code == 422
        assert words in (error_at(answer, f"{key.id}-daily_budget") or "")
        assert f'value="{text}"' in answer.text
        assert stored(ada)[0].daily_budget_micros == 500_000
    changed = send(ada.client, path, daily_budget="7.25")
    assert changed.status_code == 303
    assert "Limits changed" in ada.client.get(changed.location).text
    (key,) = stored(ada)
    assert (key.daily_budget_micros, key.monthly_budget_micros) == (7_250_000, None)
    # One that can create keys has none: it could create one without.
    own = new_key(ada, scopes=["read", "account"])["id"]
    path = f"/account/keys/{own}/budgets"
    assert path not in ada.client.get("/account/keys").text
    assert send(ada.client, path, daily_budget="5").status_code == 422
    assert ApiKey.find_one({"_id": own}).daily_budget_micros is None
