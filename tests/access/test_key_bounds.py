"""Keys that are good for less than their owner: doors, models, and amounts."""

import re
import threading
from datetime import timedelta
from unittest.mock import Mock

import pytest
from pymongo.errors import AutoReconnect

from jimeng import lanes
from jimeng.documents import ApiKey, Task, utcnow
from jimeng.jobs import pump
from jimeng.limits import deferred_release
from jimeng.operations.users import set_quota
from tests.access.conftest import OPERATOR, call
from tests.conftest import come_due, run_queue
from tests.each import for_each
from tests.page import POST, error_at
from tests.rest import API, CREATE, USERS, data_of, errors_of, refused

CAT = {"prompt": "一只猫"}
GENERATIONS = "/v1/images/generations"
DEFAULT = "doubao-seedream-3.0-t2i"


def new_key(person, **fields) -> dict:
    body = {"name": "插件", **fields}
    return data_of(person.api("POST", f"{USERS}/{person.id}/keys", json=body), 201)


def ask(person, key: dict, **fields):
    return call(person.client, "POST", CREATE, key=key["key"], json={**CAT, **fields})


def test_bounds_are_shown(ada):
    bounds = {"doors": ["openai", "api"], "models": ["jimeng-3.0", DEFAULT]}
    made = new_key(ada, **bounds, tasks_per_minute=3, pictures_per_day=9)

    listed = data_of(ada.api("GET", f"{USERS}/{ada.id}/keys"))[0]
    for shown in (made, listed):
        assert shown["doors"] == ["api", "openai"]
        assert shown["models"] == [DEFAULT]
        assert (shown["tasks_per_minute"], shown["pictures_per_day"]) == (3, 9)
    plain = new_key(ada)
    assert (plain["doors"], plain["models"]) == ([], [])
    assert plain["tasks_per_minute"] is plain["pictures_per_day"] is None


@for_each(
    ("doors", "path", "is_open"),
    [
        (["api"], f"{API}/models", True),
        (["api"], "/v1/models", False),
        (["openai"], "/v1/models", True),
        (["openai"], f"{API}/models", False),
        (["mcp"], "/v1/models", False),
        ([], "/v1/models", True),
    ],
)
def test_key_opens_its_own_doors_only(ada, doors, path, is_open):
    """Elsewhere it is refused, with the doors that it opens."""
    key = new_key(ada, **({"doors": doors} if doors else {}))

    answer = call(ada.client, "GET", path, key=key["key"])

    assert answer.status_code == (200 if is_open else 403)
    if not is_open:
        assert "door_closed" in answer.text
        assert doors[0] in answer.text


def test_key_asks_for_its_own_models_only(ada):
    """By whichever of their names, at every door, and by running again."""
    key = new_key(ada, models=["jimeng-3.1"])

    data_of(ask(ada, key, model="seedream-3.1"), 202)
    message = refused(ask(ada, key), 403, "model_not_allowed")["message"]
    other = call(ada.client, "POST", GENERATIONS, key=key["key"], json=CAT)
    listed = call(ada.client, "GET", "/v1/models", key=key["key"]).json["data"]

    assert "jimeng-3.1" in message
    assert other.status_code == 403
    assert other.json["error"]["code"] == "model_not_allowed"
    assert [each["id"] for each in listed] == ["jimeng-3.1"]
    (only,) = data_of(call(ada.client, "GET", f"{API}/models", key=key["key"]))
    assert only["id"] == key["models"][0]
    mine = data_of(ada.api("POST", CREATE, json=CAT), 202)["task_id"]
    ada.api("POST", f"{API}/tasks/{mine}/cancel", json={})
    retry = f"{API}/tasks/{mine}/retry"
    again = call(ada.client, "POST", retry, key=key["key"], json={})
    refused(again, 403, "model_not_allowed")


def test_key_has_a_minute_of_its_own(ada):
    """Beside that of its user, who may go on with another."""
    key, other = new_key(ada, tasks_per_minute=2), new_key(ada)

    first, _ = ask(ada, key), ask(ada, key)
    third = ask(ada, key)

    assert '"key-submissions";r=1' in first.headers["RateLimit"]
    refused(third, 429, "key_too_many_submissions")
    assert 0 < int(third.headers["Retry-After"]) <= 60
    data_of(ask(ada, other), 202)
    assert Task.collection().count_documents({}) == 3


def test_key_has_a_day_of_its_own(ada):
    """Counted in pictures; what does not fit is refused whole, what fits is taken."""
    key = new_key(ada, pictures_per_day=5)

    data_of(ask(ada, key, n=4), 202)
    two = ask(ada, key, n=2)
    one = ask(ada, key)

    assert "1" in refused(two, 429, "key_quota_exceeded")["message"]
    assert '"key-daily-pictures";r=0' in one.headers["RateLimit"]
    refused(ask(ada, key), 429, "key_quota_exceeded")
    yesterday = (utcnow() - timedelta(days=1)).date().isoformat()
    ApiKey.collection().update_many({}, {"$set": {"day": yesterday}})
    data_of(ask(ada, key, n=4), 202)


def test_what_is_never_sent_is_given_back_to_its_key(ada):
    """As to its user: cancelled while it waited, whole or in part."""
    key = new_key(ada, pictures_per_day=9)
    whole = data_of(ask(ada, key, n=4), 202)["task_id"]
    part = data_of(ask(ada, key, n=4), 202)["task_id"]

    data_of(ada.api("POST", f"{API}/tasks/{whole}/cancel", json={}))
    data_of(ada.api("POST", f"{API}/tasks/{part}/pictures/2/cancel", json={}))

    assert ApiKey.used_on(key["id"], utcnow().date()) == 3


def test_what_is_cancelled_in_its_last_moment_is_given_back_to_its_key(ada, lane):
    """It had a slot already; a consumer finds that nobody wants it."""
    key = new_key(ada, pictures_per_day=9)
    task_id = data_of(ask(ada, key), 202)["task_id"]
    lanes.claim(lane, {"main": 1})

    data_of(ada.api("POST", f"{API}/tasks/{task_id}/cancel", json={}))
    for _ in range(2):  # its claim lapses, and the next one finds it unwanted
        come_due()
        pump.tick()
        run_queue()

    assert ApiKey.used_on(key["id"], utcnow().date()) == 0


def test_what_makes_nothing_is_given_back(secured, ada, closed):
    """A request that its user's limit refuses takes nothing of the key's."""
    key = new_key(ada, pictures_per_day=5, tasks_per_minute=5)
    data_of(ask(ada, key), 202)
    idle = {"Idempotency-Key": "k"}
    for _ in range(3):  # of which the first makes a task
        headers = {**idle, "Authorization": f"Bearer {key['key']}"}
        data_of(ada.client.post(CREATE, json=CAT, headers=headers), 202)
    set_quota(OPERATOR, ada.id, 2)
    refused(ask(ada, key), 429, "quota_exceeded")
    set_quota(OPERATOR, ada.id, None)

    answer = ask(ada, key)

    assert '"key-submissions";r=2' in answer.headers["RateLimit"]
    assert '"key-daily-pictures";r=2' in answer.headers["RateLimit"]


@pytest.mark.parametrize(
    "where", [(lanes, "reserve_tickets"), (Task, "insert")], ids=["turn", "write"]
)
def test_what_mongodb_failed_is_given_back(ada, monkeypatch, where):
    """Once it answers, and says that nothing came of the request."""
    key = new_key(ada, pictures_per_day=5)
    data_of(ask(ada, key), 202)
    monkeypatch.setattr(deferred_release, "_thread", threading.current_thread())
    with monkeypatch.context() as broken:
        broken.setattr(*where, Mock(side_effect=AutoReconnect("connection closed")))
        refused(ask(ada, key, n=4), 503, "database_unavailable")

    deferred_release.release_pending()

    assert ApiKey.used_on(key["id"], utcnow().date()) == 1


@for_each(
    ("fields", "wrong"),
    [
        ({"doors": ["window"]}, "doors.0"),
        ({"doors": []}, "doors"),
        ({"models": ["sdxl"]}, "models"),
        ({"tasks_per_minute": 0}, "tasks_per_minute"),
        ({"pictures_per_day": "5"}, "pictures_per_day"),
        ({"doors": ["api"], "scopes": ["read", "account"]}, "scopes"),
        ({"pictures_per_day": 5, "scopes": ["write", "account"]}, "scopes"),
    ],
)
def test_impossible_bounds_are_refused(ada, fields, wrong):
    """Also with a scope that would lead around them: to make another key."""
    body = {"name": "x", **fields}

    answer = ada.api("POST", f"{USERS}/{ada.id}/keys", json=body)

    assert [*errors_of(answer)] == [wrong]


def test_owner_limits_a_key_on_the_page(ada):
    ada.sign_in()
    form = {
        **{"name": "插件", "scopes": ["read", "write"], "days": ""},
        **{"doors": ["openai"], "models": [DEFAULT]},
        **{"tasks_per_minute": "3", "pictures_per_day": " 9 "},
    }

    made = ada.client.post("/account/keys", data=form, headers=POST)

    assert made.status_code == 201
    page = re.sub(r"<[^>]+>", " ", ada.client.get("/account/keys").text)
    assert "OpenAI 兼容接口" in page and "只用 Seedream 3.0" in page
    assert "每分钟 3 个任务" in page and "每天 9 项" in page


def test_owner_sets_the_budgets_of_a_key_on_the_page(ada):
    """When it is made and later; the list says what is spent and when that ends."""
    ada.sign_in()
    ada.client.set_cookie("lang", "en")
    form = {"name": "plugin", "scopes": ["read", "write"], "days": ""}
    budgets = {"daily_budget": "0.5", "monthly_budget": " 12 "}
    made = ada.client.post("/account/keys", data=form | budgets, headers=POST)
    assert made.status_code == 201
    key = ApiKey.find_one({"name": "plugin"})
    assert (key.daily_budget_micros, key.monthly_budget_micros) == (500_000, 12_000_000)
    (text,) = {*re.findall(r"jm_[\w-]{43}", made.text)}
    assert ask(ada, {"key": text}, n=2).status_code == 202

    page = re.sub(r"<[^>]+>", " ", ada.client.get("/account/keys").text)

    assert "¥0.40 of ¥0.50 today, including reserved; resets" in page
    assert "¥0.40 of ¥12.00 this month" in page
    assert re.search(r"resets\s+\d\d-\d\d 00:00 Asia/Shanghai", page)

    path = f"/account/keys/{key.id}/budgets"
    changed = ada.client.post(path, data={"daily_budget": "7.25"}, headers=POST)

    assert changed.status_code == 303
    assert "Budgets changed" in ada.client.get(changed.location).text
    key = ApiKey.find_one({"name": "plugin"})
    assert (key.daily_budget_micros, key.monthly_budget_micros) == (7_250_000, None)
    # One that can create keys has none: it could create one without.
    own = new_key(ada, scopes=["read", "account"])["id"]
    path = f"/account/keys/{own}/budgets"
    assert path not in ada.client.get("/account/keys").text
    answer = ada.client.post(path, data={"daily_budget": "5"}, headers=POST)
    assert answer.status_code == 422
    assert ApiKey.find_one({"_id": own}).daily_budget_micros is None


@for_each(("text", "words"), [("much", "0.22"), ("0", "0.01"), ("1000001", "0.22")])
def test_wrong_budget_of_a_key_changes_nothing(ada, text, words):
    """It is said beside the field, of the key that would be changed."""
    ada.sign_in()
    key_id = new_key(ada)["id"]
    path = f"/account/keys/{key_id}/budgets"
    ada.client.post(path, data={"daily_budget": "5"}, headers=POST)

    answer = ada.client.post(path, data={"daily_budget": text}, headers=POST)

    assert answer.status_code == 422
    assert words in (error_at(answer, f"{key_id}-daily_budget") or "")
    assert f'value="{text}"' in answer.text
    assert ApiKey.find_one({"_id": key_id}).daily_budget_micros == 5_000_000


@for_each(
    ("field", "value"),
    [
        ("daily_budget", "much"),
        ("monthly_budget", "0"),
        ("doors", ["window"]),
        ("models", ["sdxl"]),
        ("tasks_per_minute", "many"),
        ("pictures_per_day", "0"),
    ],
)
def test_wrong_bound_is_told_at_its_field(ada, field, value):
    """Which is open then, with what was written."""
    ada.sign_in()
    form = {"name": "插件", "scopes": ["read"], "days": "", field: value}

    answer = ada.client.post("/account/keys", data=form, headers=POST)

    assert answer.status_code == 422
    assert error_at(answer, field)
    assert "<details open>" in answer.text
    assert ApiKey.collection().count_documents({"name": "插件"}) == 0
