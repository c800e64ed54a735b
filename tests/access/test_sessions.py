"""Signing in and out in a browser, and invitations: a link, once, within a day."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from pymongo.errors import ExecutionTimeout

from jimeng import accounts, documents
from jimeng.accounts import password_hashing, users
from jimeng.documents import Invitation, utcnow
from jimeng.documents.principal import Principal
from jimeng.errors.access import AdminsOnly
from tests.access.conftest import OPERATOR, PASSWORD
from tests.each import for_each
from tests.page import HTMX, POST

ENGLISH = {"Accept-Language": "en"}


def is_in(client) -> bool:
    return client.get("/").status_code == 200


def test_page_leads_to_the_sign_in_and_back(ada):
    wanted = "/?prompt=cat&size=1:1"
    led = ada.client.get(wanted)
    page = ada.client.get(led.location)
    back = ada.sign_in(next=wanted)

    assert led.status_code == 303
    assert led.location.startswith("/sign-in?next=")
    assert 'name="next" value="/?prompt=cat&amp;size=1:1"' in page.text
    assert (back.status_code, back.location) == (303, wanted)
    assert is_in(ada.client)


@pytest.fixture
def away(ada, closed):
    """Ada's browser, signed in, at a server that MongoDB has been lost to."""
    ada.sign_in()
    gone = replace(closed, MONGODB_URI="mongodb://127.0.0.1:9/")
    documents.connect(gone, timeout=0.1)
    return ada.client


@for_each("method", ["GET", "POST"])
@for_each("path", ["/no-such-page", "/favicon.ico"])
def test_unknown_page_is_unknown_without_mongodb(away, path, method):
    """To whoever is signed in as well, though nobody can tell who it is."""
    answer = away.open(path, method=method, headers={**POST, **ENGLISH})

    assert answer.status_code == 404
    assert "<h1>Not found</h1>" in answer.text
    assert "Sign out" not in answer.text


def test_unknown_page_shows_who_is_signed_in(ada):
    ada.sign_in()

    answer = ada.client.get("/no-such-page", headers=ENGLISH)

    assert answer.status_code == 404
    assert "Sign out" in answer.text and 'class="nav"' in answer.text


def test_session_that_ended_says_so_and_leads_back(ada):
    """To the page, even where it was a part of it that could not be had any more: the
    form would not fit where a card was to go."""
    part = ada.client.get("/feed/changes", headers=HTMX)
    assert (part.status_code, part.headers["HX-Redirect"]) == (401, "/sign-in")
    ada.sign_in()
    accounts.end_sessions(ada.id)
    here = {"HX-Current-URL": "http://localhost/gallery?q=cat"}

    part = ada.client.get("/feed/changes", headers=HTMX | here)
    page = ada.client.get("/?show=all")

    led = part.headers["HX-Redirect"]
    assert led == "/sign-in?next=/gallery?q%3Dcat&ended=1"
    assert "Your session has ended" in ada.client.get(led, headers=ENGLISH).text
    assert page.location == "/sign-in?next=/?show%3Dall&ended=1"
    assert "has ended" not in ada.client.get("/sign-in", headers=ENGLISH).text


@for_each(
    ("shown", "led"),
    [
        ({"Referer": "http://localhost/gallery?q=cat"}, "?next=/gallery?q%3Dcat"),
        ({"Referer": "https://evil.example/gallery"}, ""),
        ({"Referer": "http://[gallery"}, ""),
        ({}, ""),
    ],
)
def test_form_of_nobody_leads_back_to_its_page(nobody, shown, led):
    """Where what was written is still there; never to a page of another site."""
    answer = nobody.post("/pictures/favourite", data={}, headers=POST | shown)

    assert (answer.status_code, answer.location) == (303, f"/sign-in{led}")


def test_cookie_is_kept_from_scripts_and_other_sites(secured, ada):
    """Beyond this machine it goes over TLS only, for this host only. How long a session
    lasts is on the record, so other answers carry none. That of the device stays."""
    usual = secured.config["JIMENG"]
    secured.config["JIMENG"] = replace(usual, PUBLIC_URL="https://images.example")
    data = {"email": ada.user.email, "password": PASSWORD}
    there = "https://images.example"
    near = ada.sign_in()
    away = ada.client.post("/sign-in", data=data, headers=POST, base_url=there)
    local, far = (
        next(c for c in answer.headers.getlist("Set-Cookie") if "session=" in c)
        for answer in (near, away)
    )

    for cookie in (local, far):
        parts = {part.strip() for part in cookie.split(";")}
        assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= parts
        assert not any(part.startswith("Domain") for part in parts)
    assert local.startswith("session=") and "Secure" not in local
    assert far.startswith("__Host-session=") and "Secure" in far
    assert "Expires=" in local
    assert "Set-Cookie" not in ada.client.get("/").headers
    cookies = near.headers.getlist("Set-Cookie")
    (device,) = [each for each in cookies if each.startswith("device=")]
    assert all(part in device for part in ("HttpOnly", "Max-Age=", "SameSite=Strict"))
    assert "Path=/;" in f"{device};"


def test_whoever_is_in_goes_on(secured, ada):
    """The sign-in page is not shown to them, nor where there is none; set a password
    anew, they are in no more, as whoever had the old one."""
    ada.sign_in()
    assert ada.client.get("/sign-in?next=/?size=1:1").location == "/?size=1:1"

    accounts.accept(accounts.invite(OPERATOR, ada.id), NEW)

    assert ada.client.get("/").status_code == 303
    secured.config["JIMENG"] = replace(secured.config["JIMENG"], AUTH="off")
    assert ada.client.get("/sign-in").location == "/"


NEW = "another good password"


@pytest.fixture
def eve(secured):
    return users.create(OPERATOR, email="eve@example.com", name="Eve <b>")


@pytest.fixture
def token(eve) -> str:
    return accounts.invite(OPERATOR, eve.id)


def accept(client, token: str, password: str = NEW):
    path = f"/invitations/{token}"
    return client.post(path, data={"password": password}, headers=POST)


def test_link_sets_a_password_once(nobody, token, stored):
    """Whoever follows it is in; the second time it is worth nothing. Looking uses
    nothing up: programs that look at links in letters do no harm. And who reads the
    database cannot follow it."""
    assert token not in str(list(stored.invitations.find()))
    for _ in range(3):
        page = nobody.get(f"/invitations/{token}")
        assert "Eve &lt;b&gt;" in page.text

    taken = accept(nobody, token)

    assert (taken.status_code, taken.location) == (303, "/")
    assert nobody.get("/").status_code == 200
    assert accept(nobody, token, "yet another one!").status_code == 404
    assert nobody.get(f"/invitations/{token}").status_code == 404


def test_weak_password_is_refused_and_the_link_stays(nobody, token):
    for password in ("", "short", "x" * 300, "aaaaaaaaaaaa", "eve@example.com"):
        answer = accept(nobody, token, password)
        assert answer.status_code == 422, password
        assert 'aria-invalid="true"' in answer.text
    assert accept(nobody, token).status_code == 303


def test_link_stays_where_setting_the_password_is_cut_off(nobody, token, monkeypatch):
    """Hashing takes time; a request that ends in it has used nothing up, nor has one
    that comes while too many others hash."""

    def too_long(*_: object) -> str:
        raise ExecutionTimeout("the request's time is over")

    with monkeypatch.context() as patch:
        patch.setattr(password_hashing, "generate_password_hash", too_long)
        assert accept(nobody, token).status_code == 503
        patch.setattr(password_hashing, "_waiting", threading.BoundedSemaphore(1))
        with password_hashing.hashing_permit():
            busy = accept(nobody, token)

    assert (busy.status_code, int(busy.headers["Retry-After"]) > 0) == (429, True)
    assert accept(nobody, token).status_code == 303


def test_link_ends_after_a_day(nobody, token):
    """Whether its record is still there or not; what is none is not there either."""
    past = utcnow() - timedelta(seconds=1)
    Invitation.collection().update_many({}, {"$set": {"expires_at": past}})

    for link in (token, "x", "x" * 5000, "%00", "..%2f", "$gt"):
        assert nobody.get(f"/invitations/{link}").status_code == 404
        assert accept(nobody, link).status_code == 404


def test_others_invite_nobody(eve):
    with pytest.raises(AdminsOnly):
        accounts.invite(Principal("user_x"), eve.id)
