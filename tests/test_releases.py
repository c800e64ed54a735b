"""Two releases on one database, and what nobody can read: nothing stands still."""

from datetime import timedelta

import pytest
from mongoengine.fields import StringField

from jimeng import lanes, outages
from jimeng.documents import Allowance, Generation, Image, Lane, State, Task, utcnow
from jimeng.documents.base import Stored
from jimeng.documents.generation import WAITING
from jimeng.errors import ProviderError
from jimeng.jobs import janitor, pump, repair
from jimeng.providers import Progress
from tests.conftest import come_due, run_queue
from tests.test_core import create, result

KINDS = [each for each in Stored.__subclasses__() if each.__module__.startswith("jime")]
STATES = ["delayed", "queued", "starting", "submitting", "generating", "saving"]
SLOTS = {"starting": 0, "submitting": 1, "generating": 2}
OF_LATER = {"later": {"release": [1, 2]}}
ACTIVE = {"state": {"$in": STATES}}
PAGES = ["/", "/tasks", "/gallery", "/account", "/account/usage"]
PAGES += [
    "/admin/queue",
    "/admin/users",
    "/admin/failures",
    "/admin/usage",
    "/admin/audit",
]
PAGES += ["/metrics", "/health", "/api/v1/ai/image/tasks?user_id=user_123"]


def fields_of(kind: type[Stored]) -> list[str]:
    return [name for name, each in kind._fields.items() if not each.primary_key]


def wrong(kind: type[Stored], name: str) -> object:
    """A value of another kind than the field's."""
    return OF_LATER if isinstance(kind._fields[name], StringField) else "text"


def finish(rounds: int = 40) -> None:
    """Run all there is to do, moving the time; what has no time is not given one."""
    for _ in range(rounds):
        Lane.collection().update_many({}, {"$unset": {"not_before": ""}})
        lanes.forget()
        repair.repair()
        come_due(due_at={"$type": "date"})
        pump.tick()
        run_queue()
        if not Generation.collection().count_documents(ACTIVE):
            break
    come_due(due_at={"$type": "date"})  # slots of those that nobody knows of
    pump.tick()
    run_queue()


def in_state(client, state: str) -> str:
    """A task whose picture got as far as *state*, and was left there."""
    task_id = create(client, prompt=f"in {state}")["task_id"]
    run = {"state": state, "owner": "gone", "submit_token": f"t-{state}"}
    if state != State.QUEUED.value:
        run["due_at"] = utcnow()
    if state in SLOTS:
        run["slot"] = SLOTS[state]
    if state in ("generating", "saving"):
        run |= {"remote_ids": ["r"], "accepted_at": utcnow(), "sent_at": utcnow()}
    gone = {"remote_ids": ""} if state in WAITING else {"waiting": ""}
    update = {"$set": run, "$unset": gone}
    Generation.collection().update_one({"task_id": task_id}, update)
    return task_id


def held() -> list[dict]:
    return list(Generation.collection().find({"slot": {"$exists": True}}))


def statuses(client, task_ids: list[str]) -> list[str]:
    return [result(client, task_id)["status"] for task_id in task_ids]


@pytest.fixture
def lined_up(client):
    """A picture in each state, at the head of the lane, and two behind them."""
    mixed = [in_state(client, state) for state in STATES]
    behind = [create(client, prompt=f"behind {n}")["task_id"] for n in range(2)]
    return mixed, behind


# Another state is another release's, and another lane is not served here.
READ = [name for name in fields_of(Generation) if name not in ("state", "lane")]


@pytest.mark.parametrize("name", READ)
def test_unreadable_picture_holds_up_nothing(client, lined_up, name):
    """In whatever state: it ends, its slot is free, those behind it are drawn."""
    mixed, behind = lined_up
    unreadable = wrong(Generation, name)
    for number, task_id in enumerate(mixed):
        # A slot is exclusive, whatever is written there.
        value = f"text{number}" if name == "slot" else unreadable
        has = {"task_id": task_id}
        if name in ("slot", "due_at"):
            has[name] = {"$exists": True}
        Generation.collection().update_one(has, {"$set": {name: value}})

    finish()

    assert held() == []
    assert statuses(client, behind) == ["completed", "completed"]
    ended = {"completed", "failed"}
    assert set(statuses(client, mixed)) <= ended


@pytest.mark.parametrize("name", ["due_at", "task_id", "provider", "width", "prompt"])
def test_picture_without_a_field_holds_up_nothing(client, lined_up, name):
    """Nor does one that lacks what every picture has."""
    mixed, behind = lined_up
    where = {"task_id": {"$in": mixed[2:5]}}
    Generation.collection().update_many(where, {"$unset": {name: ""}})

    finish()

    assert held() == []
    assert statuses(client, behind) == ["completed", "completed"]


@pytest.mark.parametrize("state", ["delayed", "saving"])
def test_picture_without_any_time_is_found(client, state):
    """It holds no slot, and no index knows of it; its task does, being open."""
    task_id = in_state(client, state)
    before = {"$set": {"created_at": utcnow() - timedelta(minutes=1)}}
    Task.collection().update_one({"_id": task_id}, before)
    where = {"task_id": task_id}
    Generation.collection().update_one(where, {"$unset": {"due_at": ""}})

    janitor.complete_plans()
    finish()

    assert statuses(client, [task_id]) == ["completed"]


def test_place_held_by_an_unknown_state_is_an_alarm(client, caplog, monkeypatch):
    """Once when it begins, and not with each look."""
    monkeypatch.setattr(outages, "_outages", {})
    in_state(client, "generating")
    Generation.collection().update_many({}, {"$set": {"state": "upscaling"}})

    for _ in range(3):
        repair.repair()

    (alarm,) = [each for each in caplog.records if "held by" in each.getMessage()]
    assert alarm.levelname == "ERROR"


@pytest.mark.parametrize("state", STATES)
def test_unknown_state_is_left_to_its_release(client, lined_up, state):
    """Nobody here claims it; those behind it are drawn; its page can be read."""
    mixed, behind = lined_up
    where = {"task_id": mixed[STATES.index(state)]}
    Generation.collection().update_one(where, {"$set": {"state": "upscaling"}})
    before = Generation.collection().find_one(where)

    finish()

    come_due(task_id={"$ne": where["task_id"]})
    after = Generation.collection().find_one(where)
    assert {**after, "due_at": None} == {**before, "due_at": None}
    assert [row["_id"] for row in held() if row["_id"] != before["_id"]] == []
    assert statuses(client, behind) == ["completed", "completed"]
    assert_readable(client, where["task_id"])


def assert_readable(client, task_id: str) -> None:
    paths = [f"/api/v1/tasks/{task_id}", f"/api/v1/ai/image/result/{task_id}"]
    paths += [f"/tasks/{task_id}", *PAGES]
    answers = {path: client.get(path).status_code for path in paths}
    assert {path for path, status in answers.items() if status != 200} == set()


@pytest.mark.parametrize("status", ["paused", "archived"])
@pytest.mark.parametrize("is_open", [True, False])
def test_unknown_status_is_shown_in_neutral_words(client, status, is_open):
    """The old web answers 200 for what the new one has written."""
    task_id = create(client)["task_id"]
    gone = {} if is_open else {"open": ""}
    update = {"$set": {"status": status}, "$unset": {"nothing": "", **gone}}
    Task.collection().update_one({"_id": task_id}, update)

    finish()

    assert_readable(client, task_id)
    shown = result(client, task_id)
    assert shown["status"] == status
    assert "版本" in shown["message"]
    assert Task.collection().find_one({"_id": task_id})["status"] == status


def test_task_with_an_unknown_status_keeps_its_place(client, work_off):
    """It is not sent and not dropped; when its status is known again, it is drawn."""
    held_up, behind = create(client)["task_id"], create(client)["task_id"]
    Task.collection().update_one({"_id": held_up}, {"$set": {"status": "paused"}})

    finish(3)
    assert statuses(client, [behind]) == ["completed"]
    assert held() == []
    Task.collection().update_one({"_id": held_up}, {"$set": {"status": "pending"}})
    finish()

    assert statuses(client, [held_up]) == ["completed"]


def test_picture_of_a_task_with_an_unknown_status_is_kept(client):
    """What has been drawn is paid for, whatever its task is called."""
    task_id = create(client)["task_id"]
    pump.tick()
    run_queue()
    Task.collection().update_one({"_id": task_id}, {"$set": {"status": "reviewing"}})

    finish()

    assert statuses(client, [task_id]) == ["completed"]


OUTCOMES = [
    {"state": "blurred"},
    {"state": "failed"},
    {"state": "failed", "error": {"code": "of_later", "charged": "partly"}},
    {"state": "failed", "error": {"why": "no code"}},
    {"state": "failed", "error": "text"},
    {},
    "text",
    None,
]


@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize("status", ["processing", "failed", "completed"])
def test_unknown_outcome_is_shown_in_neutral_words(client, outcome, status):
    """Codes, keys and states of a later release."""
    task_id = create(client, n=2)["task_id"]
    update = {"status": status, "outcomes": {"0": outcome, "more": OF_LATER}}
    Task.collection().update_one({"_id": task_id}, {"$set": update})

    assert_readable(client, task_id)
    api = client.post(f"/api/v1/tasks/{task_id}/retry")
    assert api.status_code < 500


@pytest.mark.parametrize("name", fields_of(Task))
def test_unreadable_task_holds_up_nothing(client, name):
    """Its pages are there, and those behind it are drawn."""
    task_id, behind = create(client)["task_id"], create(client)["task_id"]
    value = wrong(Task, name)
    Task.collection().update_one({"_id": task_id}, {"$set": {name: value}})
    seen = ("user_id", "deleted_at")

    if name not in seen:
        assert_readable(client, task_id)
    finish()

    assert held() == []
    assert statuses(client, [behind]) == ["completed"]
    if name not in seen:
        assert_readable(client, task_id)


@pytest.mark.parametrize("kind", [Lane, Allowance])
@pytest.mark.parametrize("release", ["text", OF_LATER, None])
def test_unreadable_lane_goes_on(client, provider, kind, release, work_off):
    """What it had counted and measured is counted and measured anew."""
    work_off()
    create(client)
    work_off()
    fields = dict.fromkeys(fields_of(kind), release)
    kind.collection().update_many({}, {"$set": fields})
    lanes.forget()
    busy = ProviderError("busy", code="concurrency_limited", transient=True)
    provider.submits = [busy, busy, busy, busy]

    task_ids = [create(client)["task_id"] for _ in range(3)]
    work_off()

    assert statuses(client, task_ids) == ["completed"] * 3
    assert held() == []
    assert_readable(client, task_ids[0])


def test_fields_of_a_later_release_stay_and_hinder_nothing(client, provider):
    """On every document, written anew all the time, through a whole life."""
    task_ids = [create(client, n=2)["task_id"] for _ in range(3)]
    provider.polls = [Progress("x"), Progress("y")]
    for _ in range(12):
        add_to_all()
        finish(1)

    assert statuses(client, task_ids) == ["completed"] * 3
    assert held() == []
    add_to_all()
    assert_readable(client, task_ids[0])
    for kind in (Task, Generation, Image, Lane, Allowance):
        assert kind.collection().count_documents({}) > 0
        assert kind.collection().count_documents({"added": {"$exists": False}}) == 0


def add_to_all() -> None:
    for kind in KINDS:
        kind.collection().update_many({}, {"$set": {"added": OF_LATER}})
