"""Files in a directory: local, or mounted by all machines."""

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from errno import EXDEV
from pathlib import Path

from bson import ObjectId

from jimeng.errors import StorageUnavailable
from jimeng.pictures.contents import Content, FilePieces, InMemory, LocalFile, Pieces
from jimeng.pictures.stores.external import ExternalStore

MIN_FREE_BYTES = 64 * 2**20  # with less, no picture is fetched


class FileStore(ExternalStore):
    """
    One file per id, written atomically: to a partial file, synced, then renamed. A
    local file of the same file system is only renamed.

    Args:
        directory: Created on the first write.
        bucket: The bucket of file ids.
    """

    kind = "file"

    def __init__(self, directory: Path, bucket: str) -> None:
        self.directory = directory / bucket
        self.where = str(self.directory)
        super().__init__(bucket)

    def make_ready(self) -> None:
        self._require_directory()
        with translated_errors():
            make_directory(self.directory)  # from the first entry on it must exist

    def write(self, contents: Mapping[ObjectId, Content]) -> None:
        with translated_errors():
            for file_id, each in contents.items():
                write(self._path(file_id), each)

    def open_range(
        self, file_id: ObjectId, start: int = 0, end: int | None = None
    ) -> Pieces | None:
        with translated_errors():
            try:
                file = self._path(file_id).open("rb", buffering=0)
            except FileNotFoundError:
                self._require_directory()
                return None
            return FilePieces(file, start, sys.maxsize if end is None else end)

    def delete(self, file_id: ObjectId) -> None:
        path = self._path(file_id)
        self._require_directory()
        with translated_errors():
            path.unlink(missing_ok=True)
            partial(path).unlink(missing_ok=True)
        self._forget(file_id)

    def scratch_directory(self) -> Path:
        self.make_ready()
        return self.directory

    def free_bytes(self) -> int | None:
        try:
            return shutil.disk_usage(nearest_existing(self.directory)).free
        except OSError:
            return None

    def works(self) -> bool:
        probe = self.directory / f"probe-{os.getpid()}"
        try:
            self._require_directory()
            write(probe, InMemory(b"probe"))
            probe.unlink(missing_ok=True)
            return (self.free_bytes() or MIN_FREE_BYTES) >= MIN_FREE_BYTES
        except (OSError, StorageUnavailable):
            return False

    def _require_directory(self) -> None:
        """
        Raises:
            StorageUnavailable: it is missing, but has files: it is not mounted.
        """
        if self.directory.is_dir() or not self.count():
            return
        # Check again: another process may just have created it with the first file.
        if not self.directory.is_dir():
            raise StorageUnavailable(
                "the directory of pictures is not there: mount it, or make it",
                retry_after=5,
            )

    def _path(self, file_id: ObjectId) -> Path:
        # The end of an ObjectId is a counter: 65,536 evenly filled directories.
        name = str(file_id)
        return self.directory / name[-2:] / name[-4:-2] / name


def write(path: Path, content: Content) -> None:
    """Write a file atomically and durably."""
    make_directory(path.parent)
    if isinstance(content, LocalFile) and is_renamed(content.path, path):
        return
    partial_path = partial(path)
    try:
        descriptor = os.open(partial_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as out, closing(content.pieces()) as pieces:
            out.writelines(pieces)
            out.flush()
            os.fsync(out.fileno())
        partial_path.replace(path)
        sync(path.parent)
    except OSError:
        with suppress(OSError):
            partial_path.unlink()
        raise


def is_renamed(path: Path, target: Path) -> bool:
    """Sync and rename a file; False if *target* is on another file system."""
    path.chmod(0o600)
    with path.open("rb") as file:
        os.fsync(file.fileno())
    try:
        path.replace(target)
    except OSError as error:
        if error.errno == EXDEV:
            return False
        raise
    sync(target.parent)
    return True


def partial(path: Path) -> Path:
    return path.with_name(f"{path.name}.partial")


def make_directory(path: Path) -> None:
    """Create a directory and its parents, each synced before its content."""
    if path.is_dir():
        return
    make_directory(path.parent)
    path.mkdir(mode=0o700, exist_ok=True)
    sync(path.parent)


def sync(directory: Path) -> None:
    """Sync a directory's entries to disk."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def nearest_existing(path: Path) -> Path:
    """*path*, or its nearest existing parent."""
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


@contextmanager
def translated_errors() -> Iterator[None]:
    """Translate errors of the file system, without file names."""
    try:
        yield
    except OSError as error:
        raise StorageUnavailable(
            f"directory of pictures: {error.strerror or type(error).__name__}",
            retry_after=5,
        ) from error
