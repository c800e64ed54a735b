"""Keys that are remembered for a moment: a change is felt by the very next request."""

from datetime import timedelta

import pytest
from redis.exceptions import ConnectionError as RedisGone

from jimeng import accounts, jobs, limits, operations
from jimeng.accounts import key_cache, keys, users
from jimeng.documents import ApiKey, User, utcnow
from jimeng.documents.principal import Principal
from tests.rest import API, client_with

ROOT = Principal("root", is_operator=True)
SECRET = "5b0c1d6c3a7e9f425b0c1d6c3a7e9f42"  # noqa: S105 - of these tests


@pytest.fixture
def ada(database):
    users.create(ROOT, email="root@example.com", name="root")
    found = users.create(ROOT, email="ada@example.com", name="ada")
    admin = users.create(ROOT, email="admin@example.com", name="admin")
    users.set_role(ROOT, admin.id, "admin")
    return found


@pytest.fixture
def key(ada):
    return accounts.create_key(ROOT, ada.id, name="key")


@pytest.fixture
def look(config, registry, key):
    """Ask with the key, as another process would that has seen it a moment ago."""
    with client_with(config, registry, AUTH="on", SECRET_KEY=SECRET) as client:
        head = {"Authorization": f"Bearer {key[1]}"}

        def ask(path: str = "/tasks/user/{}") -> int:
            path = path.format(key[0].user_id)
            return client.get(f"{API}{path}", headers=head).status_code

        yield ask


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
    """
    Changes are made by other processes, which cannot clear what this one knows; and the
    moment in which it knows it does not pass.
    """
    key_cache._cache.clear()
    monkeypatch.setattr(key_cache, "monotonic", lambda: 0.0)
    monkeypatch.setattr(key_cache, "_cache", Lasting())
    yield
    key_cache._cache.clear()


class Lasting(dict):
    def clear(self) -> None:
        """Another process's is not this one's to clear."""


def test_key_is_looked_up_once_in_a_moment(look, ada, looked_up):
    """
    Until something changes, as a quota. What was remembered under another mark is worth
    nothing, also where that is lost.
    """
    assert [look() for _ in range(5)] == [200] * 5
    assert len(looked_up) == 1
    operations.users.set_quota(ROOT, ada.id, 0)
    assert [look(), look()] == [200, 200]
    assert len(looked_up) == 2

    jobs.huey.storage.conn.delete(limits.ACCESS)

    assert look() == 200
    assert len(looked_up) == 3
    assert User.collection().count_documents({}) == 3


CHANGES = {
    "revoked": lambda user, key: accounts.revoke_key(ROOT, user, key),
    "all revoked": lambda user, key: accounts.revoke_keys(ROOT, user),
    "disabled": lambda user, key: operations.users.disable(ROOT, user),
    "deleted": lambda user, key: users.delete(ROOT, user),
}


@pytest.mark.parametrize("change", CHANGES)
def test_next_request_is_refused(look, key, change):
    """Without a moment in which the key is still good."""
    assert look() == 200

    CHANGES[change](key[0].user_id, key[0].id)

    assert look() == 401


def test_admin_who_is_none_any_more_sees_nothing(look, ada, key):
    """Nor does one that has just become one wait for it."""
    ApiKey.collection().update_one({}, {"$push": {"scopes": "admin"}})
    assert look("/queue") == 403
    users.set_role(ROOT, ada.id, "admin")
    assert look("/queue") == 200

    users.set_role(ROOT, ada.id, "user")

    assert look("/queue") == 403


def test_key_ends_when_it_ends(look, key, monkeypatch):
    """Also within the moment in which it is remembered."""
    end = utcnow() + timedelta(hours=1)
    ApiKey.collection().update_one({}, {"$set": {"expires_at": end}})
    assert look() == 200

    monkeypatch.setattr(keys, "utcnow", lambda: end)

    assert look() == 401


def test_change_without_a_mark_is_felt_soon(look, key, monkeypatch):
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
