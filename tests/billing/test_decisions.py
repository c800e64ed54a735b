"""What operators decide weeks later, by ``flask costs`` too, and what a backup has."""

from collections.abc import Callable
from contextlib import nullcontext
from datetime import timedelta

import pytest

from jimeng.documents import (
    AuditEntry,
    CostSum,
    Generation,
    LedgerEntry,
    Task,
    utcnow,
)
from jimeng.documents.principal import Principal
from jimeng.errors import ChargeKnown
from jimeng.errors.access import AdminsOnly
from jimeng.operations import backup, costs
from tests.backup.conftest import copied, elsewhere
from tests.billing.conftest import (
    PRICE,
    amounts,
    check_sums,
    counted,
    expire_lease,
    only_generation,
    settle,
)
from tests.billing.test_settlement import UNKNOWN
from tests.conftest import come_due
from tests.rest import API, create, refused, result

__all__ = ["copied", "elsewhere"]

OPERATOR = Principal("root", is_operator=True)


@pytest.fixture
def unknown(client, provider, work_off) -> str:
    """A task whose picture nobody knows of, since three weeks."""
    provider.submits = [UNKNOWN]
    task_id = create(client)
    work_off()
    settle()
    come_due(state="unknown")
    work_off()
    then = utcnow() - timedelta(weeks=3)
    changes = {"ended_at": then, "created_at": then}
    Generation.collection().update_many({}, {"$set": changes})
    return task_id


@pytest.fixture
def command(app, monkeypatch) -> Callable[..., str]:
    """Runs ``flask costs``, with this connection, and returns its output."""
    from jimeng.cli import costs as module

    monkeypatch.setattr(module, "databases", nullcontext)

    def run(*args: str, status: int = 0) -> str:
        found = app.test_cli_runner().invoke(args=["costs", *args])
        assert found.exit_code == status, found.output
        return found.output

    return run


def test_command_lists_and_decides(client, unknown, command):
    """With the price and the account, for a look at the bill."""
    picture = f"{unknown}_0"

    listed, said = command("unknown"), command("decide", picture, "no")
    command("decide", picture, "yes", status=1)

    assert picture in listed and "¥0.20  main" in listed
    assert listed.endswith("unknown: 1\n")
    assert said == "charged: no\n"
    assert only_generation().charged == "no"
    settle()
    assert result(client, unknown)["error"]["cost"] == "0.00"
    assert command("unknown") == "unknown: 0\n"


def test_command_rebuilds_and_says_what_it_corrected(client, work_off, command):
    """None, if nothing is wrong."""
    create(client)
    work_off()
    settle()
    expire_lease()

    assert command("rebuild") == "sums: 4\ncorrected: 0\n"
    CostSum.collection().update_one({"of": "all"}, {"$inc": {"micros": -PRICE}})
    assert command("rebuild") == "sums: 4\ncorrected: 1\n"


@pytest.mark.parametrize(
    ("is_charged", "cost", "micros"), [(True, "0.20", PRICE), (False, "0.00", 0)]
)
def test_decision_in_week_three(client, unknown, is_charged, cost, micros):
    """It is entered for the day of the order, audited, and known everywhere."""
    (found,) = costs.undecided(OPERATOR)
    assert counted("all") == {"unknown|unknown|submit_unknown": 1}

    costs.decide(OPERATOR, found.id, is_charged)
    settle()

    error = result(client, unknown)["error"]
    assert error["charged"] == ("yes" if is_charged else "no")
    assert (error["cost"], error["held_micros"]) == (cost, 0)
    first, second = LedgerEntry.find_all({}, sort=[("_id", 1)])
    assert (first.unknown, second.unknown, second.micros) == (1, -1, micros)
    assert only_generation().decided["by"] == "root"
    assert only_generation().held_micros is None
    assert costs.undecided(OPERATOR) == []
    (entry,) = AuditEntry.find_all({"action": "costs.decide"})
    assert (entry.target, entry.outcome) == (found.id, {"ok": True})
    assert counted("all") == {f"unknown|{error['charged']}|submit_unknown": 1}
    check_sums()


def test_what_is_still_looked_for_is_not_decided(client, provider, work_off):
    """The slot is still held, or a late poll may find the picture."""
    provider.submits = [UNKNOWN]
    task_id = create(client)
    work_off()

    assert costs.undecided(OPERATOR) == []
    with pytest.raises(ChargeKnown):
        costs.decide(OPERATOR, f"{task_id}_0", True)


def test_decision_against_a_charge_lets_a_retry_go_without_consent(client, unknown):
    """It is made by an operator, and once; it changes nothing when it is refused."""
    retry = f"{API}/tasks/{unknown}/retry"
    refused(client.post(retry), 409, "may_be_charged_twice")

    with pytest.raises(AdminsOnly):
        costs.decide(Principal("li"), f"{unknown}_0", False)
    refused(client.post(retry), 409, "may_be_charged_twice")

    costs.decide(OPERATOR, f"{unknown}_0", False)
    with pytest.raises(ChargeKnown):
        costs.decide(OPERATOR, f"{unknown}_0", True)
    settle()

    assert only_generation().charged == "no"
    assert client.post(retry).status_code == 202


def test_backup_carries_the_ledger(client, work_off, copied, elsewhere):
    """The ledger is copied, and added up again; what was waiting may have cost."""
    create(client, n=2)
    work_off()
    settle()
    create(client)
    but_hours = {"of": {"$ne": "hour"}}
    before = {each.id: each.micros for each in CostSum.find_all(but_hours)}
    path = copied()

    with elsewhere():
        backup.restore(path)
        after = {each.id: each.micros for each in CostSum.find_all(but_hours)}
        assert after == before
        assert amounts(LedgerEntry) == {"micros": 2 * PRICE, "outputs": 2}
        settle()
        entered = {"micros": 2 * PRICE, "outputs": 2, "unknown": 1}
        assert amounts(LedgerEntry) == entered
        assert len(Task.find_all({})) == 2
        check_sums()
