"""Limits hold for requests at once; the last of what is allowed is somebody's."""

from datetime import timedelta

import pytest

from jimeng.billing import settlement
from jimeng.documents import Generation, QuotaUsage, utcnow
from tests.at_once import at_once
from tests.billing.conftest import counted, settle
from tests.limits.conftest import USER, ask, left, put_on, quota  # noqa: F401 (fixture)
from tests.rest import API, create

AT_ONCE = 20


def statuses(client, number: int = AT_ONCE) -> list[int]:
    def send(_: int) -> int:
        return ask(client.application.test_client()).status_code

    return at_once(number, send)


def test_first_record_of_a_user_counts_everybody(client):
    """Many ask before there is anything to count in."""
    found = statuses(client)

    (kept,) = QuotaUsage.collection().find()
    turns = Generation.collection().distinct("turn")
    assert set(found) == {202}
    assert kept["asked"] == len(turns) == AT_ONCE


@pytest.mark.parametrize("yesterday", [0, 10])
def test_day_begins_once(quota, yesterday):  # noqa: F811
    """The first of a day come together: ten of twenty are taken."""
    create(quota)
    put_on((utcnow() - timedelta(days=1)).date(), yesterday)

    found = statuses(quota)

    assert (found.count(202), found.count(429)) == (10, 10)
    assert QuotaUsage.find_one({"_id": USER}).asked == 10
    assert left() == {"daily-pictures": 0}


def test_giving_back_loses_no_count(quota):  # noqa: F811
    """Some are cancelled while others are taken: never more than ten are there."""
    made = [create(quota) for _ in range(10)]

    def act(each: int) -> int:
        client = quota.application.test_client()
        if each % 2:
            return client.post(f"{API}/tasks/{made[each // 2]}/cancel").status_code
        return ask(client).status_code

    found = at_once(AT_ONCE, act)

    waiting = Generation.collection().count_documents({"state": "queued"})
    assert waiting == found.count(202)
    assert left() == {"daily-pictures": 10 - waiting}
    rest = [ask(quota).status_code for _ in range(11 - waiting)]
    assert rest == [202] * (10 - waiting) + [429]


def test_many_settlers_count_each_end_once(client, work_off):
    """All workers settle at the same time; they take turns."""
    create(client, n=4)
    work_off()

    at_once(8, lambda _: settlement.settle())
    settle()

    assert counted("all") == {"done|yes|": 4}
