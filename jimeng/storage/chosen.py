"""The store that was chosen, and the others, which may still hold what was kept."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol

from bson import ObjectId

from jimeng.config import Config
from jimeng.errors import StorageUnavailable
from jimeng.pictures.gridfs import GridFSStore
from jimeng.storage.files import FileStore


class Store(Protocol):
    """What keeps bytes; each method is described in `GridFSStore`."""

    @property
    def kind(self) -> str: ...
    @property
    def where(self) -> str: ...
    def save(self, content: bytes | BinaryIO, name: str) -> ObjectId: ...
    def save_together(self, name: str, *contents: bytes) -> list[ObjectId]: ...
    def save_anywhere(self, name: str, *contents: bytes) -> list[ObjectId]: ...
    def put(self, name: str, contents: dict[ObjectId, bytes]) -> None: ...
    def open(self, file_id: ObjectId) -> BinaryIO | None: ...
    def delete(self, file_id: ObjectId) -> None: ...
    def size(self) -> int: ...
    def count(self) -> int: ...
    def room(self) -> int | None: ...
    def works(self) -> bool: ...
    def saved_before(
        self, moment: datetime, *, after: ObjectId | None, limit: int
    ) -> dict[ObjectId, str]: ...


class Chosen:
    """
    Writes to the first store; reads ask it, and then the others.

    Args:
        stores: The chosen one first.
    """

    def __init__(self, stores: Sequence[Store]) -> None:
        self.first, self.others = stores[0], list(stores[1:])
        self.stores = list(stores)
        self.kind, self.where = self.first.kind, self.first.where
        self._has_failed = False

    def save(self, content: bytes | BinaryIO, name: str) -> ObjectId:
        return self.first.save(content, name)

    def save_together(self, name: str, *contents: bytes) -> list[ObjectId]:
        try:
            return self.first.save_together(name, *contents)
        except StorageUnavailable:
            self._has_failed = True
            raise

    def save_anywhere(self, name: str, *contents: bytes) -> list[ObjectId]:
        """`save_together`, else next to the documents: there is no second copy."""
        try:
            return self.save_together(name, *contents)
        except StorageUnavailable:
            for each in self.others:
                if isinstance(each, GridFSStore):
                    return each.save_together(name, *contents)
            raise

    def put(self, name: str, contents: dict[ObjectId, bytes]) -> None:
        self.first.put(name, contents)

    def open(self, file_id: ObjectId) -> BinaryIO | None:
        # Twice the first: what has just been moved was not yet there, and then it was.
        away: StorageUnavailable | None = None
        for each in (*self.stores, self.first):
            try:
                content = each.open(file_id)
            except StorageUnavailable as error:
                away = error
                continue
            if content is not None:
                return content
        if away is not None:
            raise away  # it may well be there
        return None

    def delete(self, file_id: ObjectId) -> None:
        away: StorageUnavailable | None = None
        for each in self.stores:
            try:
                each.delete(file_id)
            except StorageUnavailable as error:
                away = error
        if away is not None:
            raise away  # what is left is swept

    def size(self) -> int:
        return sum(each.size() for each in self.stores)

    def count(self) -> int:
        return sum(each.count() for each in self.stores)

    def room(self) -> int | None:
        return self.first.room()

    def works(self) -> bool:
        """Whether a picture can be kept: tried out once a save has failed."""
        if self._has_failed:
            self._has_failed = not self.first.works()
        return not self._has_failed

    def saved_before(
        self, moment: datetime, *, after: ObjectId | None, limit: int
    ) -> dict[ObjectId, str]:
        found: dict[ObjectId, str] = {}
        for each in self.stores:
            rows = each.saved_before(moment, after=after, limit=limit)
            # In the midst of a saving only one of them knows the name.
            found |= {
                file_id: n or found.get(file_id, "") for file_id, n in rows.items()
            }
        return {file_id: found[file_id] for file_id in sorted(found)[:limit]}


def choose(config: Config, bucket: str) -> Store:
    """The store for *bucket*: MongoDB's alone, or all that are set up."""
    mongodb = GridFSStore(bucket)
    directory = directory_of(config)
    if config.STORAGE == "gridfs" and not (config.STORAGE_DIR or directory.is_dir()):
        return mongodb
    stores: list[Store] = [mongodb, FileStore(directory, bucket)]
    return Chosen(sorted(stores, key=lambda each: each.kind != config.STORAGE))


def directory_of(config: Config) -> Path:
    return Path(config.STORAGE_DIR or Path(config.DATA_DIR) / "pictures").absolute()
