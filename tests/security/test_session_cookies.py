"""Cookies of sessions: stolen, planted, forged, or left in a cache."""

import pytest

from tests.access.conftest import PASSWORD
from tests.each import for_each
from tests.page import POST, picture_of
from tests.rest import CREATE, data_of

SIGN_IN = "/sign-in"


def cookie(client) -> str:
    return client.get_cookie("session").value


def is_in(client) -> bool:
    return client.get("/account").status_code == 200


def with_cookie(app, value: str):
    """Another browser that has got hold of a cookie."""
    client = app.test_client()
    client.set_cookie("session", value)
    return client


def test_signing_out_leaves_other_browsers_in(secured, ada):
    """Each has a session of its own."""
    ada.sign_in()
    other = secured.test_client()
    form = {"email": ada.user.email, "password": PASSWORD}
    other.post(SIGN_IN, data=form, headers=POST)

    other.post("/sign-out", headers=POST)

    assert is_in(ada.client)


@pytest.mark.parametrize("how", ["password", "sessions/end"])
def test_copied_cookie_is_worth_nothing_after(how, secured, ada):
    """Another password, or all browsers signed out, and the thief is out."""
    ada.sign_in()
    thief = with_cookie(secured, cookie(ada.client))
    new = "another horse entirely"
    form = {"current": PASSWORD, "new": new, "again": new}

    ada.client.post(f"/account/{how}", data=form, headers=POST)

    assert is_in(ada.client)
    assert not is_in(thief)


def test_planted_cookie_does_not_become_the_victims(secured, ada, bob):
    """Whoever plants a session and waits for a sign-in is left with their own."""
    bob.sign_in()
    planted = cookie(bob.client)
    ada.client.set_cookie("session", planted)

    ada.sign_in()

    assert cookie(ada.client) != planted
    page = with_cookie(secured, planted).get("/account").text
    assert bob.user.email in page and ada.user.email not in page


def test_cookie_holds_no_secret(secured, ada):
    """It is signed, and everybody can read it."""
    ada.sign_in()
    serializer = secured.session_interface.get_signing_serializer(secured)

    held = serializer.loads(cookie(ada.client))

    assert set(held) == {"_permanent", "id"}


@for_each(
    "change",
    [{"id": "x"}, {"id": "x" * 5000}, {"id": {"$gt": ""}}, {"id": None}, {"id": 1}],
)
def test_signed_nonsense_is_nobody(secured, ada, change):
    """Also what this server has signed counts only if there is a record of it."""
    ada.sign_in()
    serializer = secured.session_interface.get_signing_serializer(secured)
    held = serializer.loads(cookie(ada.client))

    assert is_in(with_cookie(secured, serializer.dumps(held)))
    assert not is_in(with_cookie(secured, serializer.dumps({**held, **change})))


def test_cookie_of_another_key_is_nobody(secured, ada):
    """A new ``SECRET_KEY`` ends all sessions."""
    ada.sign_in()

    secured.secret_key = "another key, that is long enough for it"

    assert not is_in(ada.client)


def test_cookie_is_set_once(ada):
    """How long a session lasts is on the record; answers carry no cookie."""
    cookies = ada.sign_in().headers.getlist("Set-Cookie")

    (found,) = [each for each in cookies if each.startswith("session=")]
    assert "Expires=" in found
    assert "Set-Cookie" not in ada.client.get("/").headers


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
