"""One's own pages: settings, password, sessions, language and theme, and the end."""

import re
from dataclasses import fields

import pytest

from jimeng.accounts import failed_attempts
from jimeng.config import Config
from jimeng.documents import ApiKey, Image, Task, User
from tests.access.conftest import PASSWORD, make_person
from tests.each import for_each
from tests.page import chosen, error_at, send

OTHER = "another horse entirely"


@pytest.fixture
def ada(ada):
    """Signed in."""
    ada.sign_in()
    return ada


@pytest.fixture
def elsewhere(secured, ada):
    """Another browser in which the same person is signed in."""
    client = secured.test_client()
    send(client, "/sign-in", email=ada.user.email, password=PASSWORD)
    return client


def record(person) -> User:
    found = User.find_one({"_id": person.id})
    assert found is not None
    return found


PAGES = ["", "/usage", "/keys", "/security", "/data"]


@for_each("page", PAGES)
def test_each_page_leads_to_the_others(ada, page):
    answer = ada.client.get(f"/account{page}")

    assert answer.status_code == 200
    for other in PAGES:
        assert f'href="/account{other}"' in answer.text
    assert f'href="/account{page}" aria-current="page"' in answer.text


def test_profile_is_kept(ada):
    """What no page of ours offers changes nothing."""
    send(ada.client, "/account", name="ada", lang="xx", theme="pink")
    assert (record(ada).language, record(ada).theme) == (None, None)

    answer = send(ada.client, "/account", name=" 阿达 ", lang="en", theme="dark")

    page = ada.client.get(answer.location).text
    assert "Saved" in page and 'data-theme="dark"' in page
    assert 'value="阿达"' in page
    user = record(ada)
    assert (user.name, user.language, user.theme) == ("阿达", "en", "dark")


@for_each("name", ["", "  ", "x" * 101])
def test_name_that_is_none_is_refused(ada, name):
    answer = send(ada.client, "/account", name=name, lang="en", theme="dark")

    assert answer.status_code == 422
    assert error_at(answer, "name")
    user = record(ada)
    assert (user.name, user.language) == ("ada", None)


def test_defaults_are_kept_and_taken_back(ada):
    """The form begins with them, until nothing is chosen any more."""
    answer = send(ada.client, "/account/defaults", model="", size="16:9", n="3")

    page = ada.client.get(answer.location).text
    assert '<option value="16:9" selected>' in page
    assert '<option value="3" selected>' in page
    assert record(ada).defaults == {"size": "16:9", "n": "3"}
    send(ada.client, "/account/defaults", model="", size="", n="")
    assert record(ada).defaults == {}


@for_each(
    ("field", "value"), [("model", "none"), ("size", "17:3"), ("n", "5"), ("n", "-1")]
)
def test_default_that_the_form_does_not_offer_is_refused(ada, field, value):
    answer = send(ada.client, "/account/defaults", **{field: value})

    assert answer.status_code == 422
    assert error_at(answer, field)
    assert record(ada).defaults == {}


def test_password_is_changed(ada, elsewhere, nobody):
    """This browser stays signed in, others do not; only the new one lets in."""
    form = {"current": PASSWORD, "new": OTHER, "again": OTHER}

    answer = send(ada.client, "/account/password", **form)

    assert answer.status_code == 303
    assert ada.client.get(answer.location).status_code == 200
    assert elsewhere.get("/account").status_code == 303
    ada.client = nobody
    assert ada.sign_in(PASSWORD).status_code == 422
    assert ada.sign_in(OTHER).status_code == 303


@for_each(
    ("field", "form"),
    [
        ("current", {"current": "wrong password"}),
        ("new", {"new": "short", "again": "short"}),
        ("new", {"new": "ada@example.com", "again": "ada@example.com"}),
        ("again", {"again": "something else"}),
    ],
)
def test_password_is_not_changed(ada, elsewhere, field, form):
    form = {"current": PASSWORD, "new": OTHER, "again": OTHER, **form}

    answer = send(ada.client, "/account/password", **form)

    assert answer.status_code == 422
    assert error_at(answer, field)
    assert not re.search(r'type="password"[^>]*value=', answer.text)
    assert elsewhere.get("/account").status_code == 200


def test_without_sign_in_there_are_settings_and_no_keys(client):
    """
    Everybody is one guest, who is told what accounts would need: lines to put into .env
    with the names that are read.
    """
    for page in ("", "/usage", "/data", "/keys"):
        answer = client.get(f"/account{page}")
        assert answer.status_code == 200
        assert "/account/security" not in answer.text
        assert ("SECRET_KEY" in answer.text) == (page == "/keys")
    block = answer.text.partition("<code>")[2].partition("</code>")[0]
    names = re.findall(r"^(\w+)=", block, re.MULTILINE)
    assert names == ["AUTH", "SECRET_KEY", "ADMIN_EMAIL", "ADMIN_PASSWORD"]
    assert set(names) <= {field.name for field in fields(Config)}
    for path in ("/password", "/sessions/end", "/keys", "/delete"):
        assert send(client, f"/account{path}").status_code == 404


def test_guest_keeps_settings_in_the_browser(client):
    """There is no record, so cookies hold them; they beat what the form had left."""
    client.set_cookie("choices", "who=&n=3")
    send(client, "/account", lang="en", theme="dark")
    defaults = {"model": "jimeng-4.6", "size": "16:9", "n": "2"}
    answer = send(client, "/account/defaults", **defaults)

    page = client.get(answer.location).text
    assert "Saved" in page and 'data-theme="dark"' in page
    assert '<option value="16:9" selected>' in page
    form = client.get("/")
    assert {name: chosen(form, name) for name in defaults} == defaults


def test_choice_goes_with_the_user(ada, secured):
    send(ada.client, "/language", lang="en", next="/")
    send(ada.client, "/theme", theme="dark", next="/")
    other = secured.test_client()

    send(other, "/sign-in", email=ada.user.email, password=PASSWORD)

    page = other.get("/", headers={"Accept-Language": "zh-CN"}).text
    assert '<html lang="en" data-theme="dark">' in page


def test_choice_before_signing_in_stays_in_the_browser(nobody):
    """The way in can be read in one's own language."""
    send(nobody, "/language", lang="en", next="/sign-in")

    page = nobody.get("/sign-in", headers={"Accept-Language": "zh-CN"}).text

    assert "Sign in" in page and 'data-theme="system"' in page


def ask(person) -> str:
    body = {"type": "image", "user_id": person.id, "prompt": "一只猫"}
    answer = person.api("POST", "/api/v1/ai/tasks", json=body)
    assert answer.status_code == 202
    return answer.json["data"]["task_id"]


def end(person, **fields: str):
    form = {"email": person.user.email, "password": PASSWORD, **fields}
    return send(person.client, "/account/delete", **form)


def test_account_is_deleted_with_everything(ada, bob, nobody, work_off):
    """Tasks, pictures, keys and the way in go with it; another's stay."""
    tasks = [ask(person) for person in (ada, bob)]
    work_off()
    hers, his = (Image.find_one({"task_id": task_id}) for task_id in tasks)
    waiting = ask(ada)
    ada.client.post(f"/tasks/{tasks[0]}/delete")  # what is in the trash, too

    answer = end(ada, email="Ada@Example.com ")

    assert answer.location == "/sign-in"
    assert ada.client.get("/account").status_code == 303
    assert User.find_one({"_id": ada.id}) is None
    assert ApiKey.find_one({"user_id": ada.id}) is None
    assert Image.find_one({"user_id": ada.id}) is None
    work_off()
    assert Task.find_one({"_id": {"$in": [tasks[0], waiting]}}) is None
    assert nobody.get(f"/i/{hers.key}/thumb.webp").status_code == 404
    assert nobody.get(f"/i/{his.key}/thumb.webp").status_code == 200
    assert Task.find_one({"user_id": bob.id}) is not None
    assert ada.sign_in().status_code == 422


@for_each(
    ("field", "form"),
    [
        ("email", {"email": "bob@example.com"}),
        ("email", {"email": ""}),
        ("password", {"password": "wrong password"}),
    ],
)
def test_account_is_not_deleted_by_mistake(ada, field, form):
    """It takes the e-mail as asked for, which stays written, and the password, which
    does not."""
    answer = end(ada, **form)

    assert answer.status_code == 422
    assert error_at(answer, field)
    written = form.get("email", "ada@example.com")
    assert re.search(rf'name="email" value="{written}"', answer.text)
    assert not re.search(r'type="password"[^>]*value=', answer.text)
    assert ada.client.get("/account").status_code == 200


@pytest.mark.parametrize(
    ("path", "field", "more"),
    [
        ("/account/password", "current", {"new": OTHER, "again": OTHER}),
        ("/account/delete", "password", {"email": "ada@example.com"}),
    ],
)
def test_password_is_guessed_no_better_here(ada, path, field, more):
    """A browser that was left open lets nobody try for ever. It is counted with the
    sign-ins that failed; the page says how long."""
    ada.client.set_cookie("lang", "en")
    for _ in range(failed_attempts.MAX_BY_ACCOUNT):
        wrong = send(ada.client, path, **{**more, field: "wrong password"})
        assert wrong.status_code == 422

    answer = send(ada.client, path, **{**more, field: PASSWORD})

    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 900
    assert "try again in 15 min" in answer.text
    assert ada.client.get("/account").status_code == 200


def test_last_admin_stays(secured, admin):
    """Nobody would be left to let people in: neither the page nor the API does it, as
    long as nobody else can."""
    admin.sign_in()
    answer = end(admin)
    by_key = admin.api("DELETE", f"/api/v1/users/{admin.id}")

    assert answer.status_code == 409
    assert "最后一位管理员" in answer.text
    assert (by_key.status_code, by_key.json["error"]) == (409, "last_admin")
    assert admin.client.get("/account").status_code == 200
    make_person(secured, "second@example.com", role="admin")
    assert end(admin).location == "/sign-in"
    assert User.find_one({"_id": admin.id}) is None
