"""Regular backups: the newest stay, and their age is known wherever it is asked for."""

import os
import re
from datetime import timedelta

import pytest
from mongoengine import get_db

from jimeng.cli.checks import Verdict, databases
from jimeng.documents import utcnow
from jimeng.monitoring import metrics
from jimeng.operations import backup
from jimeng.operations.backup import rotation

AGE = "jimeng_backup_age_seconds"


@pytest.fixture
def night(app, tmp_path, monkeypatch):
    """Runs the timer's command on a night, by its number; what is there then."""
    began = utcnow()

    def night(number: int, *words: str) -> list[str]:
        now = began + timedelta(days=number)
        monkeypatch.setattr(rotation, "utcnow", lambda: now)
        args = ["backup", "--keep", "2", str(tmp_path), *words]
        done = app.test_cli_runner().invoke(args=args)
        assert done.exit_code == 0, done.output
        return sorted(each.name for each in tmp_path.iterdir())

    return night


def age(client) -> float | None:
    lines = client.get("/metrics").text.splitlines()
    found = [float(x.split()[-1]) for x in lines if x.startswith(AGE)]
    return found[0] if found else None


def test_newest_stay(night, tmp_path):
    """And what is none of ours; a part that was cut off goes after a day."""
    other = tmp_path / "jimeng-before-upgrade.tar"
    other.touch()
    part = tmp_path / "jimeng-20200101T000000Z.tar.partial"
    part.touch()
    os.utime(part, (0, 0))

    first = night(1)
    second = night(2)
    third = night(3)

    assert len(first) == 2 and other.name in first and part.name not in first
    assert set(first) < set(second) and len(second) == 3
    assert set(third) - set(second) and len(third) == 3
    assert not set(first) - {other.name} & set(third)


def test_backup_that_fails_removes_nothing(night, app, tmp_path, monkeypatch):
    """The old ones are all that there is then."""
    before = night(1)
    night(2)

    def fail(*args: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backup, "dump", fail)
    done = app.test_cli_runner().invoke(args=["backup", "--keep", "1", str(tmp_path)])

    assert done.exit_code == 1
    assert re.search(rf"{tmp_path}/jimeng-\w+\.tar: No space left", done.output)
    assert set(before) < {each.name for each in tmp_path.iterdir()}


def test_number_to_keep_is_for_a_directory(app, tmp_path):
    """A file is written over, and has no others beside it."""
    args = ["backup", "--keep", "2", str(tmp_path / "jimeng.tar")]
    done = app.test_cli_runner().invoke(args=args)

    assert done.exit_code == 2 and "--keep needs a directory" in done.output


def test_age_of_the_last_one_is_known(client, config, copied, monkeypatch):
    """To metrics and to whoever asks the doctor; nothing where there was none."""
    monkeypatch.setattr(metrics, "CACHE_S", 0.0)
    assert age(client) is None
    assert next(databases.last_backup(config)).advice == "doctor.backup_unknown"

    copied()

    assert 0 <= age(client) < 3600
    assert next(databases.last_backup(config)).status is Verdict.OK

    rotation.record_backup(utcnow() - timedelta(hours=40))

    assert age(client) > 36 * 3600
    assert next(databases.last_backup(config)).status is Verdict.WARNING


def test_restored_data_are_as_old_as_their_file(copied, elsewhere):
    """The alert rings where nobody has set up a timer for them."""
    path = copied()
    made = rotation.last_at()
    get_db()["installations"].update_one(
        rotation.LAST_BACKUP, {"$set": {"at": made + timedelta(days=9)}}
    )

    with elsewhere():
        backup.restore(path)

        assert rotation.last_at() == made
