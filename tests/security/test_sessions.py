"""Sessions and links to set a password with: what ends them, whoever has taken them."""

from datetime import timedelta

import pytest

from jimeng import accounts
from jimeng.accounts import users
from jimeng.documents import Invitation, Session, User, utcnow
from jimeng.http import auth
from jimeng.operations import users as operators
from tests.access.conftest import OPERATOR, PASSWORD
from tests.each import for_each
from tests.page import POST, picture_of, send
from tests.rest import CREATE, data_of

FIREFOX = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
)


def is_in(client) -> bool:
    return client.get("/account").status_code == 200


def sign_in(app, person, **headers: str):
    client = app.test_client()
    form = {"email": person.user.email, "password": PASSWORD}
    client.post("/sign-in", data=form, headers={**POST, **headers})
    return client


def copy_of(app, client):
    """Another browser with the same cookie."""
    thief = app.test_client()
    thief.set_cookie("session", client.get_cookie("session").value)
    return thief


def move(**times) -> None:
    """Let the sessions that there are be so much older."""
    now = utcnow()
    changes = {name: now - by for name, by in times.items()}
    Session.collection().update_many({}, {"$set": changes})


def test_session_that_begins_while_all_end_is_none(ada, monkeypatch):
    """The password was right a moment before, which counts no more."""
    begin = auth.begin_session

    def begin_late(user: User, **more: object) -> None:
        accounts.end_sessions(user.id)
        begin(user, **more)

    monkeypatch.setattr(auth, "begin_session", begin_late)

    ada.sign_in()

    assert not is_in(ada.client)


def test_user_who_is_disabled_meanwhile_begins_no_session(ada, monkeypatch):
    """Signing out everywhere begins one of the newest number, but not if the user was
    disabled since the request was let in: it would be there when enabled again."""
    ada.sign_in()
    end_sessions = accounts.end_sessions

    def end_late(user_id: str) -> User:
        operators.disable(OPERATOR, user_id)
        return end_sessions(user_id)

    monkeypatch.setattr(accounts, "end_sessions", end_late)

    send(ada.client, "/account/sessions/end")

    assert not is_in(ada.client)
    operators.enable(OPERATOR, ada.id)
    assert not is_in(ada.client)


def test_signing_in_again_ends_the_session_before(secured, ada):
    """A browser has one; of a copied cookie no later one makes anything again."""
    ada.sign_in()
    thief = copy_of(secured, ada.client)

    ada.sign_in()

    assert is_in(ada.client) and not is_in(thief)
    assert Session.collection().count_documents({"user_id": ada.id}) == 1
    thief = copy_of(secured, ada.client)
    ada.client.post("/sign-out", headers=POST)
    for _ in range(3):
        assert not is_in(thief)
        ada.sign_in()
        ada.client.post("/sign-out", headers=POST)


@for_each(
    ("times", "lives"),
    [
        ({"seen_at": timedelta(days=6, hours=23)}, True),
        ({"seen_at": timedelta(days=7, seconds=1)}, False),
        ({"created_at": timedelta(days=29, hours=23)}, True),
        ({"created_at": timedelta(days=30, seconds=1)}, False),
    ],
)
def test_session_ends_by_itself(ada, times, lives):
    """A week without use, or a month with it."""
    ada.sign_in()
    move(**times)

    assert is_in(ada.client) == lives


def test_use_keeps_it_alive_and_is_noted(ada):
    """With the address; no more than every few minutes."""
    ada.sign_in()
    move(seen_at=timedelta(minutes=6))

    ada.client.get("/account", environ_base={"REMOTE_ADDR": "198.51.100.7"})
    ada.client.get("/account", environ_base={"REMOTE_ADDR": "198.51.100.8"})

    (session,) = Session.collection().find({"user_id": ada.id})
    assert utcnow() - session["seen_at"] < timedelta(minutes=1)
    assert session["address"] == "198.51.100.7"


def test_page_lists_them_and_ends_one(secured, ada):
    """By browser and address; the others stay, and the copy of its cookie is dead."""
    ada.client.set_cookie("lang", "en")
    ada.sign_in()
    other = sign_in(secured, ada, **{"User-Agent": FIREFOX})
    thief, third = copy_of(secured, other), sign_in(secured, ada)
    (found,) = Session.collection().find({"browser": FIREFOX})

    page = ada.client.get("/account/security").text
    assert "Firefox · Windows" in page and "127.0.0.1" in page
    assert page.count("This browser") == 1
    answer = send(ada.client, f"/account/sessions/{found['_id']}/end")

    assert "That browser is signed out" in ada.client.get(answer.location).text
    assert not is_in(other) and not is_in(thief)
    assert is_in(ada.client) and is_in(third)


def test_sessions_do_not_pile_up(secured, ada):
    """The oldest give way."""
    for _ in range(52):
        last = sign_in(secured, ada)

    assert Session.collection().count_documents({"user_id": ada.id}) == 50
    assert is_in(last)


@pytest.mark.parametrize("how", ["password", "sessions/end"])
@pytest.mark.parametrize("keys", ["1", ""])
def test_copied_cookie_is_worth_nothing_after(how, keys, secured, ada):
    """Another password, which alone lets in then, or the end of all sessions; keys are
    revoked if wanted."""
    ada.sign_in()
    thief, new = copy_of(secured, ada.client), "another horse entirely"
    form = {"current": PASSWORD, "new": new, "again": new} | (
        {"keys": "1"} if keys else {}
    )

    answer = send(ada.client, f"/account/{how}", **form)

    assert answer.status_code == 303
    assert is_in(ada.client) and not is_in(thief)
    status = ada.api("GET", "/api/v1/models").status_code
    assert status == (401 if keys else 200)
    ada.client, taken = secured.test_client(), how == "password"
    assert ada.sign_in().status_code == (422 if taken else 303)
    assert ada.sign_in(new).status_code == (303 if taken else 422)


def test_planted_cookie_does_not_become_the_victims(secured, ada, bob):
    """Whoever plants a session and waits for a sign-in is left with their own."""
    bob.sign_in()
    planted = bob.client.get_cookie("session").value
    ada.client.set_cookie("session", planted)

    ada.sign_in()

    assert ada.client.get_cookie("session").value != planted
    page = copy_of(secured, bob.client).get("/account").text
    assert bob.user.email in page and ada.user.email not in page


def test_signed_nonsense_is_nobody(secured, ada):
    """Also what this server has signed counts only if there is a record of it; that has
    a hash, of which no cookie can be made. Under another ``SECRET_KEY`` none does."""
    ada.sign_in()
    (found,) = Session.collection().find({"user_id": ada.id})
    serializer = secured.session_interface.get_signing_serializer(secured)
    held = serializer.loads(ada.client.get_cookie("session").value)
    assert set(held) == {"_permanent", "id"}, "everybody can read it"
    assert held["id"] not in str(found)
    ada.client.set_cookie("session", serializer.dumps(held))
    assert is_in(ada.client)

    for wrong in ("x", "x" * 5000, {"$gt": ""}, None, 1, found["_id"]):
        ada.client.set_cookie("session", serializer.dumps({**held, "id": wrong}))
        assert not is_in(ada.client), wrong
    ada.client.set_cookie("session", serializer.dumps(held))
    secured.secret_key = "another key, that is long enough for it"
    assert not is_in(ada.client)


def test_what_caches_keep_sets_no_cookie(nobody, ada, work_off):
    """A picture that a proxy gives to everybody has nobody's session with it. That of a
    download is whoever's has the link; its name and words are for the owner alone."""
    ada.sign_in()
    task = data_of(ada.api("POST", CREATE, json={"prompt": "secretplan"}), 202)
    work_off()
    picture = picture_of(ada.client, task["task_id"])
    thumbnail = picture.rpartition(".")[0] + "/thumb.webp"
    paths = (picture, thumbnail, "/static/app.css", "/openapi.json")

    answers = [ada.client.get(path) for path in paths]

    for answer in answers:
        answer.close()
    assert [answer.status_code for answer in answers] == [200] * 4
    assert [a.headers.get("Set-Cookie") for a in answers] == [None] * 4
    assert answers[0].cache_control.public
    own, others = (who.get(f"{picture}?download=1") for who in (ada.client, nobody))
    assert (own.status_code, others.status_code) == (200, 200)
    for name, data, is_told in (
        (own.headers["Content-Disposition"], own.data, True),
        (others.headers["Content-Disposition"], others.data, False),
    ):
        assert ("secretplan" in name, b"secretplan" in data) == (is_told, is_told)
    assert not own.cache_control.public and not others.cache_control.public


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
