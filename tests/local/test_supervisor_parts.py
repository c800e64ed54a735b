"""The supervisor's parts by themselves: patience, keys, and what it watches."""

import os
from pathlib import Path

import pytest

from jimeng.local.supervisor import datadir, service, source_watch
from jimeng.local.supervisor.service import Service
from tests import standin


class FakeChild:
    """Has ended as soon as it is told to."""

    ended: int | None = None

    def status(self) -> int | None:
        return self.ended


@pytest.fixture
def clock(monkeypatch):
    """The time of `Service`, which only the test moves."""
    now = [1000.0]
    monkeypatch.setattr(service.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def flaky(clock):
    """A service and the children it has started so far."""
    started: list[FakeChild] = []

    def spawn() -> FakeChild:
        started.append(FakeChild())
        return started[-1]

    made = Service("flaky", spawn, stop_timeout_s=1)
    made.check()
    return made, started


def rest(flaky, clock) -> float:
    """End the child; the seconds until another is started."""
    made, started = flaky
    count = len(started)
    started[-1].ended = 1
    made.check()
    began = clock[0]
    while len(started) == count:
        clock[0] += 0.25
        made.check()
    return clock[0] - began


def test_a_child_that_keeps_ending_is_started_ever_later(flaky, clock):
    """The rests double up to 15 seconds and are short again after a steady time."""
    rests = [rest(flaky, clock) for _ in range(7)]
    clock[0] += 31
    flaky[0].check()

    assert rests == [0.5, 1, 2, 4, 8, 15, 15]
    assert rest(flaky, clock) == 0.5


def test_demo_keys_are_kept_and_private(tmp_path):
    """They are made once and only their owner may read them."""
    path = tmp_path / "keys"

    made = datadir.demo_keys(path)

    assert datadir.demo_keys(path) == made
    assert datadir.demo_keys(tmp_path / "others") != made
    assert path.stat().st_mode & 0o777 == 0o600


def test_watch_sees_what_changes(tmp_path):
    """Changed, added and removed files are seen once each; caches are not looked at."""
    package = tmp_path / "jimeng"
    (package / "__pycache__").mkdir(parents=True)
    for name in ("changed.py", "removed.py"):
        (package / name).write_text("1")
    seen = source_watch.Watch(tmp_path)

    os.utime(package / "changed.py", (1, 1))
    (package / "added.py").write_text("1")
    (package / "removed.py").unlink()
    (package / "__pycache__" / "changed.pyc").write_text("1")

    names = {path.name for path in seen.changes()}
    assert names == {"changed.py", "added.py", "removed.py"}
    assert seen.changes() == set()


def test_templates_do_not_restart_the_consumer():
    """Only code concerns it."""
    assert source_watch.needs_consumer(
        {Path("jimeng/jobs/pump.py"), Path("static/app.css")}
    )
    assert not source_watch.needs_consumer({Path("templates/base.html")})


def test_what_no_child_starts_with_ends_it_all(tmp_path):
    """Each would only say the same again; with --dev somebody may mend it."""
    with standin.made(tmp_path / "site") as site:
        (site.path / "wsgi.py").write_text("import sys; sys.exit(4)")

        assert "ended status=4" in site.refusal(
            **standin.NO_DATABASES, **standin.OWN_KEYS
        )
