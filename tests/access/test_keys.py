"""API keys: made, shown once, listed, revoked, and good for what they say."""

import pytest

from jimeng import accounts
from tests.access.conftest import OPERATOR, call
from tests.each import for_each
from tests.rest import API, CREATE, USERS, data_of, errors_of, refused

CAT = {"prompt": "一只猫"}


def new_key(person, **fields) -> dict:
    body = {"name": "脚本", **fields}
    return data_of(person.api("POST", f"{USERS}/{person.id}/keys", json=body), 201)


def test_key_is_shown_once(ada, stored):
    """The list has its beginning only, and the database what it hashes to."""
    made = new_key(ada, expires_at="2100-01-01T08:00:00+08:00")

    listed = data_of(ada.api("GET", f"{USERS}/{ada.id}/keys"))
    assert made["key"].startswith("jm_") and len(made["key"]) == 46
    assert made["expires_at"] == "2100-01-01T00:00:00.000Z"
    assert listed[0]["id"] == made["id"]
    assert listed[0]["prefix"] == made["key"][:10]
    assert made["key"] not in str(list(stored.api_keys.find())) + str(listed)


def test_key_opens_the_api_to_its_owner(ada):
    """A task belongs to the key's owner where the request says nothing else; the last
    use is noted, to the minute, so that reading does not write all the time."""
    made = data_of(ada.api("POST", CREATE, json=CAT), 202)

    task = data_of(ada.api("GET", f"{API}/tasks/{made['task_id']}"))
    assert task["user_id"] == ada.id
    (used,) = data_of(ada.api("GET", f"{USERS}/{ada.id}/keys"))
    assert used["last_used_at"] is not None


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


def test_revoked_key_is_refused_at_once(ada):
    made = new_key(ada)
    data_of(ada.api("DELETE", f"{USERS}/{ada.id}/keys/{made['id']}"))

    answer = call(ada.client, "GET", f"{API}/models", key=made["key"])

    refused(answer, 401, "api_key_invalid")
    again = ada.api("DELETE", f"{USERS}/{ada.id}/keys/{made['id']}")
    refused(again, 404, "api_key_not_found")


def test_user_has_no_admin_key(ada, admin):
    body = {"name": "x", "scopes": ["admin"]}

    given = admin.api("POST", f"{USERS}/{ada.id}/keys", json=body)

    assert "scopes" in errors_of(given)


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
        ({"id": "key_1"}, "id"),
        ({"sha256": "0" * 64}, "sha256"),
    ],
)
def test_wrong_field_is_named(ada, fields, wrong):
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
