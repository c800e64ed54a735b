"""Outages: the few lines that tell of something that fails over and over."""

import io
import logging
from types import SimpleNamespace

import pytest
from pymongo.errors import AutoReconnect
from redis.exceptions import ConnectionError as RedisGone
from redis.exceptions import ResponseError

from jimeng import jobs
from jimeng.config import Config, logs
from jimeng.errors import outages
from jimeng.jobs import pump
from tests.rest import CAT, CREATE

FULL = ResponseError("OOM command not allowed when used memory > 'maxmemory'.")


@pytest.fixture
def clock(monkeypatch):
    """The time of the log, which the test moves."""
    made = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(outages, "monotonic", lambda: made.now)
    return made


@pytest.fixture
def lines(database):
    """What the log has got since it was last asked for."""
    root = logging.getLogger()
    level = root.level
    logs.setup(Config(LOG_LEVEL="warning"))
    (handler,) = root.handlers
    written = io.StringIO()
    handler.setStream(written)

    def read() -> list[str]:
        found = written.getvalue().splitlines()
        written.seek(0)
        written.truncate()
        return found

    yield read
    root.removeHandler(handler)
    root.setLevel(level)


def fail_often(times: int) -> None:
    """As Huey's workers, our own code, and the pump do."""
    for _ in range(times):
        for error in (RedisGone("refused"), FULL):
            try:
                raise error
            except Exception:
                logging.getLogger("huey.consumer.Worker").exception("Error reading")
        logging.getLogger("jimeng.x").warning("not queued", exc_info=error)
        outages.failed("pump", error)


def test_outage_is_told_when_it_begins_once_a_minute_and_when_it_ends(lines, clock):
    """However many of however many kinds of failures it makes."""
    fail_often(50)
    (began,) = lines()
    assert "outage began what=redis: ConnectionError: refused" in began

    clock.now += 59
    fail_often(50)
    assert lines() == []

    clock.now += 1
    fail_often(50)
    (on,) = lines()
    assert "outage goes on what=redis failures=401 seconds=60: " in on

    clock.now += 5
    outages.works()
    assert lines() == []

    clock.now += 6
    outages.works()
    (over,) = lines()
    assert "outage ended what=redis failures=600 seconds=60" in over

    clock.now += 60
    outages.works()
    assert lines() == []


def test_services_have_outages_of_their_own(lines, clock):
    """That the one works again says nothing of the other."""
    outages.failed("pump", RedisGone("refused"))
    outages.failed("pump", AutoReconnect("reset"))
    began = [line.split("what=")[1].split(":")[0] for line in lines()]
    assert began == ["redis", "mongodb"]

    clock.now += 11
    outages.works("mongodb")

    (over,) = lines()
    assert "outage ended what=mongodb" in over


def test_bug_is_told_with_its_traceback_and_not_over_and_over(lines, clock):
    """A job, or the pump, that fails four times a second fills no disk."""
    for _ in range(100):
        try:
            raise ValueError("a bug")
        except ValueError as error:
            logging.getLogger("huey").exception("Unhandled exception in task x.")
            outages.failed("pump", error)

    found = [line for line in lines() if not line.startswith(" ")]
    assert len(found) == 2
    assert " error " in found[0]
    assert "what=job ValueError: ValueError: a bug" in found[0]
    assert "what=pump" in found[1]


def test_bug_of_a_request_is_told_each_time(lines):
    """Each has an id that somebody may ask about."""
    for _ in range(3):
        try:
            raise ValueError("a bug")
        except ValueError as error:
            logging.getLogger("jimeng.access").error("failed", exc_info=error)

    assert sum("ValueError: a bug" in line for line in lines()) == 3


def test_requests_without_redis_make_one_line(lines, client, monkeypatch):
    """The access log has one for each anyway."""

    def gone(*args: object, **kwargs: object) -> None:
        raise RedisGone("refused")

    monkeypatch.setattr(jobs.huey.storage.conn, "execute_command", gone)
    monkeypatch.setattr(jobs, "evaluate", gone)
    lines()

    for _ in range(5):
        assert client.post(CREATE, json=CAT).status_code == 503

    (began,) = lines()
    assert "outage began what=redis" in began


def test_pump_goes_on_after_an_outage(lines, clock, monkeypatch):
    """It counts a failure for each of its turns, and then sees that all works."""
    turns = iter([RedisGone("refused")] * 3 + [0.0] * 2)

    def turn(self: pump.Pump) -> float:
        found = next(turns, None)
        clock.now += 11
        if found is None:
            pump._stopped.set()
            return 0.0
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(pump, "ERROR_PAUSE_S", 0.0)
    monkeypatch.setattr(pump.Pump, "run_once", turn)
    try:
        pump.run()
    finally:
        pump._stopped.clear()

    began, ended = lines()
    assert "outage began what=redis" in began
    assert "outage ended what=redis failures=3" in ended
