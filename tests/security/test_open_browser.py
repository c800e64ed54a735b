"""A browser that was left open: what takes the password, and for how long it holds."""

import re
from datetime import timedelta

import pytest

from jimeng.accounts import sessions
from jimeng.documents import ApiKey, Session, User, utcnow
from tests.access.conftest import PASSWORD
from tests.page import POST

KEY = {"name": "脚本", "scopes": ["read", "write"], "days": "30"}


@pytest.fixture
def left_open(ada):
    """Signed in a while ago."""
    ada.sign_in()
    forget()
    return ada.client


def forget() -> None:
    ago = utcnow() - sessions.CONFIRMED_FOR - timedelta(seconds=1)
    Session.collection().update_many({}, {"$set": {"confirmed_at": ago}})


def keys_named(name: str) -> int:
    return ApiKey.collection().count_documents({"name": name})


def test_new_key_takes_the_password(left_open):
    """It is asked for in both languages, and what was filled in is not lost. It holds
    for some minutes: the next key is made at once; later it is asked for again, and so
    it is where nobody knows when it was shown."""
    for language, words in (("zh", "确认是你本人"), ("en", "Confirm it&#39;s you")):
        left_open.set_cookie("lang", language)
        asked = left_open.post("/account/keys", data=KEY, headers=POST)
        assert words in asked.text

    assert asked.status_code == 403
    assert keys_named("脚本") == 0
    carried = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', asked.text)
    assert ("days", "30") in carried and ("scopes", "write") in carried
    assert 'action="/account/keys"' in asked.text
    assert asked.headers["Cache-Control"] == "no-store"

    form = KEY | {"confirm_password": PASSWORD}
    made = left_open.post("/account/keys", data=form, headers=POST)

    assert made.status_code == 201
    assert keys_named("脚本") == 1
    assert left_open.post("/account/keys", data=KEY, headers=POST).status_code == 201
    forget()
    assert left_open.post("/account/keys", data=KEY, headers=POST).status_code == 403
    Session.collection().update_many({}, {"$unset": {"confirmed_at": ""}})
    assert left_open.post("/account/keys", data=KEY, headers=POST).status_code == 403


def test_wrong_passwords_make_nothing_and_are_counted(left_open):
    """Nor are they guessed here."""
    for _ in range(10):
        form = KEY | {"confirm_password": "not this one"}
        answer = left_open.post("/account/keys", data=form, headers=POST)
        assert answer.status_code == 422
        assert "not this one" not in answer.text

    form = KEY | {"confirm_password": PASSWORD}
    late = left_open.post("/account/keys", data=form, headers=POST)

    assert (late.status_code, "Retry-After" in late.headers) == (429, True)
    assert keys_named("脚本") == 0


@pytest.mark.parametrize("which", ["{session}/end", "end"])
def test_signing_out_takes_the_password(ada, left_open, which):
    """Nobody puts her other browsers out, and it is no way around either."""
    (session,) = Session.collection().find({"user_id": ada.id})
    path = "/account/sessions/" + which.format(session=session["_id"])

    assert left_open.post(path, headers=POST).status_code == 403

    assert Session.find_one({"_id": session["_id"]}) is not None
    assert left_open.post("/account/keys", data=KEY, headers=POST).status_code == 403


ACTS = [
    ("/admin/users", {"name": "x", "email": "x@example.org", "role": "admin"}),
    ("/admin/users/{user}/invite", {}),
    ("/admin/users/{user}/email", {"email": "y@example.org"}),
    ("/admin/users/{user}/role", {"role": "admin"}),
    ("/admin/users/{user}/reset-second-factor", {}),
    ("/admin/users/{user}/delete", {"email": "{email}"}),
]


@pytest.mark.parametrize(("path", "form"), ACTS)
def test_what_opens_accounts_takes_the_admins_password(admin, ada, path, form):
    """An e-mail, a role, a link to a password: whoever has these is somebody else."""
    places = {"user": ada.id, "email": ada.user.email}
    path = path.format(**places)
    form = {name: value.format(**places) for name, value in form.items()}
    admin.sign_in()
    forget()
    before = list(User.collection().find())

    asked = admin.client.post(path, data=form, headers=POST)

    assert asked.status_code == 403
    assert list(User.collection().find()) == before
    assert f'action="{path}"' in asked.text
    done = admin.client.post(
        path, data=form | {"confirm_password": PASSWORD}, headers=POST
    )
    assert done.status_code in {200, 303}
