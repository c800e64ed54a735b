"""How many requests a minute a key may send, where an operator has set that."""

from dataclasses import replace

import pytest

from jimeng import accounts, jobs
from jimeng.accounts import key_cache
from jimeng.documents import ApiKey
from tests.access.conftest import OPERATOR, call
from tests.each import for_each
from tests.page import POST
from tests.rest import API, USERS, data_of, errors_of, refused

PATH = f"{API}/models"


@pytest.fixture
def few(secured):
    """The server's limit is four requests a minute, five times as many an address."""
    runtime = jobs.runtime()
    jobs.configure(replace(runtime.config, REQUESTS_PER_MINUTE=4), runtime.registry)
    yield
    jobs.configure(runtime.config, runtime.registry)


def ask(bob, key: str, times: int) -> list[int]:
    return [call(bob.client, "GET", PATH, key=key).status_code for _ in range(times)]


def keys_of(bob) -> str:
    return f"{USERS}/{bob.id}/keys"


def test_keys_own_limit_counts_instead_of_the_servers(few, bob):
    _, key = accounts.create_key(OPERATOR, bob.id, name="x", requests_per_minute=7)
    _, other = accounts.create_key(OPERATOR, bob.id, name="y")

    answer = call(bob.client, "GET", PATH, key=key)

    assert answer.headers["RateLimit"].startswith('"requests";r=6')
    assert ask(bob, key, 7) == [200] * 6 + [429]
    assert ask(bob, other, 5) == [200] * 4 + [429]


def test_limit_above_that_of_an_address_holds(few, bob):
    """A shop's backend is one address."""
    _, key = accounts.create_key(OPERATOR, bob.id, name="x", requests_per_minute=30)
    here = {"environ_base": {"REMOTE_ADDR": "192.0.2.7"}}

    found = [
        call(bob.client, "GET", PATH, key=key, **here).status_code for _ in range(31)
    ]

    assert found == [200] * 30 + [429]


def test_operator_changes_and_removes_it(few, bob, admin):
    record, key = accounts.create_key(OPERATOR, bob.id, name="x")
    path = f"{keys_of(bob)}/{record.id}"
    assert ask(bob, key, 5)[-1] == 429

    body = {"requests_per_minute": 6}
    assert data_of(admin.api("PUT", path, json=body))["requests_per_minute"] == 6
    assert ask(bob, key, 2) == [200, 429]
    body = {"requests_per_minute": None}
    assert data_of(admin.api("PUT", path, json=body))["requests_per_minute"] is None
    assert ask(bob, key, 1) == [429]


def test_owner_neither_sets_nor_lifts_it(bob):
    body = {"name": "x", "requests_per_minute": 9}
    refused(bob.api("POST", keys_of(bob), json=body), 403, "admins_only")
    record, _ = accounts.create_key(OPERATOR, bob.id, name="x", requests_per_minute=7)

    path = f"{keys_of(bob)}/{record.id}"
    for most in (9, None):
        body = {"requests_per_minute": most, "tasks_per_minute": 1}
        refused(bob.api("PUT", path, json=body), 403, "admins_only")

    (found,) = (k for k in data_of(bob.api("GET", keys_of(bob))) if k["name"] == "x")
    assert (found["requests_per_minute"], found["tasks_per_minute"]) == (7, None)


def test_limit_is_remembered_again_when_redis_has_lost_it(few, bob):
    _, key = accounts.create_key(OPERATOR, bob.id, name="x", requests_per_minute=7)
    jobs.huey.storage.conn.flushdb()
    key_cache.access_changed()

    assert ask(bob, key, 8) == [200] * 7 + [429]


@for_each("wrong", [0, -1, "9", 1.5])
def test_wrong_limit_is_named(admin, bob, wrong):
    body = {"name": "x", "requests_per_minute": wrong}
    said = errors_of(admin.api("POST", keys_of(bob), json=body))
    assert [*said] == ["requests_per_minute"]


def test_operator_sets_it_on_the_page(bob, admin):
    """Of a key of theirs; others have no such field, and are refused."""
    for person in (admin, bob):
        person.sign_in()
    record, _ = accounts.create_key(OPERATOR, admin.id, name="x")
    theirs, _ = accounts.create_key(OPERATOR, bob.id, name="x")
    path = "/account/keys/{}/budgets"
    form = {"requests_per_minute": "9000"}

    pages = [each.client.get("/account/keys").text for each in (admin, bob)]
    assert ['name="requests_per_minute"' in page for page in pages] == [True, False]
    done = admin.client.post(path.format(record.id), data=form, headers=POST)
    assert done.status_code == 303
    assert ApiKey.find_one({"_id": record.id}).requests_per_minute == 9000
    assert "9000" in admin.client.get("/account/keys").text
    refused_page = bob.client.post(path.format(theirs.id), data=form, headers=POST)
    assert refused_page.status_code == 403
    assert ApiKey.find_one({"_id": theirs.id}).requests_per_minute is None
    kept = bob.client.post(
        path.format(theirs.id), data={"tasks_per_minute": "5"}, headers=POST
    )
    assert kept.status_code == 303
