"""A settler dies just before each of its writes, one after another."""

import contextlib

from jimeng.documents import CostSum, Generation, LedgerEntry, QuotaUsage
from jimeng.jobs import settlement
from tests.costs.conftest import PRICE, amounts, check_sums, expire_lease, settle
from tests.costs.test_settlement import UNKNOWN
from tests.jobs.test_deaths import Died, afresh, consume, reaper
from tests.test_core import create, refusal

__all__ = ["afresh", "reaper"]


def test_death_at_any_write_neither_loses_nor_doubles(client, reaper, afresh, provider):
    """Two pictures that are charged, one that may be, and one that is not."""
    for number in afresh.each_moment(least=6, within=("settlement.py",)):
        provider.submits = [refusal(), UNKNOWN]
        create(client, n=4, seed=100)
        consume(reaper)
        expire_lease()
        reaper.arm(number)

        with contextlib.suppress(Died):
            settlement.settle()
        reaper.disarm()
        settle()  # another, when the lease of the first is over

        entered = amounts(LedgerEntry)
        assert entered == {"micros": 2 * PRICE, "outputs": 2, "unknown": 1}, number
        # What the refused one had reserved is given back, once.
        assert QuotaUsage.find_one({}).day_micros == 3 * PRICE, number
        assert not Generation.find_all({"unsettled": {"$exists": True}})
        check_sums()


def test_death_at_a_late_change_doubles_nothing(client, reaper, afresh, provider):
    """The same at the second entry of a picture, and while sums are rebuilt."""
    for number in afresh.each_moment(least=6, within=("settlement.py",)):
        provider.submits = [UNKNOWN]
        create(client, seed=100)
        consume(reaper)
        settle()
        known = {"charged": "yes", "unsettled": True}
        Generation.collection().update_many({}, {"$set": known})
        CostSum.collection().update_many({}, {"$inc": {"micros": 7}})
        expire_lease()
        reaper.arm(number)
        with contextlib.suppress(Died):
            settlement.rebuild()
            settlement.settle()
        reaper.disarm()
        settle()
        expire_lease()
        settlement.rebuild()

        assert amounts(LedgerEntry) == {"micros": PRICE, "outputs": 1}, number
        check_sums()
