"""What each way to end costs, when that is known, and whoever dies meanwhile."""

import contextlib
from datetime import UTC, datetime, timedelta

import pytest

from jimeng.billing import costs, settlement
from jimeng.documents import (
    CostSum,
    Generation,
    Image,
    LedgerEntry,
    QuotaUsage,
    Settler,
    Task,
)
from jimeng.documents.principal import Principal
from jimeng.jobs import bulk
from jimeng.tasks import clear_queue
from tests.billing.conftest import (
    PRICE,
    amounts,
    check_sums,
    counted,
    expire_lease,
    only_generation,
    only_task,
    settle,
)
from tests.conftest import come_due
from tests.jobs.test_deaths import Died, afresh, consume, reaper
from tests.jobs.test_time import time_out
from tests.rest import API, CAT, create, result, task
from tests.test_core import begin, refusal
from tests.test_guards import work, work_due

__all__ = ["afresh", "reaper"]

UNKNOWN = refusal("submit_unknown", maybe_accepted=True, charged="unknown")
BOUGHT = {"micros": PRICE, "outputs": 1}


def test_picture_costs_its_price_at_once(client, work_off):
    """Reserved before anything is sent; told once it is completed, not settled yet."""
    task_id = create(client, n=2)
    record, generations = task(client, task_id), Generation.find_all({})
    assert [each.held_micros for each in generations] == [PRICE, PRICE]
    assert all(each.budget_day and each.price_id for each in generations)
    assert record["held_micros"] == 2 * PRICE
    assert (record["cost"], record["cost_micros"]) == (None, None)
    work_off()

    before = task(client, task_id)
    settle()

    assert (before["cost"], before["cost_micros"]) == ("0.40", 2 * PRICE)
    assert before["held_micros"] == 0
    assert [each["cost"] for each in before["result"]["images"]] == ["0.20", "0.20"]
    assert task(client, task_id) == before
    assert [each.cost_micros for each in Generation.find_all({})] == [PRICE, PRICE]
    assert not Generation.find_all({"held_micros": {"$exists": True}})
    assert amounts(LedgerEntry) == {"micros": 2 * PRICE, "outputs": 2}
    check_sums()


def test_picture_that_waits_again_is_not_charged(
    client, provider, work_off, monkeypatch
):
    """
    Accepted, then refused and sent once more: what waits meanwhile costs nothing, and
    has no price of before where there is none by then.
    """
    provider.polls = [refusal("content_refused_output", new_seed=True)]
    begin(client)
    assert only_generation().charged == "unknown"

    come_due(state="generating")
    provider.submits = [refusal("rate_limited", transient=True)]
    work()

    assert only_generation().state == "queued"
    assert only_generation().charged == "no"
    assert only_generation().price_micros == PRICE
    monkeypatch.setattr(costs, "account_price", lambda *args, **more: None)
    work_off()
    settle()
    assert only_generation().price_id is None
    assert amounts(LedgerEntry) == {"outputs": 1, "unpriced": 1}
    check_sums()


def test_picture_that_was_never_sent_costs_nothing_whatever_is_stored(client):
    """A record of an earlier release may say something else."""
    task_id = create(client)
    client.post(f"{API}/tasks/{task_id}/cancel")
    wrong = {"charged": "unknown", "unsettled": True}
    Generation.collection().update_one({"state": "dropped"}, {"$set": wrong})

    settle()

    assert task(client, task_id)["cost_micros"] == 0
    assert amounts(LedgerEntry) == {}
    check_sums()


def test_cancelled_picture_that_was_begun_is_paid_for(client, work_off):
    """The provider goes on; the task says what it cost, and nobody is shown it."""
    task_id = begin(client)
    client.post(f"{API}/tasks/{task_id}/cancel")
    assert task(client, task_id)["held_micros"] == PRICE

    work_off()
    settle()

    record = task(client, task_id)
    assert (record["status"], record["cost"]) == ("cancelled", "0.20")
    assert record["held_micros"] == 0
    assert Image.find_all({}) == []
    assert (only_generation().state, only_generation().slot) == ("done", None)
    check_sums()


def test_late_picture_is_a_second_entry(client, provider, work_off):
    """What was unknown at the deadline and came later is never edited, but added."""
    task_id = time_out(client, provider)
    provider.polls = []
    settle()
    assert amounts(LedgerEntry) == {"unknown": 1}

    come_due(state="failed")
    work_off()
    work()
    settle()

    assert result(client, task_id)["cost"] == "0.20"
    assert only_generation().due_at is None
    first, second = LedgerEntry.find_all({}, sort=[("_id", 1)])
    assert (first.id, second.id) == (f"{task_id}_0|1", f"{task_id}_0|2")
    assert (first.unknown, second.unknown, second.micros) == (1, -1, PRICE)
    assert amounts(LedgerEntry) == {"micros": PRICE, "outputs": 1}
    check_sums()


def test_late_refusal_is_a_second_entry(client, provider):
    """The provider says hours later that it has not drawn it: nothing was charged."""
    task_id = time_out(client, provider)
    provider.polls = [refusal("content_refused_output")]
    settle()
    assert result(client, task_id)["error"]["charged"] == "unknown"

    work_due(state="failed")
    settle()

    error = result(client, task_id)["error"]
    told = (error["code"], error["charged"], error["cost"])
    assert told == ("timed_out", "no", "0.00")
    assert amounts(LedgerEntry) == {}
    assert only_generation().held_micros is None
    check_sums()


def test_price_is_that_of_the_moment_it_is_sent(client, work_off, monkeypatch):
    """A price that rises while it waits is what it costs; one that rises later not."""

    create(client)
    dearer = costs.Price("dearer", 300_000)
    monkeypatch.setattr(costs, "account_price", lambda *args, **more: dearer)
    work()
    monkeypatch.setattr(costs, "account_price", lambda *args, **more: None)
    work_off()

    settle()

    (entry,) = LedgerEntry.find_all({})
    assert (entry.micros, entry.price_id) == (300_000, "dearer")
    check_sums()


def test_without_a_price_the_cost_is_unknown(client, work_off, monkeypatch):
    """It is counted as one without a price, and says null, not 0, whatever it said."""

    monkeypatch.setattr(costs, "account_price", lambda *args, **more: None)
    monkeypatch.setattr(costs, "highest_price", lambda *args, **more: None)
    task_id = create(client)
    work_off()
    Generation.collection().update_many({}, {"$set": {"cost_micros": 0}})

    settle()

    assert only_generation().cost_micros is None
    record = task(client, task_id)
    money = ("cost", "cost_micros", "held_micros")
    assert [record[name] for name in money] == [None, None, None]
    assert amounts(LedgerEntry) == {"outputs": 1, "unpriced": 1}
    check_sums()


def test_record_of_an_earlier_release_has_no_cost(client, work_off):
    """It says null; nothing is entered for it, and it does not come up again."""
    task_id = create(client)
    work_off()
    money = ("budget_day", "held_micros", "hold_micros", "price_id", "price_micros")
    gone = {"$unset": dict.fromkeys((*money, "costs"), "")}
    Generation.collection().update_many({}, gone)
    Task.collection().update_many({}, gone)

    settle()

    record = task(client, task_id)
    told = [record[name] for name in ("cost", "cost_micros", "held_micros")]
    assert told == [None] * 3
    assert amounts(LedgerEntry) == {}
    assert only_generation().unsettled is None


@pytest.mark.parametrize("is_drawn", [False, True])
def test_costs_outlive_the_task(client, work_off, is_drawn):
    """The provider goes on, or is done; nobody sees picture or words any more."""
    task_id = begin(client)
    if is_drawn:
        work_off()
    client.delete(f"{API}/ai/image/task/{task_id}")
    state = "done" if is_drawn else "generating"
    assert (only_generation().state, only_generation().prompt) == (state, None)

    work_off()
    settle()

    assert Task.find_all({}) == []
    assert amounts(LedgerEntry) == {"micros": PRICE, "outputs": 1}
    assert only_generation().held_micros is None
    check_sums()


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        ("2026-02-28T15:59:59", "2026-02-28"),
        ("2026-02-28T16:00:00", "2026-03-01"),
        ("2026-01-31T15:59:59", "2026-01-31"),
        ("2026-01-31T16:00:00", "2026-02-01"),
        ("2026-12-31T15:59:59", "2026-12-31"),
        ("2026-12-31T16:00:00", "2027-01-01"),
    ],
)
def test_day_begins_at_midnight_in_shanghai(client, work_off, moment, day):
    """Where the server is does not matter, nor when the picture comes or is settled."""
    create(client)
    work_off()
    at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    later = at + timedelta(hours=1)
    changes = {"created_at": at, "ended_at": later, "charged_at": later}
    of_day = {"$set": changes, "$unset": {"budget_day": ""}}
    Generation.collection().update_many({}, of_day)

    settle()

    sums = CostSum.find_all({"of": {"$in": ["all", "user"]}})
    assert {each.day for each in sums} == {day}
    (of_month,) = CostSum.find_all({"of": "user_month"})
    assert of_month.month == day[:7]
    assert only_generation().bill_day == costs.billing_day(later)
    check_sums()


def test_sums_are_by_user_key_model_account_and_day(client, work_off):
    """All users together, and each with the key that was used."""
    create(client, user_id="shop:a")
    create(client, user_id="c", n=2)
    work_off()

    settle()

    for of in ("user", "user_month"):
        a, c = (amounts(CostSum, of=of, user_id=name) for name in ("shop:a", "c"))
        assert a == {"micros": PRICE, "outputs": 1}
        assert c == {"micros": 2 * PRICE, "outputs": 2}
    (everybody,) = CostSum.find_all({"of": "all"})
    assert everybody.micros == 3 * PRICE
    assert everybody.lane == "volcengine_jimeng:jimeng_t2i_v30"
    assert everybody.account == "main"
    check_sums()


def test_rebuild_corrects_what_is_wrong(client, work_off):
    """Sums that are wrong, some that are missing, and one too many."""
    create(client, user_id="a")
    create(client, user_id="b")
    work_off()
    settle()
    whole = {each.id: each.micros for each in CostSum.find_all({})}
    sums = CostSum.collection()
    sums.update_many({"user_id": "a"}, {"$inc": {"micros": 1}})
    sums.delete_many({"user_id": "b"})
    (day,) = {each.day for each in LedgerEntry.find_all({})}
    extra = {"_id": "all|x", "of": "all", "day": day, "batch": 0, "micros": 7}
    sums.insert_one(extra)

    found = settlement.rebuild()

    assert (found.sums, found.corrected) == (6, 5)
    assert {each.id: each.micros for each in CostSum.find_all({})} == whole
    check_sums()


def test_rebuild_leaves_out_what_is_entered_meanwhile(client, work_off):
    """A settler that takes the lease over adds its entries up, or has done so."""
    create(client)
    work_off()
    settle()
    whole = {each.id: each.micros for each in CostSum.find_all({})}
    entry = LedgerEntry.collection().find_one({})
    later = {**entry, "_id": f"{entry['generation']}|2", "batch": entry["batch"] + 9}
    LedgerEntry.collection().insert_one(later)
    expire_lease()

    found = settlement.rebuild()

    assert found.corrected == 0
    assert {each.id: each.micros for each in CostSum.find_all({})} == whole
    done = {"$set": {"batch": later["batch"]}, "$inc": {"micros": PRICE}}
    CostSum.collection().update_one({"of": "all"}, done)
    expire_lease()
    settlement.rebuild()
    assert CostSum.find_one({"of": "all"}).micros == 2 * PRICE


def test_settler_that_stalls_changes_nothing_more(client, work_off):
    """Whoever takes over completes its batch; what it does after that is void."""
    create(client, n=2)
    work_off()
    stalled = settlement._claim()
    stalled = settlement._store_batch(stalled, settlement._unsettled(1))
    settle()
    whole = amounts(CostSum)

    settlement._apply(stalled)

    assert amounts(CostSum) == whole
    assert amounts(LedgerEntry) == {"micros": 2 * PRICE, "outputs": 2}
    assert settlement._store_batch(stalled, settlement._unsettled(1) or []) is None
    assert only_task().cost_micros == 2 * PRICE
    check_sums()


def test_charge_that_changes_is_settled_anew(client, provider, work_off, monkeypatch):
    """An operator decides between the entry and the mark that it was entered."""
    provider.submits = [UNKNOWN]
    create(client)
    work_off()
    release_reserved = settlement.release_reserved

    def meanwhile(*batch: object) -> None:
        monkeypatch.setattr(settlement, "release_reserved", release_reserved)
        known = {"charged": "yes", "unsettled": True}
        Generation.collection().update_many({}, {"$set": known})
        release_reserved(*batch)

    monkeypatch.setattr(settlement, "release_reserved", meanwhile)

    settle()

    assert amounts(LedgerEntry) == {"micros": PRICE, "outputs": 1}
    assert only_generation().unsettled is None
    check_sums()


@pytest.mark.parametrize("charged", ["no", "yes"])
def test_hold_is_given_back_once(client, provider, work_off, monkeypatch, charged):
    """Though its picture changes, or its mark is lost, and it is settled once more."""
    provider.submits = [refusal()]
    create(client, n=3)
    work_off()
    release_reserved = settlement.release_reserved
    refused_one = Generation.find_one({"state": "failed"})

    def meanwhile(*batch: object) -> None:
        monkeypatch.setattr(settlement, "release_reserved", release_reserved)
        changed = {"charged": charged, "state": "unknown", "unsettled": True}
        changed["price_micros"] = PRICE
        Generation.collection().update_one({"_id": refused_one.id}, {"$set": changed})
        release_reserved(*batch)

    monkeypatch.setattr(settlement, "release_reserved", meanwhile)

    settle()

    spent = QuotaUsage.find_one({"_id": CAT["user_id"]}).day_micros
    assert spent == (2 if charged == "no" else 3) * PRICE
    check_sums()


def test_budgets_take_part_in_the_batches_after_a_restore(client, provider, work_off):
    """They may include batches with higher numbers, which this ledger does not have."""
    provider.submits = [refusal()]
    create(client, n=2)
    QuotaUsage.collection().update_many({}, {"$set": {"spend_batch": 99}})
    settlement.pause()
    settlement.resume()
    work_off()

    settle()

    assert QuotaUsage.find_one({}).day_micros == PRICE


def test_late_change_counts_on_the_day_of_the_order(client, provider, work_off):
    """Held while unknown, in January; on the bill in February: January says it, and
    when it was corrected."""
    provider.submits = [UNKNOWN]
    task_id = create(client, user_id="a")
    work_off()
    of_january = {"$set": {"budget_day": "2026-01-31"}}
    Generation.collection().update_many({}, of_january)
    charge_at("2026-01-31T15:59:59", charged="unknown")
    settle()
    error = result(client, task_id)["error"]
    assert (error["cost"], error["held_micros"]) == (None, PRICE)
    assert only_generation().held_micros == PRICE
    assert amounts(LedgerEntry) == {"unknown": 1}

    charge_at("2026-01-31T16:00:00", charged="yes")
    settle()

    (month,) = CostSum.find_all({"of": "user_month"})
    assert (month.month, month.micros, month.outputs) == ("2026-01", PRICE, 1)
    assert month.unknown == 0
    days = CostSum.find_all({"of": {"$in": ["all", "user"]}})
    assert {each.day for each in days} == {"2026-01-31"}
    corrected = LedgerEntry.find_all({}, sort=[("_id", 1)])[-1].corrected_at
    assert {each.corrected_at for each in (month, *days)} == {corrected} != {None}
    assert only_generation().bill_day == "2026-02-01"
    check_sums()


def test_correction_counts_on_the_day_of_what_it_corrects(client, provider, work_off):
    """An earlier release has entered that for the day on which it was known."""
    provider.submits = [UNKNOWN]
    create(client)
    work_off()
    settle()
    for kind in (LedgerEntry, CostSum):
        of_day = {"day": {"$exists": True}, "of": {"$ne": "hour"}}
        kind.collection().update_many(of_day, {"$set": {"day": "2026-01-01"}})
    CostSum.collection().update_many(
        {"month": {"$exists": True}}, {"$set": {"month": "2026-01"}}
    )
    expire_lease()
    settlement.rebuild()

    charge_at("2026-02-03T16:00:00", charged="yes")
    settle()

    days = {each.day for each in CostSum.find_all({"of": {"$in": ["all", "user"]}})}
    assert days == {"2026-01-01"}
    assert amounts(CostSum, of="user_month", month="2026-01") == BOUGHT
    check_sums()


@pytest.mark.parametrize(
    "changes",
    [
        {"error": {"code": None}},
        {"error": {"code": 7}},
        {"error": {"code": "a.b$c"}},
        {"dealt_with": {"error": "seen"}, "error": {}},
    ],
)
def test_error_that_is_not_understood_stops_nobody(client, provider, work_off, changes):
    """Another release may have written it; this picture is settled, and the others."""
    provider.submits = [refusal()]
    create(client, n=2)
    work_off()
    Generation.collection().update_one({"state": "failed"}, {"$set": changes})

    settle()

    assert Generation.find_all({"unsettled": {"$exists": True}}) == []
    assert sum(counted("all").values()) == 2
    check_sums()


def charge_at(moment: str, *, charged: str) -> None:
    """As if all of this had become known at that moment in UTC."""
    at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    known = {"charged": charged, "charged_at": at, "unsettled": True}
    Generation.collection().update_many({}, {"$set": known})


@pytest.mark.parametrize(
    "left", [{"month_batch": 0}, {}], ids=["earlier release", "killed rebuild"]
)
def test_sums_of_months_are_added_to_a_ledger_without(client, work_off, left):
    """
    A data directory of a release that had none, or a rebuild that ended half way: the
    next settlement adds all of them up, once.
    """
    create(client, user_id="a")
    work_off()
    settle()
    CostSum.collection().delete_many({"month": {"$exists": True}})
    Settler.collection().update_one({}, {"$set": left, "$inc": {"batch": 1}})
    create(client, user_id="b")
    work_off()

    settle()

    found = CostSum.find_all({"of": "user_month"}, sort=[("_id", 1)])
    sums = [(each.user_id, each.micros) for each in found]
    assert sums == [("a", PRICE), ("b", PRICE)]
    check_sums()
    settler = Settler.find_one({})
    assert settler.month_batch == settler.batch


@pytest.mark.parametrize(
    ("calls", "error", "cost", "entered"),
    [
        ("submits", refusal(), "0.00", {}),
        ("polls", refusal("content_refused_output", charged="no"), "0.00", {}),
        ("polls", refusal("picture_lost", charged="yes"), "0.20", BOUGHT),
    ],
    ids=["refused", "refused by the checks", "lost"],
)
def test_picture_that_fails(client, provider, work_off, calls, error, cost, entered):
    """
    Refused at once or by the provider's checks, or generated and not to be had: its
    cost is known. Its words stay with the task, for its owner only.
    """
    setattr(provider, calls, [error])
    task_id = create(client)
    work_off()
    known_at_once = result(client, task_id)["error"]

    settle()

    told = result(client, task_id)["error"]
    assert known_at_once["cost"] == told["cost"] == cost
    assert (told["cost_micros"], told["held_micros"]) == (entered.get("micros", 0), 0)
    assert amounts(LedgerEntry) == entered
    assert (only_generation().held_micros, only_generation().prompt) == (None, None)
    check_sums()


@pytest.mark.parametrize("how", ["deleted", "cleared"])
def test_what_is_never_sent_costs_nothing(client, work_off, how):
    """Its task is deleted, or an operator clears the queue."""
    task_id = create(client)
    if how == "deleted":
        client.delete(f"{API}/ai/image/task/{task_id}")
    else:
        bulk.work(clear_queue.clear(Principal("root", is_operator=True)))
    work_off()

    settle()

    assert amounts(LedgerEntry) == {}
    assert (only_generation().charged, only_generation().held_micros) == ("no", None)
    check_sums()


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
