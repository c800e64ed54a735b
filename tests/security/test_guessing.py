"""Guessing: passwords, accounts, keys; and locking others out by failing on purpose."""

import threading
import time
from collections import Counter
from types import SimpleNamespace

import pytest
import werkzeug.security
from itsdangerous import URLSafeTimedSerializer

from jimeng.accounts import (
    failed_attempts,
    invite,
    password_hashing,
    passwords,
)
from jimeng.documents import Attempts, User, utcnow
from jimeng.errors.access import SignInFailed, TooManyAttempts
from jimeng.operations import users as operators_users
from tests.access.conftest import OPERATOR, PASSWORD, Person, call, make_person
from tests.at_once import at_once
from tests.each import for_each
from tests.page import POST, send
from tests.rest import API, USERS, data_of

WRONG = "wrong password"
NEW = "another horse entirely"


@pytest.fixture
def scrypts(monkeypatch) -> list[tuple]:
    """The work done for passwords: parameters and length, each time."""
    done: list[tuple] = []
    usual = werkzeug.security.hashlib.scrypt

    def scrypt(password, *, salt, **parameters):
        found = usual(password, salt=salt, **parameters)
        done.append((*sorted(parameters.items()), len(salt), len(found)))
        return found

    monkeypatch.setattr(werkzeug.security.hashlib, "scrypt", scrypt)
    return done


@pytest.fixture
def accounts(secured, ada, admin, bob) -> dict[str, str]:
    """An e-mail of each kind that a guess can have."""
    bare = User(email="bare@example.com", email_key="bare@example.com", name="x")
    User.collection().insert_one(bare.to_mongo())
    where = {"_id": bob.id}
    User.collection().update_one(where, {"$set": {"disabled_at": utcnow()}})
    return {
        "there": ada.user.email,
        "of an admin": admin.user.email,
        "kept out": bob.user.email,
        "without a password": bare.email,
        "not there": "nobody@example.com",
        "none": "x",
    }


@for_each("password", [WRONG, "", "x" * 5000, "密码" * 20])
def test_account_that_is_not_there_costs_the_same(password, accounts, nobody, scrypts):
    """One comparison, of the same work, from the very first on; and the same words."""
    answers, works = set(), []
    for email in accounts.values():
        form = {"email": email, "password": password}
        scrypts.clear()
        answer = nobody.post("/sign-in", data=form, headers=POST)
        works.append(tuple(scrypts))
        answers.add((answer.status_code, answer.text.replace(f'"{email}"', "")))

    assert len(works[0]) == 1
    assert len(set(works)) == 1
    ((status, text),) = answers
    assert status == 422 and "邮箱或密码不对" in text
    assert nobody.get("/").status_code == 303


def test_bound_of_guesses_does_not_tell_either(accounts, nobody, scrypts, ada, stored):
    """Accounts that are not there are locked just as well, without any work. What is
    past counts no more, even while the record is still there; a right password forgets
    it."""
    seen = {}
    for kind in ("there", "not there"):
        form = {"email": accounts[kind], "password": WRONG}
        tries = range(failed_attempts.MAX_BY_ACCOUNT)
        answers = [nobody.post("/sign-in", data=form, headers=POST) for _ in tries]
        right = {**form, "password": PASSWORD}
        answers.append(nobody.post("/sign-in", data=right, headers=POST))
        statuses = [answer.status_code for answer in answers]
        seen[kind] = (statuses, len(scrypts))
        scrypts.clear()

    assert seen["there"] == seen["not there"]
    assert seen["there"][0] == [422] * failed_attempts.MAX_BY_ACCOUNT + [429]
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 900
    assert "登录失败次数太多，请 15 分钟后再试" in answers[-1].text
    stored.attempts.update_many({}, {"$set": {"expires_at": utcnow()}})
    time.sleep(0.002)  # the clock has milliseconds
    assert ada.sign_in().status_code == 303
    assert stored.attempts.count_documents({"_id": {"$regex": "^account"}}) <= 1


def test_hashes_are_compared_in_constant_time(ada, monkeypatch):
    """Not by ==, which ends at the first difference."""
    compared = []
    usual = werkzeug.security.hmac.compare_digest

    def compare_digest(a, b):
        compared.append((len(a), len(b)))
        return usual(a, b)

    # A copy of the module for werkzeug alone: sessions are signed with it, too.
    own = SimpleNamespace(compare_digest=compare_digest)
    monkeypatch.setattr(werkzeug.security, "hmac", own)

    assert ada.sign_in(WRONG).status_code == 422
    assert ada.sign_in().status_code == 303
    assert compared == [(128, 128)] * 2


def test_many_guesses_at_once_are_counted_each(ada, monkeypatch):
    """Forty requests at a time try no more passwords than forty one by one."""
    monkeypatch.setattr(password_hashing, "_waiting", threading.BoundedSemaphore(40))
    ends = Counter()

    def guess(_: int) -> None:
        try:
            passwords.user_of_password(
                ada.user.email, WRONG, address="192.0.2.1", devices={}
            )
        except (SignInFailed, TooManyAttempts) as error:
            ends[error.code] += 1

    at_once(40, guess)

    assert ends == {"sign_in_failed": 10, "too_many_attempts": 30}


@pytest.mark.parametrize(
    "first, second, is_one",
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("", "unix:", False),
    ],
)
def test_address_stands_for_whoever_has_it(first, second, is_one, secured):
    """Of IPv6 everybody has more addresses than could be counted."""
    for number, address in enumerate((first, second)):
        with pytest.raises(SignInFailed):
            passwords.user_of_password(
                f"x{number}@x.org", WRONG, address=address, devices={}
            )

    places = Attempts.collection().count_documents({"_id": {"$regex": "^address"}})
    assert places == (1 if is_one else 2)


def test_address_is_not_what_a_header_says(ada):
    """Without trusted proxies nobody has another address by writing one."""
    for number in range(failed_attempts.MAX_BY_ADDRESS + 1):
        form = {"email": f"x{number}@x.org", "password": WRONG}
        headers = {**POST, "X-Forwarded-For": f"198.51.100.{number}"}
        answer = ada.client.post("/sign-in", data=form, headers=headers)

    assert answer.status_code == 429


def test_database_sees_no_secret(ada, admin, stored):
    """What is looked up is a hash: MongoDB's own log and profile have nothing."""
    token = invite(OPERATOR, ada.id)
    stored.command("profile", 2)
    try:
        ada.client.get(f"/invitations/{token}")
        ada.sign_in()
        ada.sign_in(WRONG + "!")
        made = ada.api("POST", f"{USERS}/{ada.id}/keys", json={"name": "x"})
        key = data_of(made, 201)["key"]
        call(ada.client, "GET", f"{API}/models", key=key)
        call(ada.client, "GET", f"{API}/models", key=key + "x")
    finally:
        stored.command("profile", 0)
    seen = str(list(stored["system.profile"].find()))
    stored.drop_collection("system.profile")

    assert "api_keys" in seen and "sha256" in seen
    for secret in (token, PASSWORD, WRONG + "!", key, ada.key):
        assert secret not in seen


ATTACKER, HOME = {"REMOTE_ADDR": "192.0.2.66"}, {"REMOTE_ADDR": "198.51.100.1"}


def try_to_sign_in(client, email: str, password: str, where: dict[str, str]) -> int:
    form = {"email": email, "password": password}
    answer = client.post("/sign-in", data=form, headers=POST, environ_base=where)
    return answer.status_code


def lock(app, email: str) -> None:
    """Fail as often as it takes, from wherever it takes."""
    for number in range(failed_attempts.MAX_BY_ACCOUNT + 1):
        place = {"REMOTE_ADDR": f"203.0.113.{number}"}
        try_to_sign_in(app.test_client(), email, WRONG, place)


def test_blocked_address_locks_nobody(secured, nobody):
    """What it sends is not counted against accounts, there or not, nor is it kept."""
    for number in range(failed_attempts.MAX_BY_ADDRESS):
        status = try_to_sign_in(nobody, f"x{number}@example.com", WRONG, ATTACKER)
        assert status == 422
    people = [make_person(secured, f"p{number}@example.com") for number in range(3)]
    before = Attempts.collection().count_documents({})
    for number in range(20):
        try_to_sign_in(nobody, f"new{number}@example.com", WRONG, ATTACKER)
    for person in people:
        for _ in range(failed_attempts.MAX_BY_ACCOUNT + 5):
            status = try_to_sign_in(nobody, person.user.email, WRONG, ATTACKER)
            assert status == 429
    assert Attempts.collection().count_documents({}) == before

    for person in people:
        assert try_to_sign_in(person.client, person.user.email, PASSWORD, HOME) == 303


def test_browser_that_was_in_before_is_bounded_too(secured, ada):
    """A laptop that was left somewhere is no way to guess without an end."""
    ada.sign_in()
    ada.client.post("/sign-out", headers=POST)

    most = failed_attempts.MAX_BY_ACCOUNT
    statuses = [ada.sign_in(WRONG).status_code for _ in range(most + 1)]

    assert statuses == [422] * most + [429]
    elsewhere = secured.test_client()
    assert try_to_sign_in(elsewhere, ada.user.email, PASSWORD, HOME) == 303


def sign_out_everywhere(ada: Person) -> None:
    assert send(ada.client, "/account/sessions/end").status_code == 303


def change_password(ada: Person) -> None:
    form = {"current": PASSWORD, "new": NEW, "again": NEW}
    assert send(ada.client, "/account/password", **form).status_code == 303


def reset_by_link(ada: Person) -> None:
    link = f"/invitations/{invite(OPERATOR, ada.id)}"
    assert send(ada.client, link, password=NEW).status_code == 303


@pytest.mark.parametrize("end", [sign_out_everywhere, change_password, reset_by_link])
def test_known_device_ends_with_the_sessions(secured, ada, end):
    """Of every browser but the one that ends them, which stays known."""
    other = secured.test_client()
    assert try_to_sign_in(other, ada.user.email, PASSWORD, HOME) == 303
    ada.sign_in()

    end(ada)

    lock(secured, ada.user.email)
    password = PASSWORD if end is sign_out_everywhere else NEW
    assert try_to_sign_in(other, ada.user.email, password, HOME) == 429
    ada.client.post("/sign-out", headers=POST)
    assert try_to_sign_in(ada.client, ada.user.email, password, HOME) == 303


def test_known_device_ends_when_its_user_is_disabled(secured, ada, admin):
    """It is a stranger when the user is let in again; so is that of an earlier
    release, whose cookie says no number."""
    ada.sign_in()
    operators_users.disable(OPERATOR, ada.id)
    operators_users.enable(OPERATOR, ada.id)
    earlier = secured.test_client()
    signer = URLSafeTimedSerializer(secured.secret_key, "device")
    earlier.set_cookie("device", str(signer.dumps({ada.id: "of-an-earlier-one"})))
    lock(secured, ada.user.email)

    for client in (ada.client, earlier):
        assert try_to_sign_in(client, ada.user.email, PASSWORD, HOME) == 429


def test_wrong_passwords_from_its_own_address_do_not_lock_a_known_device(secured, ada):
    """Thirty of another browser at the same address: the right password of the user's
    own signs in, after up to nine wrong ones."""
    ada.sign_in()
    ada.client.post("/sign-out", headers=POST)
    for _ in range(30):
        try_to_sign_in(secured.test_client(), ada.user.email, WRONG, HOME)

    stranger = secured.test_client()
    assert try_to_sign_in(stranger, ada.user.email, PASSWORD, HOME) == 429
    for _ in range(failed_attempts.MAX_BY_ACCOUNT - 1):
        assert try_to_sign_in(ada.client, ada.user.email, WRONG, HOME) == 422
    assert try_to_sign_in(ada.client, ada.user.email, PASSWORD, HOME) == 303


def test_forged_device_is_a_stranger(secured, ada, bob):
    """Only what this server has signed counts, and for this end: not what is signed
    with the same secret as sessions are. Nor does an account let anybody guess at
    others', but for those who share a browser."""
    bob.sign_in()
    bob.client.post("/sign-out", headers=POST)
    for person in (ada, bob):
        form = {"email": person.user.email, "password": PASSWORD}
        ada.client.post("/sign-in", data=form, headers=POST)
        ada.client.post("/sign-out", headers=POST)
    for person in (ada, bob):
        lock(secured, person.user.email)
    for person in (ada, bob):
        assert try_to_sign_in(ada.client, person.user.email, PASSWORD, HOME) == 303
        lock(secured, person.user.email)

    assert try_to_sign_in(bob.client, ada.user.email, PASSWORD, HOME) == 429
    secret = secured.secret_key
    signers = [("another", "device"), (secret, "cookie-session"), (secret, "")]
    known = {ada.id: ["x", ada.record().sessions]}
    forged = [URLSafeTimedSerializer(key, salt).dumps(known) for key, salt in signers]
    for value in ("x", "", *forged):
        other = secured.test_client()
        other.set_cookie("device", value)
        assert try_to_sign_in(other, ada.user.email, PASSWORD, HOME) == 429, value


def test_who_is_in_changes_the_password_while_others_fail(secured, ada):
    """It has a counter of its own."""
    ada.sign_in()
    lock(secured, ada.user.email)

    change_password(ada)


def test_successful_sign_in_keeps_the_address_count(nobody, ada, stored):
    """Whoever has an account of their own cannot go on guessing at others' by signing
    in between: it takes only its own attempt off what its network shares."""
    place = {"REMOTE_ADDR": "2001:db8:1:2::66"}

    def counts() -> dict[str, int]:
        rows = stored.attempts.find({"_id": {"$not": {"$regex": "^account"}}})
        return {row["_id"].partition(":")[0]: row["count"] for row in rows}

    for email in ("x@example.com", "y@example.com"):
        assert try_to_sign_in(nobody, email, WRONG, place) == 422
    assert counts() == {"address": 2, "site": 2}

    assert try_to_sign_in(ada.client, ada.user.email, PASSWORD, place) == 303

    assert counts() == {"address": 2, "site": 2}


def test_locked_account_locks_no_address(secured, ada, bob):
    """What is refused for an account's sake says nothing of whoever shares the door."""
    lock(secured, ada.user.email)
    for _ in range(failed_attempts.MAX_BY_ADDRESS + 5):
        status = try_to_sign_in(secured.test_client(), ada.user.email, PASSWORD, HOME)
        assert status == 429

    colleague = secured.test_client()
    assert try_to_sign_in(colleague, bob.user.email, PASSWORD, HOME) == 303
