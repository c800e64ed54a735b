"""What all stores outside of MongoDB have in common: a ledger of what they hold."""

import hashlib
from abc import ABC, abstractmethod
from datetime import datetime
from typing import BinaryIO

from bson import ObjectId

from jimeng.storage.ledger import Entry, Ledger


class OutsideStore(ABC):
    """
    A store whose bytes are not next to the documents.

    Args:
        bucket: Whose ids are its own.
    """

    kind: str
    where: str

    def __init__(self, bucket: str) -> None:
        self._ledger = Ledger(f"{bucket}.in_{self.kind}")

    @abstractmethod
    def make_ready(self) -> None:
        """
        Raises:
            StorageUnavailable: nothing can be kept there, so nothing is entered.
        """

    @abstractmethod
    def write(self, contents: dict[ObjectId, bytes]) -> None:
        """
        Raises:
            StorageUnavailable: some of it is not there, or may not be.
        """

    def save(self, content: bytes | BinaryIO, name: str) -> ObjectId:
        """As `GridFSStore.save`; raises `StorageUnavailable` where it cannot."""
        whole = content if isinstance(content, bytes) else content.read()
        return self.save_together(name, whole)[0]

    def save_together(self, name: str, *contents: bytes) -> list[ObjectId]:
        ids = [ObjectId() for _ in contents]
        self.put(name, dict(zip(ids, contents, strict=True)))
        return ids

    save_anywhere = save_together

    def put(self, name: str, contents: dict[ObjectId, bytes]) -> None:
        """
        Keep files under ids that they have already.

        Raises:
            StorageUnavailable: it is away, full, or may not be written to.
        """
        self.make_ready()
        self._ledger.write(
            *(
                Entry(file_id, name, len(each), hashlib.sha256(each).hexdigest())
                for file_id, each in contents.items()
            )
        )
        self.write(contents)

    def link(
        self, file_id: ObjectId, *, seconds: float, content_type: str
    ) -> str | None:
        """As `GridFSStore.link`; None where nobody outside could use one."""
        return None

    def sha256_of(self, file_id: ObjectId) -> str | None:
        """In hexadecimal, of the bytes as they were given; None where nobody knows."""
        found = self._ledger.find(file_id)
        return found.sha256 if found else None

    def size(self) -> int:
        return self._ledger.size()

    def count(self) -> int:
        """How many files there are."""
        return self._ledger.count()

    @abstractmethod
    def works(self) -> bool:
        """Whether a picture could be kept now, by trying."""

    def seems_to_work(self) -> bool:
        """The same; `Chosen` tries less often."""
        return self.works()

    def add_up(self) -> None:
        """Mend what `size` tells."""
        self._ledger.add_up()

    def saved_before(
        self, moment: datetime, *, after: ObjectId | None, limit: int
    ) -> dict[ObjectId, str]:
        return self._ledger.saved_before(moment, after=after, limit=limit)
