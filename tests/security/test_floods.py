"""Many requests, long names, many words: one caller does not fill log, disk or time."""

import re

import pytest
from redis.exceptions import ConnectionError as Away

from jimeng import accounts, jobs, limits
from jimeng.accounts import failed_attempts, keys
from jimeng.errors import Invalid
from jimeng.http import auth
from jimeng.limits.reservations import COUNT_REQUEST_SCRIPT
from jimeng.tasks.queries import prompt_filter, search_words
from tests.access.conftest import OPERATOR
from tests.at_once import at_once
from tests.each import for_each
from tests.monitoring.test_logs import written  # noqa: F401 (fixture)
from tests.rest import API, CAT, CREATE, client_with, refused

FAR = {"REMOTE_ADDR": "203.0.113.9"}
MB = 1_000_000


@pytest.fixture
def three(app, config, registry):
    """A server with three requests a minute, fifteen for an address."""
    with client_with(config, registry, REQUESTS_PER_MINUTE=3) as client:
        yield client


def ask(client, key: str = "", path: str = f"{API}/queue", **environ):
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return client.get(path, headers=headers, environ_base=environ or FAR)


MANY = [f"field{i}" for i in range(50_000)]


@for_each("names", [["a" * MB], ["图" * 300_000], ["a.b" * 99_999], MANY])
def test_long_name_is_neither_echoed_nor_logged(client, written, names):  # noqa: F811
    """One key wrote 82 MB a second to the disk. Nor are many of them all told."""
    written.clear()
    answer = client.post(CREATE, json=CAT | dict.fromkeys(names, 1))

    errors = refused(answer, 422, "validation_failed")["errors"]
    most = 2000 * min(len(names), 2)
    assert len(errors) == min(len(names), 20)
    assert len(answer.data) < most and sum(map(len, written)) < most


def test_requests_of_a_key_have_an_end(three):
    """Also at once, whatever address they come from, and where that has just nothing
    left; another key goes on."""
    clients = [three.application.test_client() for _ in range(20)]

    answers = at_once(
        20, lambda i: ask(clients[i], "jm_a", REMOTE_ADDR=f"203.0.113.{i}").status_code
    )

    assert sorted(answers) == [200] * 3 + [429] * 17
    assert ask(three, "jm_b").status_code == 200
    for _ in range(15):
        answer = ask(three, "jm_a")
        refused(answer, 429, "too_many_requests")
    assert 0 < int(answer.headers["Retry-After"]) <= 60


def test_reads_refuse_no_orders(three):
    """Nor the other way round; of both there is an end."""
    headers = {"Authorization": "Bearer jm_a"}

    def order():
        return three.post(CREATE, json=CAT, headers=headers, environ_base=FAR)

    asked = [ask(three, "jm_a").status_code for _ in range(4)]
    ordered = [order().status_code for _ in range(4)]

    assert asked == [200] * 3 + [429]
    assert ordered == [202] * 3 + [429]
    assert ask(three, "jm_b").status_code == 200


@pytest.mark.parametrize("path", [f"{API}/queue", "/v1/models", "/mcp"])
def test_key_is_counted_however_it_is_spelled(three, path):
    """More spaces and another case are the same key to whoever checks it."""
    spellings = ["Bearer jm_a", "bearer  jm_a", "BEARER   jm_a ", "Bearer    jm_a"]

    for at, each in enumerate(spellings):
        answer = three.get(path, headers={"Authorization": each}, environ_base=FAR)
        assert (answer.status_code == 429) == (at == 3)


@pytest.fixture
def session_cookies(config, registry, ada):
    """A client with three requests a minute, and what a browser of ada's sends."""
    public = {"PUBLIC_URL": "https://jimeng.example.com", "REQUESTS_PER_MINUTE": 3}
    with client_with(
        config, registry, AUTH="on", SECRET_KEY="5b0c1d6c3a7e9f42" * 4, **public
    ) as client:
        app = client.application
        token = accounts.begin_session(
            ada.user, address="203.0.113.9", browser="", confirmed_at=None
        )
        signer = app.session_interface.get_signing_serializer(app)
        yield app.test_client(use_cookies=False), signer.dumps({"id": token})


@pytest.mark.parametrize(
    "headers",
    [
        lambda cookie, i: {"Cookie": f"session=x{i}; __Host-session={cookie}"},
        # What is no letter of base64 is skipped by who reads a signature.
        lambda cookie, i: {
            "Cookie": f"__Host-session={cookie[:-1]}{'!!!!' * i}{cookie[-1]}"
        },
        lambda cookie, i: {
            "Cookie": f"__Host-session={cookie}",
            "Authorization": f"Bearer jm_{i}",
        },
    ],
    ids=["second cookie", "signature", "key"],
)
def test_session_is_counted_whatever_comes_beside_it(session_cookies, headers):
    """It is who is signed in that counts, and that is one session."""
    client, cookie = session_cookies

    options = {"environ_base": FAR, "base_url": "https://jimeng.example.com"}
    for i in range(4):
        answer = client.get("/account", headers=headers(cookie, i), **options)
        assert answer.status_code == (429 if i == 3 else 200)


def test_requests_of_an_address_have_an_end(three):
    """Whatever they have written as their key; another address goes on."""
    answers = [ask(three, f"jm_{i}").status_code for i in range(17)]

    assert answers == [200] * 15 + [429] * 2
    assert ask(three, REMOTE_ADDR="203.0.113.10").status_code == 200
    assert ask(three, path="/health").status_code == 200


def test_page_that_refuses_has_its_look(three):
    """What it loads is not counted."""
    refusal = next(
        page for _ in range(20) if "429" in (page := ask(three, path="/").text)
    )

    loaded = re.findall(r'(?:src|href)="(/[^"]+\.(?:css|js|svg)\?[^"]*)"', refusal)

    assert [path[:9] for path in loaded].count("/app.css?") == 1
    for path in loaded:
        with ask(three, path=path) as answer:
            assert answer.status_code == 200


def test_answers_tell_what_is_left_of_requests(three):
    """So that a client can slow down before; without a key those of its address."""
    first, *_, last = [ask(three, "jm_a") for _ in range(3)]
    refusal = ask(three, "jm_a")

    assert first.headers["RateLimit-Policy"] == '"requests";q=3;w=60'
    left = [each.headers["RateLimit"] for each in (first, last, refusal)]
    pattern = r'"requests";r=(\d);t=(\d+)'
    found = [re.fullmatch(pattern, each) for each in left]
    assert [each[1] for each in found] == ["2", "0", "0"]
    assert refusal.headers["Retry-After"] == found[-1][2]
    of_v1 = ask(three, "jm_b", path="/v1/models")
    assert of_v1.headers["RateLimit"].startswith('"requests";r=2;t=')
    assert "RateLimit" not in ask(three, "jm_b", path="/health").headers
    assert "RateLimit" not in ask(three, path="/").headers
    assert ask(three).headers["RateLimit-Policy"] == '"requests";q=15;w=60'


def test_limits_are_told_together(app, config, registry):
    """Each with its name, in one header."""
    limited = {"REQUESTS_PER_MINUTE": 9, "USER_SUBMISSIONS_PER_MINUTE": 5}
    with client_with(config, registry, **limited) as client:
        answer = client.post(CREATE, json=CAT, environ_base=FAR)

    policies = '"submissions";q=5;w=60, "requests";q=45;w=60'
    assert answer.headers["RateLimit-Policy"] == policies
    assert answer.headers["RateLimit"].count(";r=") == 2


def test_counting_is_one_command(three, monkeypatch):
    """And none where Redis has not answered a moment ago."""
    sent = []

    def away(*command):
        sent.append(command[0])
        raise Away("away")

    monkeypatch.setattr(jobs.huey.storage.conn, "execute_command", away)
    monkeypatch.setattr(jobs, "evaluate", away)

    for _ in range(5):
        limits.count_request("203.0.113.9", "jm_a")

    assert sent == [COUNT_REQUEST_SCRIPT]


def test_words_of_a_search_are_few_and_short(client, monkeypatch):
    """Each is looked for in every prompt and name."""
    seen: list[str] = []
    monkeypatch.setattr(
        "jimeng.operations.users.email_key", lambda w: seen.append(w) or w
    )

    answer = client.get("/admin/users", query_string={"q": "a b c " * 99})

    assert (answer.status_code, len(seen)) == (200, 12)
    assert len(prompt_filter("a " * MB)["$and"]) == 12
    assert search_words("a" * MB) == ["a" * 200]


@for_each(
    ("told", "address"),
    [
        ("203.0.113.9:51234", "203.0.113.9"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("203.0.113.9", "203.0.113.9"),
        ("", ""),
    ],
)
def test_port_is_no_part_of_an_address(app, told, address):
    """Else each connection would be another visitor."""
    with app.test_request_context(environ_base={"REMOTE_ADDR": told}):
        assert auth.client_address() == address


def test_site_has_many_networks():
    """Of IPv6: a new /64 for each guess is within one /48."""
    first, second = (
        failed_attempts.of_address(f"2001:db8:1:{i:x}::1") for i in (1, 0xFFFF)
    )

    assert first[0] != second[0]
    assert first[1] == second[1] and first[1].limit > first[0].limit
    assert len(failed_attempts.of_address("203.0.113.9")) == 1


def test_keys_made_at_once_are_not_too_many(ada, monkeypatch):
    """Each has counted before any was there."""
    monkeypatch.setattr(keys, "MAX_KEYS", 5)
    made = []

    def make(number: int) -> None:
        try:
            made.append(keys.create_key(OPERATOR, ada.id, name=str(number)))
        except Invalid:
            return

    at_once(12, make)

    assert keys.ApiKey.collection().count_documents({"user_id": ada.id}) <= 5
    assert len(made) <= 4
