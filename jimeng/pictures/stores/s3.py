"""Files in a bucket of an object store: TOS, MinIO, AWS."""

import time
from collections.abc import Sequence
from typing import BinaryIO

from bson import ObjectId

from jimeng.config import Config
from jimeng.errors import StorageUnavailable
from jimeng.pictures.stores.external import ExternalStore
from jimeng.pictures.stores.s3_client import AWAY, Bucket, unavailable
from jimeng.pictures.stores.store import SeekableFile

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

    def write(self, contents: dict[ObjectId, bytes]) -> None:
        with self._bucket.operation():
            for file_id, each in contents.items():
                self._bucket.put(self._key(file_id), each)

    def open(self, file_id: ObjectId) -> BinaryIO | None:
        # Do not request objects that the ledger does not list.
        if self._find(file_id) is None:
            return None
        file = RemoteFile(self._bucket, self._key(file_id))
        return file if file.begin() else None  # type: ignore[return-value]

    def delete(self, file_id: ObjectId) -> None:
        if self._find(file_id) is None:
            return
        with self._bucket.operation():
            self._bucket.delete(self._key(file_id))
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
        if time.monotonic() < self._bucket.kept_at + FRESH_S:
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


class RemoteFile(SeekableFile):
    """
    An object as a seekable file.

    Reading after a seek sends a new request with a range. The time between two reads is
    not limited, for slow clients.
    """

    def __init__(self, bucket: Bucket, key: str) -> None:
        self._bucket, self._key = bucket, key
        self._stream: BinaryIO | None = None
        self._streams_at = -1  # position of the stream; -1 if it is unusable

    def begin(self) -> bool:
        """
        Request the object from the current position; return whether it exists.

        Raises:
            StorageUnavailable: the store cannot be reached.
        """
        self._end_stream()
        with self._bucket.operation() as self._leash:
            found = self._bucket.get(self._key, self._at)
        if found is None:
            return False
        self._stream, left = found
        self._streams_at, self.length = self._at, self._at + left
        return True

    def read(self, size: int | None = -1) -> bytes:
        """
        Read within the time limit of one operation.

        Raises:
            StorageUnavailable: the content does not arrive completely.
        """
        piece = self._piece(self.length if size is None or size < 0 else size)
        self._at += len(piece)
        return piece

    def _piece(self, most: int) -> bytes:
        size = min(most, self.length - self._at)
        if size <= 0:
            return b""
        if self._streams_at != self._at and not self.begin():
            raise unavailable("an object went while it was read", AWAY)
        assert self._stream is not None  # noqa: S101 - as `begin` says
        self._streams_at = -1
        self._leash.renew()
        found = bytearray()
        with self._bucket.trouble():
            # A read may return only the bytes that have already arrived.
            while piece := self._stream.read(size - len(found)):
                found += piece
        if len(found) < size:
            raise unavailable("an object ended before its end", AWAY)
        self._streams_at = self._at + size
        return bytes(found)

    def close(self) -> None:
        self._end_stream()
        super().close()

    def _end_stream(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None
