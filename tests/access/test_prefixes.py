"""Each customer has one shop: prefixes of two owners do not overlap."""

import threading
from datetime import timedelta

import pytest
from mongoengine import get_db

from jimeng.documents import ApiKey, utcnow
from jimeng.errors import Invalid
from tests.access.conftest import Person
from tests.access.test_act_for import SCOPES, Shop
from tests.at_once import at_once
from tests.commands import counted
from tests.each import for_each
from tests.page import error_at, send
from tests.rest import USERS, data_of, errors_of

OVERLAPPING = [("shop:", "shop:"), ("shop:", "shop:eu:"), ("shop:eu:", "shop:")]
IN_ENGLISH = {"Accept-Language": "en"}


def new_key(admin: Person, owner: Person, prefix: str):
    """The answer to an admin who asks for a key of *owner*."""
    body = {"name": "second", "scopes": SCOPES, "user_prefix": prefix}
    path = f"{USERS}/{owner.id}/keys"
    return admin.api("POST", path, json=body, headers=IN_ENGLISH)


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
    ApiKey.collection().delete_many({"user_prefix": {"$exists": True}})
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
    ApiKey.collection().delete_many({"user_prefix": {"$exists": True}})
    shop = Shop(bob, user_prefix=first)

    data_of(new_key(admin, bob, second), 201)

    assert prefixes() == [first, second]
    shop.create("shop:eu:1")


@for_each("prefix", ["shop2:", "shop:us:", "Shop:eu:", "eu:", "sh.p:"])
def test_other_prefixes_are_free(bob, ada, admin, prefix):
    """Those that only look alike."""
    ApiKey.collection().delete_many({"user_prefix": {"$exists": True}})
    Shop(bob, user_prefix="shop:eu:")

    data_of(new_key(admin, ada, prefix), 201)


def test_expired_key_keeps_its_prefix_and_a_revoked_one_does_not(bob, ada, admin):
    shop = Shop(bob)
    where = {"_id": shop.record.id}
    past = {"$set": {"expires_at": utcnow() - timedelta(days=1)}}
    ApiKey.collection().update_one(where, past)
    assert [*errors_of(new_key(admin, ada, "shop:"))] == ["user_prefix"]

    data_of(admin.api("DELETE", f"{USERS}/{bob.id}/keys/{shop.record.id}"))

    data_of(new_key(admin, ada, "shop:"), 201)


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
    ApiKey.collection().delete_many({"user_prefix": {"$exists": True}})
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
    ApiKey.collection().delete_many({"user_prefix": {"$exists": True}})
    insert = ApiKey.insert_with_limit

    def insert_later(key: ApiKey, most: int) -> bool:
        monkeypatch.setattr(ApiKey, "insert_with_limit", insert)
        Shop(ada, user_prefix=second)
        return insert(key, most)

    monkeypatch.setattr(ApiKey, "insert_with_limit", insert_later)
    with pytest.raises(Invalid):
        Shop(bob, user_prefix=first)

    assert prefixes() == [second]


def test_creation_reads_by_the_index(bob, ada, admin, secured, config):
    """Not all keys; and none at all for a key that acts for nobody."""
    with counted(config) as plain:
        body = {"name": "plain"}
        data_of(admin.api("POST", f"{USERS}/{ada.id}/keys", json=body), 201)
    with counted(config) as shop:
        data_of(new_key(admin, ada, "shop:eu:"), 201)

    looks = [each for each in shop if "user_prefix" in str(each.get("filter"))]
    assert not [each for each in plain if "user_prefix" in str(each.get("filter"))]
    assert len(looks) == 2
    plan = get_db().command(
        "explain", {"find": "api_keys", "filter": looks[0]["filter"]}
    )
    assert "'indexName': 'user_prefix'" in str(plan["queryPlanner"]["winningPlan"])
