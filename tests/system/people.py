"""People at a server that asks who one is: accounts, sessions, keys."""

import re
import secrets
import urllib.parse
from dataclasses import dataclass
from datetime import UTC, datetime
from weakref import WeakKeyDictionary

import requests

from tests.system.commands import flask
from tests.system.stack import Stack

SIGN_IN = {"AUTH": "on", "SECRET_KEY": secrets.token_hex(32)}
PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class Account:
    """
    Attributes:
        cookies: A signed-in browser's.
        key: An API key with all scopes that the role has.
    """

    email: str
    cookies: dict[str, str]
    key: str


HOSTS: WeakKeyDictionary[Stack, Account] = WeakKeyDictionary()  # the first admins


def make(stack: Stack, email: str, *, role: str = "user") -> Account:
    """
    Invite somebody, take the invitation up, and make a key.

    The first admin is made by commands and lets in all others: a command is a whole
    process.
    """
    scopes = ["read", "write", *(["admin"] if role == "admin" else [])]
    host = HOSTS.get(stack)
    if host:
        link = invite(stack, host, email, role)
    else:
        link = flask(stack, "users", "invite", email, "--role", role).split()[-1]
    cookie = post(stack, urllib.parse.urlsplit(link).path, password=PASSWORD)
    if host:
        key = create_key(stack, host, email, scopes)
    else:
        words = [word for scope in scopes for word in ("--scope", scope)]
        key = flask(stack, "users", "create-key", email, *words).strip()
    made = Account(email, {"session": cookie}, key)
    if role == "admin":
        HOSTS.setdefault(stack, made)
    return made


def invite(stack: Stack, host: Account, email: str, role: str) -> str:
    """The link that an admin is shown for somebody new, and for no password again."""
    confirm(stack, host)
    form = {"email": email, "name": email.partition("@")[0], "role": role}
    page = requests.post(
        f"{stack.url}/admin/users",
        data=form,
        cookies=host.cookies,
        headers={"Sec-Fetch-Site": "same-origin"},
        timeout=60,
    )
    found = re.search(r'value="([^"]*/invitations/[^"]+)"', page.text)
    assert found, page.text
    return found[1]


def confirm(stack: Stack, account: Account) -> None:
    """Count the password as shown now, however long ago they have signed in."""
    with stack.database() as found:
        user = found.users.find_one({"email": account.email})
        now = {"$set": {"confirmed_at": datetime.now(UTC)}}
        found.sessions.update_many({"user_id": user["_id"]}, now)


def create_key(stack: Stack, host: Account, email: str, scopes: list[str]) -> str:
    """A key for somebody, made by an admin."""
    bearer = {"Authorization": f"Bearer {host.key}"}
    query = urllib.parse.urlencode({"email": email})
    status, found = stack.ask("GET", f"/api/v1/users?{query}", headers=bearer)
    assert status == 200, found
    path = f"/api/v1/users/{found['data']['id']}/keys"
    wanted = {"name": "made", "scopes": scopes}
    status, made = stack.ask("POST", path, wanted, headers=bearer)
    assert status == 201, made
    return made["data"]["key"]


def post(stack: Stack, path: str, **form: str) -> str:
    """Send a form that begins a session; the session's cookie."""
    url = stack.url + path
    answer = requests.post(url, data=form, allow_redirects=False, timeout=60)
    assert answer.status_code == 303, answer.status_code
    return answer.cookies["session"]
