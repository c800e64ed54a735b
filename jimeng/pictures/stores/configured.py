"""The configured store, and the others, which may still contain files."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from bson import ObjectId

from jimeng.config import Config
from jimeng.errors import ConfigError, StorageUnavailable
from jimeng.pictures.contents import Content, Pieces
from jimeng.pictures.stores.files import FileStore
from jimeng.pictures.stores.gridfs import GridFSStore
from jimeng.pictures.stores.store import FileInfo, Store

log = logging.getLogger(__name__)


class ConfiguredStore(Store):
    """
    Writes to the first store; reads from it, then from the others.

    Args:
        stores: The configured one first.
    """

    def __init__(self, stores: Sequence[Store]) -> None:
        self.first, self.others = stores[0], list(stores[1:])
        self.stores = list(stores)
        self.kind, self.where = self.first.kind, self.first.where
        self.max_file_bytes = self.first.max_file_bytes
        self._has_failed = False

    def save_anywhere(self, name: str, *contents: bytes) -> list[ObjectId]:
        """`save_together`, with GridFS as fallback: a picture is not fetched twice."""
        try:
            return self.save_together(name, *contents)
        except StorageUnavailable as error:
            for each in self.others:
                if isinstance(each, GridFSStore):
                    log.warning("stored in %s instead: %s", each.where, error)
                    return each.save_together(name, *contents)
            raise

    def put(self, name: str, contents: Mapping[ObjectId, Content]) -> None:
        try:
            self.first.put(name, contents)
        except StorageUnavailable:
            self._has_failed = True
            raise

    def find(self, file_id: ObjectId) -> FileInfo | None:
        found = (each.find(file_id) for each in self.stores)
        return next(filter(None, found), None)

    def open_range(
        self, file_id: ObjectId, start: int = 0, end: int | None = None
    ) -> Pieces | None:
        # Try the first store twice: a file may be moved there in between.
        away: StorageUnavailable | None = None
        for each in (*self.stores, self.first):
            try:
                pieces = each.open_range(file_id, start, end)
            except StorageUnavailable as error:
                away = error
                continue
            if pieces is not None:
                return pieces
        if away is not None:
            raise away  # the file may be in that store
        return None

    def delete(self, file_id: ObjectId) -> None:
        away: StorageUnavailable | None = None
        for each in self.stores:
            try:
                each.delete(file_id)
            except StorageUnavailable as error:
                away = error
        if away is not None:
            raise away  # the sweep deletes the remaining copy

    def link(
        self, file_id: ObjectId, *, seconds: float, content_type: str
    ) -> str | None:
        return self.first.link(file_id, seconds=seconds, content_type=content_type)

    def size(self) -> int:
        return sum(each.size() for each in self.stores)

    def add_up(self) -> None:
        for each in self.stores:
            each.add_up()

    def count(self) -> int:
        return sum(each.count() for each in self.stores)

    def scratch_directory(self) -> Path:
        return self.first.scratch_directory()

    def free_bytes(self) -> int | None:
        return self.first.free_bytes()

    def works(self) -> bool:
        return self.first.works()

    def seems_to_work(self) -> bool:
        """Whether pictures can be stored; tested only after a failed save."""
        if self._has_failed:
            self._has_failed = not self.works()
        return not self._has_failed

    def saved_before(
        self, moment: datetime, *, after: ObjectId | None, limit: int
    ) -> dict[ObjectId, str]:
        found: dict[ObjectId, str] = {}
        for each in self.stores:
            rows = each.saved_before(moment, after=after, limit=limit)
            # During a save only one of the stores knows the name.
            found |= {
                file_id: n or found.get(file_id, "") for file_id, n in rows.items()
            }
        return {file_id: found[file_id] for file_id in sorted(found)[:limit]}


def choose(config: Config, *buckets: str) -> Iterator[Store]:
    """
    Create the store of each of *buckets*: GridFS alone, or all configured ones.

    Raises:
        ConfigError: the packages of one of them are not installed.
    """
    found: list[list[Store]] = [[GridFSStore(each) for each in buckets]]
    directory = directory_of(config)
    if config.STORAGE == "file" or config.STORAGE_DIR or directory.is_dir():
        found.append([FileStore(directory, each) for each in buckets])
    if config.S3_BUCKET:
        found.append(s3_stores(config, buckets))
    found.sort(key=lambda row: row[0].kind != config.STORAGE)
    for stores in zip(*found, strict=True):
        yield ConfiguredStore(stores) if len(stores) > 1 else stores[0]


def s3_stores(config: Config, buckets: Sequence[str]) -> list[Store]:
    """
    Raises:
        ConfigError: boto3, an optional dependency, is not installed.
    """
    if find_spec("boto3") is None:
        raise ConfigError(
            "S3_BUCKET needs packages of its own: pip install --require-hashes -r "
            "requirements-s3.txt"
        )
    stores: list[Store] = import_module("jimeng.pictures.stores.s3").stores(
        config, buckets
    )
    return stores


def directory_of(config: Config) -> Path:
    return Path(config.STORAGE_DIR or Path(config.DATA_DIR) / "pictures").absolute()
