"""Days that are over: kept as they were, and closed anew after an interruption."""

import pytest

from jimeng.documents import Generation, Tally, Usage, utcnow
from jimeng.jobs import janitor, tallies
from jimeng.limits import usage
from tests.forgetting import forget_days
from tests.rest import (
    create,
)
from tests.usage.test_usage import (  # noqa: F401
    A_DAY,
    REFUSED,
    age,
    day_before,
    look,
    nothing_remembered,
    rows,
)


def test_days_are_kept_once_they_are_over(client, work_off):
    """Counted by the janitor, or by whoever asks first, they stay what they were."""
    for days in (40, 9, 1):
        create(client, n=2)
        work_off()
        age(days)
    before = rows(look(client, **{"from": day_before(60)}))

    janitor.close_days()
    janitor.close_days()
    forget_days()

    assert before == [(days, "done", 2, {"yes": 2}) for days in (1, 9, 40)]
    assert rows(look(client, **{"from": day_before(60)})) == before
    assert Usage.collection().count_documents({}) == 2
    # They are read from there, and from nowhere else.
    Generation.collection().delete_many({"ended_at": {"$lt": utcnow() - 5 * A_DAY}})
    assert rows(look(client, **{"from": day_before(60)})) == before


def test_interrupted_closing_is_done_again(client, provider, work_off, monkeypatch):
    """A process that dies over a day leaves it open; nothing counts twice."""
    provider.submits = [REFUSED]
    create(client, n=2)
    work_off()
    age(5)
    monkeypatch.setattr(Tally, "collection", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        tallies._close_day(
            (utcnow() - 5 * A_DAY).date(), tallies.count_ended(utcnow() - 6 * A_DAY)
        )
    monkeypatch.undo()

    found = rows(look(client))

    assert found == [(5, "done", 1, {"yes": 1}), (5, "failed", 1, {"no": 1})]
    (day,) = usage.all_days()
    assert (day.completed, day.failed) == (1, 1)
