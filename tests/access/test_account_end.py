"""The end of an account: who may, what goes with it, and what keeps it."""

import re

import pytest

from jimeng.accounts import failed_attempts
from jimeng.documents import ApiKey, Image, Task, User
from tests.access.conftest import PASSWORD, make_person
from tests.each import for_each
from tests.page import send


@pytest.fixture
def ada(ada):
    """Signed in."""
    ada.sign_in()
    return ada


@pytest.fixture
def root(secured):
    """The only admin, signed in."""
    person = make_person(secured, "root@example.com", role="admin")
    person.sign_in()
    return person


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
    """It takes the e-mail as asked for, and the password."""
    answer = end(ada, **form)

    assert answer.status_code == 422
    place = rf'id="errors-{field}" class="errors"><p class="error">'
    assert re.search(place, answer.text)
    assert ada.client.get("/account").status_code == 200


def test_e_mail_that_was_written_right_is_kept(ada):
    """Who mistypes the password writes only that again."""
    answer = end(ada, password="wrong password")

    assert re.search(r'name="email" value="ada@example.com"', answer.text)
    assert not re.search(r'type="password"[^>]*value=', answer.text)


def test_password_is_guessed_no_better_here(ada):
    """It is counted with the sign-ins that failed, and the page says how long."""
    ada.client.set_cookie("lang", "en")
    for _ in range(failed_attempts.MAX_BY_ACCOUNT):
        end(ada, password="wrong password")

    answer = end(ada)

    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 900
    assert "try again in 15 min" in answer.text
    assert ada.client.get("/account").status_code == 200


def test_last_admin_stays(root):
    """Nobody would be left to let people in: neither the page nor the API does it."""
    answer = end(root)
    by_key = root.api("DELETE", f"/api/v1/users/{root.id}")

    assert answer.status_code == 409
    assert "最后一位管理员" in answer.text
    assert (by_key.status_code, by_key.json["error"]) == (409, "last_admin")
    assert root.client.get("/account").status_code == 200


def test_admin_among_others_may_go(secured, root):
    """As long as somebody else can let people in."""
    make_person(secured, "second@example.com", role="admin")

    assert end(root).location == "/sign-in"
    assert User.find_one({"_id": root.id}) is None
