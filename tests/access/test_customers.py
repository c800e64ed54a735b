"""A shop's customers are its owner's to see, to list and to delete."""

import io
import secrets
from dataclasses import replace
from datetime import timedelta
from urllib.parse import unquote

import pytest
from mongoengine import get_db

from jimeng import accounts, jobs, limits
from jimeng.documents import (
    AuditEntry,
    Batch,
    Collection,
    Customer,
    Input,
    QuotaUsage,
    Task,
    User,
    WebhookDelivery,
    utcnow,
)
from jimeng.errors import TooManyWaiting
from jimeng.http.long_polls import Permits
from jimeng.jobs import bulk
from jimeng.limits import reservations
from jimeng.upkeep import janitor
from jimeng.webhooks import budget_events
from tests.access.conftest import OPERATOR, Person, call
from tests.access.test_act_for import CUSTOMER, Shop, cost_of, upload
from tests.billing.conftest import PRICE, settle
from tests.commands import counted
from tests.each import for_each
from tests.given_pictures import photo
from tests.inputs.test_going_in import I2I
from tests.rest import API, CREATE, USERS, data_of, errors_of, refused

TASKS = f"{API}/tasks"
HOOKS = f"{API}/webhooks"
MINE = f"{TASKS}?customers=true"


@pytest.fixture
def shop(bob) -> Shop:
    return Shop(bob)


@pytest.fixture
def reader(bob) -> str:
    """A key of the owner's that only reads, and acts for nobody."""
    return accounts.create_key(OPERATOR, bob.id, name="r", scopes=["read"])[1]


def ids_of(person, path: str = MINE, key: str = "") -> list[str]:
    ask = person.client.get
    found = (
        ask(path, headers={"Authorization": f"Bearer {key}"})
        if key
        else person.api("GET", path)
    )
    return [each["id"] for each in data_of(found)]


def test_owner_sees_the_customers_with_every_key(shop, bob, reader, work_off):
    """Each within its scopes: one that reads does not cancel, and none but the shop's
    asks in a customer's name."""
    done = shop.create()
    work_off()
    waiting = shop.create()

    for path in (
        f"{TASKS}/{done}",
        f"{TASKS}/user/{CUSTOMER}",
        f"{API}/ai/image/result/{done}",
        f"{API}/ai/image/tasks?user_id={CUSTOMER}",
        f"{USERS}/{CUSTOMER}/usage",
        f"{API}/webhooks?user_id={CUSTOMER}",
        f"{API}/batches?user_id={CUSTOMER}",
        f"{API}/costs?user_id={CUSTOMER}",
    ):
        for key in (reader, bob.key):
            data_of(call(bob.client, "GET", path, key=key))
    cancel = f"{TASKS}/{waiting}/cancel"
    refused(call(bob.client, "POST", cancel, key=reader), 403, "scope_too_small")
    body = {"prompt": "猫", "user_id": CUSTOMER}
    refused(bob.api("POST", CREATE, json=body), 403, "user_id_not_yours")
    refused(bob.api("POST", f"{TASKS}/{done}/retry"), 409, "task_not_retryable")
    assert data_of(bob.api("POST", cancel))["status"] == "cancelled"
    again = bob.api("POST", f"{TASKS}/{waiting}/retry")
    refused(again, 403, "user_id_not_yours")


def test_what_is_a_customers_is_no_input_of_the_owners(shop, bob, work_off):
    """The owner's key sees the customers' pictures; used they are for them alone."""
    done = shop.create()
    work_off()

    for reference in (upload(shop, CUSTOMER), f"{done}_0"):
        body = {"prompt": "x", "model": I2I, "images": [reference]}
        assert [*errors_of(bob.api("POST", CREATE, json=body))] == ["images.0"]
        bob.sign_in()
        assert bob.client.get(f"/composer/pictures?image={reference}").text == ""
    mine = upload(bob, None)
    data_of(bob.api("POST", CREATE, json={**body, "images": [mine]}), 202)
    assert mine in bob.client.get(f"/composer/pictures?image={mine}").text


def test_wait_for_a_customers_task_counts_for_the_owner(shop, bob, monkeypatch):
    """With each key; the owner's wait for a task of their own is theirs alone."""
    theirs = shop.create()
    own = data_of(bob.api("POST", CREATE, json={"prompt": "猫"}), 202)["task_id"]
    seen = []

    def acquire(permits, user: str, *, owner: str | None):
        seen.append((user, owner))
        raise TooManyWaiting("full", retry_after=1)

    monkeypatch.setattr(Permits, "acquire", acquire)
    for task_id in (theirs, own):
        path, wait = f"{API}/ai/image/result/{task_id}", {"Prefer": "wait=5"}
        data_of(bob.api("GET", path, headers=wait))

    assert seen == [(CUSTOMER, bob.id), (bob.id, None)]


def test_revoked_key_leaves_the_customers_their_owner(shop, bob):
    task_id = shop.create()
    own = f"{USERS}/{bob.id}/keys/{shop.record.id}"
    data_of(bob.api("DELETE", own))

    assert ids_of(bob) == [task_id]
    assert data_of(bob.api("GET", f"{TASKS}/{task_id}"))["user_id"] == CUSTOMER


def test_signed_in_owner_sees_a_customers_task(shop, bob, ada, work_off):
    task_id = shop.create()
    work_off()
    settle()
    bob.sign_in()
    ada.sign_in()

    assert bob.client.get(f"/tasks/{task_id}").status_code == 200
    assert ada.client.get(f"/tasks/{task_id}").status_code == 404
    listed = f"/tasks?customer={CUSTOMER}"
    assert task_id in bob.client.get(listed).text
    assert task_id in bob.client.get(f"{listed}&q=猫&status=completed").text
    assert task_id not in bob.client.get("/tasks").text
    assert f"customer={CUSTOMER}" in unquote(bob.client.get("/account/usage").text)
    assert ada.client.get(listed).status_code == 404


def test_stranger_sees_none_of_them(shop, ada, admin):
    """Neither another user, nor a key of the owner's for another prefix."""
    task_id = shop.create()
    narrow = Shop(_person_of(shop), user_prefix="shop:eu:")

    for stranger in (ada, narrow):
        refused(stranger.api("GET", f"{TASKS}/{task_id}"), 404, "task_not_found")
        path = f"{TASKS}/user/{CUSTOMER}"
        refused(stranger.api("GET", path), 404, "user_not_found")
    assert [*errors_of(ada.api("GET", MINE))] == ["customers"]
    assert data_of(ada.api("GET", TASKS)) == []
    assert ids_of(narrow) == []
    theirs = narrow.create("shop:eu:1")
    assert ids_of(narrow) == [theirs]
    assert ids_of(shop) == [theirs, task_id]


def _person_of(shop: Shop) -> Person:
    user = User.find_one({"_id": shop.record.user_id})
    assert user is not None
    return Person(user, shop.client, shop.key)


def test_list_over_all_customers_has_pages(shop, bob, reader):
    """Newest first, the owner's own among them, each once; without `customers` those
    alone."""
    made = [shop.create(f"shop:m{number % 3}") for number in range(5)]
    own = data_of(bob.api("POST", CREATE, json={"prompt": "猫"}), 202)["task_id"]
    expected = [own, *reversed(made)]

    found, path = [], f"{MINE}&limit=4"
    while path:
        answer = bob.api("GET", path)
        found += [each["id"] for each in data_of(answer)]
        cursor = answer.json["next_cursor"]
        path = f"{MINE}&limit=4&cursor={cursor}" if cursor else ""

    assert found == expected
    assert ids_of(shop) == ids_of(bob, key=reader) == expected
    assert ids_of(bob, TASKS) == [own]


@for_each(
    ("query", "wanted"),
    [
        ("status=cancelled", [1]),
        ("metadata.order=7", [2]),
        ("q=dog", [0]),
        ("type=video", []),
    ],
)
def test_list_over_all_customers_is_filtered(shop, bob, query, wanted):
    Task.collection().delete_many({})
    made = [
        shop.create("shop:m0", prompt="a dog"),
        shop.create("shop:m1"),
        shop.create("shop:m2", metadata={"order": "7"}),
    ]
    data_of(shop.api("POST", f"{TASKS}/{made[1]}/cancel"))

    assert ids_of(bob, f"{MINE}&{query}") == [made[number] for number in wanted]


def test_page_of_customers_reads_a_bounded_part_of_the_index(
    shop, bob, config, monkeypatch
):
    """However many customers there are: by the owner, never by a range of users; and
    what matches nothing ends after a part."""
    now, row = utcnow(), Task.collection().find_one({"_id": shop.create()})
    rows = Task.collection()
    rows.insert_many(
        row
        | {"_id": f"volcengine_img_{number:05}", "user_id": f"shop:m{number}"}
        | {"created_at": now - timedelta(seconds=number + 1)}
        for number in range(2500)
    )

    found = bob.api("GET", f"{MINE}&status=failed")
    assert (data_of(found), found.json["next_cursor"] is None) == ([], False)
    with counted(config) as commands:
        ids_of(bob, f"{MINE}&limit=100")
    reads = [each for each in commands if each.get("find") == "tasks"]
    assert len(reads) == 2
    for each in reads:
        asked = {k: each[k] for k in ("find", "filter", "sort", "hint", "limit")}
        asked |= {"skip": each["skip"]} if "skip" in each else {}
        plan = get_db().command("explain", asked, verbosity="executionStats")
        stats = plan["executionStats"]
        assert stats["totalKeysExamined"] <= 1100
        assert stats["totalDocsExamined"] <= 110
        assert "SORT" not in str(plan["queryPlanner"]["winningPlan"]).split("'")


def create_batch(person, **named: str) -> str:
    body = {"prompts": ["猫"], **named}
    answer = person.api("POST", f"{API}/batches", json=body)
    return data_of(answer, 202)["batch_id"]


def create_upload(person, **named: str) -> str:
    form = {"file": (io.BytesIO(photo()), "a.jpg"), **named}
    return data_of(person.api("POST", f"{API}/uploads", data=form), 201)["id"]


def create_collection(person, **named: str) -> str:
    body = {"name": "x", **named}
    return data_of(person.api("POST", f"{API}/collections", json=body), 201)["id"]


# Path -> how one is created, the name of its id, its document.
LISTS = {
    f"{API}/batches": (create_batch, "batch_id", Batch),
    f"{API}/uploads": (create_upload, "id", Input),
    f"{API}/collections": (create_collection, "id", Collection),
}


def listed(person, path: str, *, key: str = "", **query: object) -> list[str]:
    """The ids of all pages of a list."""
    name, found, cursor = LISTS[path][1], [], None
    while True:
        asked = {**query} if cursor is None else {**query, "cursor": cursor}
        key = key or person.key
        answer = call(person.client, "GET", path, key=key, query_string=asked)
        found += [each[name] for each in data_of(answer)]
        cursor = answer.json["next_cursor"]
        if cursor is None:
            return found


@pytest.mark.parametrize("path", LISTS)
def test_other_lists_over_all_customers(shop, bob, ada, admin, reader, path):
    """By each of the owner's keys; by that of a longer prefix only those below it; by
    nobody else. Newest first, in pages, and each says whose it is."""
    create, name, _ = LISTS[path]
    own = create(bob)
    made = [create(shop, user_id=f"shop:m{number}") for number in range(3)]
    narrow = Shop(_person_of(shop), user_prefix="shop:eu:")
    theirs = create(narrow, user_id="shop:eu:1")
    create(ada)
    expected = [theirs, *reversed(made), own]

    for person, key in ((shop, ""), (bob, ""), (bob, reader)):
        found = listed(person, path, key=key, customers="true", limit=2)
        assert found == expected
    assert listed(narrow, path, customers="true") == [theirs, own]
    assert listed(bob, path) == listed(narrow, path) == [own]
    assert listed(shop, path, user_id="shop:m1") == [made[1]]
    rows = data_of(bob.api("GET", f"{path}?customers=true"))
    assert [each["user_id"] for each in rows][:2] == ["shop:eu:1", "shop:m2"]
    for person in (ada, admin):
        assert [*errors_of(person.api("GET", f"{path}?customers=1"))] == ["customers"]
    both = f"{path}?customers=1&user_id=shop:m1"
    assert [*errors_of(shop.api("GET", both))] == ["customers"]
    refused(narrow.api("GET", f"{path}?user_id=shop:m1"), 404, "user_not_found")
    data_of(ada.api("GET", path))


@pytest.mark.parametrize("path", LISTS)
def test_other_lists_read_a_bounded_part_of_the_index(
    shop, bob, config, monkeypatch, path
):
    """However many there are: by the owner; and what the key does not see ends after a
    part."""
    create, _, kind = LISTS[path]
    create(shop, user_id=CUSTOMER)
    row, now = kind.collection().find_one({}), utcnow()
    kind.collection().insert_many(
        row
        | {"_id": f"x{number:05}", "user_id": f"shop:m{number}"}
        | dict.fromkeys(
            ("created_at", "updated_at"), now - timedelta(seconds=number + 1)
        )
        for number in range(2500)
    )
    narrow = Shop(_person_of(shop), user_prefix="shop:eu:")

    for person, rows in ((bob, 100), (narrow, 0)):
        with counted(config) as commands:
            found = person.api("GET", f"{path}?customers=1&limit=100")
        assert len(data_of(found)) == rows
        assert found.json["next_cursor"]
        reads = [each for each in commands if "owner_id" in str(each.get("filter"))]
        for each in reads:
            asked = {k: each[k] for k in ("find", "filter", "sort", "hint", "limit")}
            asked |= {"skip": each["skip"]} if "skip" in each else {}
            plan = get_db().command("explain", asked, verbosity="executionStats")
            assert plan["executionStats"]["totalKeysExamined"] <= 1100
            assert "SORT" not in str(plan["queryPlanner"]["winningPlan"]).split("'")


@pytest.mark.parametrize("path", LISTS)
def test_other_lists_have_what_an_earlier_release_has_created(shop, bob, path):
    """Also where it has named the owner in all tasks."""
    create, _, kind = LISTS[path]
    made = [create(bob), create(shop, user_id=CUSTOMER)]
    kind.collection().update_many({}, {"$unset": {"owner_id": ""}})
    earlier = {"$set": {"tasks_named_at": utcnow()}, "$unset": {"named_at": ""}}
    User.collection().update_one({"_id": bob.id}, earlier)
    assert listed(bob, path, customers="true") == []

    janitor.name_owners()

    assert listed(bob, path, customers="true") == [*reversed(made)]


def test_tasks_of_an_earlier_release_are_listed(shop, bob, ada):
    """They do not name their owner yet; and nobody else's get one."""
    made = [shop.create(), data_of(bob.api("POST", CREATE, json={"prompt": "猫"}), 202)]
    other = data_of(ada.api("POST", CREATE, json={"prompt": "猫"}), 202)["task_id"]
    unnamed = {"$unset": {"owner_id": ""}}
    Task.collection().update_many({}, unnamed)
    assert ids_of(bob) == []

    janitor.name_owners()

    assert ids_of(bob) == [made[1]["task_id"], made[0]]
    assert Task.find_one({"_id": other}).owner_id is None
    Task.collection().update_many({}, unnamed)
    janitor.name_owners()  # once a day
    assert ids_of(bob) == []
    yesterday = {"$set": {"named_at": utcnow() - timedelta(days=1)}}
    User.collection().update_one({"_id": bob.id}, yesterday)
    janitor.name_owners()
    assert len(ids_of(bob)) == 2


def hook_of(shop: Shop, user_id: str, number: int = 0) -> str:
    body = {"url": f"https://shop.example.com/{number}", "user_id": user_id}
    return data_of(shop.api("POST", HOOKS, json=body), 201)["id"]


def test_endpoints_of_all_customers_are_listed_and_replayed(shop, bob, ada):
    """Page by page; deliveries of the disabled ones are not sent again, nor a
    stranger's."""
    mine = [hook_of(shop, f"shop:m{number}", number) for number in range(3)]
    mine.append(hook_of(shop, bob.id))
    body = {"url": "https://ada.example.com/"}
    others = data_of(ada.api("POST", HOOKS, json=body), 201)["id"]
    for hook in (*mine, others):
        row = WebhookDelivery(
            id=f"msg_{hook}",
            endpoint=hook,
            user_id="x",
            event="task.completed",
            body="{}",
            lane="x y",
            state="failed",
        )
        row.add()
    data_of(bob.api("PATCH", f"{HOOKS}/{mine[0]}", json={"enabled": False}))
    since = {"since": (utcnow() - timedelta(hours=1)).isoformat()}

    first = bob.api("GET", f"{HOOKS}?customers=true&limit=3")
    second = bob.api("GET", first.headers["Link"].partition(">")[0][1:])
    assert [each["id"] for each in (*data_of(first), *data_of(second))] == mine[::-1]
    assert ids_of(shop, f"{HOOKS}?customers=true") == mine[::-1]
    assert ids_of(bob, HOOKS) == mine[3:]
    both = f"{HOOKS}?customers=true&user_id={CUSTOMER}"
    assert [*errors_of(bob.api("GET", both))] == ["customers"]

    def replay(person, **more: object):
        return person.api("POST", f"{HOOKS}/replay", json={**since, **more})

    assert [*errors_of(replay(ada, customers=True))] == ["customers"]
    refused(replay(ada, user_id="shop:m1"), 404, "user_not_found")
    assert data_of(replay(bob, user_id="shop:m1"), 202) == {"count": 1}
    assert data_of(replay(bob, customers=True), 202) == {"count": 2}
    pending = WebhookDelivery.find_all({"state": "pending"})
    assert {each.endpoint for each in pending} == {*mine[1:]}


def fill(shop: Shop, user_id: str) -> list[str]:
    """Something of each kind, of a customer; and what is to be gone."""
    task_id = shop.create(user_id)
    body = {"prompts": ["猫"], "user_id": user_id}
    batch = data_of(shop.api("POST", f"{API}/batches", json=body), 202)["batch_id"]
    form = {"file": (io.BytesIO(photo()), "a.jpg"), "user_id": user_id}
    upload = data_of(shop.api("POST", f"{API}/uploads", data=form), 201)["id"]
    named = {"name": "x", "user_id": user_id}
    made = data_of(shop.api("POST", f"{API}/collections", json=named), 201)["id"]
    data_of(shop.api("PUT", f"{API}/shares/{made}", json={}))
    hook = hook_of(shop, user_id)
    return [
        *(f"{API}/tasks/{task_id}", f"{API}/batches/{batch}"),
        *(f"{API}/uploads/{upload}", f"{API}/collections/{made}"),
        *(f"{API}/shares/{made}", f"{HOOKS}/{hook}"),
    ]


@pytest.mark.parametrize("who", ["shop", "owner", "admin"])
def test_customer_is_deleted_whole(request, shop, bob, admin, who):
    """By the shop's key, its owner, or an operator; nobody else's is touched, and what
    the customer has used up of limits stays. Again is no error."""
    asked = {"shop": shop, "owner": bob, "admin": admin}[who]
    gone, kept = fill(shop, CUSTOMER), fill(shop, "shop:customer_421")
    used = QuotaUsage.find_one({"_id": CUSTOMER})

    for _ in range(2):
        data_of(asked.api("DELETE", f"{USERS}/{CUSTOMER}"))

    assert {shop.api("GET", path).status_code for path in gone} == {404}
    assert {shop.api("GET", path).status_code for path in kept} == {200}
    bulk.run_due()
    assert Task.find_all({"user_id": CUSTOMER}) == []
    assert QuotaUsage.find_one({"_id": CUSTOMER}).day_micros == used.day_micros
    entries = AuditEntry.find_all({"action": "users.delete"})
    assert len(entries) == (2 if who == "admin" else 0)
    shop.create()


def test_operator_deletes_the_customers_of_an_owner_who_is_gone(shop, bob, admin):
    task_id = shop.create()
    data_of(bob.api("DELETE", f"{USERS}/{bob.id}"))

    data_of(admin.api("DELETE", f"{USERS}/{CUSTOMER}"))

    refused(admin.api("GET", f"{TASKS}/{task_id}"), 404, "task_not_found")
    bulk.run_due()
    refused(admin.api("DELETE", f"{USERS}/{CUSTOMER}"), 404, "user_not_found")


def test_customer_is_deleted_by_nobody_else(shop, bob, ada, admin, reader):
    """The owner's other keys need the scope that deletes an account."""
    shop.create()
    where = f"{USERS}/{CUSTOMER}"
    _, writer = accounts.create_key(OPERATOR, bob.id, name="w")
    narrow = Shop(_person_of(shop), user_prefix="shop:eu:")

    refused(ada.api("DELETE", where), 404, "user_not_found")
    refused(narrow.api("DELETE", where), 404, "user_not_found")
    for key in (reader, writer):
        answer = call(bob.client, "DELETE", where, key=key)
        refused(answer, 403, "scope_too_small")
    refused(admin.api("DELETE", f"{USERS}/nobodys:m1"), 404, "user_not_found")
    assert Task.collection().count_documents({"user_id": CUSTOMER}) == 1


def limit(person, user_id: str = CUSTOMER, **limits: object) -> dict:
    return data_of(person.api("PUT", f"{USERS}/{user_id}", json=limits))


def order(shop: Shop, user_id: str = CUSTOMER):
    return shop.api("POST", CREATE, json={"prompt": "猫", "user_id": user_id})


@pytest.fixture
def set_default(secured):
    """Change a default of the server."""
    runtime = jobs.runtime()

    def change(**settings: int) -> None:
        jobs.configure(replace(runtime.config, **settings), runtime.registry)

    yield change
    jobs.configure(runtime.config, runtime.registry)


@for_each(
    ("limits", "status", "code"),
    [
        ({"tasks_per_minute": 1}, 429, "too_many_submissions"),
        ({"pictures_per_day": 1}, 429, "quota_exceeded"),
        ({"daily_budget_micros": PRICE}, 402, "budget_exceeded"),
        ({"monthly_budget_micros": PRICE}, 402, "budget_exceeded"),
    ],
)
@pytest.mark.parametrize("who", ["admin", "owner", "shop"])
def test_limit_of_one_customer_holds_for_that_customer(
    request, secured, bob, admin, who, limits, status, code
):
    shop = Shop(bob, user_prefix=f"s{secrets.token_hex(4)}:")
    one, other = (f"{shop.record.user_prefix}m{number}" for number in (1, 2))
    setter = {"admin": admin, "owner": bob, "shop": shop}[who]
    data_of(order(shop, one), 202)

    record = limit(setter, one, **limits)

    assert {name: record[name] for name in limits} == limits
    assert (record["id"], record["role"], record["email"]) == (one, "customer", None)
    refused(order(shop, one), status, code)
    data_of(order(shop, other), 202)
    if "tasks_per_minute" in limits:
        batch = {"prompts": ["猫"], "user_id": one}
        refused(shop.api("POST", f"{API}/batches", json=batch), status, code)
    limit(setter, one, **dict.fromkeys(limits))
    data_of(order(shop, one), 202)


def test_owner_lifts_nothing_of_an_operators(shop, bob, admin):
    limit(admin, pictures_per_day=1)

    record = limit(bob, pictures_per_day=9)

    assert record["pictures_per_day"] == 1
    data_of(order(shop), 202)
    refused(order(shop), 429, "quota_exceeded")
    limit(bob, pictures_per_day=None)
    refused(order(shop), 429, "quota_exceeded")
    limit(admin, pictures_per_day=9)
    limit(bob, pictures_per_day=0)
    assert limit(admin, pictures_per_day=8)["pictures_per_day"] == 0


def test_owner_exceeds_no_default(shop, bob, admin, set_default):
    """An operator may, for a customer by name."""
    set_default(USER_DAILY_QUOTA=1)
    data_of(order(shop), 202)

    limit(bob, pictures_per_day=5)
    refused(order(shop), 429, "quota_exceeded")
    limit(bob, pictures_per_day=None)
    limit(admin, pictures_per_day=5)

    data_of(order(shop), 202)


def test_limits_and_counts_outlive_the_customers_data(shop, bob, work_off):
    data_of(order(shop), 202)
    work_off()
    limit(bob, daily_budget_micros=PRICE)

    data_of(bob.api("DELETE", f"{USERS}/{CUSTOMER}"))

    body = refused(order(shop), 402, "budget_exceeded")
    assert body["budget"]["used_micros"] == PRICE
    record = data_of(bob.api("GET", f"{USERS}/{CUSTOMER}"))
    assert record["daily_budget_micros"] == PRICE
    assert record["budgets"][0]["remaining_micros"] == 0


def test_limits_of_a_customer_are_nobody_elses_to_set(shop, bob, ada, admin, reader):
    path = f"{USERS}/{CUSTOMER}"
    _, writer = accounts.create_key(OPERATOR, bob.id, name="w")
    body = {"pictures_per_day": 1}

    refused(ada.api("PUT", path, json=body), 404, "user_not_found")
    refused(ada.api("GET", path), 404, "user_not_found")
    for key in (reader, writer):
        answer = call(bob.client, "PUT", path, key=key, json=body)
        refused(answer, 403, "scope_too_small")
    theirs = f"{USERS}/nobodys:m1"
    refused(admin.api("PUT", theirs, json=body), 404, "user_not_found")
    assert Customer.find_all({}) == []


@for_each("wrong", [{"email": "a@example.com"}, {"name": "x"}])
def test_customer_has_no_account(shop, bob, wrong):
    body = {"pictures_per_day": 1, **wrong}
    assert {*errors_of(bob.api("PUT", f"{USERS}/{CUSTOMER}", json=body))} == {*wrong}
    assert Customer.find_all({}) == []


@for_each("wrong", [{"tasks_per_minute": 1}, {"pictures_per_day": 1}])
def test_account_has_no_limits_of_customers(bob, admin, wrong):
    body = {"name": "x", **wrong}
    assert {*errors_of(admin.api("PUT", f"{USERS}/{bob.id}", json=body))} == {*wrong}
    assert bob.record().name == "bob"


@for_each(
    "wrong",
    [
        {"tasks_per_minute": 0},
        {"pictures_per_day": -1},
        {"daily_budget_micros": "1"},
        {"monthly_budget_micros": -1},
    ],
)
def test_wrong_limit_is_named(shop, bob, wrong):
    assert {*errors_of(bob.api("PUT", f"{USERS}/{CUSTOMER}", json=wrong))} == {*wrong}


def test_limits_cost_no_command_where_there_are_none(shop, bob, closed, monkeypatch):
    """With them one read, and none while they are remembered."""
    writes, reads, _ = cost_of(shop.create, closed, monkeypatch)
    assert reads == []
    limit(bob, "shop:m2", pictures_per_day=1)
    monkeypatch.setattr(reservations, "QUOTA_CACHE_S", 3600.0)
    assert cost_of(shop.create, closed, monkeypatch)[:2] == (writes, ["customers"])

    with counted(closed) as commands:
        shop.create()
    assert [each for each in commands if each.get("find") == "customers"] == []


def test_submission_under_all_limits_is_counted_by_four_updates(
    bob, admin, closed, set_default, monkeypatch
):
    """For the key, the customer, the owner and the installation; nothing is read."""
    budgets = {"daily_budget_micros": 10**9, "monthly_budget_micros": 10**10}
    shop = Shop(bob, tasks_per_minute=100, pictures_per_day=100, **budgets)
    data_of(admin.api("PUT", f"{USERS}/{bob.id}", json=budgets))
    limit(bob, tasks_per_minute=90, pictures_per_day=90, **budgets)
    set_default(DAILY_BUDGET=10**9)
    monkeypatch.setattr(reservations, "QUOTA_CACHE_S", 3600.0)
    monkeypatch.setattr(limits, "clear_quota_cache", lambda: None)

    writes, reads, _ = cost_of(shop.create, closed, monkeypatch)

    counted_for = [
        f"findAndModify {k}" for k in ("api_keys", "owner_budgets", "places")
    ]
    stored = ["insert generations", "insert tasks", "update budgets"]
    assert writes == [*counted_for, *stored]
    assert reads == []


def test_budget_of_a_customer_is_told(shop, bob):
    """To the owner's endpoint, and the customer's."""
    hooks = {hook_of(shop, bob.id), hook_of(shop, CUSTOMER)}
    limit(bob, daily_budget_micros=PRICE)
    data_of(order(shop), 202)
    refused(order(shop), 402, "budget_exceeded")

    budget_events.announce_budgets()

    told = WebhookDelivery.find_all({"event": "budget.exceeded"})
    assert {each.endpoint for each in told} == hooks
