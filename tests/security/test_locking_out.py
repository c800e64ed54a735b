"""Locking others out: failing on purpose, from one address or from many."""

import pytest

from jimeng.accounts import failed_attempts
from jimeng.documents import Attempts
from tests.access.conftest import PASSWORD, make_person
from tests.each import for_each
from tests.page import POST, send

ATTACKER, HOME = {"REMOTE_ADDR": "192.0.2.66"}, {"REMOTE_ADDR": "198.51.100.1"}
WRONG = "wrong password"


def try_to_sign_in(client, email: str, password: str, where: dict[str, str]) -> int:
    form = {"email": email, "password": password}
    answer = client.post("/sign-in", data=form, headers=POST, environ_base=where)
    return answer.status_code


def lock(app, email: str) -> None:
    """Fail as often as it takes, from wherever it takes."""
    for number in range(failed_attempts.MAX_BY_ACCOUNT + 1):
        place = {"REMOTE_ADDR": f"203.0.113.{number}"}
        try_to_sign_in(app.test_client(), email, WRONG, place)


@pytest.fixture
def blocked(secured, nobody) -> None:
    """The attacker's address has failed as often as any may."""
    for number in range(failed_attempts.MAX_BY_ADDRESS):
        status = try_to_sign_in(nobody, f"x{number}@example.com", WRONG, ATTACKER)
        assert status == 422


def test_blocked_address_locks_nobody(secured, nobody, blocked):
    """What it sends is not counted against accounts: none of three is locked."""
    people = [make_person(secured, f"p{number}@example.com") for number in range(3)]
    for person in people:
        for _ in range(failed_attempts.MAX_BY_ACCOUNT + 5):
            status = try_to_sign_in(nobody, person.user.email, WRONG, ATTACKER)
            assert status == 429

    found = [
        try_to_sign_in(person.client, person.user.email, PASSWORD, HOME)
        for person in people
    ]

    assert found == [303] * 3


def test_blocked_address_writes_nothing_new(secured, nobody, blocked):
    """Of each account that it tries there would be a counter."""
    before = Attempts.collection().count_documents({})

    for number in range(20):
        try_to_sign_in(nobody, f"new{number}@example.com", WRONG, ATTACKER)

    assert Attempts.collection().count_documents({}) == before


def test_browser_that_was_in_before_is_bounded_too(secured, ada):
    """A laptop that was left somewhere is no way to guess without an end."""
    ada.sign_in()
    ada.client.post("/sign-out", headers=POST)

    statuses = [
        ada.sign_in(WRONG).status_code
        for _ in range(failed_attempts.MAX_BY_ACCOUNT + 1)
    ]

    assert statuses == [422] * failed_attempts.MAX_BY_ACCOUNT + [429]
    elsewhere = secured.test_client()
    assert try_to_sign_in(elsewhere, ada.user.email, PASSWORD, HOME) == 303


def test_browser_of_another_is_a_stranger(secured, ada, bob):
    """Having an account does not let anybody guess at others'."""
    bob.sign_in()
    bob.client.post("/sign-out", headers=POST)
    lock(secured, ada.user.email)

    assert try_to_sign_in(bob.client, ada.user.email, PASSWORD, HOME) == 429


@for_each("value", ["x", "", "eyJ1c2VyX3giOiJ4In0.aaaa.bbbb"])
def test_forged_device_is_a_stranger(secured, ada, value):
    """Only what this server has signed counts."""
    lock(secured, ada.user.email)
    ada.client.set_cookie("device", value)

    assert ada.sign_in().status_code == 429


def test_session_is_no_device(secured, ada):
    """Both are signed with one secret, for different ends."""
    ada.sign_in()
    session = ada.client.get_cookie("session").value
    lock(secured, ada.user.email)
    other = secured.test_client()
    other.set_cookie("device", session)

    assert try_to_sign_in(other, ada.user.email, PASSWORD, HOME) == 429


def test_two_people_share_a_browser(secured, ada, bob):
    """Neither is locked out there."""
    for person in (ada, bob):
        form = {"email": person.user.email, "password": PASSWORD}
        ada.client.post("/sign-in", data=form, headers=POST)
        ada.client.post("/sign-out", headers=POST)
    for person in (ada, bob):
        lock(secured, person.user.email)

    found = [
        try_to_sign_in(ada.client, person.user.email, PASSWORD, HOME)
        for person in (ada, bob)
    ]

    assert found == [303, 303]


def test_who_is_in_changes_the_password_while_others_fail(secured, ada):
    """It has a counter of its own."""
    ada.sign_in()
    lock(secured, ada.user.email)
    new = "another horse entirely"
    form = {"current": PASSWORD, "new": new, "again": new}

    assert send(ada.client, "/account/password", **form).status_code == 303


def test_account_is_not_locked_by_its_password_page(secured, ada):
    """Nor the other way round: a stolen session does not lock its owner out."""
    ada.sign_in()
    form = {"current": WRONG, "new": "x" * 12, "again": "x" * 12}
    for _ in range(failed_attempts.MAX_BY_ACCOUNT + 1):
        answer = send(ada.client, "/account/password", **form)

    assert answer.status_code == 429
    stranger = secured.test_client()
    assert try_to_sign_in(stranger, ada.user.email, PASSWORD, HOME) == 303


def test_device_is_kept_from_scripts_and_other_sites(ada):
    """It goes where the session goes, and stays after it."""
    cookies = ada.sign_in().headers.getlist("Set-Cookie")

    (device,) = [each for each in cookies if each.startswith("device=")]
    parts = {part.strip() for part in device.split(";")}
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= parts
    assert any(part.startswith("Max-Age=") for part in parts)


def test_locked_account_locks_no_address(secured, ada, bob):
    """What is refused for an account's sake says nothing of whoever shares the door."""
    lock(secured, ada.user.email)
    for _ in range(failed_attempts.MAX_BY_ADDRESS + 5):
        status = try_to_sign_in(secured.test_client(), ada.user.email, PASSWORD, HOME)
        assert status == 429

    colleague = secured.test_client()
    assert try_to_sign_in(colleague, bob.user.email, PASSWORD, HOME) == 303
