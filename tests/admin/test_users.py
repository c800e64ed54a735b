"""The operator's pages of users: found, invited, limited, kept out."""

import re

import pytest

from jimeng import accounts
from jimeng.documents import User
from jimeng.documents.principal import Principal
from jimeng.errors.access import NotYourself
from jimeng.operations import users
from tests.admin.pages import ENGLISH, OPERATOR, actions, done, text_of
from tests.each import for_each
from tests.page import error_at, send
from tests.rest import create, new_user

USERS = "/admin/users"


@pytest.fixture
def ada(client) -> str:
    """The id of a user."""
    return new_user(client, "ada@example.com", "Ada L")["id"]


@pytest.fixture
def root(client) -> str:
    """The id of the only admin."""
    user_id = new_user(client, "root@example.com", "Root")["id"]
    User.collection().update_one({"_id": user_id}, {"$set": {"role": "admin"}})
    return user_id


def record(user_id: str) -> User:
    found = User.find_one({"_id": user_id})
    assert found is not None
    return found


def test_list_tells_state_and_use(client, ada, work_off):
    create(client, user_id=ada, n=2)
    work_off()
    create(client, user_id=ada)

    words = text_of(client.get(USERS, headers=ENGLISH))

    assert "Ada L ada@example.com User No password yet 1 2" in words


@for_each(
    ("q", "found"),
    [
        ("ada", ["Ada L"]),
        ("EXAMPLE.com", ["Ada L", "Root"]),
        ("oo example", ["Root"]),
        (".*", []),
        ("", ["Ada L", "Root"]),
    ],
)
def test_users_are_found_by_words(client, ada, root, q, found):
    words = text_of(client.get(USERS, query_string={"q": q}, headers=ENGLISH))

    assert [name for name in ("Ada L", "Root") if name in words] == found


def test_many_users_come_in_pages(client):
    User.collection().insert_many(
        User(email=f"{n}@x.y", email_key=f"{n}@x.y", name=f"N{n:03d}").to_mongo()
        for n in range(70)
    )

    first = users.page(OPERATOR)
    second = users.page(OPERATOR, cursor=first.next_cursor)

    names = [row.user.name for row in first.rows + second.rows]
    assert len(first.rows) == users.PAGE
    assert (len(set(names)), second.next_cursor) == (70, None)


def test_invitation_shows_its_link_once(client):
    """The link leads to a password; the page is kept nowhere. A new one replaces it."""
    page = send(client, USERS, name="Bob", email="bob@example.com", role="admin")

    assert page.status_code == 200
    assert page.headers["Cache-Control"] == "no-store"
    link = page.text.partition('id="link" value="')[2].partition('"')[0]
    assert link.startswith("http://localhost/invitations/")
    bob = User.find_one({"email_key": "bob@example.com"})
    assert bob is not None and bob.role == "admin"
    token = link.rpartition("/")[2]
    assert token not in client.get(f"{USERS}/{bob.id}").text
    assert token not in client.get("/admin/audit").text
    assert actions() == [("users.invite", None)]
    assert client.get(link).status_code == 200
    send(client, f"{USERS}/{bob.id}/invite")
    assert client.get(link).status_code == 404


@for_each(
    ("fields", "status", "told"),
    [
        ({"name": "", "email": "bob@example.com"}, 422, "name"),
        ({"name": "Bob", "email": "bob"}, 422, "email"),
        ({"name": "Bob", "email": "ADA@example.com"}, 409, "email"),
        ({"name": "Bob", "email": "b@example.com", "role": "x"}, 422, "role"),
    ],
)
def test_refused_invitation_says_why(client, ada, fields, status, told):
    """At the field; what was written stays."""
    page = send(client, USERS, **{"role": "user", **fields})

    assert page.status_code == status
    assert error_at(page, told)
    assert fields["email"] in page.text
    assert User.collection().count_documents({}) == 1


@for_each(
    "lock_out",
    [
        lambda you, own: users.disable(you, own),
        lambda you, own: users.set_role(you, own, "user"),
        lambda you, own: users.delete(you, own, email="root@example.com"),
    ],
)
def test_nobody_locks_themselves_out(client, root, lock_out):
    """Another administrator has to do it."""
    with pytest.raises(NotYourself):
        lock_out(Principal(root, is_operator=True), root)

    assert (record(root).disabled_at, record(root).role) == (None, "admin")


def test_disabled_user_is_let_in_again(client, ada, root):
    """Sessions do not come back; since when somebody is out is not forgotten. A role is
    given and taken."""
    for role in ("admin", "user"):
        done(client, f"{USERS}/{ada}/role", role=role)
        assert record(ada).role == role
    assert send(client, f"{USERS}/{ada}/role", role="king").status_code == 422
    before = record(ada).sessions
    page = done(client, f"{USERS}/{ada}/disable")
    assert "User disabled" in text_of(page)
    first = record(ada).disabled_at
    assert first is not None
    done(client, f"{USERS}/{ada}/disable")
    assert record(ada).disabled_at == first
    assert record(ada).sessions == before + 1

    done(client, f"{USERS}/{ada}/enable")

    assert record(ada).disabled_at is None
    assert record(ada).sessions == before + 1
    done(client, f"{USERS}/{ada}/end-sessions")
    assert record(ada).sessions == before + 2


@for_each(
    ("text", "stored", "status"),
    [
        ("20", 20, 303),
        ("0", 0, 303),
        ("", None, 303),
        ("-1", 7, 422),
        ("many", 7, 422),
        ("1000001", 7, 422),
        ("９", 7, 422),
    ],
)
def test_daily_limit(client, ada, text, stored, status):
    """A whole number, or nothing for the server's own."""
    users.set_quota(OPERATOR, ada, 7)

    answer = send(client, f"{USERS}/{ada}/quota", quota=text)

    assert answer.status_code == status
    assert record(ada).daily_quota == stored


@for_each(
    ("text", "micros", "status"),
    [
        ("20.5", 20_500_000, 303),
        ("0", 0, 303),
        ("", None, 303),
        ("-1", 7, 422),
        ("1.0000001", 7, 422),
        ("1000001", 7, 422),
    ],
)
def test_budgets(client, ada, text, micros, status):
    """In yuan; what is wrong changes neither."""
    both = {"daily_budget_micros": 7, "monthly_budget_micros": 7}
    accounts.users.update(OPERATOR, ada, **both)

    answer = send(client, f"{USERS}/{ada}/budget", daily=text, monthly="100")

    assert answer.status_code == status
    user = record(ada)
    assert user.daily_budget_micros == micros
    assert user.monthly_budget_micros == (100_000_000 if status == 303 else 7)
    if status == 303:
        shown = re.search(
            r'name="monthly"[^>]+value="([^"]*)"', client.get(f"{USERS}/{ada}").text
        )
        assert shown[1] == "100.00"


def test_deleting_asks_for_the_email(client, ada):
    wrong = send(client, f"{USERS}/{ada}/delete", email="bob@example.com")
    assert wrong.status_code == 422
    assert record(ada)

    page = done(client, f"{USERS}/{ada}/delete", email=" Ada@Example.com ")

    assert "User deleted" in text_of(page)
    assert User.find_one({"_id": ada}) is None
    assert actions() == [("users.delete", ada)]
