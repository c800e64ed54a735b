"""The interface of stores, and the base of seekable streamed files."""

import io
from abc import ABC, abstractmethod
from datetime import datetime
from typing import BinaryIO

from bson import ObjectId


class Store(ABC):
    """
    Files under ids that are never reused, so that a second attempt to save a picture
    cannot damage the first.

    Every method except `works` raises `StorageUnavailable` if the store cannot be
    reached.

    Attributes:
        kind: Its name in ``STORAGE``.
        where: Its location, for people.
    """

    kind: str
    where: str

    def save(self, content: bytes | BinaryIO, name: str) -> ObjectId:
        """
        Store *content*, and return its new id.

        Args:
            name: The id of the document that will refer to it; without one it is swept.
        """
        whole = content if isinstance(content, bytes) else content.read()
        return self.save_together(name, whole)[0]

    def save_together(self, name: str, *contents: bytes) -> list[ObjectId]:
        """Store several files in one operation."""
        ids = [ObjectId() for _ in contents]
        self.put(name, dict(zip(ids, contents, strict=True)))
        return ids

    def save_anywhere(self, name: str, *contents: bytes) -> list[ObjectId]:
        """As `save_together`, with another store as fallback, if there is one."""
        return self.save_together(name, *contents)

    @abstractmethod
    def put(self, name: str, contents: dict[ObjectId, bytes]) -> None:
        """Store files under existing ids."""

    @abstractmethod
    def open(self, file_id: ObjectId) -> BinaryIO | None:
        """Open a seekable file; None if it does not exist."""

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

    def sha256_of(self, file_id: ObjectId) -> str | None:
        """The SHA-256 of the original content, hexadecimal; None if unknown."""
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


def ids_between(after: ObjectId | None, moment: datetime) -> dict[str, ObjectId]:
    """The query on ids for `Store.saved_before`."""
    until = {"$lt": ObjectId.from_datetime(moment)}
    return until if after is None else {**until, "$gt": after}


class SeekableFile(io.RawIOBase):
    """
    A seekable file that is never in memory as a whole.

    Attributes:
        length: Its length in bytes.
    """

    length = 0
    _at = 0

    def _piece(self, most: int) -> bytes:
        """Return up to *most* bytes from the current position; empty at the end."""
        raise NotImplementedError

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        begin = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.length}
        self._at = max(begin[whence] + offset, 0)
        return self._at

    def readinto(self, buffer) -> int:
        piece = self._piece(len(buffer))
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)
