"""Documents of another release, or that nobody can read, and work among them."""

from mongoengine.fields import StringField

from jimeng.documents import Generation, Lane, State, utcnow
from jimeng.documents.base import Stored
from jimeng.documents.generation import WAITING
from jimeng.jobs import pump
from jimeng.upkeep import repair
from tests.conftest import come_due, run_queue
from tests.forgetting import forget_lanes
from tests.test_core import create, result

STATES = ["delayed", "queued", "starting", "submitting", "generating", "saving"]
SLOTS = {"starting": 0, "submitting": 1, "generating": 2}
OF_LATER = {"later": {"release": [1, 2]}}
ACTIVE = {"state": {"$in": STATES}}
PAGES = [
    *("/", "/?show=all", "/gallery", "/account", "/account/usage"),
    *(
        "/admin/queue",
        "/admin/users",
        "/admin/failures",
        "/admin/usage",
        "/admin/audit",
    ),
    *("/metrics", "/health", "/api/v1/ai/image/tasks?user_id=user_123"),
]


def fields_of(kind: type[Stored]) -> list[str]:
    return [name for name, each in kind._fields.items() if not each.primary_key]


def wrong(kind: type[Stored], name: str) -> object:
    """A value of another kind than the field's."""
    return OF_LATER if isinstance(kind._fields[name], StringField) else "text"


def active() -> list[dict]:
    """What has not ended, but for the times that the tests move."""
    found = Generation.collection().find(ACTIVE, {"due_at": 0}).sort("_id")
    return list(found)


def finish(rounds: int = 40) -> None:
    """
    Run all there is to do, moving the time, until nothing moves any more; what has no
    time is not given one.
    """
    seen: list[list[dict]] = []
    for _ in range(rounds):
        Lane.collection().update_many({}, {"$unset": {"not_before": ""}})
        forget_lanes()
        repair.repair()
        come_due(due_at={"$type": "date"})
        pump.tick()
        run_queue()
        seen.append(active())
        if not seen[-1] or (len(seen) > 3 and seen[-4:] == [seen[-1]] * 4):
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


def pages_of(task_id: str) -> list[str]:
    return [
        f"/api/v1/tasks/{task_id}",
        f"/api/v1/ai/image/result/{task_id}",
        f"/tasks/{task_id}",
    ]


def failing(client, *more: str) -> dict[str, int]:
    """Which of all pages, and of *more*, are not there, with what is answered."""
    answers = {path: client.get(path).status_code for path in [*PAGES, *more]}
    return {path: status for path, status in answers.items() if status != 200}


def line_up(client) -> tuple[list[str], list[str]]:
    """A picture in each state, at the head of the lane, and two behind them."""
    mixed = [in_state(client, state) for state in STATES]
    behind = [create(client, prompt=f"behind {n}")["task_id"] for n in range(2)]
    return mixed, behind
