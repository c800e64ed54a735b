"""Steps from one release's data to the next's, and processes too old for it."""

import math
import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import pytest
from mongoengine import get_db

from jimeng import documents
from jimeng.documents import Worker, migrations, utcnow
from jimeng.documents.migrations import record, runner, steps
from jimeng.documents.migrations.steps import Step
from jimeng.jobs import periodic_tasks, pump
from jimeng.operations import backup
from tests.conftest import run_queue
from tests.forgetting import forget_release
from tests.rest import MONGODB_AWAY, refused
from tests.standin import ROOT
from tests.test_core import CREATE, create, result
from tests.test_start import OPEN


@pytest.fixture
def run(app):
    """Runs ``flask migrate``."""
    return lambda: app.test_cli_runner().invoke(args=["migrate"])


class Rows:
    """A step of its own, whose documents are numbers."""

    def __init__(self, last: int) -> None:
        self.last, self.seen = last, []

    def batch(self, after: str) -> str | None:
        number = int(after or 0) + 1
        if number > self.last:
            return None
        self.seen.append(number)
        return str(number)


@pytest.fixture
def known(database, monkeypatch):
    """Lets these be all steps."""

    def set_steps(*made: Step) -> None:
        monkeypatch.setattr(steps, "STEPS", made)
        for each in (steps, migrations):
            monkeypatch.setattr(each, "CODE", made[-1].number)
        monkeypatch.setattr(runner, "NOTICE_S", 0)

    return set_steps


def test_steps_are_numbered_and_leave_the_release_before_at_work():
    """What a step takes away, its own release must have done without before."""
    assert [s.number for s in steps.STEPS] == list(range(2, migrations.CODE + 1))
    assert all(0 <= each.needs < each.number for each in steps.STEPS)
    assert all(each.sentence for each in steps.STEPS)


def test_first_release_has_nothing_to_migrate(run, database):
    """The command runs before each release, also before the first."""
    assert run().output == f"schema: {migrations.CODE}\n"
    assert migrations.advance() is False


def test_it_goes_on_where_it_was_interrupted(database, known):
    """No batch is left out, and none that was noted is done again."""
    first, second = Rows(5), Rows(3)
    known(Step(2, "one", 0, first.batch), Step(3, "two", 0, second.batch))

    for _ in range(7):  # each as if the process had died after it
        assert migrations.advance()
    before = migrations.read()
    migrations.run()

    assert (before.schema, before.step, before.after) == (2, 3, "1")
    assert (first.seen, second.seen) == ([1, 2, 3, 4, 5], [1, 2, 3])
    assert migrations.read().schema == 3
    assert migrations.advance() is False


def test_death_between_a_batch_and_its_note_repeats_it(database, known, monkeypatch):
    """Which changes nothing, as batches may be done twice."""
    rows = Rows(3)
    known(Step(2, "one", 0, rows.batch))
    migrations.advance()
    with monkeypatch.context() as dying:
        dying.setattr(runner, "store_progress", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            migrations.advance()

    migrations.run()

    assert rows.seen == [1, 2, 2, 3]


def test_slow_one_takes_nobody_back(database, known):
    """Its note comes when another has gone further, or on to the next step."""
    made = [Step(n, "any", 0, Rows(9).batch) for n in (2, 3)]
    known(*made)
    for _ in range(3):
        migrations.advance()
    record.change({"$set": {"after": "3"}})
    from_then = migrations.read()

    runner.store_progress(made[0], "2")
    same = migrations.read()
    record.change({"$set": {"schema": 2, "step": 3, "after": "1"}})
    runner.store_progress(made[0], "8")

    assert same == from_then
    assert (migrations.read().step, migrations.read().after) == (3, "1")


@pytest.mark.parametrize("code", [1, 2])
def test_removing_step_waits_for_older_workers(run, known, code):
    """Nothing of it is done while one lives, and the database refuses nobody yet."""
    first, rows = Rows(1), Rows(1)
    known(Step(2, "one", 0, first.batch), Step(3, "two", 2, rows.batch))
    now = utcnow()
    beat = {"started_at": now, "seen_at": now + timedelta(minutes=5), "code": code}
    Worker.collection().insert_one({"_id": "w", **beat})

    done = run()
    found = migrations.read()

    if code == 2:
        assert (done.exit_code, rows.seen) == (0, [1])
        assert (found.schema, found.min_code) == (3, 2)
    else:
        assert (done.exit_code, rows.seen) == (1, [])
        assert "stop them" in done.output
        assert (found.schema, found.min_code) == (2, 0)
        assert migrations.advance() is False  # a consumer does no more


def test_nobody_older_may_start_before_the_first_batch(database, known):
    """What is about to go is said first."""
    seen = []

    def batch(after: str) -> None:
        seen.append(migrations.read().min_code)

    known(Step(2, "one", 0, Rows(0).batch), Step(3, "two", 2, batch))

    migrations.run()

    assert seen == [2]


@pytest.fixture
def connected_again(config):
    """Afterwards, whatever the start of another process has left."""
    yield
    documents.connect(config, timeout=documents.WORKER_TIMEOUT)


@pytest.fixture
def beyond(database):
    """The database of a later release, which this code would misunderstand."""
    row = {"_id": "schema", "schema": 9, "min_code": 9, "later": {"x": 1}}
    get_db().installations.insert_one(row)


def test_servers_do_not_start_on_what_is_beyond_them(beyond, config):
    """One sentence, and status 4, upon which nobody tries again."""
    names = ("MONGODB_URI", "MONGODB_DATABASE", "REDIS_URL")
    env = {**OPEN, **{name: getattr(config, name) for name in names}}
    words = [sys.executable, "-c", "import wsgi"]

    ended = subprocess.run(words, env=env, cwd=ROOT, capture_output=True, text=True)

    assert ended.returncode == 4
    (line,) = ended.stderr.splitlines()
    assert line.startswith("jimeng does not start: ")
    assert "needs code 9" in line and "install that release" in line


def test_what_keeps_nothing_from_starting(connected_again, config, database):
    """
    A database that is away may be back any moment. A later schema refuses nobody alone,
    but only where it takes something away: a release may be rolled back.
    """
    get_db().installations.insert_one({"_id": "schema", "schema": 9, "min_code": 0})
    migrations.check_before_start(config)
    assert migrations.run().schema == 9
    migrations.check_before_start(replace(config, **MONGODB_AWAY))


def test_migrating_what_is_beyond_changes_nothing(beyond, run):
    """The release line ends there."""
    done = run()

    assert done.exit_code == 1
    assert "needs code 9" in done.output
    assert migrations.advance() is False
    assert get_db().installations.find_one({"_id": "schema"})["schema"] == 9


def test_backup_says_how_far_its_data_are(client, tmp_path, known):
    """And comes back as far, whatever the database said of itself before."""
    rows = Rows(1)
    known(Step(2, "one", 0, rows.batch))
    path = tmp_path / "jimeng.tar"
    assert backup.dump(path).manifest.schema == 1
    migrations.run()
    assert backup.dump(tmp_path / "later.tar").manifest.schema == 2

    for name in get_db().list_collection_names():
        if name != "installations":
            get_db()[name].delete_many({})
    backup.restore(path)

    assert migrations.read().schema == 1
    migrations.run()
    assert rows.seen == [1, 1]


def test_backup_of_later_data_is_refused(client, tmp_path, known, run):
    """Nothing was changed, and the sentence says which release can."""
    rows = Rows(0)
    made = [Step(n, "any", 0, rows.batch) for n in (2, 3)]
    known(*made)
    migrations.run()
    path = tmp_path / "jimeng.tar"
    backup.dump(path)
    known(made[0])

    with pytest.raises(backup.Damaged, match="install that one"):
        backup.restore(path)

    assert migrations.read().schema == 3
    assert run_queue() == 0


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
    record._next_check = math.inf
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
    # It goes on where the database was restored to what it was.
    get_db().installations.delete_one({"_id": "schema"})
    let_time_pass()
    assert client.post(CREATE, json=CAT).status_code == 202


def test_worker_stops_by_itself(app, client, signals, caplog, monkeypatch):
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
    # Where workers are listed it is none that was told to go.
    assert Worker.collection().find_one({})["code"] == migrations.CODE
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
