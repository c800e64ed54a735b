"""What stays in a browser whose user has left, and which names a server has."""

import secrets

import pytest

from jimeng.config import Config
from jimeng.errors import ConfigError
from tests.access.conftest import PASSWORD
from tests.each import for_each
from tests.page import POST
from tests.rest import client_with, refused

PAGES = (
    "/",
    "/tasks",
    "/gallery",
    "/account",
    "/account/keys",
    "/account/usage",
    "/docs",
)
RANDOM = "Zk3w9Qm1xT7vB5nC8rL2pH6yD4sF0gJa"


@for_each("path", PAGES)
def test_pages_are_not_kept(ada, path):
    """Going back after signing out shows nothing of whoever was there."""
    ada.sign_in()

    answer = ada.client.get(path)

    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"


@for_each(
    ("method", "path"),
    [("GET", "/no-page.css"), ("GET", "/static/no-file.css"), ("PUT", "/tasks")],
)
def test_pages_that_are_not_there_are_not_kept(ada, method, path):
    """They say who is signed in, at an address that another may have made up."""
    ada.sign_in()

    answer = ada.client.open(path, method=method, headers=POST)

    assert answer.status_code in {404, 405}
    assert ada.user.email in answer.text
    assert answer.headers["Cache-Control"] == "no-store"


def test_signing_out_clears_what_is_kept(ada):
    """Drafts and pictures; the language and the look stay, which are cookies."""
    ada.sign_in()

    answer = ada.client.post("/sign-out", headers=POST)

    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'


def test_end_of_the_account_clears_it_too(ada):
    """Nobody comes back for what is left."""
    ada.sign_in()
    form = {"email": ada.user.email, "password": PASSWORD}

    answer = ada.client.post("/account/delete", data=form, headers=POST)

    assert answer.status_code == 303
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'


@for_each("host", ["localhost", "127.0.0.1:8080", "[::1]"])
def test_own_names_are_for_this_machine(app, config, registry, host):
    """Where the server has a name of its own, nobody elsewhere may say localhost."""
    far, near = {"REMOTE_ADDR": "203.0.113.9"}, {"REMOTE_ADDR": "127.0.0.1"}
    with client_with(config, registry, PUBLIC_URL="https://a.example") as client:
        path, headers = "/api/v1/queue", {"Host": host}
        answer = client.get(path, headers=headers, environ_base=far)
        refused(answer, 421, "wrong_host")
        for environ, name in ((near, host), (far, "a.example")):
            answer = client.get(path, headers={"Host": name}, environ_base=environ)
            assert answer.status_code == 200


@for_each(
    "text",
    [
        "0123456789abcdef" * 2,
        "abcdefgh" * 4,
        "abcdefghijklmnopqrstuvwxyz012345",
        "98765432109876543210987654321098",
        "my-very-secret-key-of-the-server-x",
        "changeme-changeme-changeme-12345",
        "django-insecure-" + RANDOM,
        "correct-password-of-production-01",
        "qwertyuiopasdfghjklzxcvbnm123456",
        RANDOM[:16] * 2,
    ],
)
def test_weak_secret_is_refused(text):
    """It signs sessions: who guesses it is anybody."""
    with pytest.raises(ConfigError, match="random characters"):
        Config.from_env({"SECRET_KEY": text})


def test_random_secret_is_taken():
    """Of whatever alphabet."""
    for _ in range(300):
        for text in (secrets.token_hex(16), secrets.token_urlsafe(32)):
            assert text == Config.from_env({"SECRET_KEY": text}).SECRET_KEY


@for_each(
    ("kind", "value"),
    [
        ("host", "max-age=31536000"),
        ("subdomains", "max-age=31536000; includeSubDomains"),
        ("preload", "max-age=31536000; includeSubDomains; preload"),
    ],
)
def test_tls_of_subdomains_is_a_choice(app, config, registry, kind, value):
    """Other servers of the domain may have none."""
    settings = {"PUBLIC_URL": "https://a.example", "HSTS": kind}
    with client_with(config, registry, **settings) as client:
        answer = client.get("/health", base_url="https://a.example")

    assert answer.headers["Strict-Transport-Security"] == value
