"""The interface of stores."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import gettempdir

from bson import ObjectId

from jimeng.pictures.contents import Content, InMemory, Pieces


class FileMissing(Exception):
    """A file is in no store."""


@dataclass(frozen=True)
class FileInfo:
    """
    What is recorded of a file.

    Attributes:
        length: In bytes.
        sha256: Of the original content, hexadecimal; None if it was not recorded.
    """

    length: int
    sha256: str | None = None


class Store(ABC):
    """
    Files under ids that are never reused, so that a second attempt to save a picture
    cannot damage the first.

    Every method except `works` raises `StorageUnavailable` if the store cannot be
    reached.

    Attributes:
        kind: Its name in ``STORAGE``.
        where: Its location, for people.
        max_file_bytes: The largest file that it takes; None for no limit.
    """

    kind: str
    where: str
    max_file_bytes: int | None = None

    def save(self, content: bytes, name: str) -> ObjectId:
        """
        Store *content*, and return its new id.

        Args:
            name: The id of the document that will refer to it; without one it is swept.
        """
        return self.save_together(name, content)[0]

    def save_together(self, name: str, *contents: bytes) -> list[ObjectId]:
        """Store several files in one operation."""
        ids = [ObjectId() for _ in contents]
        self.put(name, dict(zip(ids, map(InMemory, contents), strict=True)))
        return ids

    def save_anywhere(self, name: str, *contents: bytes) -> list[ObjectId]:
        """As `save_together`, with another store as fallback, if there is one."""
        return self.save_together(name, *contents)

    @abstractmethod
    def put(self, name: str, contents: Mapping[ObjectId, Content]) -> None:
        """
        Store files under existing ids, piece by piece.

        Raises:
            FileTooLarge: GridFS takes no files of that length; nothing was stored.
        """

    @abstractmethod
    def find(self, file_id: ObjectId) -> FileInfo | None:
        """
        What is recorded of a file; None if nothing is. An interrupted write leaves a
        record without bytes.
        """

    @abstractmethod
    def open_range(
        self, file_id: ObjectId, start: int = 0, end: int | None = None
    ) -> Pieces | None:
        """As `Content.pieces`; None if the file does not exist."""

    def read(self, file_id: ObjectId) -> bytes | None:
        """A whole file, which is known to be small; None if it does not exist."""
        pieces = self.open_range(file_id)
        if pieces is None:
            return None
        with closing(pieces):
            return b"".join(pieces)

    @abstractmethod
    def delete(self, file_id: ObjectId) -> None:
        """Delete a file, if it exists."""

    def link(
        self, file_id: ObjectId, *, seconds: float, content_type: str
    ) -> str | None:
        """
        A temporary public link to the file; None if the store does not support links.
        """
        return None

    @abstractmethod
    def size(self) -> int:
        """The total size of all files, in bytes."""

    def add_up(self) -> None:
        """Recompute the total of `size`."""
        return

    @abstractmethod
    def count(self) -> int:
        """The approximate number of files."""

    def scratch_directory(self) -> Path:
        """The directory for files that will be put: if possible, they are renamed."""
        return Path(gettempdir())

    def free_bytes(self) -> int | None:
        """The free space in bytes; None if unknown."""
        return None

    @abstractmethod
    def works(self) -> bool:
        """Whether pictures can be stored now, tested by a write."""

    def seems_to_work(self) -> bool:
        """As `works`, possibly without a test."""
        return self.works()

    @abstractmethod
    def saved_before(
        self, moment: datetime, *, after: ObjectId | None, limit: int
    ) -> dict[ObjectId, str]:
        """
        Ids and names of files that were saved before *moment*.

        Args:
            after: Start after this id.
        """


class StoredFile(Content):
    """
    A file of a store; nothing is read before it is asked for.

    Args:
        missing: The error of `pieces` if the store does not have it (any more).
    """

    def __init__(
        self,
        store: Store,
        file_id: ObjectId,
        length: int,
        *,
        missing: type[Exception] = FileMissing,
    ) -> None:
        self._store, self._file_id, self.length = store, file_id, length
        self._missing = missing

    def pieces(self, start: int = 0, end: int | None = None) -> Pieces:
        found = self._store.open_range(self._file_id, start, end)
        if found is None:
            raise self._missing(f"file {self._file_id}")
        return found


def ids_between(after: ObjectId | None, moment: datetime) -> dict[str, ObjectId]:
    """The query on ids for `Store.saved_before`."""
    until = {"$lt": ObjectId.from_datetime(moment)}
    return until if after is None else {**until, "$gt": after}
