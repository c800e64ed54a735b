"""This machine: free disk space, and the limit of open files."""

import resource
import shutil
from collections.abc import Iterator
from pathlib import Path

from mongoengine import get_db
from pymongo.errors import PyMongoError

from jimeng.cli.checks.finding import Finding, Verdict, graded
from jimeng.config import Config
from jimeng.config.version import RELEASE
from jimeng.jobs.video_disk_space import MIN_FREE_BYTES
from jimeng.pictures.stores.configured import directory_of

SCARCE = 0.1  # free share of a disk
# A web process holds a thousand idle connections, the active ones and those to the
# databases; half as many more are a reserve.
MIN_DESCRIPTORS = 1536
GIB = 2**30


def release(config: Config) -> Iterator[Finding]:
    """The version and commit of jimeng."""
    yield Finding("jimeng", Verdict.OK, RELEASE)


def database_disk(config: Config) -> Iterator[Finding]:
    """MongoDB's disk has free space, if the server reports it."""
    try:
        stats = get_db().command("dbStats")
    except PyMongoError:
        return  # reported by `mongodb`
    if total := stats.get("fsTotalSize"):
        free = total - stats["fsUsedSize"]
        yield disk_finding("disk of MongoDB", total, free, "doctor.disk_of_mongodb")


def own_disk(config: Config) -> Iterator[Finding]:
    """The disk of `make run` has free space: MongoDB exits on a full disk."""
    data_dir = Path(config.DATA_DIR)
    if data_dir.is_dir():
        usage = shutil.disk_usage(data_dir)
        yield disk_finding("disk of DATA_DIR", usage.total, usage.free)


def pictures_disk(config: Config) -> Iterator[Finding]:
    """
    The disk of the picture directory has free space, if it is the configured store.
    """
    directory = directory_of(config)
    if config.STORAGE == "file" and directory.is_dir():  # else reported by `storage`
        usage = shutil.disk_usage(directory)
        yield disk_finding("disk of STORAGE_DIR", usage.total, usage.free)


def disk_finding(
    check: str, total: float, free: float, advice: str = "ready.disk"
) -> Finding:
    """
    Create the finding of a disk.

    Args:
        total: In bytes; *free* likewise.
    """
    found = f"{free / GIB:.1f} of {total / GIB:.1f} GiB free"
    return graded(
        *(check, found),
        (free < MIN_FREE_BYTES, Verdict.FAILED, advice),
        (free < SCARCE * total, Verdict.WARNING, advice),
    )


def file_descriptors(config: Config) -> Iterator[Finding]:
    """Processes started like this one may open enough files."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    is_enough = soft == resource.RLIM_INFINITY or soft >= MIN_DESCRIPTORS
    found = "unlimited" if soft == resource.RLIM_INFINITY else str(soft)
    if is_enough:
        yield Finding("file descriptors", Verdict.OK, found)
    else:
        least = (("least", str(MIN_DESCRIPTORS)),)
        yield Finding(
            "file descriptors", Verdict.WARNING, found, "doctor.descriptors", least
        )
