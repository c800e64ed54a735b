"""A process that a later release has migrated the database away from, while it ran."""

import os
import signal

import pytest
from mongoengine import get_db

from jimeng.documents import Worker, migrations, utcnow
from jimeng.documents.migrations import record
from jimeng.jobs import periodic_tasks, pump
from tests.conftest import run_queue
from tests.forgetting import forget_release
from tests.rest import refused
from tests.test_core import CREATE, create, result

CAT = {"prompt": "cat", "user_id": "user_123"}


def migrate_beyond() -> None:
    """A later release takes away what this one needs."""
    found = {"min_code": migrations.CODE + 1}
    get_db().installations.update_one({"_id": "schema"}, {"$set": found}, upsert=True)


def let_time_pass() -> None:
    record._next_check = 0.0


@pytest.fixture
def signals(monkeypatch):
    """Which signals this process has sent itself."""
    sent: list[int] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: sent.append(number))
    yield sent
    pump._stopped.clear()
    pump._awake.clear()
    forget_release()


def test_web_process_writes_nothing_more(client, work_off):
    """Whatever its door; what is there can be seen, and the reason is said."""
    task_id = create(client)["task_id"]
    work_off()
    migrate_beyond()
    before = client.post(CREATE, json=CAT).status_code
    let_time_pass()

    after = client.post(CREATE, json=CAT)

    assert before == 202  # it asks now and then, not for each request
    refused(after, 503, "release_too_old")
    assert after.headers["Retry-After"]
    assert client.delete(f"/api/v1/tasks/{task_id}").status_code == 503
    assert client.post("/v1/images/generations", json=CAT).status_code == 503
    assert client.post("/tasks", data={"prompt": "cat"}).status_code == 503
    assert result(client, task_id)["status"] == "completed"
    assert client.get("/").status_code == 200
    ready = client.get("/health/ready")
    assert "release_too_old" in ready.json["missing"]


def test_web_process_goes_on_where_it_is_known_again(client):
    """The database was restored to what it was."""
    migrate_beyond()
    let_time_pass()
    refused(client.post(CREATE, json=CAT), 503, "release_too_old")
    get_db().installations.delete_one({"_id": "schema"})
    let_time_pass()

    assert client.post(CREATE, json=CAT).status_code == 202


def test_worker_stops_by_itself(client, signals, caplog, monkeypatch):
    """It takes nothing more, ends as if it had been told to, and says why."""
    monkeypatch.setattr(periodic_tasks.INDEXES, "runs", 1)
    create(client)
    made = pump.Pump("host:1:x")
    run_queue()
    let_time_pass()
    made.run_once()
    assert signals == []
    migrate_beyond()
    let_time_pass()
    made.next_heartbeat = 0.0

    made.run_once()

    assert signals == [signal.SIGTERM]
    assert pump._stopped.is_set()
    (line,) = [each for each in caplog.records if "worker stops" in each.getMessage()]
    assert "install that release" in line.getMessage()
    assert Worker.find_one({}).too_old is True


def test_worker_that_has_stopped_is_told_of(app, client, signals):
    """Where workers are listed: it is none that was told to go."""
    pump.write_heartbeat("host:1:x", utcnow())
    migrate_beyond()
    let_time_pass()
    pump.stop_if_outdated("host:1:x")
    pump.mark_stopped("host:1:x")
    forget_release()

    page = client.get("/admin/queue", headers={"Accept-Language": "en"}).text
    told = app.test_cli_runner().invoke(args=["queue", "status"]).output

    assert "Stopped: a later release has migrated the database" in page
    assert "worker host:1: too old for the database, stopped" in told


def test_command_of_an_old_release_changes_nothing(app, client):
    """It says which release is needed; doctor may look, and says so as well."""
    task_id = create(client)["task_id"]
    migrate_beyond()
    let_time_pass()
    run = app.test_cli_runner().invoke

    done = run(args=["queue", "clear", "--force"])
    let_time_pass()
    looked = run(args=["doctor"])

    assert done.exit_code == 1
    assert "install that release" in done.output
    assert "FAILED" in looked.output and "schema" in looked.output
    assert result(client, task_id)["status"] == "pending"
