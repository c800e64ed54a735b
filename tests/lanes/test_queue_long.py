"""A queue that is too long to be counted: a look at it takes no longer for that."""

from datetime import timedelta

import pytest

from jimeng import lanes
from jimeng.documents import Generation, QuotaUsage, State, utcnow
from jimeng.documents.principal import Principal
from jimeng.operations import queue
from jimeng.tasks import clear_queue
from tests.rest import API, CAT, create, data_of

OPERATOR = Principal("root", is_operator=True)


@pytest.fixture
def full(client, monkeypatch):
    """Three users with 14 pictures, of which 3 are counted one by one."""
    monkeypatch.setattr(queue, "MAX_COUNTED", 3)
    monkeypatch.setattr(clear_queue, "MAX_COUNTED", 2)
    for user, n in (("ada", 4), ("bob", 2), ("ada", 3), ("eve", 4)):
        create(client, user_id=user, n=n)
    later = {**CAT, "user_id": "eve", "type": "image", "delay": 3600}
    data_of(client.post(f"{API}/ai/tasks", json=later), 202)
    return client


def test_everything_is_told_as_if_it_were_counted(full, monkeypatch):
    """By lane, by user, and what is delayed."""
    found = queue.read_queue(OPERATOR)
    monkeypatch.undo()

    exact = queue.read_queue(OPERATOR)
    assert (found.pending, found.retry, found.active) == (14, 0, 0)
    assert [(u.id, u.waiting) for u in found.users] == [
        (u.id, u.waiting) for u in exact.users
    ]
    assert [each.pending for each in found.lanes] == [
        each.pending for each in exact.lanes
    ]
    assert found.oldest_at == exact.oldest_at


def test_what_was_counted_is_not_less_than_that(full):
    """Where the users' numbers have drifted, or are gone."""
    QuotaUsage.collection().delete_many({})

    assert queue.read_queue(OPERATOR).pending == 4 + 1


def test_those_sent_before_are_told_apart(full):
    """And are counted once."""
    first = {"state": State.QUEUED.value, "turn": 0, "user_id": "ada"}
    Generation.collection().update_one(first, {"$set": {"attempts": 1}})

    found = queue.read_queue(OPERATOR)

    assert (found.pending, found.retry) == (13, 1)


def test_many_delayed_ones_are_counted_too(full):
    """Those that are due last are delayed, and wait like the others."""
    later = {"due_at": utcnow() + timedelta(hours=2), "state": State.DELAYED.value}
    Generation.collection().update_many({"user_id": "ada"}, {"$set": later})

    assert queue.read_queue(OPERATOR).pending == 14


def test_clearing_says_about_how_much_there_is(full):
    """Before anything is cancelled; then all of it is."""
    found = clear_queue.count_pending()

    assert (found.tasks, found.pictures, found.users) == (5, 14, 3)


def test_lanes_have_their_names_however_they_are_kept(database):
    """No dot, no dollar and no percent sign is lost."""
    lane = "ark:doubao-4.0%2E$x"
    lanes.reserve_tickets(lane, "ada", 2)

    assert lanes.waiting_by_user() == {(lane, "ada"): 2}
