"""Taking an e-mail that is not one's own, and waiting to be made an admin by it."""

import pytest

from jimeng import accounts
from jimeng.accounts import users
from jimeng.documents import AuditEntry, User
from tests.access.conftest import OPERATOR, PASSWORD, call
from tests.access.test_users_cli import run  # noqa: F401 (a fixture)
from tests.page import error_at, send
from tests.rest import USERS, data_of, refused

BOSS = "boss@example.com"
RELEASE = {"ADMIN_EMAIL": BOSS, "ADMIN_PASSWORD": PASSWORD}


@pytest.mark.parametrize("scopes", [["read", "write"], ["write", "account"]])
def test_nobody_takes_another_email(ada, scopes):
    """No key but an admin's is good for that; the name may change beside it."""
    _, key = accounts.create_key(OPERATOR, ada.id, name="k", scopes=scopes)
    path = f"{USERS}/{ada.id}"

    for body in ({"email": BOSS}, {"email": BOSS, "name": "Ada"}):
        answer = call(ada.client, "PUT", path, key=key, json=body)
        refused(answer, 403, "email_by_admin")
    named = call(ada.client, "PUT", path, key=key, json={"name": "Ada L"})
    whole = {"email": "Ada@Example.com", "name": "Ada"}
    same = call(ada.client, "PUT", path, key=key, json=whole)

    assert data_of(named)["name"] == "Ada L"
    assert data_of(same)["email"] == "Ada@Example.com"
    assert ada.record().email_key == "ada@example.com"


def test_admin_changes_an_email(ada, admin):
    """By key, and on the page; both leave an entry."""
    answer = admin.api("PUT", f"{USERS}/{ada.id}", json={"email": "a@example.com"})
    admin.sign_in()
    page = send(admin.client, f"/admin/users/{ada.id}/email", email="b@example.com")
    taken = send(admin.client, f"/admin/users/{ada.id}/email", email="root@example.com")
    odd = send(admin.client, f"/admin/users/{ada.id}/email", email="nobody")

    assert data_of(answer)["email"] == "a@example.com"
    assert (page.status_code, taken.status_code, odd.status_code) == (303, 409, 422)
    assert 'value="nobody"' in odd.text and error_at(odd, "new-email")
    assert ada.record().email == "b@example.com"
    send(admin.client, f"/admin/users/{ada.id}/role", role="admin")
    done = {"target": ada.id, "by": admin.id, "outcome.error": {"$exists": False}}
    entries = {row.action: row.details for row in AuditEntry.find_all(done)}
    assert entries == {
        **{"users.update": {"email": "a@example.com"}, "users.role": {"role": "admin"}},
        "users.email": {"email": "b@example.com"},
    }


@pytest.mark.parametrize(
    "words", [["create-admin", BOSS], ["invite", BOSS, "--role", "admin"]]
)
def test_command_promotes_nobody_by_mistake(run, words):  # noqa: F811
    """An account that is there is shown, and stays as it is unless it is meant. Nor
    does a slip of the pen make a new one."""
    none = run("invite", BOSS, "--existing")
    assert none.exit_code == 1 and "nobody has the e-mail" in none.output
    assert User.collection().count_documents({}) == 0
    squatter = users.create(OPERATOR, email=BOSS, name="eve")
    accounts.create_key(OPERATOR, squatter.id, name="k")

    done = run(*words)

    assert done.exit_code == 1
    for fact in (squatter.id, "0 days old", "1 API keys", "--existing"):
        assert fact in done.output
    assert "/invitations/" not in done.output
    assert users.find(OPERATOR, squatter.id).role == "user"

    meant = run(*words, "--existing")
    assert meant.exit_code == 0 and "/invitations/" in meant.output
    assert users.find(OPERATOR, squatter.id).role == "admin"
    assert AuditEntry.find_one({"action": "users.role"})
    assert AuditEntry.find_one({"action": "users.invite_again"})


def test_release_promotes_no_squatter(run):  # noqa: F811
    """It goes on all the same, and says what it has not done."""
    squatter = users.create(OPERATOR, email=BOSS, name="eve")

    done = run("create-admin", **RELEASE)

    assert done.exit_code == 0 and "no admin created" in done.output
    assert squatter.id in done.output
    assert users.find(OPERATOR, squatter.id).role == "user"


@pytest.mark.parametrize("end", ["demoted", "deleted", "disabled"])
def test_first_admin_does_not_come_back(run, admin, end):  # noqa: F811
    """Where there is another, the next release leaves it at that."""
    (boss,) = [users.create(OPERATOR, email=BOSS, name="boss")]
    if end == "deleted":
        users.delete(OPERATOR, boss.id)
    if end == "disabled":
        users.demote_or_disable(boss.id, {"$set": {"disabled_at": boss.created_at}})

    done = run("create-admin", **RELEASE)

    assert done.exit_code == 0 and "there is one already" in done.output
    found = User.find_one({"email_key": BOSS})
    assert (found is None) == (end == "deleted")
    assert found is None or (found.role, found.password) == ("user", None)
