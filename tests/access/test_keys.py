"""API keys: made, shown once, and good for what they say; doors, models, amounts."""

from datetime import timedelta

import pytest

from jimeng import accounts, lanes
from jimeng.billing.costs import today
from jimeng.documents import ApiKey, Task, utcnow
from jimeng.jobs import pump
from jimeng.operations.users import set_quota
from tests.access.conftest import OPERATOR, call
from tests.billing.conftest import PRICE, settle
from tests.conftest import come_due, run_queue
from tests.each import for_each
from tests.rest import API, CREATE, USERS, data_of, errors_of, refused

CAT = {"prompt": "一只猫"}
GENERATIONS = "/v1/images/generations"
ARK_VIDEOS = "/api/v3/contents/generations/tasks"
DEFAULT = "doubao-seedream-3.0-t2i"


def new_key(person, **fields) -> dict:
    body = {"name": "插件", **fields}
    return data_of(person.api("POST", f"{USERS}/{person.id}/keys", json=body), 201)


def ask(person, key: dict, **fields):
    return call(person.client, "POST", CREATE, key=key["key"], json={**CAT, **fields})


def test_key_is_shown_once(ada, stored):
    """The list has its beginning and its bounds, and the database what it hashes to."""
    bounds = {"doors": ["openai", "api"], "models": ["jimeng-3.0", DEFAULT]}
    bounds |= {"tasks_per_minute": 3, "pictures_per_day": 9}
    made = new_key(ada, expires_at="2100-01-01T08:00:00+08:00", **bounds)

    listed = data_of(ada.api("GET", f"{USERS}/{ada.id}/keys"))
    assert made["key"].startswith("jm_") and len(made["key"]) == 46
    assert listed[0]["id"] == made["id"]
    assert listed[0]["prefix"] == made["key"][:10]
    assert made["key"] not in str(list(stored.api_keys.find())) + str(listed)
    for shown in (made, listed[0]):
        assert shown["expires_at"] == "2100-01-01T00:00:00.000Z"
        assert (shown["doors"], shown["models"]) == (["api", "openai"], [DEFAULT])
        assert (shown["tasks_per_minute"], shown["pictures_per_day"]) == (3, 9)
    plain = new_key(ada)
    assert (plain["doors"], plain["models"]) == ([], [])
    assert plain["tasks_per_minute"] is plain["pictures_per_day"] is None


@for_each(
    "headers, code",
    [
        ({}, "unauthorized"),
        ({"Authorization": "Basic YTpi"}, "unauthorized"),
        ({"Authorization": "Bearer"}, "api_key_invalid"),
        ({"Authorization": "Bearer "}, "api_key_invalid"),
        ({"Authorization": "Bearer jm_" + "x" * 43}, "api_key_invalid"),
        ({"Authorization": "Bearer jm_" + "x" * 10_000}, "api_key_invalid"),
        ({"Authorization": "Bearer jm_é"}, "api_key_invalid"),
    ],
)
@for_each("path", ["/models", "/tasks/volcengine_img_x", "/queue"])
def test_nobody_gets_in_without_a_good_key(nobody, headers, code, path):
    """401, and the scheme that is asked for."""
    answer = nobody.get(API + path, headers=headers)

    refused(answer, 401, code)
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="jimeng"'


@for_each(
    "fields, wrong",
    [
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["root"]}, "scopes"),
        ({"scopes": ["admin"]}, "scopes"),
        ({"scopes": "read"}, "scopes"),
        ({"expires_at": "2001-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "2100-01-01"}, "expires_at"),
        ({"expires_at": "9999-12-31T23:59:59-01:00"}, "expires_at"),
        ({"expires_at": "2100-01-01T00:00:00"}, "expires_at"),
        ({"expires_at": "2100-99-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": {"$gt": ""}}, "expires_at"),
        ({"doors": ["window"]}, "doors"),
        ({"doors": []}, "doors"),
        ({"models": ["sdxl"]}, "models"),
        ({"tasks_per_minute": 0}, "tasks_per_minute"),
        ({"pictures_per_day": "5"}, "pictures_per_day"),
        ({"doors": ["api"], "scopes": ["read", "account"]}, "scopes"),
        ({"pictures_per_day": 5, "scopes": ["write", "account"]}, "scopes"),
        ({"id": "key_1"}, "id"),
        ({"sha256": "0" * 64}, "sha256"),
    ],
)
def test_wrong_field_is_named(ada, fields, wrong):
    """Nor are there bounds with a scope that would lead around them."""
    answer = ada.api("POST", f"{USERS}/{ada.id}/keys", json={"name": "x", **fields})

    (named,) = errors_of(answer)
    assert named.partition(".")[0] == wrong
    assert len(accounts.list_keys(OPERATOR, ada.id)) == 1


def test_number_of_keys_is_bounded(ada):
    for _ in range(49):
        accounts.create_key(OPERATOR, ada.id, name="k")

    answer = ada.api("POST", f"{USERS}/{ada.id}/keys", json={"name": "x"})

    assert "name" in errors_of(answer)


def test_list_of_users_is_for_admins(ada, admin):
    """Others find themselves by their e-mail, and nobody else."""
    refused(ada.api("GET", USERS), 403, "admins_only")
    found = data_of(ada.api("GET", f"{USERS}?email={ada.user.email}"))
    refused(ada.api("GET", f"{USERS}?email={admin.user.email}"), 404, "user_not_found")

    listed = data_of(admin.api("GET", USERS))

    assert found in listed
    assert {each["id"] for each in listed} == {ada.id, admin.id}
    assert all("password" not in each for each in listed)


@pytest.mark.parametrize("whose", ["ada", "admin"])
def test_headers_tell_of_the_one_who_asked(secured, ada, admin, whose):
    """An admin who asks for another uses up the other's."""
    who = {"ada": ada, "admin": admin}[whose]
    asked = {"prompt": "灯塔", "user_id": ada.id}

    first = who.api("POST", CREATE, json=asked)
    second = ada.api("POST", CREATE, json=asked)

    assert first.headers["RateLimit"].startswith('"submissions";r=299;')
    assert second.headers["RateLimit"].startswith('"submissions";r=298;')


KEY = {"Idempotency-Key": "order-1"}


def test_key_of_one_is_not_the_key_of_another(ada, bob, admin):
    """The same key and words make a task for each, and a second time none. An admin who
    acts for a user has others, so neither is answered with what the other asked for."""
    made = [
        data_of(each.api("POST", CREATE, json=CAT, headers=KEY), 202)["task_id"]
        for each in (ada, bob, ada, bob)
    ]
    for_ada = CAT | {"user_id": ada.id}
    theirs = data_of(admin.api("POST", CREATE, json=for_ada, headers=KEY), 202)

    assert made[:2] == made[2:]
    assert len({*made, theirs["task_id"]}) == 3


@for_each(
    ("doors", "path", "is_open"),
    [
        (["api"], f"{API}/models", True),
        (["api"], "/v1/models", False),
        (["openai"], "/v1/models", True),
        (["openai"], f"{API}/models", False),
        (["mcp"], "/v1/models", False),
        (["api"], ARK_VIDEOS, False),
        (["ark"], ARK_VIDEOS, True),
        (["ark"], f"{API}/models", False),
        (["ark"], "/v1/models", False),
        ([], "/v1/models", True),
        ([], ARK_VIDEOS, True),
    ],
)
def test_key_opens_its_own_doors_only(ada, doors, path, is_open):
    """Elsewhere it is refused, with the doors that it opens."""
    key = new_key(ada, **({"doors": doors} if doors else {}))

    answer = call(ada.client, "GET", path, key=key["key"])

    assert answer.status_code == (200 if is_open else 403)
    if not is_open:
        code = "AccessDenied" if path == ARK_VIDEOS else "door_closed"
        assert f'"{code}"' in answer.text
        assert doors[0] in answer.text


def test_key_of_an_earlier_release_keeps_its_doors(ada, stored):
    """Its door to REST was the one to Ark's, too; and what these releases read of a new
    key is one of the doors that they know."""
    for doors, statuses in ((["api"], [200, 200, 403]), (["openai"], [403, 403, 200])):
        key = new_key(ada, doors=doors)
        stored.api_keys.update_one({"_id": key["id"]}, {"$unset": {"interfaces": ""}})

        answers = [
            call(ada.client, "GET", path, key=key["key"])
            for path in (f"{API}/models", ARK_VIDEOS, "/v1/models")
        ]

        assert [each.status_code for each in answers] == statuses
    (listed, *_) = data_of(ada.api("GET", f"{USERS}/{ada.id}/keys"))
    assert listed["doors"] == ["openai"]
    ark = new_key(ada, doors=["ark", "mcp"])
    assert ark["doors"] == ["ark", "mcp"]
    assert stored.api_keys.find_one({"_id": ark["id"]})["doors"] == ["api", "mcp"]


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

    assert ApiKey.used_on(key["id"], today().isoformat()) == 3


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

    assert ApiKey.used_on(key["id"], today().isoformat()) == 0


def test_what_makes_nothing_is_given_back(secured, ada, closed):
    """A request that its user's limit refuses takes nothing of the key's."""
    bounds = {"pictures_per_day": 5, "tasks_per_minute": 5}
    key = new_key(ada, **bounds, daily_budget_micros=9 * PRICE)
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
    assert ApiKey.find_one({"_id": key["id"]}).day_micros == 3 * PRICE


def set_budget(person, key: dict, pictures: int | None) -> None:
    micros = None if pictures is None else pictures * PRICE
    path = f"{USERS}/{person.id}/keys/{key['id']}"
    data_of(person.api("PUT", path, json={"daily_budget_micros": micros}))


@pytest.mark.parametrize("is_of_earlier_release", [False, True])
def test_budget_set_after_use_counts_what_was_spent(ada, is_of_earlier_release):
    """A release before this one counted nothing for a key without a budget."""
    key = new_key(ada)
    data_of(ask(ada, key, n=3), 202)
    if is_of_earlier_release:
        uncounted = {"spend_day": "", "day_micros": "", "month_micros": ""}
        ApiKey.collection().update_many({}, {"$unset": uncounted})

    set_budget(ada, key, 5)

    refused(ask(ada, key, n=3), 402, "budget_exceeded")
    data_of(ask(ada, key, n=2), 202)
    refused(ask(ada, key), 402, "budget_exceeded")


def test_lifting_a_budget_for_a_while_refills_nothing(ada) -> None:
    """What is cancelled returns what it had reserved, and no more."""
    key = new_key(ada, daily_budget_micros=2 * PRICE)
    data_of(ask(ada, key, n=2), 202)
    set_budget(ada, key, None)
    waiting = data_of(ask(ada, key, n=2), 202)["task_id"]
    set_budget(ada, key, 2)

    data_of(ada.api("POST", f"{API}/tasks/{waiting}/cancel", json={}))
    settle()

    refused(ask(ada, key), 402, "budget_exceeded")
    assert ApiKey.find_one({"_id": key["id"]}).day_micros == 2 * PRICE


@pytest.mark.parametrize("period", ["daily", "monthly"])
def test_what_costs_nothing_is_free_again_at_once(ada, period) -> None:
    """Before a settler's turn comes."""
    key = new_key(ada, **{f"{period}_budget_micros": 2 * PRICE})
    task_id = data_of(ask(ada, key, n=2), 202)["task_id"]
    data_of(ada.api("POST", f"{API}/tasks/{task_id}/cancel", json={}))

    data_of(ask(ada, key), 202)
    data_of(ask(ada, key), 202)

    refused(ask(ada, key), 402, "budget_exceeded")
