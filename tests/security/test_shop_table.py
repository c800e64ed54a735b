"""What docs/security.md says of a shop's customers, at each interface."""

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from jimeng import batches
from jimeng.documents import Batch, Task, utcnow
from tests.access.test_act_for import (
    ARK,
    ARK_VIDEO,
    ARK_VIDEOS,
    CUSTOMER,
    VIDEO,
    Shop,
)
from tests.billing.conftest import PRICE
from tests.given_pictures import photo
from tests.openai.conftest import GENERATIONS, draws
from tests.rest import API, CREATE, USERS, data_of

__all__ = ["draws"]

ROOT = Path(__file__).parent.parent.parent
PAGES = ("docs/security.md", "docs/security.en.md")
ROWS = (
    *(
        "tasks",
        "lists",
        "all",
        "waits",
        "streams",
        "uploads",
        "webhooks",
        "turns",
        "waiting",
    ),
    *("budgets", "quotas", "rates", "requests", "deletion"),
)
OTHER = "shop:customer_43"


@dataclass(frozen=True)
class Interface:
    """
    Attributes:
        create: Ask for a picture or video, or for a batch of one; takes the shop, and
            the field and the id that name the customer.
        lists: The ids of a customer's tasks, or batches; None if it has no list.
    """

    create: Callable
    lists: Callable | None = None


def post(path: str, body: dict) -> Callable:
    return lambda shop, **named: shop.api("POST", path, json={**body, **named})


def call_tool(shop: Shop, name: str, **arguments: object):
    params = {"name": name, "arguments": arguments}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    return shop.api("POST", "/mcp", json=body)


def create_by_tool(shop: Shop, **named: str):
    return call_tool(shop, "generate_image", prompt="猫", wait_seconds=1, **named)


def listed_by_tool(shop: Shop, **named: str) -> list[str]:
    answer = call_tool(shop, "list_tasks", **named)
    found = answer.json["result"]["structuredContent"]["tasks"]
    return [each["task_id"] for each in found]


def listed(path: str, rows: str, name: str) -> Callable:
    def ask(shop: Shop, **named: str) -> list[str]:
        answer = shop.api("GET", path, query_string=named)
        return [each[name] for each in answer.json[rows]]

    return ask


# By the heads of the table's columns.
INTERFACES = {
    "REST": Interface(
        post(CREATE, {"prompt": "猫"}),
        lambda shop, user_id: [
            each["id"]
            for each in data_of(shop.api("GET", f"{API}/tasks/user/{user_id}"))
        ],
    ),
    "`/v1`": Interface(
        post("/v1/videos", VIDEO),
        listed("/v1/videos", "data", "id"),
    ),
    "`/api/v3`": Interface(
        post(ARK_VIDEOS, ARK_VIDEO),
        listed(ARK_VIDEOS, "items", "id"),
    ),
    "MCP": Interface(create_by_tool, listed_by_tool),
    "batches": Interface(
        post(f"{API}/batches", {"prompts": ["猫"]}),
        listed(f"{API}/batches", "data", "batch_id"),
    ),
}
# Other routes of these, by which a task is created.
MORE = {
    "REST": [post(f"{API}/ai/video/task", VIDEO)],
    "`/v1`": [post(GENERATIONS, {"prompt": "猫"})],
    "`/api/v3`": [post("/api/v3/images/generations", ARK)],
}


def table(page: str) -> dict[str, dict[str, str]]:
    """Row -> head of an interface's column -> cell."""
    text = (ROOT / page).read_text("utf-8")
    (found,) = re.findall(r"<!-- shop -->\n(\|.*?)\n\n", text, re.S)
    head, _, *rows = [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in found.splitlines()
    ]
    cells = [dict(zip(head[3:], row[3:], strict=True)) for row in rows]
    return dict(zip(ROWS, cells, strict=True))


TABLE = table(PAGES[1])
COLUMNS = [*INTERFACES]


@pytest.fixture
def shop(bob) -> Shop:
    return Shop(bob)


def field_of(row: str, column: str) -> str:
    """The name in a cell: of the field that says whose it is."""
    (name,) = re.findall(r"`(\w+)`", TABLE[row][column])
    return name


def fill() -> None:
    """Create the tasks of the batches."""
    Batch.collection().update_many({}, {"$set": {"due_at": utcnow()}})
    batches.fill_due()


def test_languages_say_the_same_of_each_interface():
    """And of each that there is."""
    (chinese, english) = (list(table(page).values()) for page in PAGES)

    assert [[*row.values()] for row in chinese] == [[*row.values()] for row in english]
    assert [*TABLE["tasks"]] == [*COLUMNS, "pages"]


@pytest.mark.parametrize("column", COLUMNS)
def test_task_is_the_customers_and_counts_for_the_owner(bob, shop, draws, column):
    """Whatever creates it; without a name it is the owner's own."""
    name = field_of("tasks", column)
    for create in (INTERFACES[column].create, *MORE.get(column, ())):
        Task.collection().delete_many({})
        answer = create(shop, **{name: CUSTOMER})
        assert answer.status_code < 300, answer.text
        fill()
        answer = create(shop)
        assert answer.status_code < 300, answer.text
        fill()

        rows = sorted(Task.find_all({}), key=lambda each: each.created_at)
        found = [(each.user_id, each.owner_id) for each in rows]
        assert found == [(CUSTOMER, bob.id), (bob.id, bob.id)]


@pytest.mark.parametrize("column", COLUMNS)
def test_list_is_one_customers(shop, column):
    of = INTERFACES[column]
    by = field_of("tasks", column)
    for user_id in (CUSTOMER, OTHER):
        of.create(shop, **{by: user_id})
    assert of.lists is not None
    named = field_of("lists", column)

    mine, theirs = (of.lists(shop, **{named: each}) for each in (CUSTOMER, OTHER))

    assert (len(mine), len(theirs), {*mine} & {*theirs}) == (1, 1, set())


# How one of each list is created that is no task, and the name of its id.
IN_LIST: dict[str, tuple[Callable, str]] = {
    "/tasks": (INTERFACES["REST"].create, "id"),
    "/batches": (INTERFACES["batches"].create, "batch_id"),
    "/collections": (post(f"{API}/collections", {"name": "x"}), "id"),
    "/uploads": (
        lambda shop, **named: shop.api(
            "POST",
            f"{API}/uploads",
            data={"file": (io.BytesIO(photo()), "a.jpg"), **named},
        ),
        "id",
    ),
    "/webhooks": (post(f"{API}/webhooks", {"url": "https://shop.example.com"}), "id"),
}


def test_lists_of_all_customers_are_the_owners(bob, ada, shop):
    """By each of the owner's keys, one that acts for some within its prefix."""
    cells = TABLE["all"]
    paths = [each for cell in cells.values() for each in re.findall(r"`(\S+)`", cell)]
    assert sorted(paths) == sorted(IN_LIST)
    narrow = Shop(bob, user_prefix="shop:eu:")
    for path in paths:
        (create, name), of_all = IN_LIST[path], f"{API}{path}?customers=true"
        for user_id in (CUSTOMER, "shop:eu:1"):
            answer = create(shop, user_id=user_id)
            assert answer.status_code < 300, answer.text
        found = [
            {
                each["user_id"]
                for each in data_of(person.api("GET", f"{API}{path}?{of}"))
            }
            for person in (shop, bob, narrow)
            for of in ("customers=true",)
        ]
        both = {CUSTOMER, "shop:eu:1"}
        assert found == [both, both, {"shop:eu:1"}], path
        assert ada.api("GET", of_all).status_code == 422, path
        assert name in data_of(shop.api("GET", of_all))[0]


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize(
    ("row", "limits"),
    [
        ("budgets", {"daily_budget_micros": 0}),
        ("quotas", {"pictures_per_day": 0}),
        ("rates", {"tasks_per_minute": 1}),
    ],
)
def test_limit_of_the_customer_holds(bob, shop, column, row, limits):
    """The same at each; another customer is not touched."""
    create, name = INTERFACES[column].create, field_of("tasks", column)
    data_of(bob.api("PUT", f"{USERS}/{CUSTOMER}", json=limits))
    if row == "rates":
        shop.create()
    before = Task.collection().count_documents({})

    answer = create(shop, **{name: CUSTOMER})
    fill()

    cell = TABLE[row][column]
    said = answer.json.get("result") or {}
    got = "`isError`" if said.get("isError") else str(answer.status_code)
    assert got == cell.partition(",")[0], answer.text
    assert Task.collection().count_documents({}) == before
    assert create(shop, **{name: OTHER}).status_code < 300
    fill()
    assert Task.collection().count_documents({"user_id": OTHER}) == 1


@pytest.mark.parametrize("column", COLUMNS)
def test_budget_of_the_owner_holds_for_all(bob, admin, shop, column):
    body = {"daily_budget_micros": PRICE // 10}
    data_of(admin.api("PUT", f"{USERS}/{bob.id}", json=body))
    create, name = INTERFACES[column].create, field_of("tasks", column)

    answer = create(shop, **{name: CUSTOMER})
    fill()

    said = answer.json.get("result") or {}
    got = "`isError`" if said.get("isError") else str(answer.status_code)
    assert got == TABLE["budgets"][column].partition(",")[0], answer.text
    assert Task.find_all({}) == []
