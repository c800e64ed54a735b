"""Leaving nobody to let people in: admins who shut each other out in one moment."""

from contextlib import suppress
from datetime import timedelta

import pytest

from jimeng.accounts import users as accounts
from jimeng.documents import User, utcnow
from jimeng.documents.principal import Principal
from jimeng.errors.access import LastAdmin, UserNotFound
from jimeng.operations import users
from tests.access.conftest import OPERATOR
from tests.at_once import at_once

ROUNDS = 8


def demote(principal: Principal, user_id: str) -> None:
    users.set_role(principal, user_id, "user")


def make_admins(number: int) -> list[User]:
    found = []
    for n in range(number):
        email = f"root{n}@example.com"
        user = User(email=email, email_key=email, name=f"root{n}", role="admin")
        User.collection().insert_one(user.to_mongo())
        found.append(user)
    return found


def left() -> int:
    return User.collection().count_documents(accounts.ADMINS)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        *((accounts.delete, accounts.delete), (accounts.delete, demote)),
        *((demote, demote), (users.disable, users.disable)),
    ],
)
def test_two_admins_never_shut_each_other_out(database, first, second):
    """In none of eight races is nobody left, whichever way each goes about it."""
    for _ in range(ROUNDS):
        User.collection().delete_many({})
        admins = make_admins(2)

        def shut(number: int, admins: list[User] = admins) -> None:
            by = Principal(admins[number].id, is_operator=True)
            with suppress(LastAdmin, UserNotFound):
                (first, second)[number](by, admins[1 - number].id)

        at_once(2, shut)
        assert left() > 0


def test_admin_who_is_promoted_meanwhile_counts(database, monkeypatch):
    """A deletion that has begun does not take the only admin there is by then."""
    (root,) = make_admins(1)
    eve = User(email="eve@example.com", email_key="eve@example.com", name="eve")
    User.collection().insert_one(eve.to_mongo())
    principal, usual = OPERATOR, accounts.tasks.delete_all

    def meanwhile(*given: object) -> int:
        if User.find_one({"_id": root.id, **accounts.ADMINS}):
            accounts.set_role(principal, eve.id, "admin")
            accounts.set_role(principal, root.id, "user")
        return usual(*given)

    monkeypatch.setattr(accounts.tasks, "delete_all", meanwhile)
    with pytest.raises(LastAdmin):
        accounts.delete(principal, eve.id)

    assert left() == 1


def test_mark_of_somebody_who_died_passes(database):
    """A minute later the admin counts again, and nothing is done under it."""
    one, other = make_admins(2)
    dead = {"leaving": "x", "leaving_at": utcnow()}
    User.collection().update_one({"_id": other.id}, {"$set": dead})

    with pytest.raises(LastAdmin):
        accounts.set_role(OPERATOR, one.id, "user")
    past = {"leaving_at": utcnow() - timedelta(seconds=61)}
    User.collection().update_one({"_id": other.id}, {"$set": past})
    accounts.set_role(OPERATOR, one.id, "user")

    assert left() == 1


def test_who_comes_too_late_does_nothing(database, monkeypatch):
    """Whoever stalls between looking and acting finds the mark worth nothing."""
    one, _ = make_admins(2)
    usual = User.find_one

    def slow(where: dict) -> User | None:
        found = usual(where)
        past = {"leaving_at": utcnow() - timedelta(seconds=21)}
        User.collection().update_one({"_id": one.id}, {"$set": past})
        return found

    monkeypatch.setattr(User, "find_one", slow)
    with pytest.raises(LastAdmin):
        accounts.demote_or_disable(one.id, {"$set": {"role": "user"}})

    monkeypatch.undo()
    assert left() == 2
