"""Passwords: which are taken, what is kept of them, and many that come at once."""

import threading
from collections import Counter
from types import SimpleNamespace

import pytest
import werkzeug.security
from pymongo.errors import AutoReconnect
from werkzeug.security import generate_password_hash
from werkzeug.test import TestResponse

from jimeng.accounts import password_hashing
from jimeng.documents import Attempts, User
from tests.access.conftest import PASSWORD, make_person
from tests.at_once import at_once
from tests.each import for_each
from tests.page import POST
from tests.waiting import PATIENCE_S

ADVISED = password_hashing.METHOD  # in tests less is done
OLD = "scrypt:256:8:1"  # what a hash of an older release has
TODAY = "scrypt:256:8:3"
LONG = "ab3$" * 64  # as long as one may be


def change(ada, new: str):
    form = {"current": PASSWORD, "new": new, "again": new}
    return ada.client.post("/account/password", data=form, headers=POST)


COMMON = ("password123", "1q2w3e4r5t6y", "qwertyuiop", "PassWord123", "woaini1314520")
OBVIOUS = ("jimeng2026!", "JiMeng-Ada-2026", "Volcengine.1", "ada@example.com1!")


def test_common_password_is_refused(ada):
    """In whatever letter case: those known from leaks are tried first; then the
    product's name, the e-mail and one's own, with a few characters behind."""
    ada.sign_in()

    for words, passwords in (("名单", COMMON), ("产品名", OBVIOUS)):
        for each in passwords:
            answer = change(ada, each)
            assert (answer.status_code, words in answer.text) == (422, True), each

    assert ada.sign_in().status_code == 303
    assert change(ada, f"{OBVIOUS[-1]} by the sea").status_code == 303


def test_long_password_is_refused_and_not_cut(ada):
    """With words; the longest that is taken is taken whole."""
    ada.sign_in()

    assert change(ada, LONG + "x").status_code == 422
    assert change(ada, LONG).status_code == 303
    assert ada.sign_in(LONG + "x").status_code == 422
    assert ada.sign_in(LONG[:-1]).status_code == 422
    assert ada.sign_in(LONG).status_code == 303


@for_each("path", ["/sign-in", "/account/security", "/account/data"])
def test_browser_cuts_no_password(ada, path):
    """A field with a greatest length would drop the rest of what is pasted."""
    if path != "/sign-in":
        ada.sign_in()
    fields = ada.client.get(path).text.split("<input")
    asked = [each.partition(">")[0] for each in fields if 'type="password"' in each]

    assert asked
    assert [each for each in asked if "maxlength" in each] == []


@pytest.fixture
def old_hash(ada, monkeypatch) -> str:
    """Ada's password as an older release has hashed it."""
    monkeypatch.setattr(password_hashing, "METHOD", TODAY)
    hashed = generate_password_hash(PASSWORD, OLD)
    User.collection().update_one({"_id": ada.id}, {"$set": {"password": hashed}})
    return hashed


def test_old_hash_is_renewed_at_sign_in(ada, old_hash, monkeypatch):
    """With the work that is done today; sessions go on, and it is right again. Until
    then a guess takes the same as for an account that is not there."""
    done = []
    usual = werkzeug.security.hashlib.scrypt

    def scrypt(password, *, n, r, p, **rest):
        done.append(n * r * p)
        return usual(password, n=n, r=r, p=p, **rest)

    monkeypatch.setattr(werkzeug.security.hashlib, "scrypt", scrypt)
    for email in (ada.user.email, "nobody@example.com"):
        form = {"email": email, "password": "wrong password"}
        ada.client.post("/sign-in", data=form, headers=POST)
        assert sum(done) == 256 * 8 * 3
        done.clear()
    other = ada.client.application.test_client()
    form = {"email": ada.user.email, "password": PASSWORD}

    assert ada.sign_in("wrong password").status_code == 422
    assert ada.record().password == old_hash
    assert ada.sign_in().status_code == 303
    assert ada.record().password.startswith(TODAY + "$")
    assert other.post("/sign-in", data=form, headers=POST).status_code == 303
    assert ada.client.get("/account").status_code == 200


def test_hash_takes_what_is_advised():
    """N=2^15, r=8, p=3 of OWASP's list, or more; and no memory to fill a machine."""
    n, r, p = map(int, ADVISED.split(":")[1:])

    assert n * r * p >= 2**15 * 8 * 3
    assert 2**25 <= 128 * n * r <= 2**26  # bytes


def test_right_passwords_at_once_are_never_wrong(secured, monkeypatch):
    """In, or told to come again in a moment; and nothing is counted against them. Here
    a comparison takes until somebody is refused."""
    people = [make_person(secured, f"p{n}@example.com") for n in range(3)]
    seen, lock, is_full = Counter(), threading.Lock(), threading.Event()
    most = password_hashing.MAX_PARALLEL
    room = threading.BoundedSemaphore(most + password_hashing.MAX_WAITING)
    usual = password_hashing.check_password_hash

    def acquire(blocking: bool = True) -> bool:
        found = room.acquire(blocking)
        if not found:
            is_full.set()
        return found

    def check(*given: str) -> bool:
        with lock:
            seen["now"] += 1
            seen["most"] = max(seen["most"], seen["now"])
        assert is_full.wait(PATIENCE_S)
        with lock:
            seen["now"] -= 1
        return usual(*given)

    waiting = SimpleNamespace(acquire=acquire, release=room.release)
    monkeypatch.setattr(password_hashing, "_waiting", waiting)
    monkeypatch.setattr(password_hashing, "check_password_hash", check)

    def sign_in(number: int) -> TestResponse:
        form = {"email": people[number % 3].user.email, "password": PASSWORD}
        options = {"environ_base": {"REMOTE_ADDR": f"192.0.2.{number}"}}
        client = secured.test_client()
        return client.post("/sign-in", data=form, headers=POST, **options)

    answers = at_once(24, sign_in)

    found = Counter(answer.status_code for answer in answers)
    assert set(found) == {303, 429}, found
    assert found[303] >= password_hashing.MAX_WAITING
    refused = [answer for answer in answers if answer.status_code == 429]
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in refused)
    counted = Attempts.collection().find({"count": {"$gt": 0}})
    assert list(counted) == []
    assert seen["most"] <= most


def test_database_that_goes_away_gives_the_attempt_back(secured, ada, monkeypatch):
    """A 503 is nobody's wrong password: twelve of them lock nothing."""

    def away(*_: object) -> bool:
        raise AutoReconnect("away")

    with monkeypatch.context() as patch:
        patch.setattr(password_hashing, "check_password_hash", away)
        statuses = [ada.sign_in().status_code for _ in range(12)]

    assert statuses == [503] * 12
    assert ada.sign_in().status_code == 303


def test_right_password_is_right_where_the_counter_cannot_be_reset(
    secured, ada, monkeypatch
):
    """What follows the comparison changes its result no more."""

    def away(*_: object, **__: object) -> None:
        raise AutoReconnect("away")

    usual = password_hashing.check_password_hash

    def check(*given: str) -> bool:
        monkeypatch.setattr(Attempts, "collection", away)
        return usual(*given)

    monkeypatch.setattr(password_hashing, "check_password_hash", check)

    assert ada.sign_in().status_code == 303
