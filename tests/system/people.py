"""People at a server that asks who one is: accounts, sessions, keys."""

import http.client
import urllib.parse
from dataclasses import dataclass

from tests.system.commands import flask
from tests.system.stack import Stack

SIGN_IN = {"AUTH": "on", "SECRET_KEY": "0123456789abcdef" * 4}
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


def make(stack: Stack, email: str, *, role: str = "user") -> Account:
    """Invite somebody, take the invitation up, and make a key."""
    link = flask(stack, "users", "invite", email, "--role", role).split()[-1]
    cookie = post(stack, urllib.parse.urlsplit(link).path, password=PASSWORD)
    scopes = ["read", "write", *(["admin"] if role == "admin" else [])]
    words = [word for scope in scopes for word in ("--scope", scope)]
    key = flask(stack, "users", "create-key", email, *words).strip()
    return Account(email, {"session": cookie}, key)


def post(stack: Stack, path: str, **form: str) -> str:
    """Send a form that begins a session; the session's cookie."""
    link = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=10)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    link.request("POST", path, urllib.parse.urlencode(form), headers)
    answer = link.getresponse()
    answer.read()
    link.close()
    assert answer.status == 303, answer.status
    cookie = str(answer.headers["Set-Cookie"])
    return cookie.partition("session=")[2].partition(";")[0]
