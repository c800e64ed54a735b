"""What the tests of costs have in common."""

from collections import Counter
from datetime import timedelta

from jimeng.billing import costs, settlement
from jimeng.billing.settlement import end_of
from jimeng.documents import CostSum, Generation, LedgerEntry, Settler, Task, utcnow
from jimeng.documents.ledger import AMOUNTS

PRICE = 200_000  # of the default model, in micro-yuan


def settle() -> None:
    """Settle all that has ended; whoever settled before is dead by now."""
    expire_lease()
    while settlement.settle():
        pass


def expire_lease() -> None:
    past = {"due_at": utcnow() - timedelta(seconds=1)}
    Settler.collection().update_many({}, {"$set": past})


def amounts(kind: type, **where: object) -> Counter:
    """The amounts of all those records, added up."""
    found: Counter = Counter()
    for each in kind.find_all(where):
        found.update({name: each[name] for name in AMOUNTS})
    return +found


def check_sums() -> None:
    """The ledger, all kinds of sums, a rebuild, and the generations say the same."""
    ledger = amounts(LedgerEntry)
    for of in ("all", "user", "user_month"):
        assert amounts(CostSum, of=of) == ledger, of
    of_keys = amounts(LedgerEntry, key_id={"$gt": ""})
    assert amounts(CostSum, of="key_month") == of_keys
    expire_lease()
    assert settlement.rebuild().corrected == 0
    ends: Counter = Counter()
    for each in Generation.find_all({"ended_at": {"$exists": True}}):
        ends[end_of(each, costs.charge_of(each))] += 1
    for of in ("all", "user"):
        assert counted(of) == ends, of
    for each in Generation.find_all({}):
        entered = amounts(LedgerEntry, generation=each.id)
        assert entered["micros"] == (each.cost_micros or 0), each.id
        if each.charged == "no":
            assert not entered, each.id


def counted(of: str) -> Counter:
    """How many have ended how, as those sums say."""
    found: Counter = Counter()
    for each in CostSum.find_all({"of": of}):
        found.update(each.ends or {})
    return +found


def only_task() -> Task:
    (task,) = Task.find_all({})
    return task


def only_generation() -> Generation:
    (generation,) = Generation.find_all({})
    return generation
