"""Two releases on one database: what a later one writes, this one lives with."""

import pytest

from jimeng.documents import Generation, Image, Lane, QuotaUsage, Task
from jimeng.documents.base import Stored
from jimeng.jobs import pump, repair
from jimeng.providers import Progress
from tests.conftest import come_due, run_queue
from tests.releases.other_release import (
    OF_LATER,
    STATES,
    failing,
    finish,
    held,
    in_state,
    line_up,
    pages_of,
    statuses,
)
from tests.test_core import create, result

KINDS = [each for each in Stored.kinds() if each.__module__.startswith("jime")]


def test_place_held_by_an_unknown_state_is_an_alarm(client, caplog):
    """Once when it begins, and not with each look."""
    in_state(client, "generating")
    Generation.collection().update_many({}, {"$set": {"state": "upscaling"}})

    for _ in range(3):
        repair.repair()

    (alarm,) = [each for each in caplog.records if "held by" in each.getMessage()]
    assert alarm.levelname == "ERROR"


@pytest.mark.parametrize("state", STATES)
def test_unknown_state_is_left_to_its_release(client, state):
    """Nobody here claims it; those behind it are drawn; its page can be read."""
    mixed, behind = line_up(client)
    where = {"task_id": mixed[STATES.index(state)]}
    Generation.collection().update_one(where, {"$set": {"state": "upscaling"}})
    before = Generation.collection().find_one(where)

    finish()

    come_due(task_id={"$ne": where["task_id"]})
    after = Generation.collection().find_one(where)
    assert {**after, "due_at": None} == {**before, "due_at": None}
    assert [row["_id"] for row in held() if row["_id"] != before["_id"]] == []
    assert statuses(client, behind) == ["completed", "completed"]
    assert failing(client, *pages_of(where["task_id"])) == {}


@pytest.mark.parametrize("status", ["paused", "archived"])
@pytest.mark.parametrize("is_open", [True, False])
def test_unknown_status_is_shown_in_neutral_words(client, status, is_open):
    """The old web answers 200 for what the new one has written."""
    task_id = create(client)["task_id"]
    gone = {} if is_open else {"open": ""}
    update = {"$set": {"status": status}, "$unset": {"nothing": "", **gone}}
    Task.collection().update_one({"_id": task_id}, update)

    finish()

    assert failing(client, *pages_of(task_id)) == {}
    shown = result(client, task_id)
    assert shown["status"] == status
    assert "版本" in shown["message"]
    assert Task.collection().find_one({"_id": task_id})["status"] == status


def test_task_with_an_unknown_status_keeps_its_place(client, work_off):
    """It is not sent and not dropped; when its status is known again, it is drawn."""
    held_up, behind = create(client)["task_id"], create(client)["task_id"]
    Task.collection().update_one({"_id": held_up}, {"$set": {"status": "paused"}})

    finish(3)
    assert statuses(client, [behind]) == ["completed"]
    assert held() == []
    Task.collection().update_one({"_id": held_up}, {"$set": {"status": "pending"}})
    finish()

    assert statuses(client, [held_up]) == ["completed"]


def test_picture_of_a_task_with_an_unknown_status_is_kept(client):
    """What has been drawn is paid for, whatever its task is called."""
    task_id = create(client)["task_id"]
    pump.tick()
    run_queue()
    Task.collection().update_one({"_id": task_id}, {"$set": {"status": "reviewing"}})

    finish()

    assert statuses(client, [task_id]) == ["completed"]


def test_fields_of_a_later_release_stay_and_hinder_nothing(client, provider):
    """On every document, written anew all the time, through a whole life."""
    task_ids = [create(client, n=2)["task_id"] for _ in range(3)]
    provider.polls = [Progress("x"), Progress("y")]
    for _ in range(12):
        add_to_all()
        finish(1)

    assert statuses(client, task_ids) == ["completed"] * 3
    assert held() == []
    add_to_all()
    assert failing(client, *pages_of(task_ids[0])) == {}
    for kind in (Task, Generation, Image, Lane, QuotaUsage):
        assert kind.collection().count_documents({}) > 0
        assert kind.collection().count_documents({"added": {"$exists": False}}) == 0


def add_to_all() -> None:
    for kind in KINDS:
        kind.collection().update_many({}, {"$set": {"added": OF_LATER}})
