"""The queue's overview: what waits, what runs, what has ended, who works."""

import re
from datetime import timedelta

from jimeng import lanes
from jimeng.billing.costs import today
from jimeng.documents import Generation, Worker, utcnow
from jimeng.documents.principal import Principal
from jimeng.errors import ProviderError
from jimeng.jobs import pump
from jimeng.operations import queue_actions
from tests.billing.conftest import settle
from tests.conftest import run_queue
from tests.forgetting import forget_lanes
from tests.rest import API, create, data_of, result

QUEUE = f"{API}/queue"
COUNTS = ("pending", "active", "retry", "archived", "completed", "cancelled")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
BUSY = ProviderError("full", code="concurrency_limited", transient=True)
REFUSED = ProviderError("no", code="content_refused_prompt")


def counts(client) -> dict[str, int]:
    data = data_of(client.get(QUEUE))
    return {name: data[name] for name in COUNTS if data[name]}


def test_pictures_are_counted_where_they_are(client, provider, lane):
    """The delayed one waits, too; where there is nothing, nothing is left out."""
    data = data_of(client.get(QUEUE))
    assert [data[name] for name in COUNTS] == [0] * len(COUNTS)
    assert (data["processed"], data["failed"], data["jobs"]) == (0, 0, 0)
    assert data["by_date"] == data["servers"] == data["workers"] == []
    assert MOMENT.fullmatch(data["measured_at"])
    create(client, n=4)
    create(client, user_id="somebody.else")
    body = {"type": "image", "prompt": "a", "user_id": "b", "delay": 60}
    data_of(client.post(f"{API}/ai/tasks", json=body), 202)

    before = counts(client)
    run_queue()
    lanes.limits.update_lane(lane, {"$set": {"limit": 1}})

    assert before == {"pending": 6}
    assert counts(client) == {"pending": 4, "active": 2}
    lines = data_of(client.get(QUEUE))["lanes"]
    (row,) = [each for each in lines if each["id"] == lane]
    assert row["provider"] == "volcengine_jimeng"
    assert row["model"] == "doubao-seedream-3.0-t2i"
    assert (row["slots_in_use"], row["limit"], row["configured_limit"]) == (2, 1, 2)
    assert (row["pending"], row["back_off_until"]) == (3, None), "but for the delayed"


def test_refused_picture_waits_as_a_retry(client, provider, lane):
    """The lane says until when nothing is sent."""
    provider.submits = [BUSY]
    create(client)
    run_queue()

    data = data_of(client.get(QUEUE))

    assert counts(client) == {"retry": 1}
    (row,) = [each for each in data["lanes"] if each["id"] == lane]
    assert (row["retry"], row["pending"], row["slots_in_use"]) == (1, 0, 0)
    assert MOMENT.fullmatch(row["back_off_until"])


def test_ends_are_counted_in_all_and_by_date(client, provider, work_off):
    """Processed are those that were sent, kept or thrown away; cancelled never were."""
    provider.submits = [REFUSED]
    create(client)
    work_off()
    done = create(client, n=3)
    work_off()
    client.post(f"{API}/tasks/{create(client)}/cancel")
    client.delete(f"{API}/ai/image/task/{done}")
    day = today().isoformat()  # and not around midnight
    Generation.collection().update_many({}, {"$set": {"budget_day": day}})
    settle()

    data = data_of(client.get(QUEUE))

    assert counts(client) == {"archived": 1, "completed": 3, "cancelled": 1}
    assert (data["processed"], data["failed"]) == (4, 1)
    (of_today,) = data["by_date"]
    ends = {"processed": 4, "failed": 1, "completed": 3, "cancelled": 1}
    assert of_today == {"date": day, **ends}


def test_pictures_count_on_the_days_of_their_requests(client, work_off):
    """Newest first, however late they are settled."""
    recent = {"unsettled": {"$exists": True}}
    for n, age in ((2, 9), (1, 6)):
        create(client, n=n)
        work_off()
        day = (today() - timedelta(days=age)).isoformat()
        Generation.collection().update_many(recent, {"$set": {"budget_day": day}})
        settle()
    create(client)
    work_off()
    settle()

    found = data_of(client.get(QUEUE))

    assert [day["completed"] for day in found["by_date"]] == [1, 1, 2]
    assert (found["completed"], found["processed"]) == (4, 4)


def test_workers_show_their_heartbeat(client):
    """Each consumer, and the machine it runs on; one that is silent is not alive."""
    now = utcnow()
    for name, age in [("web-1:7:aa", 1), ("web-1:8:bb", 60), ("web-2:9:cc", 7200)]:
        beat = {"_id": name, "started_at": now, "seen_at": now - timedelta(seconds=age)}
        Worker.collection().insert_one(beat)

    data = data_of(client.get(QUEUE))

    assert [(w["pid"], w["alive"]) for w in data["workers"]] == [(7, True), (8, False)]
    (server,) = data["servers"]
    assert (server["host"], server["workers"], server["alive"]) == ("web-1", 1, True)
    assert server["last_heartbeat"] == data["workers"][0]["last_heartbeat"]
    pump.write_heartbeat("some.host:123:t-o_k:en", utcnow())
    Worker.collection().delete_many({})
    pump.write_heartbeat("some.host:123:token", utcnow())
    (worker,) = data_of(client.get(QUEUE))["workers"]
    assert (worker["host"], worker["pid"]) == ("some.host", 123)


def test_cleared_queue_leaves_the_provider_s_alone(client, database, work_off):
    """What waits is cancelled and says why; what has begun comes to its end."""
    begun = create(client, n=2)
    run_queue()
    waiting = create(client), create(client, user_id="somebody.else", n=4)

    action = queue_actions.clear(Principal("root", is_operator=True))
    forget_lanes()
    work_off()

    assert (action.done, action.details["jobs"]) == (2, 5)
    assert result(client, begun)["status"] == "completed"
    for task_id in waiting:
        data = result(client, task_id)
        assert data["status"] == "cancelled"
        assert data["error"]["code"] == "queue_cleared"
        assert data["error"]["charged"] == "no"
        assert data["message"] == data["error"]["message"]
        assert "清空" in data["message"]
    again = client.post(f"{API}/tasks/{waiting[0]}/retry")
    assert data_of(again, 202)["retried_from"] == waiting[0]
