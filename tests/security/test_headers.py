"""What every answer tells browsers, which names answer, and what leaving clears."""

import base64
import random
import re
from dataclasses import replace

import pytest

from jimeng.config import Config
from jimeng.errors import ConfigError
from tests.access.conftest import PASSWORD
from tests.access.test_walk import places  # noqa: F401 (a fixture)
from tests.access.walk import LAST, ask, walk
from tests.each import for_each
from tests.page import POST
from tests.rest import client_with, refused

PICTURES = {"web.image", "web.thumbnail", "web.preview", "web.trashed_thumbnail"}
STRICT = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "media-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "manifest-src": "'self'",
    "worker-src": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
YEAR = "max-age=31536000"
ALL_YEAR = f"{YEAR}; includeSubDomains"
ALONE = {"default-src": "'none'", "style-src": "'unsafe-inline'", "sandbox": ""}


def policy(text: str) -> dict[str, str]:
    parts = [part.strip().partition(" ") for part in text.split(";")]
    return {name: rest for name, _, rest in parts}


def lacking(answer, *, is_picture: bool) -> list[str]:
    """What an answer's headers do not say."""
    said = answer.headers
    found = policy(said.get("Content-Security-Policy", ""))
    right = {
        "policy": found == (ALONE if is_picture else STRICT),
        "nosniff": said.get("X-Content-Type-Options") == "nosniff",
        "frames": said.get("X-Frame-Options") == "DENY",
        "referrer": said.get("Referrer-Policy") == "same-origin",
        "devices": "camera=()" in said.get("Permissions-Policy", ""),
        "opener": said.get("Cross-Origin-Opener-Policy") == "same-origin",
        "id": bool(said.get("X-Request-ID")),
        "no TLS": "Strict-Transport-Security" not in said,
        "cookies": all(map(is_guarded, said.getlist("Set-Cookie"))),
        "no origin": said.get("Access-Control-Allow-Origin") in {None, "*"},
    }
    return [name for name, is_right in right.items() if not is_right]


def is_guarded(cookie: str) -> bool:
    parts = {part.strip() for part in cookie.split(";")}
    return {"HttpOnly", "SameSite=Lax", "Path=/"} <= parts and "Domain" not in cookie


def test_every_route_says_it(secured, places, ada, admin, nobody):  # noqa: F811
    """Whatever the answer is: a page, JSON, a picture, a redirect or a refusal."""
    wrong = []
    for rule, method in walk(secured):
        if rule.endpoint in LAST or rule.endpoint == "web.accept_invitation":
            continue
        for client, key in ((ada.client, ada.key), (nobody, "")):
            answer = ask(client, rule, method, places, key)
            is_picture = rule.endpoint in PICTURES and answer.status_code == 200
            lack = lacking(answer, is_picture=is_picture)
            if lack:
                wrong.append((method, rule.rule, answer.status_code, lack))
            answer.close()

    assert wrong == []


@for_each(
    "method, path",
    [
        *(("GET", "/nothing"), ("GET", "/api/v1/nothing"), ("PUT", "/sign-in")),
        *(("OPTIONS", "/"), ("TRACE", "/"), ("GET", "/static/nothing.css")),
        *(("HEAD", "/sign-in"), ("POST", "/api/v1/tasks/x"), ("GET", "//evil")),
    ],
)
def test_answers_of_no_route_say_it(nobody, method, path):
    answer = nobody.open(path, method=method, headers=POST)

    assert lacking(answer, is_picture=False) == []
    assert answer.status_code < 500


def test_pages_have_nothing_inline(nobody, ada, admin):
    """What the policy would refuse is not there to begin with."""
    admin.sign_in()
    account = ("", "/usage", "/keys", "/security", "/data")
    paths = ["/", "/?show=all", "/gallery", *(f"/account{each}" for each in account)]
    for path in [*paths, "/admin/queue", "/docs", "/sign-in"]:
        page = admin.client.get(path).text
        assert not re.search(r"<script(?![^>]*\ssrc=)", page)
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", page)
        # Where a link leads nothing is fetched from; examples have addresses as text.
        assert not re.search(r'(?<!<a)\s[\w-]+="https?://', page)


@for_each(
    "public, base, kind, wanted",
    [
        ("", "http://localhost", "host", None),
        ("", "https://localhost", "host", None),
        ("", "http://images.example", "host", None),
        ("", "https://images.example", "host", YEAR),
        ("http://images.example", "http://images.example", "host", None),
        ("https://images.example", "http://images.example", "host", YEAR),
        ("https://images.example", "http://localhost:8080", "host", None),
        ("https://images.example:8443/x", "https://images.example:8443", "host", YEAR),
        ("", "https://images.example", "subdomains", ALL_YEAR),
        ("", "https://images.example", "preload", f"{ALL_YEAR}; preload"),
    ],
)
def test_tls_is_asked_for_where_there_is_tls(
    secured, nobody, public, base, kind, wanted
):
    """And never of this machine, whose name other programs share; of subdomains, which
    may have none, by choice."""
    changes = {"PUBLIC_URL": public, "HSTS": kind, "ALLOWED_HOSTS": ("images.example",)}
    secured.config["JIMENG"] = replace(secured.config["JIMENG"], **changes)

    answer = nobody.get("/sign-in", base_url=base)

    assert answer.status_code == 200
    assert answer.headers.get("Strict-Transport-Security") == wanted


@for_each(
    "host",
    [
        *("evil.example", "localhost.evil.example", "evil.example:8080", "localhost."),
        *("evil@localhost", "localhost@evil.example", "localhost/evil", "localhost?x"),
        *("localhost#x", "localhost:x", "localhost:99999", "localhost,evil.example"),
        *("localhost evil", "localhost\\evil", "", "[::1", "[::ffff:127.0.0.1]"),
        *("127.0.0.2", "0.0.0.0", "169.254.169.254", 'a"><script>', "127.1"),
    ],
)
def test_other_names_are_refused(nobody, host):
    """A site whose name points here reads nothing; nor do links lead to it."""
    for path in ("/sign-in", "/api/v1/models", "/static/app.css"):
        answer = nobody.get(path, headers={"Host": host})

        assert answer.status_code == 421
        assert "evil" not in answer.text and "<script>" not in answer.text
    assert nobody.get("/health", headers={"Host": host}).status_code == 200


def test_forwarded_names_are_not_believed(nobody):
    """Nobody's header changes where links lead."""
    headers = {
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Prefix": "//evil.example",
        "Forwarded": "host=evil.example",
        "X-Original-URL": "/admin/",
        "X-Rewrite-URL": "/admin/",
    }

    answer = nobody.get("/", headers=headers)

    assert answer.location == "/sign-in"
    assert "evil" not in nobody.get("/sign-in", headers=headers).text


PAGES = ("/", "/?show=all", "/gallery", "/docs", "/account")
PAGES += ("/account/keys", "/account/usage")
RANDOM = "Zk3w9Qm1xT7vB5nC8rL2pH6yD4sF0gJa"


@for_each(
    "method, path, status",
    [
        *[("GET", path, 200) for path in PAGES],
        *[("GET", path, 404) for path in ("/no-page.css", "/static/no-file.css")],
        ("PUT", "/tasks", 405),
    ],
)
def test_pages_are_not_kept(ada, method, path, status):
    """Going back after signing out shows nothing of whoever was there, nor does an
    address that is none and another has made up."""
    ada.sign_in()

    answer = ada.client.open(path, method=method, headers=POST)

    assert answer.status_code == status
    assert status == 200 or ada.user.email in answer.text
    assert answer.headers["Cache-Control"] == "no-store"


def test_signing_out_clears_what_is_kept(ada):
    """Drafts and pictures, also with the end of the account; the language and the look
    stay, which are cookies."""
    form = {"email": ada.user.email, "password": PASSWORD}
    for path in ("/sign-out", "/account/delete"):
        ada.sign_in()
        answer = ada.client.post(path, data=form, headers=POST)
        assert answer.status_code == 303
        assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'


@for_each("host", ["localhost", "127.0.0.1:8080", "[::1]", "LOCALHOST:5"])
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
        "flask-key-of-my-own-server-00001",
        "the_admin_key_of_my_own_server_1",
        RANDOM[:16] * 2,
    ],
)
def test_weak_secret_is_refused(text):
    """It signs sessions: who guesses it is anybody."""
    with pytest.raises(ConfigError, match="random characters"):
        Config.from_env({"SECRET_KEY": text})


def test_random_secret_is_taken():
    """Of whatever alphabet, and also with five letters in it that are a word."""
    octets = random.Random(1).randbytes
    texts = ["cPr653in9hP5KfAVogOmuryj15QbIUlIZ7qWerTg8V8"]
    for _ in range(300):
        texts += [octets(16).hex(), base64.urlsafe_b64encode(octets(32)).decode()]
    for text in texts:
        assert text == Config.from_env({"SECRET_KEY": text}).SECRET_KEY
