"""User records, through the REST door."""

import re
from itertools import product

import pytest
from mongoengine import get_db

from jimeng.documents import Generation, Image, Task
from jimeng.documents.principal import Principal
from jimeng.documents.user import email_key
from jimeng.gallery import trash
from tests.conftest import run_queue
from tests.hung import hang
from tests.rest import API, USERS, create, data_of, errors_of, new_user, refused, result


def test_documented_user_is_created(client):
    """The body of the documentation makes a user, who can be looked up."""
    body = '{"email": "user@example.com", "name": "张三"}'

    answer = client.post(USERS, data=body, content_type="application/json")

    user = data_of(answer, 201)
    assert (user["email"], user["name"]) == ("user@example.com", "张三")
    assert re.fullmatch(r"user_[0-9a-f]{24}", user["id"])
    budgets = {"daily_budget_micros", "monthly_budget_micros"}
    times = {"created_at", "updated_at"}
    assert set(user) == {"id", "email", "name", "role", *budgets, *times}
    assert user["role"] == "user"
    assert user["created_at"].endswith("Z")
    assert answer.headers["Location"] == f"{USERS}/{user['id']}"
    found = data_of(client.get(answer.headers["Location"]))
    assert found == {**user, "budgets": []}
    found = client.get(USERS, query_string={"email": "user@example.com"})
    assert data_of(found) == user


@pytest.mark.parametrize(
    "first, second",
    [
        ("li@example.com", "LI@Example.COM"),
        ("li@example.com", "  li@example.com "),
        ("li@example.com", "ｌｉ@example.com"),
        ("strasse@example.com", "Straße@example.com"),
        ("STRASSE@example.com", "straße@example.com"),
        ("İ@example.com", "i\u0307@example.com"),
        ("é@example.com", "e\u0301@example.com"),
        ("É@example.com", "e\u0301@example.com"),
        ("ß@ẞ.de", "ß@ẞ.de"),
        ("ﬀ@ｅxample.com", "ﬀ@ｅxample.com"),
    ],
)
def test_spellings_of_one_address_are_one_user(client, first, second):
    """Letter case, width and composition make no second user."""
    user = new_user(client, first)

    answer = client.post(USERS, json={"email": second, "name": "b"})

    refused(answer, 409, "email_taken")
    assert data_of(client.get(USERS, query_string={"email": second})) == user
    assert email_key(f" {first} ") == email_key(second)


def test_other_addresses_are_other_users(client):
    """What merely looks alike is not equal: a sign-in would be stolen by it."""
    ids = {
        new_user(client, email)["id"]
        for email in ("i@example.com", "ı@example.com", "l@example.com", "i@example.co")
    }

    assert len(ids) == 4


def test_user_is_changed_whole_or_in_part(client):
    """What is left out stays; the old address is free, another's is taken."""
    user = new_user(client)
    new_user(client, "other@example.com")
    url = f"{USERS}/{user['id']}"
    spelt = data_of(client.put(url, json={"email": "LI@example.com"}))
    assert spelt["email"] == "LI@example.com"
    refused(client.put(url, json={"email": "Other@example.com"}), 409, "email_taken")
    for name, value in product(("email", "name"), (None, "", 5)):
        assert list(errors_of(client.put(url, json={name: value}))) == [name]

    named = data_of(client.put(url, json={"name": " 王 "}))
    moved = data_of(client.put(url, json={"email": "W@example.com", "name": "W"}))

    assert (named["email"], named["name"]) == ("LI@example.com", "王")
    assert (moved["email"], moved["name"]) == ("W@example.com", "W")
    assert moved["id"] == user["id"]
    assert moved["created_at"] == user["created_at"]
    assert moved["updated_at"] >= named["updated_at"] >= user["updated_at"]
    assert new_user(client, "li@example.com")["id"] != user["id"]


def test_unknown_address_is_not_found(client):
    """Nobody has it; a client that has lost it must not get the list of all."""
    for email in ("nobody@example.com", "$gt", "x"):
        answer = client.get(USERS, query_string={"email": email})
        refused(answer, 404, "user_not_found")
    assert list(errors_of(client.get(USERS, query_string={"email": ""}))) == ["email"]


def test_user_is_deleted_with_tasks_and_pictures(client, provider, work_off):
    """Those in the trash, too; what runs is cancelled."""
    user_id = new_user(client)["id"]
    alone, whole = hang("单独删的", "整个删的", user_id=user_id)
    trash.trash_pictures(Principal(user_id), [alone])
    trash.trash(Principal(user_id), whole.rpartition("_")[0])
    done = create(client, user_id=user_id)
    work_off()
    link = result(client, done)["image_url"]
    running = create(client, user_id=user_id)
    run_queue()
    waiting = create(client, user_id=user_id, n=4)
    other = create(client, user_id="somebody.else")

    data = data_of(client.delete(f"{USERS}/{user_id}"))
    work_off()

    assert data["id"] == user_id and data["message"]
    for task_id in (done, running, waiting):
        assert client.get(f"{API}/tasks/{task_id}").status_code == 404
    assert client.get(link).status_code == 404
    assert len(provider.requests) == 3
    assert result(client, other)["status"] == "completed"
    assert Task.collection().count_documents({"user_id": user_id}) == 0
    assert Image.collection().count_documents({"user_id": user_id}) == 0
    assert get_db()["pictures.files"].count_documents({}) == 2
    kept = Generation.collection().find({"user_id": user_id})
    assert all("prompt" not in row for row in kept)
    refused(client.get(f"{USERS}/{user_id}"), 404, "user_not_found")
    refused(client.delete(f"{USERS}/{user_id}"), 404, "user_not_found")


def test_users_are_listed_newest_first(client):
    """Page by page, by what the answer says of the next one, with the usual bounds."""
    answer = client.get(USERS)
    assert (data_of(answer), answer.json["next_cursor"]) == ([], None)
    for query in ({"limit": 0}, {"limit": 101}, {"cursor": "x"}, {"name": "x"}):
        wrong = client.get(USERS, query_string=query)
        assert list(errors_of(wrong)) == list(query)
    made = [new_user(client, f"u{i}@example.com")["id"] for i in range(5)]

    pages = [client.get(USERS, query_string={"limit": 2})]
    while link := pages[-1].headers.get("Link"):
        pages.append(client.get(re.fullmatch(r'<(\S+)>; rel="next"', link)[1]))

    assert [each["id"] for page in pages for each in data_of(page)] == made[::-1]
    assert pages[-1].json["next_cursor"] is None
