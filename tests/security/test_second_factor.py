"""A password that somebody else knows: the second factor, and the ways around it."""

import re
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pyotp
import pytest

from jimeng import accounts
from jimeng.accounts import failed_attempts, second_factor
from jimeng.documents import Attempts, User, utcnow
from jimeng.errors.access import SecondFactorFailed, TooManyAttempts
from tests.access.conftest import OPERATOR, PASSWORD
from tests.at_once import at_once
from tests.each import for_each
from tests.page import error_at, send
from tests.rest import API

CODE = "/sign-in/code"
PAGE = "/account/second-factor"
LETTERS = re.compile(r"(?:[A-Z2-7]{4}-){5}[A-Z2-7]{4}")


def ticket_of(answer) -> str:
    return re.search(r'name="ticket" value="([^"]+)"', answer.text)[1]


@pytest.fixture
def clock(monkeypatch):
    """The time of the second factor, which tests move."""
    time = {"now": utcnow()}
    monkeypatch.setattr(second_factor, "utcnow", lambda: time["now"])
    return time


class Phone:
    """An app that has scanned what a page shows."""

    def __init__(self, page, clock) -> None:
        words = re.search(r'secret-text">([A-Z2-7 ]+)<', page.text)[1]
        self.app, self.clock = pyotp.TOTP(words.replace(" ", "")), clock

    def code(self, steps: int = 0) -> str:
        return self.app.at(self.clock["now"], counter_offset=steps)

    def wrong(self) -> str:
        """A code that is none of those that are right."""
        right = {self.code(steps) for steps in (-1, 0, 1)}
        return next(code for n in range(4) if (code := 6 * str(n)) not in right)

    def wait(self, steps: int = 1) -> None:
        self.clock["now"] += timedelta(seconds=30 * steps)


@pytest.fixture
def set_up(clock):
    """Have a person set it up as the pages lead; their phone, and their codes."""

    def run(person) -> tuple[Phone, list[str]]:
        person.sign_in()
        page = send(person.client, f"{PAGE}/begin", password=PASSWORD)
        phone = Phone(page, clock)
        done = send(person.client, PAGE, ticket=ticket_of(page), code=phone.code())
        assert done.status_code == 200
        phone.wait()
        return phone, LETTERS.findall(done.text)

    return run


@pytest.fixture
def phone(ada, set_up) -> Phone:
    return set_up(ada)[0]


def enter(person, code: str, **fields: str):
    """Sign in anew in another browser: password, then a code."""
    person.client = person.client.application.test_client()
    page = person.sign_in(**fields)
    target = re.search(r'name="next" value="([^"]*)">\s*<[^>]*"ticket"', page.text)[1]
    return send(person.client, CODE, ticket=ticket_of(page), code=code, next=target)


def is_in(person) -> bool:
    return person.client.get("/account").status_code == 200


def test_password_alone_lets_nobody_in(ada, phone):
    """It leads to the code; the code leads on to where one was going."""
    ada.client = ada.client.application.test_client()

    asked = ada.sign_in(next="/gallery")
    assert asked.status_code == 200
    assert 'name="next" value="/gallery"' in asked.text
    assert not is_in(ada)
    answer = enter(ada, phone.code(), next="/gallery")
    assert (answer.status_code, answer.location) == (303, "/gallery")
    assert is_in(ada)


@for_each("code", ["", "000000", "１２３４５６", "x" * 5000, "12345", "\0"])
def test_wrong_code_lets_nobody_in(ada, phone, code):
    Attempts.collection().delete_many({})
    answer = enter(ada, phone.wrong() if code == "000000" else code)
    assert (answer.status_code, 'id="error"' in answer.text) == (422, True)
    assert not is_in(ada)


def test_code_is_good_once(ada, phone):
    """However many try it at once. Whoever reads it over a shoulder comes too late, and
    so does an older one."""
    code, older = phone.code(), phone.code(-1)
    user = ada.record()

    taken = at_once(20, lambda _: second_factor.use_step(user, code, key_of(ada)))

    assert sorted(taken) == [*[False] * 19, True]
    assert enter(ada, code).status_code == 422
    assert enter(ada, older).status_code == 422
    phone.wait()
    assert enter(ada, phone.code()).status_code == 303


def key_of(person) -> str:
    return person.client.application.config["JIMENG"].SECRET_KEY


@pytest.mark.parametrize(
    "steps, status", [(-2, 422), (-1, 303), (0, 303), (1, 303), (2, 422)]
)
def test_clocks_may_differ_by_one_step(ada, phone, steps, status):
    """Half a minute each way; no more, for a code must not live long."""
    phone.wait(60)

    assert enter(ada, phone.code(steps)).status_code == status


def test_guesses_at_once_are_counted_each(ada, phone):
    """Five, then the right code is not looked at; the password is, which does not begin
    the count anew."""
    user, ends = ada.record(), Counter()

    def guess(_: int) -> None:
        try:
            second_factor.check(user, phone.wrong(), key_of(ada))
        except (SecondFactorFailed, TooManyAttempts) as error:
            ends[error.code] += 1

    at_once(20, guess)

    most = failed_attempts.MAX_CODES
    assert ends == {"second_factor_failed": most, "too_many_attempts": 20 - most}
    assert ada.sign_in().status_code == 200
    answer = enter(ada, phone.code())
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0


def test_nothing_at_rest_makes_a_code(ada, set_up, stored):
    """Under another ``SECRET_KEY`` those of the app are wrong; recovery codes are not,
    so nobody is locked out for good. Each lets in once, however it is written."""
    phone, codes = set_up(ada)
    assert len(set(codes)) == second_factor.CODES
    seen = str(stored.users.find_one({"_id": ada.id}))

    assert "factor_salt" in seen
    for secret in (phone.app.secret, *codes, *(c.replace("-", "") for c in codes)):
        assert secret not in seen
    user = ada.record()
    with pytest.raises(SecondFactorFailed):
        second_factor.check(user, phone.code(), "another key" * 4)
    second_factor.check(user, codes[0], "another key" * 4)
    assert enter(ada, codes[1].lower().replace("-", " ")).status_code == 303
    assert enter(ada, codes[1]).status_code == 422
    assert enter(ada, codes[2]).status_code == 303


def test_ticket_is_no_session_and_ends(ada, phone, monkeypatch):
    """Ten minutes, until the sessions end, and for nothing else."""
    ticket = ticket_of(ada.sign_in())
    own = ada.client.application.test_client()
    for path in ("/", "/account", PAGE):
        assert own.get(path, headers={"Cookie": f"session={ticket}"}).status_code == 303
    assert send(ada.client, PAGE, ticket=ticket, code=phone.code()).status_code == 422
    assert send(own, CODE, ticket=ticket[:-1], code=phone.code()).status_code == 422
    User.collection().update_one({"_id": ada.id}, {"$inc": {"sessions": 1}})

    assert send(own, CODE, ticket=ticket, code=phone.code()).status_code == 422


def test_invitation_link_is_no_way_around(ada, phone):
    """A new password by a link, and still the code."""
    from_link = ada.client.application.test_client()
    token = accounts.invite(OPERATOR, ada.id)

    answer = send(from_link, f"/invitations/{token}", password="another of hers")

    assert answer.status_code == 200
    assert from_link.get("/account").status_code == 303
    done = send(from_link, CODE, ticket=ticket_of(answer), code=phone.code())
    assert done.status_code == 303


def test_set_up_ends_other_sessions(ada, bob, set_up):
    """Whoever was in with the password alone is out; a wrong code sets up nothing."""
    other = ada.client.application.test_client()
    send(other, "/sign-in", email=ada.user.email, password=PASSWORD)
    page = send(other, f"{PAGE}/begin", password=PASSWORD)
    wrong = send(other, PAGE, ticket=ticket_of(page), code="x")
    assert wrong.status_code == 422 and error_at(wrong, "code")
    set_up(ada)

    assert other.get("/account").status_code == 303
    assert is_in(ada)


def test_owner_switches_it_off(ada, phone):
    """With the password, and gets other recovery codes in the same way. Whoever sits
    down at an open browser changes nothing."""
    enter(ada, phone.code())
    before = ada.record().to_mongo()
    for path in ("begin", "codes", "remove"):
        wrong = send(ada.client, f"{PAGE}/{path}", password="wrong password")
        assert wrong.status_code == 422
        assert ada.record().to_mongo() == before
    renewed = send(ada.client, f"{PAGE}/codes", password=PASSWORD)
    assert len(LETTERS.findall(renewed.text)) == second_factor.CODES
    assert "no-store" in renewed.headers["Cache-Control"]

    assert send(ada.client, f"{PAGE}/remove", password=PASSWORD).status_code == 303
    assert ada.sign_in().status_code == 303


@pytest.fixture
def required(secured, closed):
    secured.config["JIMENG"] = replace(closed, REQUIRE_SECOND_FACTOR="admins")


def test_admin_without_one_is_led_to_it(required, admin, ada, set_up):
    """Every page leads there; with it all is open. Users and keys are not asked."""
    admin.sign_in()
    ada.sign_in()

    for path in ("/", "/admin/users", "/account", "/account/security", "/gallery"):
        answer = admin.client.get(path)
        assert (answer.status_code, answer.location) == (303, PAGE)
    assert send(admin.client, f"/admin/users/{ada.id}/disable").location == PAGE
    assert admin.client.get(PAGE).status_code == 200
    assert admin.api("GET", f"{API}/queue").status_code == 200
    assert is_in(ada)
    set_up(admin)
    assert admin.client.get("/admin/users").status_code == 200
