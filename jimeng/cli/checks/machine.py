"""This machine: room on its disks, and how many files a process may open."""

import resource
import shutil
from collections.abc import Iterator
from pathlib import Path

from mongoengine import get_db
from pymongo.errors import PyMongoError

from jimeng.cli.checks.finding import Finding, Verdict, graded
from jimeng.config import Config
from jimeng.config.version import RELEASE
from jimeng.jobs.retention import MIN_FREE_BYTES
from jimeng.pictures.stores.configured import directory_of

SCARCE = 0.1  # of a disk
# A web process holds a thousand idle connections, those that are being served and
# those to the databases; half as many again leaves room for all else.
LEAST_DESCRIPTORS = 1536
GIB = 2**30


def release(config: Config) -> Iterator[Finding]:
    """Which version of jimeng looks, and from which commit."""
    yield Finding("jimeng", Verdict.OK, RELEASE)


def database_disk(config: Config) -> Iterator[Finding]:
    """There is room where MongoDB keeps its files, if it says."""
    try:
        stats = get_db().command("dbStats")
    except PyMongoError:
        return  # said elsewhere
    if total := stats.get("fsTotalSize"):
        yield room("disk of MongoDB", total, total - stats["fsUsedSize"])


def own_disk(config: Config) -> Iterator[Finding]:
    """There is room where `make run` keeps its files: MongoDB ends where none is."""
    data_dir = Path(config.DATA_DIR)
    if data_dir.is_dir():
        usage = shutil.disk_usage(data_dir)
        yield room("disk of DATA_DIR", usage.total, usage.free)


def pictures_disk(config: Config) -> Iterator[Finding]:
    """There is room in the directory of pictures, where that is what is chosen."""
    directory = directory_of(config)
    if config.STORAGE == "file" and directory.is_dir():  # else `storage` says so
        usage = shutil.disk_usage(directory)
        yield room("disk of STORAGE_DIR", usage.total, usage.free)


def room(check: str, total: float, free: float) -> Finding:
    """
    Args:
        total: Bytes; *free* likewise.
    """
    found = f"{free / GIB:.1f} of {total / GIB:.1f} GiB free"
    return graded(
        *(check, found),
        (free < MIN_FREE_BYTES, Verdict.FAILED, "ready.disk"),
        (free < SCARCE * total, Verdict.WARNING, "ready.disk"),
    )


def file_descriptors(config: Config) -> Iterator[Finding]:
    """A process started as this one was may open enough of them."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    is_enough = soft == resource.RLIM_INFINITY or soft >= LEAST_DESCRIPTORS
    found = "unlimited" if soft == resource.RLIM_INFINITY else str(soft)
    if is_enough:
        yield Finding("file descriptors", Verdict.OK, found)
    else:
        least = (("least", str(LEAST_DESCRIPTORS)),)
        yield Finding(
            "file descriptors", Verdict.WARNING, found, "doctor.descriptors", least
        )
