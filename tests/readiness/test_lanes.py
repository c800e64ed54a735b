"""A lane that stands still keeps a server from being ready; one that waits does not."""

from datetime import timedelta

import pytest

from jimeng.documents import Generation, Lane, utcnow
from jimeng.jobs import pump
from jimeng.lanes import switches
from tests.conftest import run_queue
from tests.readiness.conftest import LONG_AGO
from tests.rest import create


def test_lane_that_stands_still_is_told(probe, forgotten, lane):
    """By its name, until it sends again."""
    assert probe()["names"] == {"lane_stalled": [lane]}

    pump.tick()
    run_queue()

    assert probe()["missing"] == []


def test_lane_with_a_picture_that_has_just_come_does_not_stand_still(client, probe):
    """It is given half a minute."""
    create(client)

    assert probe()["missing"] == []


def test_lane_that_has_just_sent_does_not_stand_still(probe, forgotten, lane):
    """What waits is not the first in line yet; busy lanes have a free slot at times."""
    Lane.collection().update_one(
        {"_id": lane}, {"$set": {"taken_at": utcnow()}}, upsert=True
    )

    assert probe()["missing"] == []


def test_lane_that_backs_off_does_not_stand_still(probe, forgotten, lane):
    """The provider has asked for patience."""
    later = utcnow() + timedelta(seconds=10)
    Lane.collection().update_one(
        {"_id": lane}, {"$set": {"not_before": later}}, upsert=True
    )

    assert probe()["missing"] == []


def test_full_lane_does_not_stand_still(probe, forgotten, client, database):
    """Its pictures wait for a slot."""
    create(client, n=2)
    pump.tick()
    run_queue()
    database.lanes.update_many({}, {"$unset": {"taken_at": ""}})
    database.generations.update_many(
        {"state": "queued"}, {"$set": {"created_at": utcnow() - LONG_AGO}}
    )
    assert Generation.collection().count_documents({"state": "queued"}) == 1

    assert probe()["missing"] == []


@pytest.mark.parametrize(
    ("states", "missing"),
    [
        (["upscaling", "upscaling"], ["lane_stalled"]),
        (["upscaling", "generating"], []),
        (["generating", "generating"], []),
    ],
)
def test_lane_whose_places_another_release_holds_stands_still(
    probe, forgotten, client, lane, states, missing
):
    """It sends nothing until that release is back; with one place left it goes on."""
    create(client, n=2)
    rows = Generation.collection().find({"index": {"$gte": 0}}).sort("created_at", -1)
    for slot, (row, state) in enumerate(zip(rows, states, strict=False)):
        held = {"state": state, "slot": slot}
        Generation.collection().update_one({"_id": row["_id"]}, {"$set": held})

    assert probe()["missing"] == missing


def test_paused_lane_does_not_stand_still_whoever_holds_its_places(
    probe, forgotten, client
):
    """The operator wanted it."""
    create(client, n=2)
    rows = Generation.collection().find().sort("created_at", -1)
    for slot, row in enumerate(list(rows)[:2]):
        held = {"state": "upscaling", "slot": slot}
        Generation.collection().update_one({"_id": row["_id"]}, {"$set": held})
    switches.pause(switches.SENDING, "root")

    assert probe()["missing"] == []


def test_lane_that_goes_on_between_two_looks_does_not_stand_still(
    probe, forgotten, monkeypatch
):
    """A delay that has just ended looks like a stall for a moment."""

    def meanwhile(seconds: float) -> None:
        pump.tick()
        run_queue()

    monkeypatch.setattr("jimeng.monitoring.readiness.time.sleep", meanwhile)

    assert probe()["missing"] == []


def test_sending_that_is_paused_is_said_and_no_failure(probe, forgotten):
    """The operator wanted it."""
    switches.pause(switches.SENDING, "root")

    found = probe()

    assert (found["missing"], found["paused"]) == ([], ["sending"])
