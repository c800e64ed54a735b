"""Lists of batches and of their tasks, narrowed by status and time."""

from datetime import timedelta

import pytest

from jimeng.documents import Batch, Task, utcnow
from tests.batches.conftest import BATCHES, act, ask, lines, tasks_of
from tests.each import for_each
from tests.rest import API, create, data_of, errors_of


def found(client, query: str = "") -> list[str]:
    answer = client.get(f"{BATCHES}?user_id=user_123&{query}")
    return [each["batch_id"] for each in data_of(answer)]


@pytest.fixture
def each_status(client, work_all) -> dict[str, str]:
    """A batch in each status, the last one first."""
    by = {"completed": ask(client, "猫")["batch_id"]}
    work_all()
    by["failed"] = ask(client, "狗")["batch_id"]
    act(client, by["failed"], "cancel")
    work_all()
    Batch.collection().update_one({"_id": by["failed"]}, {"$unset": {"stopped": ""}})
    by["cancelled"] = ask(client, "鸟")["batch_id"]
    act(client, by["cancelled"], "cancel")
    work_all()
    by["processing"] = ask(client, "鱼")["batch_id"]
    by["pending"] = ask(client, "马")["batch_id"]
    Batch.collection().update_one({"_id": by["pending"]}, {"$set": {"made": 0}})
    return by


def test_batches_of_one_status(client, each_status):
    """Each is found by the status that it shows, and by no other."""
    for status, batch_id in each_status.items():
        assert found(client, f"status={status}") == [batch_id], status


def test_batches_of_several_statuses(client, each_status):
    """The parameter is repeated; the order stays."""
    query = "status=failed&status=pending&status=cancelled"

    wanted = [each_status[name] for name in ("pending", "cancelled", "failed")]
    assert found(client, query) == wanted


def test_status_is_the_one_of_this_moment(client, work_all):
    """Also where the counts of its end do not hold any more, or are not written yet."""
    first = ask(client, "猫")["batch_id"]
    work_all()
    Batch.count_anew(first)
    second = ask(client, "狗")["batch_id"]
    Task.cancel({}, Task.collection().find_one({"batch": second})["_id"])

    assert found(client, "status=completed") == [first]
    assert found(client, "status=failed") == [second]
    assert found(client, "status=processing") == []


def test_pages_of_a_status_go_on(client, work_all):
    """A page may be short; what the next ones have is all there is."""
    ids = [ask(client, f"猫 {n}")["batch_id"] for n in range(3)]
    work_all()
    last = ask(client, "狗")["batch_id"]  # may have ended, by what is stored of it
    url, seen, sizes = f"{BATCHES}?user_id=user_123&status=completed&limit=1", [], []
    while url:
        answer = client.get(url)
        rows = [each["batch_id"] for each in data_of(answer)]
        seen, sizes = seen + rows, [*sizes, len(rows)]
        link = answer.headers.get("Link", "")
        assert not link or "status=completed" in link
        url = link.partition(">")[0].removeprefix("<")

    assert seen == ids[::-1] and last not in seen
    assert sizes == [0, 1, 1, 1]


def test_batches_and_tasks_of_a_time(client):
    """From a moment on, and before another; both in the link to the next page."""
    ids = [ask(client, f"猫 {n}")["batch_id"] for n in range(3)]
    singles = [create(client, seed=n) for n in range(3)]
    noon = utcnow().replace(year=2026, month=1, day=1, hour=12, minute=0, second=0)
    for kind, those in ((Batch, ids), (Task, singles)):
        for hours, each in enumerate(those):
            at = {"created_at": noon.replace(microsecond=0) + timedelta(hours=hours)}
            kind.collection().update_one({"_id": each}, {"$set": at})
    query = (
        "created_after=2026-01-01T13:00:00Z&created_before=2026-01-01T22:00:00%2B08:00"
    )

    assert found(client, query) == [ids[1]]
    assert found(client, "created_before=2026-01-01T13:00:00Z") == [ids[0]]
    answer = client.get(f"{API}/tasks/user/user_123?{query}")
    assert [each["id"] for each in data_of(answer)] == [singles[1]]
    first = client.get(
        f"{BATCHES}?user_id=user_123&limit=1&created_after=2026-01-01T13:00:00Z"
        "&status=processing&status=pending"
    )
    link = first.headers["Link"].partition(">")[0].removeprefix("<")
    assert [each["batch_id"] for each in data_of(client.get(link))] == [ids[1]]


def test_tasks_of_several_statuses(client, work_all):
    """Of a batch, and of a user."""
    batch_id = ask(client, lines(3))["batch_id"]
    first, second, third = (each["id"] for each in tasks_of(client, batch_id))
    for status, task_id in (("failed", first), ("cancelled", third)):
        Task.collection().update_one({"_id": task_id}, {"$set": {"status": status}})

    wanted = tasks_of(client, batch_id, status=["failed", "cancelled"])
    of_user = client.get(f"{API}/tasks/user/user_123?status=pending&status=failed")

    assert [each["id"] for each in wanted] == [first, third]
    assert [each["id"] for each in data_of(of_user)] == [second, first]


@for_each(
    "query, name",
    [
        *[(f"status={value}", "status") for value in ("done", "", "Pending", "$ne")],
        ("status=failed&status=done", "status"),
        ("&".join(["status=failed"] * 6), "status"),
        ("created_after=yesterday", "created_after"),
        ("created_after=2026-01-01T13:00:00", "created_after"),
        ("created_before=2026-01-01", "created_before"),
        ("created_before=", "created_before"),
        ("limit=1&limit=2", "limit"),
        ("created_after=2026-01-01T13:00:00Z&created_after=2026-01-01T13:00:00Z",)
        + ("created_after",),
    ],
)
@for_each("path", [f"{BATCHES}", f"{API}/tasks/user/user_123"])
def test_wrong_filter_is_refused_by_its_name(client, path, query, name):
    """As for tasks, so for batches."""
    user = "&user_id=user_123" if path == BATCHES else ""

    assert list(errors_of(client.get(f"{path}?{query}{user}"))) == [name]
