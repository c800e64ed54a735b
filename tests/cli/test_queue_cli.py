"""``flask queue``: what an operator sees and does from a terminal."""

from contextlib import AbstractContextManager
from datetime import timedelta

import pymongo
import pytest
from pymongo.errors import ConfigurationError

from app import create_app
from jimeng import lanes
from jimeng.cli import databases
from jimeng.config import Config
from jimeng.documents import AuditEntry, Lane, connection, utcnow
from tests.conftest import run_queue
from tests.forgetting import forget_lanes
from tests.rest import REDIS_AWAY, command, create, result

KEYS = {"VOLCENGINE_ACCESS_KEY": "key", "VOLCENGINE_SECRET_KEY": "secret"}


@pytest.fixture
def run(app, config, registry):
    """Runs a command with those settings."""
    return lambda *words, **how: command(config, registry, ["queue", *words], **how)


def test_status_prints_the_counts(client, run):
    create(client, n=3)
    run_queue()

    done = run("status")

    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert "pending    1" in lines and "active     2" in lines
    assert any("jimeng_t2i_v30" in line and "1 pending" in line for line in lines)


def test_status_says_what_is_paused(run):
    """Else nobody would know why what waits does not begin."""
    run("pause", "sending")

    paused = [line for line in run("status").output.splitlines() if "paused" in line]

    assert len(paused) == 1 and paused[0].startswith("paused     sending, since 20")
    run("resume", "sending")
    assert "paused" not in run("status").output


def test_reset_lane_sends_at_once_as_many_as_are_configured(run, lane):
    later = utcnow() + timedelta(minutes=1)
    low = {"limit": 1, "limit_until": later, "refusals": 5, "not_before": later}
    Lane(id=lane, **low, refused="quota_exhausted").save()
    lanes.record_duration(lane, 4.0)
    forget_lanes()
    assert "of 1 slots" in run("status", **KEYS).output
    assert lanes.free_slots(lane, 2) == []

    done = run("reset", lane, **KEYS)

    assert (done.exit_code, done.output) == (0, f"reset: {lane}\n")
    assert "of 2 slots, 0 pending\n" in run("status", **KEYS).output
    assert lanes.free_slots(lane, 2) == [0, 1]
    assert lanes.read_lane(lane).durations == [4.0], "what was measured stays"
    assert AuditEntry.collection().count_documents({}) == 1
    unknown = run("reset", "nothing", **KEYS)
    assert unknown.exit_code == 1
    assert "no lane 'nothing'" in unknown.output and lane in unknown.output
    assert AuditEntry.collection().count_documents({}) == 1


@pytest.mark.parametrize(
    "words, answer", [(["clear"], "y\n"), (["clear", "--force"], "")]
)
def test_clear_asks_first_and_prints_both_counts(client, run, words, answer):
    task_id = create(client, n=2)
    refused = run("clear", input="n\n")
    assert refused.exit_code == 1
    assert "2 pictures wait" in refused.output
    assert result(client, task_id)["status"] == "pending"

    done = run(*words, input=answer)

    assert done.exit_code == 0, done.output
    assert "tasks cancelled: 1" in done.output
    assert "jobs removed: 2" in done.output
    data = result(client, task_id)
    assert (data["status"], data["error"]["code"]) == ("cancelled", "queue_cleared")


def test_databases_of_a_running_jimeng_are_found(client, run, tmp_path, servers):
    """Without addresses those are used that `make run` keeps in its directory."""
    create(client)
    (tmp_path / "mongodb").symlink_to(servers.folder / "mongo")
    (tmp_path / "redis").symlink_to(servers.folder / "redis")
    here = {"DATA_DIR": str(tmp_path), "MONGODB_URI": "", "REDIS_URL": ""}

    done = run("status", **here)

    assert done.exit_code == 0, done.output
    assert "pending    1" in done.output.splitlines()
    assert "of 2 slots" in done.output


@pytest.mark.parametrize("port", [None, "9"])
def test_nothing_that_runs_is_said_in_one_sentence(client, run, tmp_path, port):
    """Whether it never ran or has ended, the operator is told what to do."""
    for name in ("mongodb", "redis"):
        (tmp_path / name).mkdir()
        if port:
            (tmp_path / name / "port").write_text(port)
    here = {"DATA_DIR": str(tmp_path), "MONGODB_URI": "", "REDIS_URL": ""}

    done = run("status", **here)

    assert done.exit_code == 1
    assert "jimeng does not run here" in done.output
    assert "Traceback" not in done.output


def test_mongodb_that_is_away_is_said_with_what_to_do(run, monkeypatch):
    """Before long, and not with all that the driver knows about it."""
    given: list[float] = []

    def patience(seconds: float) -> AbstractContextManager[object]:
        given.append(seconds)
        return pymongo.timeout(0.5)

    monkeypatch.setattr(connection, "operation_timeout", patience)

    done = run("status", MONGODB_URI="mongodb://127.0.0.1:9")

    assert (done.exit_code, given) == (1, [databases.ANSWER_TIMEOUT_S])
    assert "MONGODB_URI" in done.output and "Topology" not in done.output
    assert len(done.output) < 200


def test_databases_that_are_away_are_said_in_one_sentence(client, run):
    """Nothing is cancelled when Redis cannot be emptied."""
    task_id = create(client)

    assert "Redis is away" in run("status", **REDIS_AWAY).output
    done = run("clear", "--force", **REDIS_AWAY)

    assert done.exit_code == 1
    assert done.output.startswith("Error: queue_unavailable")
    assert result(client, task_id)["status"] == "pending"


def test_wrong_setting_ends_a_command_with_a_sentence(config, monkeypatch, capsys):
    """As it ends a server, and with the same status; so does a name without address,
    for which the driver asks before there is a connection."""

    def unknown(*args: object, **kwargs: object) -> None:
        raise ConfigurationError("The DNS query name does not exist: _m._tcp.a.example")

    def said() -> str:
        with pytest.raises(SystemExit) as ended:
            create_app()
        assert ended.value.code == 4
        return capsys.readouterr().err

    monkeypatch.setattr("mongoengine.connect", unknown)
    monkeypatch.setattr(Config, "load", lambda: config)
    assert "MONGODB_URI: The DNS query name does not exist" in (err := said())
    assert "Traceback" not in err
    monkeypatch.undo()
    monkeypatch.setenv("WAIT_SECONDS", "never")
    assert said() == (
        "jimeng does not start: WAIT_SECONDS must be a number, not 'never'\n"
    )
