"""
The verdict: what must be true when the dust has settled.

What nobody knows is decided as an operator would, by the provider's bill. Then our own
ledger is that bill.
"""

import hashlib
import io
from collections import Counter
from dataclasses import dataclass, field
from functools import partial

import av

from jimeng import documents
from jimeng.billing import settlement
from jimeng.billing.costs import charge_of
from jimeng.billing.counters import count_spent
from jimeng.config import Config
from jimeng.documents import (
    Budget,
    CostSum,
    Generation,
    Image,
    Lane,
    LedgerEntry,
    OwnerBudget,
    Task,
)
from jimeng.documents.kinds import VIDEO
from jimeng.documents.ledger import AMOUNTS
from jimeng.documents.principal import Principal
from jimeng.documents.spending import INSTALLATION
from jimeng.operations import costs
from jimeng.pictures.stores.gridfs import GridFSStore
from jimeng.providers.models.model import PRICES
from tests.chaos.load import SHOP, Load
from tests.chaos.releases import CODE
from tests.chaos.site import LIMIT, Site
from tests.waiting import wait_for

OPERATOR = Principal("chaos", is_operator=True)
# What the stand-in of a later release has ended, it has not settled.
SETTLED_HERE = {"error.code": {"$ne": CODE}}


@dataclass
class Verdict:
    """
    What was found; *wrong* is empty if all promises were kept.

    Attributes:
        videos: How many are stored.
        billed: Pictures and videos that the provider charges for.
        cost: Of what is billed, in micro-yuan.
    """

    statuses: Counter = field(default_factory=Counter)
    codes: Counter = field(default_factory=Counter)
    videos: int = 0
    billed: int = 0
    cost: int = 0
    high_water: int = 0
    wrong: list[str] = field(default_factory=list)

    def expect(self, holds: bool, words: str) -> None:
        if not holds:
            self.wrong.append(words)


def connect(site: Site) -> None:
    uri, name = site.mongo.uri, site.stack.env["MONGODB_DATABASE"]
    documents.connect(Config(MONGODB_URI=uri, MONGODB_DATABASE=name), timeout=10)


def is_settled() -> bool:
    """Whether all tasks have ended, and no slot is held."""
    held = {"slot": {"$exists": True}}
    states = ["queued", "starting", "submitting", "seeking", "generating", "fetching"]
    left = {"$or": [held, {"state": {"$in": states}}]}
    return not (Task.find_one({"open": True}) or Generation.find_one(left))


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
    ledger = site.stack.ledger()
    judge_ledger(ledger, found, load.retried)
    judge_videos([row for row in ledger["rows"] if "video" in row], found)
    return found


def judge_ledger(ledger: dict, found: Verdict, retried: set[int]) -> None:
    """Each seed, one a task, was taken once; twice where its task was run again."""
    taken = Counter(row["seed"] for row in ledger["rows"])
    twice = [s for s, count in taken.items() if count > (2 if s in retried else 1)]
    found.expect(not twice, f"paid twice: {twice}")
    found.billed = sum(row["billed"] for row in ledger["rows"])
    found.cost = judge_costs(ledger["rows"], found)
    found.high_water = max(ledger["high_water"].values(), default=0)
    found.expect(found.high_water <= LIMIT, f"{found.high_water} at a time")


def judge_videos(rows: list[dict], found: Verdict) -> None:
    """Each that was charged is known to one task, and what is stored is whole."""
    generations = {each.id: each for each in Generation.find_all({"kind": VIDEO})}
    known = Counter(name for each in generations.values() for name in each.remote_ids)
    more = {name: count for name, count in known.items() if count > 1}
    found.expect(not more, f"videos of several tasks: {more}")
    billed = {row["task_id"] for row in rows if row["billed"]}
    lost = [name for name in billed - set(known) if name.startswith("cgt-")]
    found.expect(not lost, f"videos that were charged and not found: {lost}")
    ordered = {row["task_id"]: row["video"]["frames"] for row in rows}
    frames: dict[str, int] = {}
    for image in Image.find_all({"kind": VIDEO}):
        content = GridFSStore().read(image.file_id)
        digest = hashlib.sha256(content).hexdigest()
        is_whole = (digest, len(content)) == (image.sha256, image.bytes)
        found.expect(is_whole, f"the file of {image.id} is not what was stored")
        if digest not in frames:
            frames[digest] = frames_of(content)
        wanted = ordered[generations[image.id].remote_ids[-1]]
        found.expect(
            frames[digest] == wanted, f"{image.id}: {frames[digest]} of {wanted} frames"
        )
        found.videos += 1
    found.expect(found.videos > 0, "no video was made")


def frames_of(content: bytes) -> int:
    with av.open(io.BytesIO(content), format="mp4") as file:
        return len(list(file.decode(video=0)))


def judge_costs(rows: list[dict], found: Verdict) -> int:
    """Our ledger, its sums and the provider's bill are the same: the micro-yuan."""
    await_settlement(found)
    decide_unknown(rows)
    await_settlement(found)
    bill = sum(price_of(row) for row in rows if row["billed"])
    charged = {each.id: each for each in Generation.find_all({"charged": "yes"})}
    ours = amounts(LedgerEntry)
    found.expect(ours["micros"] == bill, f"ledger {dict(ours)}, bill {bill}")
    found.expect(ours["unknown"] == 0, f"{ours['unknown']} unknown in the ledger")
    by_generation = sum(each.cost_micros or 0 for each in charged.values())
    found.expect(by_generation == bill, f"generations {by_generation}, bill {bill}")
    for kind in ("all", "user"):
        sums = amounts(CostSum, of=kind)
        found.expect(sums == ours, f"sums of {kind} {dict(sums)}, ledger {dict(ours)}")
    ends = Counter(
        settlement.end_of(each, charge_of(each))
        for each in Generation.find_all({"ended_at": {"$exists": True}, **SETTLED_HERE})
    )
    for kind in ("all", "user"):
        sums = ends_of(kind)
        found.expect(sums == ends, f"ends of {kind} {dict(sums)}, really {dict(ends)}")
    corrected = settlement.rebuild().corrected
    found.expect(corrected == 0, f"{corrected} sums were wrong")
    own = {"held_micros": {"$exists": True}, **SETTLED_HERE}
    held = Generation.collection().count_documents(own)
    found.expect(held == 0, f"{held} are still held for")
    judge_budgets(found)
    return bill


def judge_budgets(found: Verdict) -> None:
    """
    What is counted of a budget is what was spent, or more where a process has died,
    within a minute: a MongoDB that is killed may lose a count.
    """
    for kind, row_id in ((Budget, INSTALLATION), (OwnerBudget, SHOP)):
        counted = partial(is_counted, kind, row_id)
        try:
            wait_for(counted, what=f"what {row_id} has spent is counted")
        except AssertionError as error:
            found.wrong.append(str(error))


def is_counted(kind: type[Budget] | type[OwnerBudget], row_id: str) -> bool:
    record = kind.find_one({"_id": row_id})
    if record is None:
        return False
    spent = count_spent(kind, row_id, record.spend_day[:7]).total
    return record.month_micros >= spent > 0


def price_of(row: dict) -> int:
    if "video" in row:
        return row["micros"]
    price = PRICES[row["req_key"]]
    return price.of(row["width"], row["height"]) * row["images"]


def await_settlement(found: Verdict) -> None:
    left = {"unsettled": {"$exists": True}, "ended_at": {"$exists": True}}
    try:
        wait_for(
            lambda: not Generation.collection().count_documents(left),
            what="all costs are settled",
        )
    except AssertionError as error:
        found.wrong.append(str(error))


def decide_unknown(rows: list[dict]) -> None:
    """Decide as the bill says: by the seed, of which each task has its own."""
    billed = Counter(row["seed"] for row in rows if row["billed"])
    known = Generation.find_all({"charged": "yes"})
    billed.subtract(each.seed for each in known)
    for each in costs.undecided(OPERATOR, limit=100_000):
        costs.decide(OPERATOR, each.id, billed[each.seed] > 0)
        billed[each.seed] -= 1


def ends_of(kind: str) -> Counter:
    """How many have ended how, as the sums of that kind say."""
    found: Counter = Counter()
    for each in CostSum.find_all({"of": kind}):
        found.update(each.ends or {})
    return +found


def amounts(kind: type[LedgerEntry] | type[CostSum], **where: object) -> Counter:
    """The amounts of all those records, added up."""
    found = Counter(dict.fromkeys(AMOUNTS, 0))
    for each in kind.find_all(where):
        found.update({name: each[name] for name in AMOUNTS})
    return found
