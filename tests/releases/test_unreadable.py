"""What nobody can read, or another release has written: every page is there."""

import pytest

from jimeng.documents import (
    AuditEntry,
    CostSum,
    Generation,
    Image,
    Lane,
    QuotaUsage,
    Switch,
    Task,
    User,
    Worker,
    utcnow,
)
from jimeng.documents.base import Stored
from jimeng.errors import ProviderError
from tests.forgetting import forget_lanes
from tests.releases.other_release import (
    OF_LATER,
    failing,
    fields_of,
    finish,
    held,
    line_up,
    pages_of,
    statuses,
    wrong,
)
from tests.test_core import create

# Another state or kind is another release's, and another lane is not served here. No
# query finds a time or a turn of another type, which no release writes.
NOT_READ = ("state", "kind", "lane", "due_at", "turn")
READ = [name for name in fields_of(Generation) if name not in NOT_READ]
LONG = pytest.mark.system


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=LONG if n % 5 else ()) for n, name in enumerate(READ)],
)
def test_unreadable_picture_holds_up_nothing(client, name):
    """In whatever state: it ends, its slot is free, those behind it are drawn."""
    mixed, behind = line_up(client)
    unreadable = wrong(Generation, name)
    for number, task_id in enumerate(mixed):
        # A slot is exclusive, whatever is written there.
        value = f"text{number}" if name == "slot" else unreadable
        has = {"task_id": task_id}
        if name == "slot":
            has[name] = {"$exists": True}
        Generation.collection().update_one(has, {"$set": {name: value}})

    finish()

    assert held() == []
    assert statuses(client, behind) == ["completed", "completed"]
    ended = {"completed", "failed"}
    assert set(statuses(client, mixed)) <= ended


@pytest.mark.parametrize("name", ["task_id", "provider", "width", "prompt"])
def test_picture_without_a_field_holds_up_nothing(client, name):
    """Nor does one that lacks what every picture has."""
    mixed, behind = line_up(client)
    where = {"task_id": {"$in": mixed[2:5]}}
    Generation.collection().update_many(where, {"$unset": {name: ""}})

    finish()

    assert held() == []
    assert statuses(client, behind) == ["completed", "completed"]


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


@pytest.mark.parametrize("status", ["processing", "failed", "completed"])
def test_unknown_outcomes_are_shown_in_neutral_words(client, status):
    """Codes, keys and states of a later release; all of them on one page."""
    task_ids = []
    for outcome in OUTCOMES:
        task_ids.append(create(client, n=2)["task_id"])
        update = {"status": status, "outcomes": {"0": outcome, "more": OF_LATER}}
        Task.collection().update_one({"_id": task_ids[-1]}, {"$set": update})

    own = [path for task_id in task_ids for path in pages_of(task_id)]
    assert failing(client, *own) == {}
    retries = [client.post(f"/api/v1/tasks/{each}/retry") for each in task_ids]
    assert [each.status_code for each in retries if each.status_code >= 500] == []


OF_A_TASK = fields_of(Task)
HIDDEN = ("user_id", "deleted_at")  # of whoever is asked for; in the trash


@pytest.mark.parametrize("first", range(0, len(OF_A_TASK), 25))
def test_unreadable_tasks_hold_up_nothing(client, first):
    """Many of them, each in another field: all pages, and those behind are drawn."""
    own = []
    for name in OF_A_TASK[first : first + 25]:
        task_id = create(client)["task_id"]
        value = wrong(Task, name)
        Task.collection().update_one({"_id": task_id}, {"$set": {name: value}})
        own += pages_of(task_id) if name not in HIDDEN else []
    behind = create(client)["task_id"]

    assert failing(client, *own) == {}
    finish()

    assert held() == []
    assert statuses(client, [behind]) == ["completed"]
    assert failing(client, *own) == {}


@pytest.mark.parametrize("kind", [Lane, QuotaUsage])
@pytest.mark.parametrize(
    "release", [OF_LATER, *(pytest.param(each, marks=LONG) for each in ("text", None))]
)
def test_unreadable_lane_goes_on(client, provider, kind, release, work_off):
    """What it had counted and measured is counted and measured anew."""
    work_off()
    create(client)
    work_off()
    fields = dict.fromkeys(fields_of(kind), release)
    kind.collection().update_many({}, {"$set": fields})
    forget_lanes()
    busy = ProviderError("busy", code="concurrency_limited", transient=True)
    provider.submits = [busy, busy, busy, busy]

    task_ids = [create(client)["task_id"] for _ in range(3)]
    work_off()

    assert statuses(client, task_ids) == ["completed"] * 3
    assert held() == []
    assert failing(client, *pages_of(task_ids[0])) == {}


PRESENT = {
    User: {"email": "ada@b.cd", "email_key": "ada@b.cd", "name": "Ada"},
    AuditEntry: {"by": "root", "action": "queue.clear", "outcome": {"n": 1}},
    Switch: {"id": "sending", "paused_at": utcnow(), "by": "root"},
    Worker: {"id": "w", "started_at": utcnow(), "seen_at": utcnow()},
    CostSum: {
        **{"id": "u", "of": "user", "day": "2026-01-31", "user_id": "user_123"},
        **{"lane": "a:b", "account": "main", "ends": {"done|yes|": 2}, "batch": 1},
    },
}
UNKNOWN = [
    (User, {"role": "auditor", "language": "fr", "theme": "sepia"}),
    (User, {"defaults": {"later": 1, "n": {"most": 2}, "model": 7}}),
    (AuditEntry, {"action": "moon.land", "outcome": {"later": OF_LATER}}),
    (AuditEntry, {"details": {"later": OF_LATER, "role": 7}}),
    (Switch, {"id": "publishing"}),
    (CostSum, {"ends": {"blurred|yes|": 1, "done|partly|of_later": 1, "later": 1}}),
    (CostSum, {"ends": {"done|yes|": OF_LATER}}),
    (Worker, {}),
]


def put(kind: type[Stored], **changes: object) -> None:
    row = kind.row(**{**PRESENT[kind], **changes})
    kind.collection().insert_one(row)


# What exists only once, or only under known names: a field at a time.
ALONE = (Switch,)
CASES = [(kind, [name]) for kind in ALONE for name in fields_of(kind)]
CASES += [(kind, fields_of(kind)) for kind in PRESENT if kind not in ALONE]


@pytest.mark.parametrize(("kind", "names"), CASES)
def test_unreadable_fields_break_no_page(client, kind, names):
    """Each in a document of its own, a value of another kind: all pages are there."""
    for number, name in enumerate(names):
        unique = {"email": f"{number}@b.cd", "email_key": f"{number}@b.cd"}
        own = unique if kind is User else {}
        own |= (
            {"id": f"{number}"} if kind not in ALONE and "id" in PRESENT[kind] else {}
        )
        put(kind, **{**own, name: wrong(kind, name)})

    assert failing(client) == {}


@pytest.mark.parametrize(("kind", "changes"), UNKNOWN)
def test_unknown_value_breaks_no_page(client, kind, changes):
    """Nor does a field that is added: the most frequent change that a release makes."""
    put(kind, **changes)
    kind.collection().update_many({}, {"$set": {"added": OF_LATER}})

    assert failing(client) == {}


def test_unreadable_pictures_break_no_page(client, work_off):
    """Each in another field, among others in the gallery, and on its own page."""
    names = fields_of(Image)
    for _ in range(len(names) // 4 + 1):
        create(client, n=4)
    work_off()
    pictures = list(Image.collection().find({}))
    for name, picture in zip(names, pictures, strict=False):
        changed = {"$set": {name: wrong(Image, name)}}
        Image.collection().update_one({"_id": picture["_id"]}, changed)

    assert failing(client) == {}
    pages = {f"/pictures/{each['_id']}": (200, 404) for each in pictures}
    pages |= {f"/i/{each['key']}.png": (200, 404, 410) for each in pictures}
    answers = {path: client.get(path).status_code for path in pages}
    assert {p: status for p, status in answers.items() if status not in pages[p]} == {}
