"""``flask users``: how the first admin comes in, and others after."""

import pytest

from jimeng import jobs
from jimeng.accounts import keys, users
from jimeng.documents import AuditEntry, User
from tests.access.conftest import OPERATOR, PASSWORD, call
from tests.each import for_each
from tests.page import send
from tests.rest import API, command


@pytest.fixture
def run(secured, closed, registry):
    """Runs a command with those settings."""
    return lambda *words, **how: command(closed, registry, ["users", *words], **how)


def sign_in(client, email: str, password: str) -> int:
    return send(client, "/sign-in", email=email, password=password).status_code


def test_release_makes_the_first_admin(run, nobody):
    """From the two settings, and the second time it changes nothing; where there is an
    admin already nobody needs them. A weak password is refused, and not repeated."""
    given = {"ADMIN_EMAIL": "root@example.com", "ADMIN_PASSWORD": PASSWORD}
    assert run("create-admin").exit_code == 0
    weak = run("create-admin", **{**given, "ADMIN_PASSWORD": "short"})
    assert weak.exit_code == 1
    assert "ADMIN_PASSWORD" in weak.output and "short" not in weak.output
    assert User.collection().count_documents({}) == 0

    first = run("create-admin", **given)
    second = run("create-admin", **{**given, "ADMIN_PASSWORD": "other password"})

    assert (first.exit_code, second.exit_code) == (0, 0), first.output
    assert PASSWORD not in first.output
    assert sign_in(nobody, "root@example.com", PASSWORD) == 303
    assert users.find_by_email(OPERATOR, "ROOT@example.com").role == "admin"
    assert User.collection().count_documents({}) == 1


def test_admin_without_a_password_gets_a_link(run, nobody):
    """At the address that users see."""
    done = run("create-admin", "root@example.com", PUBLIC_URL="https://i.example/j")

    link = done.output.splitlines()[-1]
    assert link.startswith("https://i.example/j/invitations/")
    path = link.removeprefix("https://i.example/j")
    assert send(nobody, path, password=PASSWORD).status_code == 303


def test_without_a_server_that_answers_no_port_is_guessed(run, nobody):
    """Its port is known to itself alone: what is printed holds at any address."""
    done = run("create-admin", "root@example.com", SERVER_PORT=9)

    said, path = done.output.splitlines()
    assert "at the address of jimeng's pages" in said and "PUBLIC_URL" in said
    assert ":9" not in done.output
    assert nobody.get(path).status_code == 200


def test_invited_user_comes_in_by_the_link(run, nobody):
    """The name is the e-mail's first part unless another is given."""
    done = run("invite", "eve@example.com")

    path = "/invitations/" + done.output.strip().rpartition("/")[2]
    send(nobody, path, password=PASSWORD)
    user = users.find_by_email(OPERATOR, "eve@example.com")
    assert (user.name, user.role) == ("eve", "user")
    assert nobody.get("/").status_code == 200


def test_second_factor_is_reset(run, ada, nobody):
    """By whoever is at the server, where no admin can; it is written down, sessions
    end, and the password is enough."""
    ada.sign_in()
    given = {"factor_salt": "x", "recovery_codes": ["y"]}
    User.collection().update_one({"_id": ada.id}, {"$set": given})
    assert sign_in(nobody, ada.user.email, PASSWORD) == 200

    done = run("reset-second-factor", "ada@example.com")

    assert done.exit_code == 0, done.output
    assert ada.client.get("/account").status_code == 303
    assert ada.sign_in().status_code == 303
    assert AuditEntry.find_one({"action": "users.reset_second_factor"})


def test_key_from_the_terminal_has_bounds(run, ada):
    """As those that are made by page or REST; it opens the API for those who have no
    browser at hand."""
    bounds = ["--door", "api", "--model", "jimeng-3.1", "--tasks-per-minute", "3"]
    bounds += ["--pictures-per-day", "9", "--scope", "read"]
    account = {"VOLCENGINE_ACCESS_KEY": "AK", "VOLCENGINE_SECRET_KEY": "SK"}
    done = run("create-key", "ada@example.com", *bounds, **account)
    assert done.exit_code == 0, done.output

    made = keys.list_keys(OPERATOR, ada.id)[0]
    assert (made.allowed_interfaces, made.per_minute, made.per_day) == (["api"], 3, 9)
    assert made.models == [jobs.runtime().registry.model("jimeng-3.1").id]
    key = done.stdout.strip()
    assert call(ada.client, "GET", f"{API}/models", key=key).status_code == 200


@for_each(
    "words, said",
    [
        (["invite", "nobody"], "no e-mail address"),
        (["create-admin", "a b@c.d"], "no e-mail address"),
        (["create-key", "nobody@example.com"], "user_not_found"),
        (["create-key", "ada@example.com", "--scope", "admin"], "More than you"),
    ],
)
def test_wrong_request_is_one_sentence(run, ada, words, said):
    done = run(*words)

    assert done.exit_code == 1
    assert said in done.output and "Traceback" not in done.output
    assert User.collection().count_documents({}) == 1
