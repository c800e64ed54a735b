"""The file of a backup: whole, of one moment; the newest stay, their age is known."""

import hashlib
import json
import os
import re
import tarfile
from datetime import timedelta

import pytest
from mongoengine import get_db

from jimeng import lanes
from jimeng.cli.checks import Verdict, databases
from jimeng.documents import Task, utcnow
from jimeng.monitoring import metrics
from jimeng.operations import backup
from jimeng.operations.backup import archive, dumping, rotation
from tests.databases import filled
from tests.rest import create, result


def changed(path, how) -> None:
    """Write the file anew, each member as *how* makes it; None leaves it out."""
    with tarfile.open(path) as tar:
        members = [(m, tar.extractfile(m).read()) for m in tar.getmembers()]
    with tarfile.open(path, "w") as tar:
        writer = archive.Writer.__new__(archive.Writer)
        writer._tar, writer._sums, writer._counts = tar, {}, {}
        for member, content in members:
            made = how(member.name, content)
            if made is not None:
                writer.add(member.name, made)


def test_what_a_later_release_adds_to_the_header_hinders_nothing(
    copied, client, elsewhere
):
    """As long as the format is one that is known; who wrote it can be told."""
    create(client)
    path, sums = copied(), {}

    def later(name: str, content: bytes) -> bytes:
        if name == archive.MANIFEST:
            told = {"version": "0.2.0", "commit": "1a" * 20, "later": {"x": 1}}
            content = json.dumps(json.loads(content) | told).encode()
        elif name == archive.SUMS:
            return json.dumps(sums).encode()
        sums[name] = hashlib.sha256(content).hexdigest()
        return content

    changed(path, later)
    with elsewhere():
        manifest, _ = backup.restore(path)

        assert manifest.release == "0.2.0 (1a1a1a1a1a1a)"
        assert Task.collection().count_documents({}) == 1


SPOILS = {
    "no sums": lambda name, content: None if name == archive.SUMS else content,
    "part missing": lambda name, content: None if name[:6] == "tasks/" else content,
    "byte added": lambda name, content: b"\0" * ("generations/" in name) + content,
    "later": lambda name, content: content.replace(b'"format": 2', b'"format": 9'),
    "no manifest": lambda name, content: None if name == archive.MANIFEST else content,
}


def test_damaged_file_changes_nothing(copied, client, elsewhere):
    """
    It is read to its end before anything is written, wherever it was cut. Nor does a
    whole one where there is a task: it stays as it was.
    """
    create(client)
    path = copied()
    whole = path.read_bytes()
    end = len(whole.rstrip(b"\0"))  # of the last part, without padding
    spoilt = {size: whole[:size] for size in (0, 700, len(whole) // 2, end - 1)}
    for name, how in SPOILS.items():
        path.write_bytes(whole)
        changed(path, how)
        spoilt[name] = path.read_bytes()

    with elsewhere() as there:
        for name, content in spoilt.items():
            path.write_bytes(content)
            with pytest.raises(backup.Damaged):
                backup.restore(path)
            assert filled(get_db()) == [], name
        path.write_bytes(whole)
        task_id = create(there)
        with pytest.raises(backup.NotEmpty, match="MONGODB_DATABASE"):
            backup.restore(path)
        assert result(there, task_id)["status"] == "pending"
        assert not lanes.paused(fresh=True)


def test_collections_are_read_in_their_order(drawn, database):
    """Batches, tasks, pictures, and bytes last; what is of the moment not at all."""
    drawn()
    database.sessions.insert_one({"_id": "s"})

    names = dumping.collections(database)

    assert names[:5] == ["batches", "tasks", "generations", "ledger", "images"]
    assert names[-3:] == ["pictures.files", "inputs.chunks", "pictures.chunks"]
    assert not set(names) & dumping.EXCLUDED


def test_reads_are_of_one_moment(copied, client, database, meanwhile):
    """A task that is asked for while others are read is whole, or not there."""
    create(client)
    meanwhile("tasks", lambda: create(client, prompt="meanwhile"))

    found = dict(archive.Reader(copied()).parts())
    assert b"meanwhile" not in found["generations"]


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


def test_mistakes_are_told_in_a_sentence(app, tmp_path):
    """A file is written over, and has no others beside it that could be kept."""
    run = app.test_cli_runner().invoke
    kept = run(args=["backup", "--keep", "2", str(tmp_path / "jimeng.tar")])
    nowhere = run(args=["backup", str(tmp_path / "no" / "x.tar")])

    assert kept.exit_code == 2 and "--keep needs a directory" in kept.output
    assert nowhere.exit_code == 1 and nowhere.output.startswith("Error: ")


def test_age_of_the_last_one_is_known(client, config, copied, elsewhere, monkeypatch):
    """
    To metrics and to whoever asks the doctor; nothing where there was none. Restored
    data are as old as their file: the alert rings where nobody has set up a timer.
    """
    monkeypatch.setattr(metrics, "CACHE_S", 0.0)
    assert age(client) is None
    assert next(databases.last_backup(config)).advice == "doctor.backup_unknown"

    path, made = copied(), rotation.last_at()

    assert 0 <= age(client) < 3600
    assert next(databases.last_backup(config)).status is Verdict.OK

    rotation.record_backup(utcnow() - timedelta(hours=40))

    assert age(client) > 36 * 3600
    assert next(databases.last_backup(config)).status is Verdict.WARNING
    with elsewhere():
        backup.restore(path)
        assert rotation.last_at() == made
