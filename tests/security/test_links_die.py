"""Links to set a password with: what makes them worth nothing."""

import pytest

from jimeng import accounts
from jimeng.accounts import users
from jimeng.documents import Invitation
from jimeng.operations import users as operators
from tests.access.conftest import OPERATOR, PASSWORD
from tests.each import for_each
from tests.page import POST, send

NEW = "another horse entirely"


def change_password(person) -> None:
    person.sign_in()
    form = {"current": PASSWORD, "new": NEW, "again": NEW}
    assert send(person.client, "/account/password", **form).status_code == 303


def disable_and_enable(person) -> None:
    operators.disable(OPERATOR, person.id)
    operators.enable(OPERATOR, person.id)


def change_email(person) -> None:
    users.update(OPERATOR, person.id, email="other@example.com")


def sign_out_everywhere(person) -> None:
    person.sign_in()
    send(person.client, "/account/sessions/end")


CHANGES = [change_password, disable_and_enable, change_email, sign_out_everywhere]


@pytest.mark.parametrize("change", CHANGES)
def test_link_dies_with(change, ada, nobody):
    """Whoever has got hold of the letter comes too late."""
    link = f"/invitations/{accounts.invite(OPERATOR, ada.id)}"
    assert nobody.get(link).status_code == 200

    change(ada)

    assert nobody.get(link).status_code == 404
    answer = nobody.post(link, data={"password": "x" * 5 + NEW}, headers=POST)
    assert answer.status_code == 404


@for_each("change", CHANGES)
def test_link_dies_while_it_is_being_used(change, ada, nobody, monkeypatch):
    """Hashing takes a moment, and what happens in it counts."""
    link = f"/invitations/{accounts.invite(OPERATOR, ada.id)}"
    usual = accounts.invitations.hash_password

    def hash_password(user, password: str) -> str:
        change(ada)
        return usual(user, password)

    monkeypatch.setattr(accounts.invitations, "hash_password", hash_password)
    answer = nobody.post(link, data={"password": "mine from now on"}, headers=POST)

    assert answer.status_code == 404
    assert nobody.get("/account").status_code == 303


def test_link_of_the_release_before_is_worth_nothing(ada, nobody, stored):
    """Nobody knows what it was made for."""
    link = f"/invitations/{accounts.invite(OPERATOR, ada.id)}"
    gone = {"number": "", "email_key": ""}
    stored.invitations.update_many({}, {"$unset": gone})

    assert nobody.get(link).status_code == 404
    assert Invitation.collection().count_documents({}) == 1
