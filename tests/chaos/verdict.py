"""The verdict: what must be true when the dust has settled."""

from collections import Counter
from dataclasses import dataclass, field

from jimeng import documents
from jimeng.config import Config
from jimeng.documents import Generation, Image, Lane, Task
from tests.chaos.load import Load
from tests.chaos.releases import CODE
from tests.chaos.site import LIMIT, Site


@dataclass
class Verdict:
    """What was found; *wrong* is empty if all promises were kept."""

    statuses: Counter = field(default_factory=Counter)
    codes: Counter = field(default_factory=Counter)
    billed: int = 0
    high_water: int = 0
    wrong: list[str] = field(default_factory=list)

    def expect(self, holds: bool, words: str) -> None:
        if not holds:
            self.wrong.append(words)


def connect(site: Site) -> None:
    uri, name = site.mongo.uri, site.stack.env["MONGODB_DATABASE"]
    documents.connect(Config(MONGODB_URI=uri, MONGODB_DATABASE=name), timeout=10)


def unsettled() -> int:
    """Tasks that have not ended, and slots that are still held."""
    held = {"slot": {"$exists": True}}
    waiting = {"state": {"$in": ["queued", "starting", "submitting", "generating"]}}
    return sum(
        (
            Task.collection().count_documents({"open": True}),
            Generation.collection().count_documents(held),
            Generation.collection().count_documents(waiting),
        )
    )


def situation() -> str:
    """What is still there, for whoever has to find out why."""
    states = Counter(row["state"] for row in Generation.collection().find())
    rows = Generation.collection().find({"slot": {"$exists": True}})
    held = [f"{row['slot']}: {row['state']} due {row.get('due_at')}" for row in rows]
    lanes = list(Lane.collection().find({}, {"durations": 0}))
    now = documents.utcnow()
    return f"{now}\nstates {dict(states)}\nslots {held}\nlanes {lanes}"


def judge(site: Site, load: Load) -> Verdict:
    """Compare what users were promised, what is stored, and what is billed."""
    found = Verdict()
    tasks = {task.id: task for task in Task.find_all({})}
    taken = [*load.accepted, *site.asked]
    accepted = set(taken)
    found.expect(accepted - load.deleted <= set(tasks), "an accepted task is lost")
    found.expect(len(taken) == len(accepted), "two requests, one task")
    left = [task.id for task in tasks.values() if task.is_open]
    found.expect(not left, f"{len(left)} have not ended, like {left[:3]}")
    for task in tasks.values():
        found.statuses[task.status] += 1
        found.codes.update(error["code"] for error in task.failures.values())
    found.expect(
        set(found.codes) <= {"submit_unknown", CODE}, f"failed otherwise: {found.codes}"
    )
    held = Generation.collection().count_documents({"slot": {"$exists": True}})
    found.expect(held == 0, f"{held} slots are held")
    pictures = {image.id for image in Image.find_all({})}
    done = {f"{task.id}_0" for task in tasks.values() if task.status == "completed"}
    found.expect(pictures == done, "pictures and completed tasks differ")
    judge_ledger(site, found, load.retried)
    return found


def judge_ledger(site: Site, found: Verdict, retried: set[int]) -> None:
    """
    The provider's books: each seed, which is one a task, was taken once; twice
    where its task was cancelled and run again.
    """
    ledger = site.stack.ledger()
    taken = Counter(row["seed"] for row in ledger["rows"])
    twice = [s for s, count in taken.items() if count > (2 if s in retried else 1)]
    found.expect(not twice, f"paid twice: {twice}")
    found.billed = sum(row["billed"] for row in ledger["rows"])
    found.high_water = max(ledger["high_water"].values(), default=0)
    found.expect(found.high_water <= LIMIT, f"{found.high_water} at a time")
