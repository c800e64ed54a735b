"""Bytes in a directory: of this machine, or one that all machines have mounted."""

import io
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from bson import ObjectId

from jimeng.errors import StorageUnavailable
from jimeng.pictures.stores.external import OutsideStore

LEAST_ROOM = 64 * 2**20  # bytes; with less a picture is not worth fetching
PIECE = 1024 * 1024  # bytes


class FileStore(OutsideStore):
    """
    One file for each id, whole or not there: written beside its place, on the disk,
    and then renamed.

    Args:
        directory: Made when it is first written to.
        bucket: Whose ids are its own.
    """

    kind = "file"

    def __init__(self, directory: Path, bucket: str) -> None:
        self.directory = directory / bucket
        self.where = str(self.directory)
        super().__init__(bucket)

    def make_ready(self) -> None:
        self._require_directory()
        with trouble():
            make_directory(self.directory)  # from its first entry on it has to be there

    def write(self, contents: dict[ObjectId, bytes]) -> None:
        with trouble():
            for file_id, each in contents.items():
                write(self._place(file_id), each)

    def open(self, file_id: ObjectId) -> BinaryIO | None:
        with trouble():
            try:
                return self._place(file_id).open("rb")
            except FileNotFoundError:
                self._require_directory()
                return None

    def delete(self, file_id: ObjectId) -> None:
        place = self._place(file_id)
        self._require_directory()
        with trouble():
            place.unlink(missing_ok=True)
            partial(place).unlink(missing_ok=True)
        self._forget(file_id)

    def room(self) -> int | None:
        try:
            return shutil.disk_usage(nearest(self.directory)).free
        except OSError:
            return None

    def works(self) -> bool:
        probe = self.directory / f"probe-{os.getpid()}"
        try:
            self._require_directory()
            write(probe, b"probe")
            probe.unlink(missing_ok=True)
            return (self.room() or LEAST_ROOM) >= LEAST_ROOM
        except (OSError, StorageUnavailable):
            return False

    def _require_directory(self) -> None:
        """
        Raises:
            StorageUnavailable: it is gone, with files in it: it is not mounted.
        """
        if self.directory.is_dir() or not self.count():
            return
        # Whoever has just written the first of them made it before.
        if not self.directory.is_dir():
            raise StorageUnavailable(
                "the directory of pictures is not there: mount it, or make it",
                retry_after=5,
            )

    def _place(self, file_id: ObjectId) -> Path:
        # The end of an id counts up: 65,536 directories that fill evenly.
        name = str(file_id)
        return self.directory / name[-2:] / name[-4:-2] / name


def write(place: Path, content: bytes) -> None:
    """Write a file that is there only once it is whole and on the disk."""
    make_directory(place.parent)
    beside = partial(place)
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            shutil.copyfileobj(io.BytesIO(content), out, PIECE)
            out.flush()
            os.fsync(out.fileno())
        beside.replace(place)
        sync(place.parent)
    except OSError:
        with suppress(OSError):
            beside.unlink()
        raise


def partial(place: Path) -> Path:
    return place.with_name(f"{place.name}.partial")


def make_directory(path: Path) -> None:
    """Make it and those above it, each on the disk before what is in it."""
    if path.is_dir():
        return
    make_directory(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)
    sync(path.parent)


def sync(directory: Path) -> None:
    """Have the names in it on the disk."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def nearest(path: Path) -> Path:
    """*path*, or what of it is there."""
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


@contextmanager
def trouble() -> Iterator[None]:
    """What the file system refuses is said without the names of its files."""
    try:
        yield
    except OSError as error:
        raise StorageUnavailable(
            f"directory of pictures: {error.strerror or type(error).__name__}",
            retry_after=5,
        ) from error
