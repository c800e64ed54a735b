"""Each reason why a server is not ready, by breaking the thing itself."""

import re
import threading
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
from pymongo.errors import ServerSelectionTimeoutError

from jimeng import jobs
from jimeng.documents import indexes, utcnow
from jimeng.i18n import MESSAGES
from jimeng.jobs import pump
from jimeng.monitoring import readiness
from jimeng.schemas.fields import moment
from jimeng.schemas.responses import Reason
from tests.conftest import run_queue
from tests.readiness.conftest import LONG_AGO
from tests.rest import create


def test_every_reason_has_words():
    """In both languages, and no others are there."""
    words = {key.removeprefix("ready.") for key in MESSAGES if key.startswith("ready.")}

    assert words == set(readiness.CODES)


def test_every_reason_is_named_in_the_description():
    """Of the API, in both languages."""
    for words in Reason().fields["code"].metadata["words"]:
        _, codes = re.split("：|: ", words)
        assert set(re.split("、|, ", codes)) == set(readiness.CODES)


def test_server_that_lacks_nothing_is_ready(probe):
    """Whole databases, a worker, a provider."""
    assert probe()["missing"] == []


@pytest.mark.parametrize("label", ["tasks.idem", "generations.slot", "images.gallery"])
def test_missing_index_is_told(probe, database, label):
    """By its name, until it is back."""
    index = indexes.declared()[label]
    database[index.collection].drop_index(index.name)

    without = probe()

    assert without["missing"] == ["index_missing"]
    assert without["names"]["index_missing"] == [label]
    indexes.build()
    assert probe()["missing"] == []


def test_each_reason_says_since_when(client, probe, database, monkeypatch):
    """One that was gone in between begins anew; one that came later is younger."""
    now = began = utcnow()
    monkeypatch.setattr(readiness, "utcnow", lambda: now)

    def since(of: str) -> str:
        probe()
        reasons = client.get("/health/ready").json["reasons"]
        return next(each["since"] for each in reasons if each["code"] == of)

    database.workers.delete_many({})
    first = since("worker")
    now += timedelta(minutes=5)
    database.tasks.drop_index("idem")
    assert since("worker") == first == moment(began)
    assert since("index_missing") == moment(began + timedelta(minutes=5))

    indexes.build()
    probe()
    database.tasks.drop_index("idem")
    now += timedelta(minutes=5)
    assert since("index_missing") == moment(began + timedelta(minutes=10))
    assert since("worker") == first
    indexes.build()


def test_worker_that_is_gone_is_told(probe, database):
    """Nobody would draw anything."""
    database.workers.update_many({}, {"$set": {"seen_at": utcnow() - LONG_AGO}})

    assert probe()["missing"] == ["worker"]


def test_due_picture_that_nobody_takes_is_told(client, probe, database):
    """A worker says that it lives, and does nothing."""
    create(client)
    run_queue()
    assert probe()["missing"] == []

    database.generations.update_many({}, {"$set": {"due_at": utcnow() - LONG_AGO}})

    assert probe()["missing"] == ["overdue"]
    pump.tick()
    assert probe()["missing"] == []


def test_picture_of_another_release_keeps_nobody_from_being_ready(
    client, probe, database
):
    """That one looks after it, and may have been rolled back."""
    create(client)
    late = {"state": "upscaling", "due_at": utcnow() - LONG_AGO}
    database.generations.update_many({}, {"$set": late})

    assert probe()["missing"] == []


def test_queue_that_nobody_takes_from_is_told(client, probe, wait_long):
    """The pump goes on and the heart beats, but all threads of the worker hang."""
    create(client)
    pump.write_heartbeat("w", utcnow())
    assert probe()["missing"] == []
    wait_long()
    pump.tick()
    pump.write_heartbeat("w", utcnow())

    assert probe()["missing"] == ["jobs_untaken"]
    run_queue()
    assert probe()["missing"] == []


def test_queue_that_is_long_and_worked_on_is_no_fault(client, probe, wait_long):
    """Its jobs all look alike; that some have run is what counts."""
    jobs.enqueue_dispatch("a lane", 9)
    probe()
    for _ in range(3):
        wait_long()
        jobs.huey.execute(jobs.huey.dequeue())
        pump.write_heartbeat("w", utcnow())

        assert probe()["missing"] == []


def test_job_that_has_just_come_to_an_idle_queue_is_no_fault(client, probe, wait_long):
    """Nothing has run for long, as there was nothing."""
    probe()
    wait_long()
    create(client)

    assert probe()["missing"] == []


def test_full_disk_of_a_local_database_is_told(
    probe, client, config, registry, tmp_path, monkeypatch
):
    """Only if the database is on this machine."""
    (tmp_path / "mongodb").mkdir()
    usage = SimpleNamespace(total=2**40, used=2**40, free=0)
    monkeypatch.setattr(readiness.shutil, "disk_usage", lambda path: usage)
    assert probe()["missing"] == []

    jobs.configure(replace(config, DATA_DIR=str(tmp_path)), registry)

    assert probe()["missing"] == ["disk"]


def test_probes_do_not_load_the_databases(client, worker, monkeypatch):
    """However many ask, each second sees one look."""
    found = []
    whole = readiness.run_checks
    monkeypatch.setattr(readiness, "run_checks", lambda: found.append(1) or whole())
    threads = [
        threading.Thread(
            target=lambda: client.application.test_client().get("/health/ready")
        )
        for _ in range(20)
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 1


def test_health_asks_no_database(client, monkeypatch):
    """A process that lives is not restarted for what others lack."""

    def away(*args: object, **kwargs: object) -> None:
        raise ServerSelectionTimeoutError("asked")

    monkeypatch.setattr(
        "pymongo.synchronous.mongo_client.MongoClient._get_topology", away
    )

    assert client.get("/health").status_code == 200


def test_release_that_is_too_old_is_told(probe, database):
    """By the database, which a later one has migrated."""
    row = {"_id": "schema", "schema": 9, "min_code": 9}
    database.installations.insert_one(row)

    assert probe()["missing"] == ["release_too_old"]
