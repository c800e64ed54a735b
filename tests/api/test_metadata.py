"""Metadata: what a program attaches comes back with all that is told of the task."""

import json

import pytest

from jimeng import tasks
from jimeng.documents import Task
from jimeng.documents.cursors import NEWEST_FIRST
from jimeng.documents.principal import Principal
from jimeng.documents.task import MAX_NAME, MAX_PAIRS, MAX_VALUE, having
from tests.batches.conftest import ask, look
from tests.rest import (
    API,
    CAT,
    CREATE,
    GENERAL,
    create,
    data_of,
    errors_of,
    result,
    task,
)

LIST = f"{API}/tasks/user/user_123"
PAGES = f"{API}/ai/image/tasks"
ORDER = {"order": "123", "客户.$x": "李=四"}


@pytest.mark.parametrize("path", [CREATE, GENERAL])
def test_metadata_comes_back_and_is_never_sent(client, provider, work_off, path):
    """In the answer, the record, the result and the lists; not at the provider."""
    body = {**CAT, "type": "image", "metadata": ORDER}
    if path == CREATE:
        del body["type"]
    made = data_of(client.post(path, json=body), 202)
    work_off()

    task_id = made["task_id"]
    assert made["metadata"] == ORDER
    assert task(client, task_id)["metadata"] == ORDER
    assert "metadata" not in task(client, task_id)["input"]
    assert result(client, task_id)["metadata"] == ORDER
    assert data_of(client.get(LIST))[0]["metadata"] == ORDER
    (listed,) = data_of(client.get(PAGES + "?user_id=user_123"))["tasks"]
    assert listed["metadata"] == ORDER
    assert "李=四" not in repr(provider.requests)


@pytest.mark.parametrize(
    ("metadata", "field"),
    [
        *[("order=1", "metadata"), (["order"], "metadata")],
        ({str(i): "x" for i in range(MAX_PAIRS + 1)}, "metadata"),
        *[({"order": value}, "metadata.order") for value in (1, None, {"$gt": ""})],
        ({"order": "x" * (MAX_VALUE + 1)}, "metadata.order"),
        *[({"order": value}, "metadata.order") for value in ("a\0", "\ud800")],
        ({"o" * (MAX_NAME + 1): "x"}, f"metadata.{'o' * (MAX_NAME + 1)}"),
        ({"": "x"}, "metadata."),
    ],
)
def test_wrong_metadata_is_refused_with_words(client, metadata, field):
    """The limits are named, and nothing is created."""
    body = json.dumps({**CAT, "metadata": metadata})
    headers = {"Accept-Language": "en", "Content-Type": "application/json"}

    errors = errors_of(client.post(CREATE, data=body, headers=headers))
    assert list(errors) == [field]
    assert str(MAX_VALUE) in errors[field][0] and str(MAX_NAME) in errors[field][0]
    assert Task.collection().count_documents({}) == 0


def test_longest_metadata_is_taken(client):
    """Exactly as much as is promised, in whatever letters; of none nothing is kept."""
    assert task(client, create(client, metadata={}))["metadata"] == {}
    assert "metadata" not in Task.collection().find_one({})
    most = {
        f"{i:02}" + "键" * (MAX_NAME - 2): "值" * MAX_VALUE for i in range(MAX_PAIRS)
    }

    assert task(client, create(client, metadata=most))["metadata"] == most


@pytest.mark.parametrize("url", [LIST, PAGES])
def test_lists_are_filtered_by_metadata(client, url):
    """All pairs must match, whole; the link to the next page keeps them."""
    first = create(client, metadata={"order": "123", "shop": "a"})
    second = create(client, metadata={"order": "123", "shop": "b"})
    create(client, metadata={"order": "1234", "123": "order"})
    create(client)
    create(client, user_id="another", metadata={"order": "123"})
    whose = {"user_id": "user_123"} if url == PAGES else {}

    def found(**pairs: str) -> list[str]:
        query = {f"metadata.{name}": value for name, value in pairs.items()}
        data = data_of(client.get(url, query_string={**whose, **query}))
        rows = data["tasks"] if url == PAGES else data
        return [each["task_id"] for each in rows]

    assert found(order="123") == [second, first]
    assert found(order="123", shop="a") == [first]
    assert found(order="12") == found(shop="123") == []
    odd = create(client, metadata=ORDER), create(client, metadata=ORDER)
    assert found(**ORDER) == [*odd[::-1]]
    if url == LIST:
        query = {"limit": 1, "metadata.客户.$x": ORDER["客户.$x"]}
        link = client.get(url, query_string=query).headers["Link"]
        (row,) = data_of(client.get(link.partition(">")[0].removeprefix("<")))
        assert row["id"] == odd[0]


@pytest.mark.parametrize(
    "query",
    ["metadata=order", "metadata.=1", f"metadata.{'o' * 41}=1", "metadata.a=%00"],
)
def test_wrong_filter_is_refused(client, query):
    """It is no list of all."""
    (field,) = errors_of(client.get(f"{LIST}?{query}"))

    assert field.startswith("metadata")


def test_filter_reads_no_other_tasks(client):
    """However many the user has: an index has the pairs."""
    create(client, metadata=ORDER)
    for _ in range(5):
        create(client, metadata={"order": "other"})
    create(client)
    where = {"user_id": "user_123", **having({"order": "123"})}

    rows = Task.collection().find(where).sort(NEWEST_FIRST).limit(21)
    stats = rows.explain()["executionStats"]

    assert stats["nReturned"] == stats["totalDocsExamined"] == 1
    assert stats["totalKeysExamined"] <= 2


def test_retry_keeps_it_and_another_of_the_same_does_not(client, app):
    """What finishes an order belongs to it; what somebody asks for anew does not."""
    task_id = create(client, metadata=ORDER)
    client.post(f"{API}/tasks/{task_id}/cancel")

    retried = data_of(client.post(f"{API}/tasks/{task_id}/retry"), 202)
    with app.test_request_context():
        anew, _ = tasks.run_again(
            Principal("guest", is_operator=True, is_anonymous=True), task_id
        )

    assert retried["metadata"] == ORDER
    assert anew.metadata == {}


def test_metadata_of_a_batch_is_its_tasks_too(client):
    """Returned with the batch, and a filter finds both."""
    batch = ask(client, "猫\n狗", metadata=ORDER)
    ask(client, "鸟", metadata={"order": "9"})
    query = {"metadata.order": "123"}

    assert batch["metadata"] == look(client, batch["batch_id"])["metadata"] == ORDER
    assert "metadata" not in batch["input"]
    mine = {"user_id": "user_123", **query}
    listed = data_of(client.get(f"{API}/batches", query_string=mine))
    assert [each["batch_id"] for each in listed] == [batch["batch_id"]]
    rows = data_of(client.get(LIST, query_string=query))
    assert {each["prompt"] for each in rows} == {"猫", "狗"}
    assert all(each["metadata"] == ORDER for each in rows)


def test_pages_show_it_as_it_is_written(client):
    """Those of a task and of a batch; where there is none there is no list."""
    written = {"user_id": "guest", "metadata": {"order": "<b>1</b>"}}
    bodies = ({"prompts": ["猫"], **written}, {"prompts": ["猫"], "user_id": "guest"})
    batch, plain = (
        data_of(client.post(f"{API}/batches", json=body), 202)["batch_id"]
        for body in bodies
    )

    for path in (f"/tasks/{create(client, **written)}", f"/batches/{batch}"):
        page = client.get(path).text
        assert ">order</dt>" in page and "&lt;b&gt;1&lt;/b&gt;" in page
        assert "<b>1" not in page
    assert "as-written" not in client.get(f"/batches/{plain}").text
