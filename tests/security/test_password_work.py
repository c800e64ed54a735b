"""Making the server hash: passwords are dear, and many come at once."""

import threading
import time
from collections import Counter
from collections.abc import Callable

import pytest
from pymongo.errors import AutoReconnect

from jimeng import accounts
from jimeng.accounts import password_hashing
from jimeng.documents import Attempts
from tests.access.conftest import OPERATOR, PASSWORD, make_person
from tests.page import POST

AT_ONCE = 24


@pytest.fixture
def busy(monkeypatch) -> Counter:
    """Hashing takes its time; how many do it at once, at most."""
    seen, lock = Counter(), threading.Lock()

    def slow(usual: Callable) -> Callable:
        def work(*given: str) -> object:
            with lock:
                seen["now"] += 1
                seen["most"] = max(seen["most"], seen["now"])
            time.sleep(0.05)
            with lock:
                seen["now"] -= 1
            return usual(*given)

        return work

    for name in ("check_password_hash", "generate_password_hash"):
        monkeypatch.setattr(
            password_hashing, name, slow(getattr(password_hashing, name))
        )
    return seen


def at_once(asks: list) -> list:
    """The answers of requests that are all sent in one moment."""
    answers, gate = [], threading.Barrier(len(asks))

    def ask(send) -> None:
        gate.wait()
        answers.append(send())

    threads = [threading.Thread(target=ask, args=(each,)) for each in asks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def sign_in(client, email: str, number: int, password: str = PASSWORD):
    form = {"email": email, "password": password}
    place = {"REMOTE_ADDR": f"192.0.2.{number}"}
    return client.post("/sign-in", data=form, headers=POST, environ_base=place)


def test_right_passwords_at_once_are_never_wrong(secured, busy):
    """In, or told to come again in a moment; and nothing is counted against them."""
    people = [make_person(secured, f"p{n}@example.com") for n in range(3)]
    asks = [
        lambda n=n: sign_in(secured.test_client(), people[n % 3].user.email, n)
        for n in range(AT_ONCE)
    ]

    answers = at_once(asks)

    found = Counter(answer.status_code for answer in answers)
    assert set(found) == {303, 429}, found
    assert found[303] >= password_hashing.MAX_WAITING
    refused = [answer for answer in answers if answer.status_code == 429]
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in refused)
    counted = Attempts.collection().find({"count": {"$gt": 0}})
    assert list(counted) == []
    assert busy["most"] <= password_hashing.MAX_PARALLEL


def test_refused_for_the_crowd_is_no_failure(secured, ada, monkeypatch):
    """However often: the account is not locked by it."""
    with monkeypatch.context() as patch:
        patch.setattr(password_hashing, "_waiting", threading.BoundedSemaphore(1))
        with password_hashing.hashing_permit():
            statuses = {ada.sign_in().status_code for _ in range(60)}

    assert statuses == {429}
    assert ada.sign_in().status_code == 303


def test_invitations_at_once_wait_their_turn(secured, busy):
    """Accepted, or told to come again; the link stays good until then."""
    people = [make_person(secured, f"p{n}@example.com") for n in range(AT_ONCE)]
    links = [f"/invitations/{accounts.invite(OPERATOR, p.id)}" for p in people]
    form = {"password": "another horse entirely"}
    busy["most"] = 0

    answers = at_once(
        [
            lambda link=link: (
                link,
                secured.test_client().post(link, data=form, headers=POST),
            )
            for link in links
        ]
    )

    assert {answer.status_code for _, answer in answers} == {303, 429}
    assert busy["most"] <= password_hashing.MAX_PARALLEL
    late = [link for link, answer in answers if answer.status_code == 429]
    again = [secured.test_client().post(link, data=form, headers=POST) for link in late]
    assert {answer.status_code for answer in again} == {303}


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
