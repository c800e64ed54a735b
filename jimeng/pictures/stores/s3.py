"""Files in a bucket of an object store: TOS, MinIO, AWS."""

import time
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from typing import BinaryIO

from bson import ObjectId

from jimeng.config import Config
from jimeng.errors import StorageUnavailable
from jimeng.pictures.contents import PART_BYTES, PIECE_BYTES, Content, Pieces, regroup
from jimeng.pictures.stores.external import ExternalStore
from jimeng.pictures.stores.s3_client import AWAY, Bucket, unavailable

FRESH_S = 30.0  # after a successful write, without a probe
PROBE = "probe"  # the key of an object that is overwritten by each probe


class S3Store(ExternalStore):
    """
    An object for each id, under ``<S3_PREFIX><bucket of ids>/<id>``.

    Args:
        name: The bucket of file ids.
    """

    kind = "s3"

    def __init__(self, bucket: Bucket, name: str) -> None:
        super().__init__(name)
        self._bucket, self._name = bucket, name
        self.where = f"{bucket.where}{name}"

    def make_ready(self) -> None:
        self._bucket.require_answers()

    def write(self, contents: Mapping[ObjectId, Content]) -> None:
        small = {
            file_id: each.read()  # which may take an operation of its own
            for file_id, each in contents.items()
            if each.length <= PART_BYTES
        }
        if small:
            with self._bucket.operation():
                for file_id, content in small.items():
                    self._bucket.put(self._key(file_id), content)
        for file_id, each in contents.items():
            if file_id not in small:
                self._upload(file_id, each)

    def _upload(self, file_id: ObjectId, content: Content) -> None:
        """Write a large object in parts. It appears when all have arrived."""
        # Marked before: the response with the upload's id may be lost.
        key, mine = self._key(file_id), {"_id": file_id}
        self._ledger.update_one(mine, {"$set": {"uploading": True}})
        with self._bucket.operation():
            upload = self._bucket.begin_upload(key)
        etags: list[str] = []
        try:
            with closing(content.pieces()) as pieces:
                for part in regroup(pieces, PART_BYTES):
                    with self._bucket.operation():
                        etags.append(
                            self._bucket.put_part(key, upload, len(etags) + 1, part)
                        )
            with self._bucket.operation():
                self._bucket.end_upload(key, upload, etags)
        except Exception:
            # Else the parts take space until the file is swept.
            with suppress(StorageUnavailable), self._bucket.operation():
                self._bucket.abort_upload(key, upload)
            raise
        self._ledger.update_one(mine, {"$unset": {"uploading": ""}})

    def open_range(
        self, file_id: ObjectId, start: int = 0, end: int | None = None
    ) -> Pieces | None:
        # Do not request objects that the ledger does not list.
        found = self._find(file_id)
        if found is None:
            return None
        length = found["length"]
        end = length if end is None else min(end, length)
        pieces = ObjectPieces(self._bucket, self._key(file_id), start, end)
        return pieces if pieces.begin() else None

    def delete(self, file_id: ObjectId) -> None:
        found = self._find(file_id)
        if found is None:
            return
        key = self._key(file_id)
        with self._bucket.operation():
            if found.get("uploading"):
                for upload in self._bucket.open_uploads(key):
                    self._bucket.abort_upload(key, upload)
            self._bucket.delete(key)
        self._forget(file_id)

    def link(
        self, file_id: ObjectId, *, seconds: float, content_type: str
    ) -> str | None:
        """As `Bucket.link`; None if the file is not in this store."""
        if self._find(file_id) is None:
            return None
        key = self._key(file_id)
        return self._bucket.link(key, seconds=seconds, content_type=content_type)

    def works(self) -> bool:
        """Whether pictures can be stored; probed if the last write is not recent."""
        if time.monotonic() < self._bucket.worked_at + FRESH_S:
            return True
        try:
            with self._bucket.operation():
                self._bucket.put(PROBE, PROBE.encode())
        except StorageUnavailable:
            return False
        return True

    def _key(self, file_id: ObjectId) -> str:
        return f"{self._name}/{file_id}"


def stores(config: Config, names: Sequence[str]) -> list[S3Store]:
    """One for each of *names*, all in the bucket of the settings."""
    bucket = Bucket(config)
    return [S3Store(bucket, name) for name in names]


class ObjectPieces:
    """
    Pieces of an object, streamed.

    The time between two of them is not limited, for slow clients: the rest is requested
    again if the connection has ended meanwhile.
    """

    def __init__(self, bucket: Bucket, key: str, start: int, end: int) -> None:
        self._bucket, self._key = bucket, key
        self._at, self._end = start, end
        self._stream: BinaryIO | None = None

    def begin(self) -> bool:
        """
        Request the rest of the object; return whether it exists.

        Raises:
            StorageUnavailable: the store cannot be reached.
        """
        self.close()
        with self._bucket.operation() as self._leash:
            found = self._bucket.get(self._key, self._at, self._end)
        if found is None:
            return False
        self._stream, length = found
        self._end = self._at + length  # less than expected if it is damaged
        return True

    def __iter__(self) -> "ObjectPieces":
        return self

    def __next__(self) -> bytes:
        """
        Read within the time limit of one operation.

        Raises:
            StorageUnavailable: the content does not arrive completely.
        """
        size = min(PIECE_BYTES, self._end - self._at)
        if size <= 0:
            self.close()
            raise StopIteration
        try:
            piece = self._read(size)
        except StorageUnavailable:
            if not self.begin():
                raise
            piece = self._read(size)
        self._at += size
        return piece

    def _read(self, size: int) -> bytes:
        assert self._stream is not None  # noqa: S101 - as `begin` says
        self._leash.renew()
        found = bytearray()
        with self._bucket.trouble():
            # A read may return only the bytes that have already arrived.
            while piece := self._stream.read(size - len(found)):
                found += piece
        if len(found) < size:
            raise unavailable("an object ended before its end", AWAY)
        return bytes(found)

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None
