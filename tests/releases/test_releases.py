"""Two releases on one database: what a later one writes, this one lives with."""

from dataclasses import replace
from datetime import timedelta

import pytest

from jimeng import jobs
from jimeng.batches import filling
from jimeng.documents import (
    Batch,
    Generation,
    Image,
    Input,
    Lane,
    QuotaUsage,
    Task,
    utcnow,
)
from jimeng.documents.base import Stored
from jimeng.jobs import pump
from jimeng.jobs.queue import advance
from jimeng.process.runtime import runtime
from jimeng.providers import Progress
from jimeng.upkeep import input_cleanup, janitor, purge, repair, retention
from tests.conftest import come_due, run_queue
from tests.forgetting import forget, forget_lanes
from tests.hung import hang
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


SCENE = {"$set": {"kind": "scene"}}
LONG_AGO = timedelta(days=400)


def rows(kind: type[Stored], **where: object) -> list[dict]:
    """As they are stored, but for a time that the test itself has moved."""
    found = kind.collection().find(where).sort("_id", 1)
    return [{**row, "due_at": None} for row in found]


def make_scene(task_id: str) -> None:
    """Task and generation are those of a later release from now on."""
    Task.collection().update_one({"_id": task_id}, {"$set": {"type": "scene"}})
    Generation.collection().update_many({"task_id": task_id}, SCENE)


@pytest.mark.parametrize("state", [*STATES, "preparing", "failed", "unknown"])
def test_unknown_kind_is_left_alone_in_every_state(client, state):
    """Though it has that of a picture; those behind it are drawn."""
    mixed, behind = line_up(client)
    known = state in STATES
    scene = mixed[STATES.index(state)] if known else in_state(client, state)
    make_scene(scene)
    long_ago = {"$set": {"created_at": utcnow() - LONG_AGO}}
    Task.collection().update_one({"_id": scene}, long_ago)
    Generation.collection().update_many({"task_id": scene}, long_ago)
    before = rows(Generation, task_id=scene), rows(Task, _id=scene)

    finish()
    janitor.fail_unserved()
    janitor.backfill_all_generations()

    assert (rows(Generation, task_id=scene), rows(Task, _id=scene)) == before
    assert statuses(client, behind) == ["completed", "completed"]


def test_slot_of_an_unknown_kind_stays_taken(client, provider):
    """The provider draws both; with one of two slots left pictures go on."""
    scene = in_state(client, "generating")
    make_scene(scene)
    Generation.collection().update_many({"task_id": scene}, {"$set": {"slot": 0}})
    for n in range(3):
        create(client, prompt=f"cat {n}")
    Lane.collection().delete_many({})
    forget_lanes()

    pump.tick()
    run_queue()

    held = Generation.collection().count_documents({"slot": {"$exists": True}})
    assert held == 2
    finish()
    assert [row["slot"] for row in rows(Generation, task_id=scene)] == [0]


def test_lane_that_is_not_served_keeps_what_is_of_another_kind(client):
    """Its release offers the model, and may be back."""
    scene, picture = (create(client, prompt=each)["task_id"] for each in "ab")
    make_scene(scene)
    ids = {"task_id": {"$in": [scene, picture]}}
    elsewhere = {"lane": "volcengine_ark:scene", "created_at": utcnow() - LONG_AGO}
    Generation.collection().update_many(ids, {"$set": elsewhere})

    janitor.fail_unserved()

    assert statuses(client, [scene, picture]) == ["pending", "failed"]


def test_picture_of_another_releases_pump_is_neither_taken_nor_mended(client):
    """
    Both have one Redis: a consumer takes jobs that it has not queued. What is wrong
    with its times is for its release to say.
    """
    scene = in_state(client, "generating")
    make_scene(scene)
    stored, where = Generation.collection(), {"task_id": scene}
    reserved = {"owner": "theirs", "due_at": utcnow() + timedelta(seconds=5)}
    stored.update_many(where, {"$set": reserved})
    (before,) = stored.find(where)

    advance(before["_id"], "theirs")
    run_queue()

    assert list(stored.find(where)) == [before]
    assert jobs.huey.storage.queue_size() == 0
    stored.update_many(where, {"$set": {"due_at": utcnow() + timedelta(hours=1)}})
    (before,) = stored.find(where)

    repair.repair()

    assert list(stored.find(where)) == [before]


@pytest.fixture
def old(database, client) -> tuple[str, str]:
    """A picture, and what a later release has kept as one, both of long ago."""
    ids = hang("a picture", "a scene", newest=utcnow() - LONG_AGO)
    Image.collection().update_one({"_id": ids[1]}, SCENE)
    task_id = ids[1].rpartition("_")[0]
    Task.collection().update_one({"_id": task_id}, {"$set": {"type": "scene"}})
    forget()
    return ids[0], ids[1]


def kept() -> list[str]:
    return sorted(row["_id"] for row in rows(Image))


def test_retention_leaves_other_kinds(old, config, registry):
    """By days, and what the limit would remove does not count them."""
    jobs.configure(replace(config, KEEP_DAYS=30), registry)
    would = retention.count_surplus(None, 30, 0).count

    retention.apply_limits()

    assert (would, kept()) == (1, [old[1]])


def test_trash_keeps_other_kinds(old):
    """Alone, and with their task; nor is a deletion finished that another began."""
    ago = utcnow() - LONG_AGO
    Image.collection().update_many({}, {"$set": {"trashed_at": ago}})
    Task.collection().update_many({}, {"$set": {"deleted_at": ago, "purge_at": ago}})
    scene = old[1].rpartition("_")[0]

    purge.empty_trash()
    janitor.finish_deletions()
    Task.collection().update_one({"_id": scene}, {"$unset": {"purge_at": ""}})
    janitor.finish_deletions()

    assert kept() == [old[1]]
    assert [row["_id"] for row in rows(Task)] == [scene]


def test_bytes_of_another_kind_are_not_swept(old, monkeypatch):
    """Their record may name them by a field that is not known here."""
    monkeypatch.setattr(janitor, "UNREFERENCED_AFTER", timedelta(days=-1))
    row = Image.collection().find_one({"_id": old[1]})
    moved = {"$set": {"film_id": row["file_id"]}, "$unset": {"file_id": ""}}
    Image.collection().update_one({"_id": old[1]}, moved)
    Image.collection().update_one({"_id": old[0]}, {"$unset": {"file_id": ""}})
    later = utcnow() + LONG_AGO
    before = runtime().store.saved_before(later, after=None, limit=9)

    janitor.sweep_files()

    left = runtime().store.saved_before(later, after=None, limit=9)
    assert row["file_id"] in left
    assert len(before) - len(left) == 1


def test_input_of_another_kind_is_not_swept(database, client):
    """A film that goes in is for its release to give up."""
    ago = utcnow() - LONG_AGO
    row = {"user_id": "user_123", "state": "ready", "created_at": ago}
    Input.collection().insert_one(
        {"_id": "film", "kind": "scene", "keep_until": ago, **row}
    )
    Input.collection().insert_one(
        {"_id": "end", "kind": "scene", "doomed_at": ago, **row}
    )
    before = rows(Input)

    input_cleanup.sweep_inputs()

    assert rows(Input) == before


def test_batch_of_another_kind_is_not_filled_or_forgotten(client):
    """Its tasks would be pictures."""
    ago = utcnow() - LONG_AGO
    body = {"template": "cat\ndog", "user_id": "user_123"}
    made = client.post("/api/v1/batches", json=body).json["data"]
    Batch.collection().update_one({"_id": made["batch_id"]}, SCENE)
    due = {"due_at": ago, "made": 0}
    Batch.collection().update_one({"_id": made["batch_id"]}, {"$set": due})
    before = list(Batch.collection().find({}))

    filling.fill_due()
    Batch.collection().update_many({}, {"$set": {"deleted_at": ago}})
    filling.forget_deleted()

    (after,) = Batch.collection().find({}, {"deleted_at": 0})
    assert after == before[0]
