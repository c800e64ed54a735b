"""A long history of pictures, which no request has the time to count."""

import pytest
from pymongo.errors import ExecutionTimeout

from jimeng.jobs import janitor, tallies
from jimeng.limits import usage
from tests.rest import create
from tests.usage.test_usage import OPERATOR, age, day_before, look, rows


@pytest.fixture
def history(client, work_off):
    """Pictures of forty, thirty and five days ago, and one of today."""
    for days in (40, 30, 5):
        create(client)
        work_off()
        age(days)
    create(client)
    work_off()


def test_long_history_refuses_nobody(client, history, monkeypatch):
    """What a request has no time to count is left out, and said to be."""
    monkeypatch.setattr(tallies, "REQUEST_BUDGET_S", 0)
    since = {"from": day_before(60)}

    first = look(client, **since)

    assert rows(first) == [(0, "done", 1, {"yes": 1})]
    assert not first["complete"]
    # What is asked for is there.
    assert look(client, **{"from": day_before(1)})["complete"]
    assert [day.completed for day in usage.all_days()] == [1]
    janitor.close_days()
    monkeypatch.undo()
    second = look(client, **since)
    assert [days for days, *_ in rows(second)] == [0, 5, 30, 40]
    assert second["complete"]


def test_day_that_takes_too_long_refuses_nobody(client, history, monkeypatch):
    """The consumers, who have more time, will count it."""
    counted = tallies.count_ended

    def count_ended(*days: object, **whose: object) -> object:
        return counted(*days, **whose) if whose else timed_out()  # those of all users

    with monkeypatch.context() as patched:
        patched.setattr(tallies, "count_ended", count_ended)
        assert not look(client, **{"from": day_before(60)})["complete"]
        assert "again later" in page(client, "/account/usage?days=90")

    assert look(client, **{"from": day_before(60)})["complete"]


def timed_out(*_: object) -> None:
    raise ExecutionTimeout("operation exceeded time limit")


def page(client, path: str) -> str:
    return client.get(path, headers={"Accept-Language": "en"}).text


def test_sums_of_a_long_history_only_grow(client, history, monkeypatch):
    """Figures that went back would be taken for a new start."""
    monkeypatch.setattr(tallies, "REQUEST_BUDGET_S", 0)
    found = []
    for _ in range(5):
        ways, _ = usage.totals(OPERATOR)
        found.append(ways.total())
        next(kept := tallies.closing_days(), None)
        next(kept, None)
    monkeypatch.undo()

    assert found == [0, 1, 2, 3, 3]
    assert usage.totals(OPERATOR)[0].total() == 4
