"""Requests that another site's page makes in the name of whoever looks at it."""

import itertools

import pytest

from tests.access.conftest import PASSWORD
from tests.access.test_walk import places  # noqa: F401 (a fixture)
from tests.access.walk import PROGRAMS, ROUTES, ask, filled, placeholder, walk
from tests.each import for_each
from tests.page import POST

SIGN_IN = "/sign-in"
KEPT = ("tasks", "generations", "images", "users", "api_keys", "invitations")
FOREIGN = {
    "another site": {"Sec-Fetch-Site": "cross-site"},
    "a neighbour": {"Sec-Fetch-Site": "same-site"},
    "something new": {"Sec-Fetch-Site": "elsewhere"},
    "nothing said": {"Sec-Fetch-Site": ""},
    "another origin": {"Origin": "https://evil.example"},
    "a hidden origin": {"Origin": "null"},
    "another port": {"Origin": "http://localhost:81"},
    "a longer name": {"Origin": "http://localhost.evil.example"},
    "no address": {"Origin": "http://["},
    "half of one": {"Origin": "//[x"},
    "a name before": {"Origin": "http://evil@localhost"},
    "a false friend": {
        "Sec-Fetch-Site": "cross-site",
        "Origin": "http://localhost",
        "Referer": "http://localhost/",
    },
}


def hashes(database) -> dict:
    """What stands for all that is stored, but for when a key was last used."""
    database.api_keys.update_many({}, {"$unset": {"last_used_at": ""}})
    found = database.command("dbHash")["collections"]
    return {name: found.get(name) for name in KEPT}


def test_cross_site_request_is_refused(secured, admin, places, stored):  # noqa: F811
    """On every unsafe route, by session and by key, and nothing has changed. From
    another site to each; from all others in turn."""
    admin.sign_in()
    before, wrong = hashes(stored), []
    routes = [each for each in walk(secured) if each[1] != "GET"]
    others = itertools.cycle([each for each in FOREIGN if each != "another site"])
    for rule, method in routes:
        for site in ("another site", next(others)):
            answer = foreign(admin, rule, method, places, FOREIGN[site])
            if answer.status_code != 403:
                wrong.append((site, method, rule.rule, answer.status_code))

    assert wrong == []
    assert hashes(stored) == before
    assert admin.client.get("/admin/users").status_code == 200


@pytest.mark.parametrize(
    "referer", ["https://evil.example/", "http://localhost.evil.example/", "data:"]
)
def test_session_is_refused_from_the_referer_of_another_site(
    secured,
    admin,
    places,  # noqa: F811
    stored,
    referer,
):
    """On every page that acts, where there is no origin."""
    admin.sign_in()
    before = hashes(stored)
    pages = [
        (rule, method)
        for rule, method in walk(secured)
        if method != "GET" and not rule.rule.startswith(PROGRAMS)
    ]

    answers = [foreign(admin, *each, places, {"Referer": referer}) for each in pages]

    assert {answer.status_code for answer in answers} == {403}
    assert hashes(stored) == before


def foreign(person, rule, method, places, headers):  # noqa: F811
    route, path = ROUTES[rule.endpoint], rule.rule
    for name in rule.arguments:
        path = path.replace(placeholder(rule, name), places[name])
    if path.startswith(PROGRAMS):
        headers = {**headers, "Authorization": f"Bearer {person.key}"}
        body = {"json": filled(route.json or {}, places)}
    else:
        body = {"data": filled(route.form, places)}
    return person.client.open(path, method=method, headers=headers, **body)


@for_each(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "http://localhost"},
    ],
)
def test_own_request_is_taken(headers, ada):
    """A page of this server's, a bookmark, and a program that is no browser."""
    ada.sign_in()

    assert ada.client.post("/account", headers=headers).status_code == 303


def test_nobody_is_signed_in_by_another_site(secured, ada):
    """What a victim writes would land in the attacker's account."""
    form = {"email": ada.user.email, "password": PASSWORD}
    victim = secured.test_client()

    answer = victim.post(SIGN_IN, data=form, headers=FOREIGN["another site"])

    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers
    assert victim.get("/").status_code == 303


def test_looking_changes_nothing(secured, admin, places, stored):  # noqa: F811
    """A link or an image on another site's page does no harm: all GETs, of an admin."""
    admin.sign_in()
    before = hashes(stored)
    for rule, method in walk(secured):
        if method == "GET":
            ask(admin.client, rule, method, places, admin.key).close()

    assert hashes(stored) == before


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_method_cannot_be_changed_by_words(method, ada, places, stored):  # noqa: F811
    """No header, field or parameter makes an unsafe request of a safe one."""
    ada.sign_in()
    before = hashes(stored)
    headers = {"X-HTTP-Method-Override": "DELETE", "X-Method-Override": "POST"}
    query = {"_method": "DELETE", "_charset_": "utf-8"}
    for path in ("/sign-out", "/account/delete", f"/tasks/{places['task_id']}/delete"):
        answer = ada.client.open(
            path, method=method, headers=headers, query_string=query
        )
        assert answer.status_code in {200, 405}

    assert hashes(stored) == before
    assert ada.client.get("/").status_code == 200


def test_other_sites_read_nothing(ada):
    """No answer but the API's description is for other origins to read; and a signed-in
    browser opens nothing of the API's, so no page can use it so."""
    ada.sign_in()
    for method, path in (("GET", "/api/v1/models"), ("POST", "/api/v1/ai/tasks")):
        answer = ada.client.open(path, method=method, json={}, headers=POST)
        assert answer.status_code == 401
    headers = {"Origin": "https://evil.example"}
    keyed = {**headers, "Authorization": f"Bearer {ada.key}"}

    answers = [
        ada.client.get("/account", headers=headers),
        ada.client.get("/api/v1/models", headers=keyed),
        ada.client.options("/api/v1/models", headers=keyed),
    ]

    for answer in answers:
        named = [name for name, _ in answer.headers]
        assert not [name for name in named if name.startswith("Access-Control")]
