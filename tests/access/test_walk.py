"""Nobody sees or touches what is another's, through any route."""

from datetime import timedelta
from io import BytesIO
from zipfile import ZipFile

import pytest

from jimeng import accounts
from jimeng.accounts import sessions
from tests.access.conftest import OPERATOR
from tests.access.walk import (
    LAST,
    PROGRAMS,
    ROUTES,
    SECRET,
    Kind,
    ask,
    placeholder,
    walk,
)
from tests.each import for_each
from tests.given_pictures import photo
from tests.page import POST, marks, picture_of
from tests.rest import CREATE, data_of

SIGN_IN = "/sign-in"
COLLECTIONS = "/api/v1/collections"


@pytest.fixture
def places(secured, ada, work_off, monkeypatch) -> dict[str, str]:
    """What is Ada's, by the names that routes have for it. However long it takes to ask
    each of them, the password was shown a moment ago."""
    monkeypatch.setattr(sessions, "CONFIRMED_FOR", timedelta(days=1))
    ada.sign_in()
    made = data_of(ada.api("POST", CREATE, json={"prompt": SECRET}), 202)
    work_off()
    image = picture_of(ada.client, made["task_id"]).rpartition("/i/")[2]
    key, _, ext = image.partition(".")
    waiting = data_of(ada.api("POST", CREATE, json={"prompt": SECRET}), 202)
    body = {"template": SECRET, "name": SECRET}
    batch = data_of(ada.api("POST", "/api/v1/batches", json=body), 202)
    form = {"file": (BytesIO(photo()), "photo.jpg")}
    upload = data_of(ada.api("POST", "/api/v1/uploads", data=form), 201)
    collection = data_of(ada.api("POST", COLLECTIONS, json={"name": SECRET}), 201)
    inside = {"add": [f"{made['task_id']}_0"]}
    data_of(ada.api("POST", f"{COLLECTIONS}/{collection['id']}/pictures", json=inside))
    shared = data_of(ada.api("PUT", f"/api/v1/shares/{collection['id']}", json={}))
    kept = {"name": "x", "prompt": SECRET}
    prompt = data_of(ada.api("POST", "/api/v1/prompts", json=kept), 201)
    body = {"url": "https://example.com/ada", "description": SECRET}
    webhook = data_of(ada.api("POST", "/api/v1/webhooks", json=body), 201)
    sent = ada.api("POST", f"/api/v1/webhooks/{webhook['id']}/test")
    api_key, _ = accounts.create_key(OPERATOR, ada.id, name="x")
    return {
        "task_id": made["task_id"],
        "batch_id": batch["batch_id"],
        "picture_id": f"{made['task_id']}_0",
        "user_id": ada.id,
        "upload_id": upload["id"],
        "collection_id": collection["id"],
        "share_id": collection["id"],
        "price_id": "price_0",
        "prompt_id": prompt["id"],
        "webhook_id": webhook["id"],
        "delivery_id": data_of(sent, 202)["id"],
        "shared": shared["url"],
        "index": "0",
        "key_id": api_key.id,
        "key": key,
        "ext": ext,
        "token": accounts.invite(OPERATOR, ada.id),
        "session_id": accounts.list_sessions(OPERATOR, ada.id)[0].id,
        "filename": "favicon.svg",
        "mark": marks(ada.client.get(f"/tasks/{waiting['task_id']}"))[0],
        **dict.fromkeys(("code", "day", "name", "table", "file"), "x"),
    }


def tells(answer, places: dict[str, str]) -> list[str]:
    """What an answer tells of Ada."""
    text = read(answer)
    secrets = {
        "prompt": SECRET,
        "e-mail": "ada@example.com",
        "picture": f"/i/{places['key']}",
        "page": places["shared"].partition("/s/")[2],
    }
    return [name for name, secret in secrets.items() if secret in text]


def read(answer) -> str:
    """The text of an answer; of an archive, that of the files in it."""
    if answer.mimetype.startswith("image/"):
        return ""
    if answer.mimetype != "application/zip":
        return answer.text
    with ZipFile(BytesIO(answer.get_data())) as archive:
        files = [
            archive.read(name).decode(errors="replace") for name in archive.namelist()
        ]
        return "\n".join([*archive.namelist(), *files])


def test_every_route_has_an_entry(secured):
    """Whoever adds a route says who may use it."""
    endpoints = {rule.endpoint for rule, _ in walk(secured)}

    assert endpoints == set(ROUTES)


# They ask for the session themselves: a second factor may have to be set up first.
SETTING_UP = {
    "web.lacking_second_factor",
    "web.begin_second_factor",
    "web.set_up_second_factor",
}


def test_pages_need_sign_in_unless_marked_public(secured):
    marked = {
        endpoint
        for endpoint, view in secured.view_functions.items()
        if getattr(view, "is_public", False)
    }

    assert marked == SETTING_UP | {
        endpoint
        for endpoint, route in ROUTES.items()
        if endpoint.startswith("web.") and route.kind in {Kind.PUBLIC, Kind.LINK}
    }


def test_without_sign_in_no_route_fails(client):
    """Those of sign-in, which nothing leads to then, neither."""
    failed = []
    for rule, method in walk(client.application):
        path = rule.rule
        for name in rule.arguments:
            path = path.replace(placeholder(rule, name), "x")
        with client.open(path, method=method, headers=POST) as answer:
            if answer.status_code >= 500:
                failed.append((method, path, answer.status_code))

    assert failed == [("GET", "/health/ready", 503)]  # no worker runs


def test_sign_out_without_sign_in_leads_to_the_page(client):
    answer = client.post("/sign-out", headers=POST, follow_redirects=True)

    assert (answer.status_code, answer.request.path) == (200, "/")


def expected(kind: Kind, *, is_api: bool, who: str, unsafe: bool) -> set[int]:
    """The statuses that *who* may get of a route of this kind."""
    if kind in {Kind.PUBLIC, Kind.LINK}:
        return set()  # whatever it is, it is the same for everybody
    if who == "nobody":
        return {401} if is_api else {303}
    if who == "reader" and is_api and unsafe:
        return {403}
    if kind is Kind.ADMIN:
        return {403}
    return {404} if kind is Kind.OWN else {200, 201, 202, 204, 303, 400, 422}


def test_nobody_gets_at_what_is_anothers(secured, places, bob, nobody, ada):
    """Another user gets 404 or 403 of what is Ada's, nobody 401 or the sign-in page, a
    read-only key changes nothing; and no answer tells of Ada."""
    bob.sign_in()
    _, reading = accounts.create_key(OPERATOR, bob.id, name="r", scopes=["read"])
    wrong = []
    for rule, method in walk(secured):
        route = ROUTES[rule.endpoint]
        is_api = rule.rule.startswith(PROGRAMS)
        if rule.endpoint in {*LAST, "web.accept_invitation"}:
            bob.sign_in()  # whose session they end, or take the place of
        for who, client, key in (
            ("nobody", nobody, ""),
            ("other", bob.client, bob.key),
            ("reader", bob.client, reading),
        ):
            answer = ask(client, rule, method, places, key)
            unsafe = method != "GET"
            wanted = expected(route.kind, is_api=is_api, who=who, unsafe=unsafe)
            told = [] if route.kind is Kind.LINK else tells(answer, places)
            to_sign_in = who != "nobody" or is_api or not wanted
            led = to_sign_in or answer.location.startswith(SIGN_IN)
            if (wanted and answer.status_code not in wanted) or told or not led:
                wrong.append((who, method, rule.rule, answer.status_code, told))
            answer.close()

    assert wrong == []
    assert untouched(ada, places)


def untouched(ada, places: dict[str, str]) -> bool:
    """Whether Ada still has all that she had."""

    def now(path: str):
        return data_of(ada.api("GET", f"/api/v1/{path}"))

    waiting = places["mark"].partition(".")[0]
    inside = now(f"collections/{places['collection_id']}/pictures")
    shared = now(f"shares/{places['share_id']}")
    batch = now(f"batches/{places['batch_id']}")
    return (
        now(f"tasks/{places['task_id']}")["status"] == "completed"
        and now(f"tasks/volcengine_img_{waiting}")["status"] == "pending"
        and (batch["status"], batch["pictures"]["waiting"]) == ("processing", 1)
        and now(f"uploads/{places['upload_id']}")["id"] == places["upload_id"]
        and now(f"prompts/{places['prompt_id']}")["name"] == "x"
        and now(f"webhooks/{places['webhook_id']}")["description"] == SECRET
        and [each["id"] for each in inside] == [places["picture_id"]]
        and (shared["url"], shared["prompts"]) == (places["shared"], False)
        and ada.client.get(f"/pictures/{places['picture_id']}").status_code == 200
        and places["key_id"] in {key["id"] for key in now(f"users/{ada.id}/keys")}
        and now(f"users/{ada.id}")["name"] == "ada"
    )


def test_bulk_requests_touch_nothing_of_others(bob, places):
    for what in ("cancel", "retry"):
        body = {"ids": [places["task_id"]]}
        answer = data_of(bob.api("POST", f"/api/v1/tasks/{what}", json=body))

        (result,) = answer["results"]
        assert result["error"] == "task_not_found"


@for_each("whose", ["{user_id}", "guest", "user_nobody"])
def test_nobody_asks_in_anothers_name(bob, places, whose):
    """Only an admin may say whose a task is to be; others are told to leave it out."""
    body = {"prompt": "x", "user_id": whose.format(**places)}

    answer = bob.api("POST", CREATE, json=body, headers={"Accept-Language": "en"})

    assert answer.status_code == 403
    assert answer.json["error"] == "user_id_not_yours"
    assert "leave user_id out" in answer.json["message"]
