"""Sessions: what ends them, and cookies that are stolen, planted, forged, or cached."""

from datetime import timedelta

import pytest

from jimeng import accounts
from jimeng.documents import Session, User, utcnow
from jimeng.http import auth
from tests.access.conftest import PASSWORD
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


def test_nobody_ends_anothers(ada, bob):
    """As if it were not there."""
    ada.sign_in()
    bob.sign_in()
    (hers,) = Session.collection().find({"user_id": ada.id})

    answer = send(bob.client, f"/account/sessions/{hers['_id']}/end")

    assert answer.status_code == 404
    send(bob.client, "/sign-out")
    assert is_in(ada.client)


def test_sessions_do_not_pile_up(secured, ada):
    """The oldest give way."""
    for _ in range(52):
        last = sign_in(secured, ada)

    assert Session.collection().count_documents({"user_id": ada.id}) == 50
    assert is_in(last)


@pytest.mark.parametrize("how", ["password", "sessions/end"])
@pytest.mark.parametrize("keys", ["1", ""])
def test_copied_cookie_is_worth_nothing_after(how, keys, secured, ada):
    """Another password, or the end of all sessions; keys are revoked if wanted."""
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
    """
    Also what this server has signed counts only if there is a record of it; that has a
    hash, of which no cookie can be made.
    """
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


def test_cookie_of_another_key_is_nobody(secured, ada):
    """A new ``SECRET_KEY`` ends all sessions."""
    ada.sign_in()

    secured.secret_key = "another key, that is long enough for it"

    assert not is_in(ada.client)


def test_what_caches_keep_sets_no_cookie(ada, work_off):
    """A picture that a proxy gives to everybody has nobody's session with it."""
    ada.sign_in()
    task = data_of(ada.api("POST", CREATE, json={"prompt": "x"}), 202)
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


def test_download_is_of_whoever_has_the_link(nobody, ada, work_off):
    """Its name and words are for the owner alone, and no cache mixes the two up."""
    ada.sign_in()
    task = data_of(ada.api("POST", CREATE, json={"prompt": "secretplan"}), 202)
    work_off()
    link = picture_of(ada.client, task["task_id"]) + "?download=1"

    own, others = ada.client.get(link), nobody.get(link)

    assert (own.status_code, others.status_code) == (200, 200)
    assert "secretplan" in own.headers["Content-Disposition"]
    assert "secretplan" not in others.headers["Content-Disposition"]
    assert b"secretplan" in own.data and b"secretplan" not in others.data
    assert not own.cache_control.public and not others.cache_control.public
