"""Batches in the REST API: asked for, judged, listed, narrowed, told of."""

from datetime import timedelta

from jimeng.batches.capacity import WINDOW
from jimeng.documents import Batch, Generation, Task, utcnow
from tests.batches.conftest import BATCHES, act, ask, lines, look, tasks_of
from tests.each import for_each
from tests.rest import API, create, data_of, errors_of, refused


def send(client, **body):
    return client.post(BATCHES, json={"user_id": "user_123", **body})


@for_each(
    ("body", "field", "words"),
    [
        ({}, "prompts", "必须填写"),
        ({"template": " \n"}, "template", "没有提示词"),
        ({"template": "a\n{b"}, "template", "第 2 行"),
        ({"template": "a\n" + "长" * 801}, "template", "第 2 行太长：最多 800"),
        ({"template": "{a|b}" * 20}, "template", "1,048,576 条提示词，一批最多 500"),
        ({"prompts": ["a", "长" * 801]}, "prompts.1", "800"),
        ({"prompts": [" "]}, "prompts.0", "1"),
        ({"template": "a", "n": 5}, "n", "1 到 4"),
        ({"template": "a", "mask": "x"}, "mask", "没有这个字段"),
        ({"template": "a", "style": "风" * 60}, "style", None),
    ],
)
def test_what_is_wrong_is_named_and_changes_nothing(client, body, field, words):
    answer = send(client, **body)
    if words is None:
        assert answer.status_code == 202
        return

    found = errors_of(answer)

    assert words in found[field][0], found
    assert Batch.objects.count() == Task.objects.count() == 0


def test_batch_counts_once_for_the_minute(client, config, registry):
    """However many tasks it makes; and too many batches at a time are refused."""
    for _ in range(20):
        ask(client, lines(2))

    answer = send(client, template="a")

    refused(answer, 429, "too_many_batches")
    assert "Retry-After" in answer.headers


def test_lists_go_on_where_the_page_before_ended(client):
    """Batches newest first, tasks in the order of the prompts."""
    first = ask(client, lines(3))["batch_id"]
    second = ask(client, "狗")["batch_id"]
    where = {"user_id": "user_123", "limit": 1}

    page = client.get(BATCHES, query_string=where)
    rest = client.get(
        BATCHES, query_string={**where, "cursor": page.json["next_cursor"]}
    )

    assert [row["batch_id"] for row in data_of(page)] == [second]
    assert [row["batch_id"] for row in data_of(rest)] == [first]
    assert 'rel="next"' in page.headers["Link"]
    some = tasks_of(client, first, limit=2)
    more = tasks_of(client, first, limit=2, cursor=some[-1]["id"])
    assert [row["prompt"] for row in some + more] == ["猫 0", "猫 1", "猫 2"]
    assert {row["batch_id"] for row in some + more} == {first}
    assert tasks_of(client, first, status="failed") == []


def test_progress_tells_of_every_picture(client, work_all):
    """While it goes on each is in one state; together they are all there are."""
    batch_id = ask(client, lines(WINDOW + 2))["batch_id"]
    one = Task.objects.order_by("id").first()
    Generation.collection().update_one(
        {"task_id": one.id}, {"$set": {"state": "generating"}, "$unset": {"waiting": 1}}
    )

    found = look(client, batch_id)

    assert found["pictures"] == {
        **{"total": WINDOW + 2, "unmade": 2, "waiting": WINDOW - 1, "drawing": 1},
        **{"done": 0, "failed": 0, "cancelled": 0},
    }
    assert found["eta_seconds"] > 0
    assert (found["status"], found["made"]) == ("processing", WINDOW)


def test_state_of_a_later_release_is_borne(client, work_all):
    """Fields and states that are not known here change nothing."""
    batch_id = ask(client, "猫")["batch_id"]
    Batch.collection().update_one(
        {}, {"$set": {"colour": "red", "waits": {"code": "moon", "until": utcnow()}}}
    )
    Task.collection().update_many({}, {"$set": {"status": "dreaming"}})

    found = look(client, batch_id)

    assert found["waits"]["code"] == "moon"
    assert found["pictures"]["total"] == 1
    Batch.collection().update_one({}, {"$set": {"stopped": "tired"}})
    assert look(client, batch_id)["reason"] == "tired"


def found(client, query: str = "") -> list[str]:
    answer = client.get(f"{BATCHES}?user_id=user_123&{query}")
    return [each["batch_id"] for each in data_of(answer)]


def test_batches_of_a_status(client, work_all):
    """The one that each shows, and no other; of several the parameter is repeated."""
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

    for status, batch_id in by.items():
        assert found(client, f"status={status}") == [batch_id], status
    query = "status=failed&status=pending&status=cancelled"
    wanted = [by[name] for name in ("pending", "cancelled", "failed")]
    assert found(client, query) == wanted


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
    user = "&user_id=user_123" if path == BATCHES else ""

    assert list(errors_of(client.get(f"{path}?{query}{user}"))) == [name]
