"""A shop's key acts for the shop's customers, and can do nothing else."""

import base64
import io
import math

import pytest
from redis.connection import AbstractConnection

from jimeng import accounts, batches, limits
from jimeng.billing import costs
from jimeng.documents import ApiKey, AuditEntry, Batch, Task, utcnow
from jimeng.errors import TooManyWaiting
from jimeng.http.long_polls import Permits
from jimeng.limits import reservations
from jimeng.process import broker
from jimeng.webhooks import outbox
from tests.access.conftest import OPERATOR, call
from tests.access.test_keys import new_key
from tests.access.test_walk import expected, places, tells  # noqa: F401 (a fixture)
from tests.access.walk import PROGRAMS, ROUTES, ask, walk
from tests.billing.conftest import settle
from tests.commands import counted
from tests.each import for_each
from tests.given_pictures import photo
from tests.inputs.test_going_in import I2I
from tests.openai.conftest import EDITS, GENERATIONS, draws
from tests.page import error_at, send
from tests.rest import API, CAT, CREATE, USERS, data_of, errors_of, refused

__all__ = ["draws"]

CUSTOMER = "shop:customer_42"
SCOPES = ["read", "write", "act_for"]


class Shop:
    """Asks with a key of Bob's that acts for ``shop:``."""

    def __init__(self, person, **more: object) -> None:
        given = {"scopes": SCOPES, "user_prefix": "shop:", **more}
        self.client = person.client
        self.record, self.key = accounts.create_key(
            OPERATOR, person.id, name="shop", **given
        )

    def api(self, method: str, path: str, **kwargs):
        return call(self.client, method, path, key=self.key, **kwargs)

    def create(self, user_id: str = CUSTOMER, **fields) -> str:
        body = {"prompt": "一只猫", "user_id": user_id, **fields}
        return data_of(self.api("POST", CREATE, json=body), 202)["task_id"]


@pytest.fixture
def shop(bob) -> Shop:
    return Shop(bob)


def test_shop_does_for_a_customer_what_a_user_does(shop, admin, work_off):
    """Create, look, list, cancel, run again, delete; see limits and usage; and have
    webhooks. In no audit trail: they are the shop's own; but an operator's acts are."""
    done = shop.create(metadata={"order": "1"})
    work_off()
    waiting = shop.create()

    record = data_of(shop.api("GET", f"{API}/tasks/{done}"))
    assert (record["user_id"], record["status"]) == (CUSTOMER, "completed")
    listed = data_of(shop.api("GET", f"{API}/tasks/user/{CUSTOMER}"))
    assert [each["id"] for each in listed] == [waiting, done]
    pages = data_of(shop.api("GET", f"{API}/ai/image/tasks?user_id={CUSTOMER}"))
    assert pages["count"] == 2
    data_of(shop.api("POST", f"{API}/tasks/{waiting}/cancel"))
    again = data_of(shop.api("POST", f"{API}/tasks/{waiting}/retry"), 202)["task_id"]
    many = {"user_id": CUSTOMER, "status": "pending"}
    data_of(shop.api("POST", f"{API}/tasks/cancel", json=many))
    assert data_of(shop.api("GET", f"{API}/tasks/{again}"))["status"] == "cancelled"
    settle()
    usage = data_of(shop.api("GET", f"{USERS}/{CUSTOMER}/usage"))
    assert usage["totals"]["pictures"] == 3
    data_of(shop.api("DELETE", f"{API}/ai/image/task/{done}"))
    refused(shop.api("GET", f"{API}/tasks/{done}"), 404, "task_not_found")
    body = {"url": "https://shop.example.com/jimeng", "user_id": CUSTOMER}
    hook = data_of(shop.api("POST", f"{API}/webhooks", json=body), 201)["id"]
    listed = data_of(shop.api("GET", f"{API}/webhooks?user_id={CUSTOMER}"))
    assert [each["id"] for each in listed] == [hook]
    data_of(shop.api("GET", f"{API}/webhooks/secret?user_id={CUSTOMER}"))
    data_of(shop.api("DELETE", f"{API}/webhooks/{hook}"))
    assert AuditEntry.collection().count_documents({"action": "tasks.create"}) == 0
    admin.api("POST", CREATE, json={**CAT, "user_id": CUSTOMER})
    assert AuditEntry.collection().count_documents({"action": "tasks.create"}) == 1


def test_shop_uploads_and_batches_for_a_customer(shop):
    """Its batch is filled by this key, whose owner is somebody else, and stops with it,
    as every other does whose key is revoked."""
    body = {"prompts": ["猫", "狗"], "user_id": CUSTOMER}
    batch = data_of(shop.api("POST", f"{API}/batches", json=body), 202)
    Batch.collection().update_many({}, {"$set": {"due_at": utcnow()}})
    batches.fill_due()

    where = f"{API}/batches/{batch['batch_id']}"
    looked = data_of(shop.api("GET", where))
    assert (looked["user_id"], looked["made"], looked["reason"]) == (CUSTOMER, 2, None)
    listed = data_of(shop.api("GET", f"{API}/batches?user_id={CUSTOMER}"))
    assert [each["batch_id"] for each in listed] == [batch["batch_id"]]
    assert len(data_of(shop.api("GET", f"{where}/tasks"))) == 2
    data_of(shop.api("POST", f"{where}/cancel"))
    data_of(shop.api("DELETE", where))
    other = data_of(shop.api("POST", f"{API}/batches", json=body), 202)["batch_id"]
    Batch.collection().update_many({}, {"$set": {"made": 0, "due_at": utcnow()}})
    Task.collection().delete_many({})
    ApiKey.collection().delete_one({"_id": shop.record.id})
    batches.fill_due()
    assert Batch.find_one({"_id": other}).stopped == "key_gone"


@for_each("user_id", ["shopping:1", "Shop:1", "shop", "xshop:1", "user_123", "guest"])
def test_shop_names_nobody_else(shop, user_id):
    """An id that only looks like one of its own is refused in words."""
    body = {**CAT, "user_id": user_id}
    answer = shop.api("POST", CREATE, json=body, headers={"Accept-Language": "en"})

    message = refused(answer, 403, "user_id_not_yours")["message"]
    assert "act_for" in message and "shop:" in message
    refused(shop.api("GET", f"{API}/tasks/user/{user_id}"), 404, "user_not_found")
    query = f"user_id={user_id}"
    refused(shop.api("GET", f"{API}/batches?{query}"), 404, "user_not_found")
    refused(shop.api("GET", f"{API}/ai/image/tasks?{query}"), 404, "user_not_found")
    several = {"status": "pending", "user_id": user_id}
    refused(
        shop.api("POST", f"{API}/tasks/cancel", json=several), 404, "user_not_found"
    )
    refused(shop.api("GET", f"{USERS}/{user_id}/usage"), 404, "user_not_found")
    assert Task.collection().count_documents({}) == 0


def test_shops_do_not_see_each_other(bob, ada):
    """Neither does the plain key of a customer's namesake, who has no such id: a prefix
    ends in a colon, which the ids of user records do not have."""
    one, other = Shop(bob), Shop(ada, user_prefix="shop2:")
    task_id = one.create()

    refused(other.api("GET", f"{API}/tasks/{task_id}"), 404, "task_not_found")
    refused(ada.api("POST", f"{API}/tasks/{task_id}/cancel"), 404, "task_not_found")
    assert data_of(bob.api("GET", f"{API}/tasks/{task_id}"))["id"] == task_id
    assert ":" not in ada.id + bob.id


@pytest.mark.parametrize("prefix", ["axb:", "x.a.b:"])
def test_prefix_is_no_pattern(bob, ada, prefix):
    """A dot stands for a dot, and the id begins with it."""
    shop, other = Shop(bob, user_prefix="a.b:"), Shop(ada, user_prefix=prefix)
    task_id = other.create(f"{prefix}1")
    headers = {"json": {"ids": [task_id]}}

    (row,) = data_of(shop.api("POST", f"{API}/tasks/cancel", **headers))["results"]
    assert row["error"]
    assert data_of(other.api("GET", f"{API}/tasks/{task_id}"))["status"] == "pending"


def test_shop_gets_at_nothing_that_is_anothers(secured, places, bob, shop, ada):  # noqa: F811
    """Through any route it is told what a plain key of another user is told."""
    wrong = []
    for rule, method in walk(secured):
        if not rule.rule.startswith(PROGRAMS):
            continue
        answer = ask(bob.client, rule, method, places, shop.key)
        kind = ROUTES[rule.endpoint].kind
        wanted = expected(kind, is_api=True, who="other", unsafe=method != "GET")
        told = tells(answer, places)
        wanted = wanted | {403} if wanted == {404} else wanted  # what takes `account`
        if (wanted and answer.status_code not in wanted) or told:
            wrong.append((method, rule.rule, answer.status_code, told))
        answer.close()

    assert wrong == []


def test_each_customer_has_limits_of_their_own(bob):
    """One who has used up theirs holds up no other; the key's hold for all."""
    shop = Shop(bob, pictures_per_day=2)
    for user_id in (CUSTOMER, "shop:customer_43"):
        shop.create(user_id)

    body = {**CAT, "user_id": "shop:customer_44"}
    refused(shop.api("POST", CREATE, json=body), 429, "key_quota_exceeded")


# Read by each process now and then, whatever is asked for.
CACHED = {"api_keys", "generations", "installations", "lanes", "switches", "workers"}
BACKGROUND = {b"MULTI"}  # figures, flushed now and then


def writes_of(commands: list[dict]) -> list[str]:
    """What a request writes, by collection; not what is only read now and then."""
    names = ("findAndModify", "insert", "update")
    first = (next(iter(each.items()), ("", "")) for each in commands)
    return sorted(f"{name} {rows}" for name, rows in first if name in names)


def cost_of(submit, config, monkeypatch) -> tuple[list[str], list[str], list[bytes]]:
    """What a submission writes in MongoDB, what it reads there, and asks of Redis."""
    asked: list[bytes] = []
    send = AbstractConnection.send_packed_command

    def noted(connection, command, **options: object) -> None:
        asked.append(b"".join(command).split(b"\r\n")[2])
        send(connection, command, **options)

    monkeypatch.setattr(broker._state, "next_wake", math.inf)  # once in two seconds
    monkeypatch.setattr(costs, "PRICE_CACHE_S", 3600.0)
    monkeypatch.setattr(outbox, "OWNERS_CACHE_S", 3600.0)
    submit()  # the first use of a key is noted
    limits.clear_quota_cache()
    with counted(config) as commands, monkeypatch.context() as patched:
        patched.setattr(AbstractConnection, "send_packed_command", noted)
        submit()
    first = (next(iter(each.items()), ("", "")) for each in commands)
    reads = [rows for name, rows in first if name in ("find", "aggregate")]
    redis = [each for each in asked if each not in BACKGROUND]
    return writes_of(commands), [each for each in reads if each not in CACHED], redis


def test_bounds_cost_no_more(bob, admin, shop, closed, monkeypatch):
    """A submission for a customer, or by the owner of customers, takes one command of
    MongoDB beside those of one with a plain key: it is counted for that owner. A user's
    budget is in the update that takes the quota; a key is counted in one of its own,
    with and without a budget."""

    def plain(key: str = bob.key) -> tuple[list[str], list[str], list[bytes]]:
        body = {"json": {"prompt": "一只猫"}}
        submit = lambda: call(bob.client, "POST", CREATE, key=key, **body)  # noqa: E731
        return cost_of(submit, closed, monkeypatch)

    writes = ["findAndModify api_keys", "findAndModify places"]
    writes.insert(1, "findAndModify owner_budgets")
    writes += ["insert generations", "insert tasks"]
    redis = [b"EVAL", b"EVAL", b"LPUSH"]  # requests, submissions, the job
    assert plain() == cost_of(shop.create, closed, monkeypatch) == (writes, [], redis)
    budgets = {"daily_budget_micros": 9**9, "monthly_budget_micros": 9**9}
    data_of(admin.api("PUT", f"{USERS}/{bob.id}", json=budgets))
    assert plain() == (writes, [], redis)
    key = new_key(bob, daily_budget_micros=9**9)["key"]
    assert plain(key) == (writes, [], redis)


VIDEO = {"prompt": "猫", "model": "jimeng-video-3.0"}
PICTURE = "data:image/jpeg;base64," + base64.b64encode(photo()).decode()
ARK = {"prompt": "猫", "model": "jimeng-3.0"}
ARK_VIDEOS = "/api/v3/contents/generations/tasks"
ARK_VIDEO = {
    "model": "jimeng-video-3.0",
    "content": [{"type": "text", "text": "猫"}],
}
DRAW = {
    **{"jsonrpc": "2.0", "id": 1, "method": "tools/call"},
    "params": {
        "name": "generate_image",
        "arguments": {"prompt": "猫", "user_id": CUSTOMER, "wait_seconds": 5},
    },
}
# What takes `user`: the path, and what is sent.
NAMING_CUSTOMERS = [
    (GENERATIONS, {"json": {"prompt": "猫"}}),
    (GENERATIONS, {"data": {"prompt": "猫"}}),
    (EDITS, {"json": {"prompt": "猫", "image": PICTURE}}),
    ("/v1/videos", {"json": VIDEO}),
    ("/v1/videos", {"data": VIDEO}),
    ("/api/v3/images/generations", {"json": ARK}),
    (ARK_VIDEOS, {"json": ARK_VIDEO}),
]


def open_ai(client, key: str, path: str = GENERATIONS, **sent: object):
    """The status, and of an error the field that is wrong."""
    answer = call(client, "POST", path, key=key, **sent)
    return answer.status_code, (answer.json.get("error") or {}).get("param")


def owners() -> list[str]:
    """Of all tasks, oldest first."""
    rows = Task.collection().find().sort([("created_at", 1), ("_id", 1)])
    return [row["user_id"] for row in rows]


@for_each(("path", "sent"), NAMING_CUSTOMERS)
def test_openai_user_is_the_customer(shop, draws, path, sent):
    """Whoever uses the official SDK names the customer there, or as in REST; without
    one it is the shop's."""
    ((kind, body),) = sent.items()
    Task.collection().delete_many({})

    for named in (
        {"user": CUSTOMER},
        {"user_id": CUSTOMER},
        {"user": CUSTOMER, "user_id": CUSTOMER},
        {"user": "", "safety_identifier": "Shop:m1"},
    ):
        asked = {kind: {**body, **named}}
        assert open_ai(shop.client, shop.key, path, **asked) == (200, None)

    assert owners() == [CUSTOMER] * 3 + [shop.record.user_id]


@for_each("path", ["/v1/videos", ARK_VIDEOS])
def test_videos_of_a_customer_are_listed(shop, draws, path):
    """Of one, or the owner's own; equal ones of two customers are two. Ark's own name
    for a customer is understood where it is one."""
    body = VIDEO if path == "/v1/videos" else ARK_VIDEO
    Task.collection().delete_many({})
    names = [{"user": CUSTOMER}, {"user": "shop:m2"}, {}]
    if path == ARK_VIDEOS:
        names[1:] = [{"safety_identifier": "shop:m2"}, {"safety_identifier": "x" * 64}]
    ids = [shop.api("POST", path, json={**body, **named}).json["id"] for named in names]

    def listed(query: str) -> list[str]:
        found = shop.api("GET", f"{path}{query}").json
        return [each["id"] for each in found["data" if "data" in found else "items"]]

    assert owners() == [CUSTOMER, "shop:m2", shop.record.user_id]
    assert listed(f"?user={CUSTOMER}") == ids[:1]
    assert listed("?user=shop:m2") == ids[1:2]
    assert listed("") == ids[2:]
    assert open_ai(shop.client, shop.key, path, json={**body, "user": "x"})[0] == 400
    assert shop.api("GET", f"{path}?user=ship:m1").status_code == 400


NO_CUSTOMERS = ("Shop:m1", "shop:with space", "shop", "m1", "shop:" + "x" * 60)


@for_each(("path", "sent"), NAMING_CUSTOMERS)
@for_each(
    ("named", "param"),
    [
        *[({"user": each}, "user") for each in (*NO_CUSTOMERS, " ")],
        *[({"user_id": each}, "user_id") for each in NO_CUSTOMERS],
        ({"user": CUSTOMER, "user_id": "m1"}, "user_id"),
        ({"user": CUSTOMER, "user_id": "shop:m1"}, "user_id"),
    ],
)
def test_customer_who_is_not_understood_is_billed_to_nobody(
    shop, draws, path, sent, named, param
):
    """A typo in a name must not be charged to the shop."""
    ((kind, body),) = sent.items()

    asked = {kind: {**body, **named}}

    assert open_ai(shop.client, shop.key, path, **asked) == (400, param)
    assert owners() == []


@for_each("user", [42, True, ["shop:m1"], {"id": "shop:m1"}])
def test_customer_of_another_type_is_billed_to_nobody(shop, draws, user):
    sent = {"json": {"prompt": "猫", "user": user}}

    assert open_ai(shop.client, shop.key, **sent) == (400, "user")
    assert owners() == []


def test_users_of_other_keys_are_free_text(bob, draws):
    """Their programs send names of their own, which mean nothing here."""
    for named in ({"user": "Shop:m1", "user_id": "shop:m1"}, {"user": ["x"]}):
        sent = {"json": {"prompt": "猫", **named}}
        assert open_ai(bob.client, bob.key, **sent) == (200, None)

    assert owners() == [bob.id] * 2


def test_user_gives_away_no_others(bob, admin):
    """With a key or on the page: that is the operator's, for a user as well."""
    body = {"name": "shop", "scopes": SCOPES, "user_prefix": "shop:"}
    keys = f"{USERS}/{bob.id}/keys"
    assert [*errors_of(bob.api("POST", keys, json=body))] == ["scopes"]
    bob.sign_in()
    assert "act_for" not in bob.client.get("/account/keys").text
    form = {**body, "days": ""}
    assert send(bob.client, "/account/keys", **form).status_code == 422
    assert ApiKey.collection().count_documents({"name": "shop"}) == 0
    made = data_of(admin.api("POST", keys, json=body), 201)
    assert (made["user_prefix"], made["scopes"]) == ("shop:", SCOPES)
    (listed, *_) = data_of(admin.api("GET", keys))
    assert listed["user_prefix"] == "shop:"


@for_each(
    ("fields", "wrong"),
    [
        ({"scopes": SCOPES}, "user_prefix"),
        ({"scopes": SCOPES, "user_prefix": "shop"}, "user_prefix"),
        ({"scopes": SCOPES, "user_prefix": ":"}, "user_prefix"),
        ({"scopes": SCOPES, "user_prefix": "店:"}, "user_prefix"),
        ({"scopes": SCOPES, "user_prefix": "s" * 32 + ":"}, "user_prefix"),
        ({"user_prefix": "shop:"}, "user_prefix"),
        ({"user_prefix": "shop"}, "user_prefix"),
        ({"scopes": [*SCOPES, "account"], "user_prefix": "shop:"}, "scopes"),
        ({"scopes": [*SCOPES, "admin"], "user_prefix": "shop:"}, "scopes"),
    ],
)
def test_impossible_key_is_refused(admin, fields, wrong):
    """A prefix that could begin a user record's id, none, or more than this scope."""
    body = {"name": "shop", **fields}
    answer = admin.api("POST", f"{USERS}/{admin.id}/keys", json=body)

    assert [*errors_of(answer)] == [wrong]


def test_admin_makes_the_key_on_the_page(admin):
    admin.sign_in()
    assert 'value="act_for"' in admin.client.get("/account/keys").text
    form = {"name": "网店", "scopes": SCOPES, "days": "", "user_prefix": "shop:"}

    made = send(admin.client, "/account/keys", **form)

    assert made.status_code == 201
    assert "代表 shop:…" in admin.client.get("/account/keys").text
    wrong = send(admin.client, "/account/keys", **{**form, "user_prefix": ""})
    assert wrong.status_code == 422
    assert error_at(wrong, "user_prefix")


def test_operator_makes_the_key_by_command(secured, bob):
    words = ["users", "create-key", bob.user.email, "--user-prefix", "shop:"]
    scopes = [word for scope in SCOPES for word in ("--scope", scope)]
    made = secured.test_cli_runner().invoke(args=[*words, *scopes])
    refused_words = secured.test_cli_runner().invoke(args=words)

    assert made.exit_code == 0, made.output
    key = ApiKey.find_one({"user_prefix": "shop:"})
    assert key.scopes == SCOPES
    assert "act_for" in refused_words.output and refused_words.exit_code == 1


@for_each(
    ("method", "path", "sent"),
    [
        ("POST", CREATE, {"json": {**CAT, "user_id": CUSTOMER}}),
        ("GET", f"{API}/tasks/{{}}/events", {}),
        ("POST", GENERATIONS, {"json": {"prompt": "猫", "user": CUSTOMER}}),
        ("POST", "/api/v3/images/generations", {"json": {**ARK, "user": CUSTOMER}}),
        ("POST", "/mcp", {"json": DRAW}),
    ],
)
def test_places_to_wait_count_for_the_customer_and_the_owner(
    bob, shop, monkeypatch, method, path, sent
):
    """The same way on each interface."""
    asked = []

    def refuse(permits: Permits, user: str, *args: object, owner: str | None = None):
        asked.append((user, owner))
        raise TooManyWaiting("all are taken", retry_after=1)

    path = path.format(shop.create())
    monkeypatch.setattr(Permits, "acquire", refuse)
    headers = {"Prefer": "wait=5", "Accept": "application/json, text/event-stream"}
    shop.api(method, path, headers=headers, **sent)

    assert asked == [(CUSTOMER, bob.id)]


def upload(shop: Shop, user_id: str | None) -> str:
    named = {} if user_id is None else {"user_id": user_id}
    sent = {**named, "file": (io.BytesIO(photo()), "photo.jpg")}
    return data_of(shop.api("POST", f"{API}/uploads", data=sent), 201)["id"]


def test_picture_of_one_customer_is_not_for_another(shop, work_off):
    """Nor what was generated for them; the owner's own are for each of them."""
    done = shop.create()
    work_off()
    theirs = (upload(shop, CUSTOMER), f"{done}_0")

    def ask(user_id: str, reference: str, query: str = ""):
        body = {"prompt": "x", "model": I2I, "images": [reference]}
        return shop.api("POST", CREATE + query, json={**body, "user_id": user_id})

    for reference in theirs:
        assert list(errors_of(ask("shop:else", reference))) == ["images.0"]
        estimated = ask("shop:else", reference, "?dry_run=true")
        assert list(errors_of(estimated)) == ["images.0"]
        data_of(ask(CUSTOMER, reference), 202)
    data_of(ask("shop:else", upload(shop, None)), 202)


def test_uploads_of_all_customers_count_for_the_owner(bob, shop, monkeypatch):
    """Ten times as many as one user may make; another owner's are not among them."""
    monkeypatch.setattr(reservations, "MAX_UPLOADS", 1)
    for number in range(10):
        upload(shop, f"shop:m{number}")

    sent = {"user_id": "shop:m10", "file": (io.BytesIO(photo()), "photo.jpg")}
    answer = shop.api("POST", f"{API}/uploads", data=sent)

    refused(answer, 429, "too_many_uploads")
    assert "10" in answer.json["message"]
    upload(shop, None)
