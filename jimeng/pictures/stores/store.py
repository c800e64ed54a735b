"""What keeps the bytes of pictures, and files of what is nowhere as a whole."""

import io
from abc import ABC, abstractmethod
from datetime import datetime
from typing import BinaryIO

from bson import ObjectId


class Store(ABC):
    """
    Files under ids that are never used twice, so that a second attempt to save
    a picture cannot spoil the first.

    Every method but `works` raises `StorageUnavailable` where it cannot do its work.

    Attributes:
        kind: As ``STORAGE`` names it.
        where: Its bytes are, for people.
    """

    kind: str
    where: str

    def save(self, content: bytes | BinaryIO, name: str) -> ObjectId:
        """
        Keep *content* and return the new id it can be read back with.

        Args:
            name: The id of the record that will name it; without one it is swept.
        """
        whole = content if isinstance(content, bytes) else content.read()
        return self.save_together(name, whole)[0]

    def save_together(self, name: str, *contents: bytes) -> list[ObjectId]:
        """Keep several files at once, as `save` does each."""
        ids = [ObjectId() for _ in contents]
        self.put(name, dict(zip(ids, contents, strict=True)))
        return ids

    def save_anywhere(self, name: str, *contents: bytes) -> list[ObjectId]:
        """The same, in another store where this one is away and there is another."""
        return self.save_together(name, *contents)

    @abstractmethod
    def put(self, name: str, contents: dict[ObjectId, bytes]) -> None:
        """Keep files under ids that they have already."""

    @abstractmethod
    def open(self, file_id: ObjectId) -> BinaryIO | None:
        """The bytes as a file that can be read and sought in, or None."""

    @abstractmethod
    def delete(self, file_id: ObjectId) -> None:
        """Forget the bytes; none there is as good."""

    def link(
        self, file_id: ObjectId, *, seconds: float, content_type: str
    ) -> str | None:
        """
        A link under which anybody can fetch the bytes for a while; None where nobody
        outside could use one.
        """
        return None

    def sha256_of(self, file_id: ObjectId) -> str | None:
        """In hexadecimal, of the bytes as they were given; None where nobody knows."""
        return None

    @abstractmethod
    def size(self) -> int:
        """Bytes of all files together."""

    def add_up(self) -> None:
        """Mend what `size` tells."""
        return

    @abstractmethod
    def count(self) -> int:
        """How many files there are, about."""

    def room(self) -> int | None:
        """Bytes that are free there; None where nobody can tell."""
        return None

    @abstractmethod
    def works(self) -> bool:
        """Whether a picture could be kept now, by trying."""

    def seems_to_work(self) -> bool:
        """The same, perhaps without trying."""
        return self.works()

    @abstractmethod
    def saved_before(
        self, moment: datetime, *, after: ObjectId | None, limit: int
    ) -> dict[ObjectId, str]:
        """
        Files that were saved before *moment*: their ids, with their names.

        Args:
            after: Begin behind this one.
        """


def ids_between(after: ObjectId | None, moment: datetime) -> dict[str, ObjectId]:
    """The condition on ids that `Store.saved_before` has."""
    until = {"$lt": ObjectId.from_datetime(moment)}
    return until if after is None else {**until, "$gt": after}


class SeekableFile(io.RawIOBase):
    """
    A file that can be sought in, of what is nowhere in memory as a whole.

    Attributes:
        length: How many bytes it has.
    """

    length = 0
    _at = 0

    def _piece(self, most: int) -> bytes:
        """What comes next, *most* bytes of it or fewer; empty at the end."""
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
