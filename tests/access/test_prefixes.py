"""Each customer has one shop: prefixes of two owners do not overlap."""

import io
import threading
from datetime import timedelta

import pytest
from mongoengine import get_db

from jimeng import accounts, batches
from jimeng.accounts import key_cache
from jimeng.documents import ApiKey, Batch, Task, User, WebhookEndpoint, utcnow
from jimeng.errors import Invalid
from tests.access.conftest import OPERATOR, Person, call
from tests.access.test_act_for import SCOPES, Shop
from tests.at_once import at_once
from tests.commands import counted
from tests.each import for_each
from tests.given_pictures import photo
from tests.openai.conftest import GENERATIONS
from tests.page import error_at, send
from tests.rest import API, CAT, CREATE, USERS, data_of, errors_of, refused

OVERLAPPING = [("shop:", "shop:"), ("shop:", "shop:eu:"), ("shop:eu:", "shop:")]
IN_ENGLISH = {"Accept-Language": "en"}


def new_key(admin: Person, owner: Person, prefix: str):
    """The answer to an admin who asks for a key of *owner*."""
    body = {"name": "second", "scopes": SCOPES, "user_prefix": prefix}
    path = f"{USERS}/{owner.id}/keys"
    return admin.api("POST", path, json=body, headers=IN_ENGLISH)


def forget_prefixes() -> None:
    ApiKey.collection().delete_many({"user_prefix": {"$exists": True}})
    User.collection().update_many({}, {"$unset": {"user_prefixes": ""}})


def prefixes() -> list[str]:
    """Of all keys, oldest first."""
    where = {"user_prefix": {"$exists": True}}
    found = ApiKey.find_all(where, sort=[("created_at", 1), ("_id", 1)])
    return [key.user_prefix for key in found]


@for_each(("first", "second"), OVERLAPPING)
def test_prefix_of_another_owner_is_refused(
    bob, ada, admin, monkeypatch, first, second
):
    """Also one that it begins with, or that begins with it; in words that name both.
    Not for a moment is there such a key."""
    forget_prefixes()
    Shop(bob, user_prefix=first)

    with monkeypatch.context() as patched:
        patched.setattr(ApiKey, "insert_with_limit", None)
        answer = new_key(admin, ada, second)

    (said,) = errors_of(answer)["user_prefix"]
    assert first in said and bob.id in said and "“shop”" in said
    assert "another prefix" in said
    assert prefixes() == [first]


@for_each(("first", "second"), OVERLAPPING)
def test_owner_may_nest_prefixes(bob, admin, first, second):
    """Several keys of one shop, also equal ones: one replaces the other."""
    forget_prefixes()
    shop = Shop(bob, user_prefix=first)

    data_of(new_key(admin, bob, second), 201)

    assert prefixes() == [first, second]
    shop.create("shop:eu:1")


@for_each("prefix", ["shop2:", "shop:us:", "Shop:eu:", "eu:", "sh.p:"])
def test_other_prefixes_are_free(bob, ada, admin, prefix):
    """Those that only look alike."""
    forget_prefixes()
    Shop(bob, user_prefix="shop:eu:")

    data_of(new_key(admin, ada, prefix), 201)


@for_each("of_before", [False, True])
def test_prefix_stays_its_owners(bob, ada, admin, of_before):
    """When the key has expired, and when it is revoked: the customers are still there.
    Also that of a key that an earlier release has created."""
    forget_prefixes()
    shop = Shop(bob)
    if of_before:
        User.collection().update_many({}, {"$unset": {"user_prefixes": ""}})
    where = {"_id": shop.record.id}
    past = {"$set": {"expires_at": utcnow() - timedelta(days=1)}}
    ApiKey.collection().update_one(where, past)
    assert [*errors_of(new_key(admin, ada, "shop:"))] == ["user_prefix"]

    data_of(admin.api("DELETE", f"{USERS}/{bob.id}/keys/{shop.record.id}"))

    (said,) = errors_of(new_key(admin, ada, "shop:eu:"))["user_prefix"]
    assert bob.id in said and "revoked" in said
    Shop(bob, user_prefix="shop:eu:")
    accounts.revoke_keys(OPERATOR, bob.id)
    assert [*errors_of(new_key(admin, ada, "shop:"))] == ["user_prefix"]


def test_prefix_is_refused_on_the_page_and_by_the_command(secured, bob, ada, admin):
    Shop(bob)
    admin.sign_in()
    form = {"name": "网店", "scopes": SCOPES, "days": "", "user_prefix": "shop:eu:"}
    words = ["users", "create-key", ada.user.email, "--user-prefix", "shop:eu:"]
    words += [word for scope in SCOPES for word in ("--scope", scope)]

    page = send(admin.client, "/account/keys", **form)
    command = secured.test_cli_runner().invoke(args=words)

    assert page.status_code == 422
    assert "shop:" in error_at(page, "user_prefix")
    assert command.exit_code == 1
    assert "another prefix" in command.output
    assert prefixes() == ["shop:"]


@for_each(("first", "second"), OVERLAPPING)
def test_prefixes_that_are_made_at_once_do_not_overlap(
    bob, ada, monkeypatch, first, second
):
    """Both see nothing, both insert, and both look again."""
    forget_prefixes()
    together, insert = threading.Barrier(2, timeout=60), ApiKey.insert_with_limit

    def insert_together(key: ApiKey, most: int) -> bool:
        together.wait()
        stored = insert(key, most)
        together.wait()
        return stored

    def make(index: int) -> str:
        owner, prefix = ((bob, first), (ada, second))[index]
        try:
            Shop(owner, user_prefix=prefix)
        except Invalid as error:
            return next(iter(error.fields))
        return "made"

    with monkeypatch.context() as patched:
        patched.setattr(ApiKey, "insert_with_limit", insert_together)
        found = at_once(2, make)

    assert "user_prefix" in found  # or both
    assert len(prefixes()) == found.count("made")


@for_each(("first", "second"), OVERLAPPING)
def test_prefix_that_was_taken_meanwhile_is_refused(
    bob, ada, monkeypatch, first, second
):
    """The other was made between the look and the insert, and stays."""
    forget_prefixes()
    insert = ApiKey.insert_with_limit

    def insert_later(key: ApiKey, most: int) -> bool:
        monkeypatch.setattr(ApiKey, "insert_with_limit", insert)
        Shop(ada, user_prefix=second)
        return insert(key, most)

    monkeypatch.setattr(ApiKey, "insert_with_limit", insert_later)
    with pytest.raises(Invalid):
        Shop(bob, user_prefix=first)

    assert prefixes() == [second]


def looks_of(commands: list[dict]) -> list[dict]:
    """Those that read keys by their prefixes."""
    return [each for each in commands if "user_prefix" in str(each.get("filter"))]


def uses_index(command: dict) -> bool:
    """Whether it reads no more of the index than the keys of that prefix."""
    asked = {"find": command["find"], "filter": command["filter"]}
    plan = get_db().command("explain", asked)["queryPlanner"]["winningPlan"]
    return """'["shop:eu:", "shop:eu;")'""" in str(plan)


def test_creation_reads_by_the_index(ada, admin, config):
    """Not all keys; and none at all for a key that acts for nobody."""
    with counted(config) as plain:
        body = {"name": "plain"}
        data_of(admin.api("POST", f"{USERS}/{ada.id}/keys", json=body), 201)
    with counted(config) as shop:
        data_of(new_key(admin, ada, "shop:eu:"), 201)

    assert looks_of(plain) == []
    assert [uses_index(each) for each in looks_of(shop)] == [True] * 4


def of_before(person: Person, prefix: str, **fields: object) -> Shop:
    """A shop whose prefix overlaps, from before that was refused."""
    shop = Shop(person, user_prefix=f"{person.user.name}:")
    update = {"$set": {"user_prefix": prefix, **fields}}
    ApiKey.collection().update_one({"_id": shop.record.id}, update)
    return shop


def mine_and_theirs(owner: Shop, other: Shop, user_id: str) -> None:
    """The user is *owner*'s customer at every door, and nobody to *other*."""
    made = owner.create(user_id)
    hook = {"url": "https://shop.example.com/jimeng", "user_id": user_id}
    own_hook = data_of(owner.api("POST", f"{API}/webhooks", json=hook), 201)["id"]
    batch = {"prompts": ["猫"], "user_id": user_id}
    own_batch = data_of(owner.api("POST", f"{API}/batches", json=batch), 202)
    before = {
        kind: kind.collection().count_documents({})
        for kind in (Task, Batch, WebhookEndpoint)
    }

    def refuses(method: str, path: str, status: int, **sent: object) -> None:
        answer = other.api(method, path, **sent)
        assert answer.status_code == status, (method, path, answer.text)

    named = {**CAT, "user_id": user_id}
    refused(other.api("POST", CREATE, json=named), 403, "user_id_not_yours")
    refuses("POST", f"{CREATE}?dry_run=1", 403, json=named)
    refused(other.api("POST", f"{API}/webhooks", json=hook), 403, "user_id_not_yours")
    refused(other.api("POST", f"{API}/batches", json=batch), 403, "user_id_not_yours")
    file = {"file": (io.BytesIO(photo()), "a.jpg"), "user_id": user_id}
    refuses("POST", f"{API}/uploads", 403, data=file)
    picture = {"prompt": "猫", "user": user_id}
    refuses("POST", GENERATIONS, 403, json=picture)
    refuses("POST", "/v1/videos", 403, json={**picture, "model": "jimeng-video-3.0"})
    ark = {**picture, "model": "jimeng-3.0"}
    refuses("POST", "/api/v3/images/generations", 403, json=ark)
    for method, path in [
        ("GET", f"tasks/{made}"),
        ("GET", f"tasks/{made}/events"),
        ("GET", f"ai/image/result/{made}"),
        ("GET", f"tasks/user/{user_id}"),
        ("GET", f"ai/image/tasks?user_id={user_id}"),
        ("GET", f"users/{user_id}/usage"),
        ("GET", f"webhooks?user_id={user_id}"),
        ("GET", f"webhooks/secret?user_id={user_id}"),
        ("GET", f"batches?user_id={user_id}"),
        ("POST", f"tasks/{made}/cancel"),
        ("DELETE", f"ai/image/task/{made}"),
    ]:
        refuses(method, f"{API}/{path}", 403)
    # Of these only those that one may see are read.
    for method, path in [
        ("GET", f"batches/{own_batch['batch_id']}"),
        ("DELETE", f"webhooks/{own_hook}"),
        ("DELETE", f"batches/{own_batch['batch_id']}"),
    ]:
        refuses(method, f"{API}/{path}", 404)
    many = {"json": {"ids": [made]}}
    (row,) = data_of(other.api("POST", f"{API}/tasks/cancel", **many))["results"]
    assert row["error"]
    assert before == {kind: kind.collection().count_documents({}) for kind in before}

    listed = data_of(owner.api("GET", f"{API}/tasks/user/{user_id}"))
    assert made in [each["id"] for each in listed]
    data_of(owner.api("DELETE", f"{API}/webhooks/{own_hook}"))
    data_of(owner.api("DELETE", f"{API}/ai/image/task/{made}"))


def test_longest_prefix_has_the_customer(bob, ada):
    """Where two overlap from before, whichever key is older."""
    wide = of_before(bob, "shop:")
    narrow = of_before(ada, "shop:eu:")

    mine_and_theirs(narrow, wide, "shop:eu:1")
    wide.create("shop:us:1")


def test_older_key_has_the_customer_of_equal_prefixes(bob, ada):
    """Of the oldest of its owner's: a second key of theirs is as good as the first."""
    first = of_before(bob, "shop:", created_at=utcnow() - timedelta(days=3))
    other = of_before(ada, "shop:", created_at=utcnow() - timedelta(days=2))
    second = of_before(bob, "shop:", created_at=utcnow() - timedelta(days=1))
    of_before(ada, "shop:")

    mine_and_theirs(first, other, "shop:1")
    mine_and_theirs(second, other, "shop:2")


def test_customer_is_the_others_once_the_key_is_revoked(bob, ada, admin):
    """Also for a process that has seen the other key a moment ago."""
    wide, narrow = of_before(bob, "shop:"), of_before(ada, "shop:eu:")
    body = {**CAT, "user_id": "shop:eu:1"}
    refused(wide.api("POST", CREATE, json=body), 403, "user_id_not_yours")

    data_of(admin.api("DELETE", f"{USERS}/{ada.id}/keys/{narrow.record.id}"))

    wide.create("shop:eu:1")


@pytest.mark.parametrize("is_admins", [False, True], ids=["user", "admin"])
def test_batch_for_a_customer_of_another_shop_stops(bob, ada, admin, is_admins):
    """One that was begun before the overlap was known."""
    owner = admin if is_admins else bob
    wide = of_before(owner, "shop:")
    body = {"prompts": ["猫", "狗"], "user_id": "shop:eu:1"}
    batch = data_of(wide.api("POST", f"{API}/batches", json=body), 202)["batch_id"]
    of_before(ada, "shop:eu:")
    Batch.collection().update_many({}, {"$set": {"made": 0, "due_at": utcnow()}})
    Task.collection().delete_many({})

    batches.fill_due()

    assert Batch.find_one({"_id": batch}).stopped == "key_gone"
    assert Task.collection().count_documents({}) == 0


def test_overlap_is_looked_up_with_the_key_alone(bob, ada, config, monkeypatch):
    """Never with a plain key; with a shop's once, as long as the key is remembered."""
    narrow = of_before(ada, "shop:eu:")
    monkeypatch.setattr(key_cache, "monotonic", lambda: 0.0)
    key_cache.access_changed()
    path = f"{API}/tasks/user/shop:eu:1"
    with counted(config) as plain:
        call(bob.client, "GET", f"{API}/models", key=bob.key)
    with counted(config) as first:
        data_of(narrow.api("GET", path))
    with counted(config) as second:
        data_of(narrow.api("GET", path))

    looks = [looks_of(commands) for commands in (plain, first, second)]
    assert [len(each) for each in looks] == [0, 1, 0]
    (look,) = looks[1]
    assert uses_index(look)
