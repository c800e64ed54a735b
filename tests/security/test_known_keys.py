"""Keys that got out, or change: what one is good for, what takes the password, and that
a change is felt by the very next request, although keys are remembered for a moment."""

from datetime import timedelta

import pytest
from redis.exceptions import ConnectionError as RedisGone

from jimeng import accounts, jobs, limits, operations
from jimeng.accounts import key_cache, keys, users
from jimeng.documents import ApiKey, Session, User, utcnow
from tests.access.conftest import OPERATOR, call
from tests.each import for_each
from tests.rest import API, USERS, data_of, refused


@pytest.fixture
def look(ada):
    """Ask with her key, as another process would that has seen it a moment ago."""

    def ask(path: str = f"/tasks/user/{ada.id}") -> int:
        return ada.api("GET", f"{API}{path}").status_code

    return ask


@pytest.fixture
def looked_up(monkeypatch):
    """The hashes of keys that were looked up."""
    found = []
    plain = keys._look_up

    def look_up(text: str, hashed: str):
        found.append(hashed)
        return plain(text, hashed)

    monkeypatch.setattr(keys, "_look_up", look_up)
    return found


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch):
    """Changes are made by other processes, which cannot clear what this one knows; and
    the moment in which it knows it does not pass."""
    key_cache._cache.clear()
    monkeypatch.setattr(key_cache, "monotonic", lambda: 0.0)
    monkeypatch.setattr(key_cache, "_cache", Lasting())
    yield
    key_cache._cache.clear()


class Lasting(dict):
    def clear(self) -> None:
        """Another process's is not this one's to clear."""


def test_key_is_looked_up_once_in_a_moment(look, ada, looked_up):
    """Until something changes, as a quota. What was remembered under another mark is
    worth nothing, also where that is lost."""
    assert [look() for _ in range(5)] == [200] * 5
    assert len(looked_up) == 1
    operations.users.set_quota(OPERATOR, ada.id, 0)
    assert [look(), look()] == [200, 200]
    assert len(looked_up) == 2

    jobs.huey.storage.conn.delete(limits.ACCESS)

    assert look() == 200
    assert len(looked_up) == 3


CHANGES = {
    "revoked": lambda user, key: accounts.revoke_key(OPERATOR, user, key),
    "all revoked": lambda user, key: accounts.revoke_keys(OPERATOR, user),
    "disabled": lambda user, key: operations.users.disable(OPERATOR, user),
    "deleted": lambda user, key: users.delete(OPERATOR, user),
}


@pytest.mark.parametrize("change", CHANGES)
def test_next_request_is_refused(look, ada, change):
    """Without a moment in which the key is still good."""
    assert look() == 200

    CHANGES[change](ada.id, ApiKey.find_one({}).id)

    assert look() == 401


def test_admin_who_is_none_any_more_sees_nothing(look, ada, admin):
    """Nor does one that has just become one wait for it."""
    ApiKey.collection().update_one({"user_id": ada.id}, {"$push": {"scopes": "admin"}})
    assert look("/queue") == 403
    users.set_role(OPERATOR, ada.id, "admin")
    assert look("/queue") == 200

    users.set_role(OPERATOR, ada.id, "user")

    assert look("/queue") == 403


def test_key_ends_when_it_ends(look, monkeypatch):
    """Also within the moment in which it is remembered."""
    end = utcnow() + timedelta(hours=1)
    ApiKey.collection().update_one({}, {"$set": {"expires_at": end}})
    assert look() == 200

    monkeypatch.setattr(keys, "utcnow", lambda: end)

    assert look() == 401


def test_change_without_a_mark_is_felt_soon(look, monkeypatch):
    """By a process that could not reach Redis, or where Redis has lost the mark."""
    assert look() == 200
    ApiKey.collection().delete_many({})
    assert look() == 200

    monkeypatch.setattr(key_cache, "monotonic", lambda: key_cache.CACHE_S)

    assert look() == 401


def test_nothing_is_remembered_where_nobody_tells_the_mark(
    look, looked_up, monkeypatch
):
    """Without Redis each request looks the key up."""

    def away(*command: object) -> None:
        raise RedisGone("gone")

    with monkeypatch.context() as patched:
        patched.setattr(jobs, "evaluate", away)
        assert look() == 200
    looked_up.clear()

    assert [look(), look()] == [200, 200]

    assert len(looked_up) == 2


def key_of(person, *scopes: str) -> str:
    return accounts.create_key(OPERATOR, person.id, name="k", scopes=list(scopes))[1]


@for_each("scopes", [("read",), ("write",), ("read", "write")])
def test_it_makes_no_key_and_ends_no_account(ada, scopes):
    key = key_of(ada, *scopes)
    before = ApiKey.collection().count_documents({})
    path = f"{USERS}/{ada.id}"

    made = call(ada.client, "POST", f"{path}/keys", key=key, json={"name": "x"})
    ended = call(ada.client, "DELETE", path, key=key)

    refused(made, 403, "scope_too_small")
    refused(ended, 403, "scope_too_small")
    if "write" in scopes:
        assert "account" in made.json["message"]
    assert ApiKey.collection().count_documents({}) == before
    assert User.find_one({"_id": ada.id}) is not None


def test_it_makes_no_key_with_more_scopes(ada):
    """The scope account is nothing that write could give itself; whoever has it ends
    the account, as with the password."""
    ada.sign_in()
    key = key_of(ada, "write", "account")
    path = f"{USERS}/{ada.id}/keys"

    more = {"name": "x", "scopes": ["read"]}
    beyond = call(ada.client, "POST", path, key=key, json=more)
    made = {"name": "x", "scopes": ["write", "account"]}
    within = call(ada.client, "POST", path, key=key, json=made)

    assert "scopes" in beyond.json["errors"]
    assert data_of(within, 201)["scopes"] == ["write", "account"]
    data_of(call(ada.client, "DELETE", f"{USERS}/{ada.id}", key=key))
    assert User.find_one({"_id": ada.id}) is None
    assert Session.collection().count_documents({"user_id": ada.id}) == 0


def test_admins_key_does_it_for_others(ada, admin):
    """Without the scope account: that is what admin is."""
    key = key_of(admin, "read", "write", "admin")
    path = f"{USERS}/{ada.id}"

    body = {"name": "x", "scopes": ["write", "account"]}
    made = call(admin.client, "POST", f"{path}/keys", key=key, json=body)
    ended = call(admin.client, "DELETE", path, key=key)

    assert data_of(made, 201)["scopes"] == ["write", "account"]
    data_of(ended)


def test_it_still_revokes(ada):
    """Whoever finds it out is not kept from ending it: that takes no more than it."""
    key = key_of(ada, "write")
    rows = data_of(call(ada.client, "GET", f"{USERS}/{ada.id}/keys", key=key))

    for row in rows:
        call(ada.client, "DELETE", f"{USERS}/{ada.id}/keys/{row['id']}", key=key)

    refused(call(ada.client, "GET", f"{API}/models", key=key), 401, "api_key_invalid")
    again = ada.api("DELETE", f"{USERS}/{ada.id}/keys/{rows[0]['id']}")
    refused(again, 404, "api_key_not_found")


def test_key_makes_none_that_outlives_it(ada):
    """Whoever finds one that ends tomorrow is out tomorrow."""
    end = utcnow() + timedelta(days=1)
    scopes = ["read", "write", "account"]
    fields = {"name": "short", "scopes": scopes, "expires_at": end}
    _, short = accounts.create_key(OPERATOR, ada.id, **fields)
    path, body = f"{USERS}/{ada.id}/keys", {"name": "x"}
    later = {**body, "expires_at": "2100-01-01T00:00:00Z"}

    made = call(ada.client, "POST", path, key=short, json=body)
    wrong = call(ada.client, "POST", path, key=short, json=later)

    text = end.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert data_of(made, 201)["expires_at"] == text
    assert made.headers["Location"] == path
    assert "expires_at" in wrong.json["errors"]
