"""
The backup file: a tar of a manifest, parts of collections in BSON, and checksums.

The manifest is first, so that a later format is refused immediately.
The checksums are last, so that a truncated file lacks them.
"""

import hashlib
import io
import json
import os
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from jimeng.config.version import COMMIT, SHORT, UNKNOWN, VERSION

FORMAT = 2
PART_BYTES = 16 * 2**20  # approximate size of a part
MANIFEST, SUMS = "manifest.json", "checksums.json"


class Damaged(Exception):
    """The file is no backup, is truncated or changed, or is of a later release."""


@dataclass(frozen=True)
class Manifest:
    """
    Attributes:
        version: The release that wrote it; *commit* likewise.
        created_at: In ISO 8601, UTC.
        collections: The collections that it contains, in the order of reading.
        schema: The number of the last migration step of its documents.
    """

    format: int
    version: str
    created_at: str
    collections: list[str]
    schema: int
    commit: str = UNKNOWN

    @property
    def release(self) -> str:
        return f"{self.version} ({self.commit[:SHORT]})"


class Writer:
    """Appends parts to the file, each in memory only while it is written."""

    def __init__(self, tar: tarfile.TarFile, manifest: Manifest) -> None:
        self._tar = tar
        self._sums: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        self.add(MANIFEST, json.dumps(asdict(manifest), indent=2).encode())

    def add_part(self, collection: str, content: bytes) -> None:
        """Append a part: concatenated BSON documents."""
        number = self._counts[collection] = self._counts.get(collection, 0) + 1
        self.add(f"{collection}/{number:06}.bson", content)

    def add(self, name: str, content: bytes) -> None:
        about = tarfile.TarInfo(name)
        about.size, about.mtime, about.mode = len(content), int(time.time()), 0o600
        self._tar.addfile(about, io.BytesIO(content))
        self._sums[name] = hashlib.sha256(content).hexdigest()

    def close(self) -> None:
        self.add(SUMS, json.dumps(self._sums, indent=2).encode())


@contextmanager
def writing(path: Path, manifest: Manifest) -> Iterator[Writer]:
    """
    Write the file; *path* appears only when it is complete and on disk.

    Only its owner may read it: it contains hashes of passwords and keys.

    Raises:
        OSError: no space or no permission; *path* is unchanged.
    """
    partial = path.with_name(f"{path.name}.partial")
    try:
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            with tarfile.open(fileobj=out, mode="w|") as tar:
                writer = Writer(tar, manifest)
                yield writer
                writer.close()
            out.flush()
            os.fsync(out.fileno())
        partial.replace(path)
    except BaseException:
        with suppress(OSError):
            partial.unlink()
        raise


class Reader:
    """Reads a backup file part by part."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def members(self) -> Iterator[tuple[str, bytes]]:
        """
        Names and contents, in order.

        Raises:
            Damaged: it is no tar, or is truncated.
        """
        try:
            with tarfile.open(self._path, "r|") as tar:
                for member in tar:
                    file = tar.extractfile(member)
                    if file is None:
                        raise Damaged(f"{member.name} is no file")
                    yield member.name, file.read()
        except (tarfile.TarError, EOFError) as error:
            raise Damaged(f"{self._path}: {error}") from error

    def parts(self) -> Iterator[tuple[str, bytes]]:
        """Collection and documents of each part."""
        for name, content in self.members():
            collection, slash, _ = name.rpartition("/")
            if slash:
                yield collection, content

    def verify(self) -> Manifest:
        """
        Read the whole file, and verify its checksums.

        Raises:
            Damaged: a part is missing or changed, or the format is of a later release.
        """
        found: dict[str, str] = {}
        manifest: Manifest | None = None
        sums: dict[str, str] | None = None
        for name, content in self.members():
            if manifest is None:
                manifest = self.manifest_of(name, content)
            if name == SUMS:
                sums = json.loads(content)
            else:
                found[name] = hashlib.sha256(content).hexdigest()
        if manifest is None or sums is None:
            raise Damaged(f"{self._path} is not whole: it was cut off")
        wrong = {n for n in found.keys() | sums.keys() if found.get(n) != sums.get(n)}
        if wrong:
            raise Damaged(
                f"{self._path}: changed or missing: {', '.join(sorted(wrong))}"
            )
        return manifest

    def manifest_of(self, name: str, content: bytes) -> Manifest:
        try:
            if name != MANIFEST:
                raise ValueError(f"begins with {name}")
            fields = json.loads(content)
            if fields["format"] > FORMAT:
                raise Damaged(
                    f"{self._path} was written by jimeng {fields['version']}, whose "
                    "backups this release cannot read: install that one"
                )
            known = (
                Manifest.__dataclass_fields__
            )  # a later release may have more fields
            return Manifest(**{n: value for n, value in fields.items() if n in known})
        except (ValueError, KeyError, TypeError) as error:
            raise Damaged(f"{self._path} is no backup of jimeng: {error}") from error


def new_manifest(created_at: str, collections: list[str], schema: int) -> Manifest:
    return Manifest(FORMAT, VERSION, created_at, collections, schema, COMMIT)
