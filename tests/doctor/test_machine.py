"""``flask doctor``: what it says of this machine's disks and limits."""

import resource
from collections import namedtuple
from dataclasses import replace

import pytest

from jimeng.cli.checks import Verdict, machine

Usage = namedtuple("Usage", "total used free")


@pytest.mark.parametrize(
    "free, status",
    [(50, Verdict.OK), (9, Verdict.WARNING), (0.2, Verdict.FAILED)],
)
def test_scarce_disks_are_told(monkeypatch, config, app, tmp_path, free, status):
    """A tenth of it, and a few hundred megabytes."""
    gib = 2**30
    usage = Usage(100 * gib, (100 - free) * gib, free * gib)
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda path: usage)

    found = list(machine.own_disk(replace(config, DATA_DIR=str(tmp_path))))

    assert found[-1].check == "disk of DATA_DIR"
    assert (found[-1].status, found[-1].found) == (
        status,
        f"{free:.1f} of 100.0 GiB free",
    )


def test_full_disk_of_pictures_is_told_apart(monkeypatch, config, tmp_path):
    """Intake pauses for that one, too."""
    gib = 2**30
    usage = {str(tmp_path / "pictures"): Usage(gib, gib, 0)}
    (tmp_path / "pictures").mkdir()
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda path: usage[str(path)])
    chosen = replace(config, STORAGE="file", STORAGE_DIR=str(tmp_path / "pictures"))

    (found,) = machine.pictures_disk(chosen)

    assert (found.check, found.status) == ("disk of STORAGE_DIR", Verdict.FAILED)
    assert list(machine.pictures_disk(config)) == []


def test_few_file_descriptors_are_warned_of(config):
    """As this process was started."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 1024), hard))
    try:
        (found,) = machine.file_descriptors(config)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert (found.status, found.found) == (Verdict.WARNING, "1024")
