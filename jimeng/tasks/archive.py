"""
Pictures as one file: a zip archive that is written while it is read.

Pictures are compressed already, so they are only stored, and pass through in pieces:
an archive of any size needs the memory of one piece.
"""

import logging
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, tzinfo
from itertools import chain, islice

from gridfs.errors import GridFSError
from pymongo.errors import PyMongoError

from jimeng import jobs
from jimeng.documents import Image, Input, Task
from jimeng.errors import ImageNotFound, JimengError, StorageUnavailable
from jimeng.tasks.files import tasks_of, with_words
from jimeng.tasks.gallery import pictures_of
from jimeng.viewers import Viewer

log = logging.getLogger(__name__)

MOST_PICTURES = 500  # in an archive of chosen ones
BATCH = 100  # records read at a time: the reader of an archive may be slow
PIECE = 256 * 1024  # bytes
MOST_NAME = 40  # characters of a prompt that become a file's name
# What Windows takes for a device, whatever its ending.
DEVICE = re.compile(r"(con|prn|aux|nul|(com|lpt)\d)", re.IGNORECASE)
NOT_WHOLE = "以下图片没能完整打包 / These pictures could not be packed whole:\n\n"


class NothingSelected(JimengError):
    """A form for many pictures came without one."""

    code = "nothing_selected"
    status = 422


class SelectionTooLarge(JimengError):
    """More pictures than one form takes; nothing was done to any of them."""

    code = "selection_too_large"
    status = 422


class ArchiveTooLarge(JimengError):
    """More pictures than one archive of chosen ones takes."""

    code = "archive_too_large"
    status = 422


class Outlet:
    """A file for `zipfile` to write to, from which is taken what it wrote."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, piece: bytes, /) -> int:
        self._pieces.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        """It has nowhere else to go."""

    def close(self) -> None:
        """Nothing to close."""

    def take(self) -> bytes:
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken


class Archive:
    """
    An archive on its way; each method gives out what it has become longer by.

    Args:
        zone: Of the times that its files carry.
    """

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._missing: list[str] = []
        self._outlet = Outlet()
        self._zip = zipfile.ZipFile(self._outlet, "w", zipfile.ZIP_STORED)

    def add(
        self, name: str, moment: datetime, pieces: Iterable[bytes]
    ) -> Iterator[bytes]:
        """Write one file."""
        local = moment.astimezone(self._zone)
        when = local.year, local.month, local.day, local.hour, local.minute
        info = zipfile.ZipInfo(name, (*when, local.second))
        info.external_attr = 0o644 << 16  # else what unpacks it may not read it
        with self._zip.open(info, "w") as file:
            for piece in pieces:
                file.write(piece)
                yield self._outlet.take()
        yield self._outlet.take()

    def add_picture(
        self, name: str, image: Image | Input, task: Task | None = None
    ) -> Iterator[bytes]:
        """
        Write one picture, drawn or given. One that cannot be read leaves the rest of
        the archive whole, and is named at its end.

        Args:
            task: What asked for it, to be written into the file; None for the file
                as it is kept.
        """
        pieces = self._read(name, image, task)
        first = next(pieces, None)
        if first is not None:
            yield from self.add(name, image.created_at, chain([first], pieces))

    def _read(
        self, name: str, image: Image | Input, task: Task | None
    ) -> Iterator[bytes]:
        length, whole, runtime = 0, image.bytes, jobs.runtime()
        store = runtime.inputs if isinstance(image, Input) else runtime.store
        try:
            content = image.file_id and store.open(image.file_id)
            if content and task and isinstance(image, Image):
                written = with_words(content, image, task)
                content, whole = written.content, written.bytes
            if content:
                with content:
                    while piece := content.read(PIECE):
                        length += len(piece)
                        yield piece
        except (GridFSError, PyMongoError, StorageUnavailable, OSError) as error:
            log.warning("picture not packed id=%s: %s", image.id, type(error).__name__)
        if length != whole:
            self._missing.append(name)

    def close(self) -> Iterator[bytes]:
        """Name what is missing, and write the table of contents."""
        if self._missing:
            words = NOT_WHOLE + "\n".join(self._missing) + "\n"
            now = datetime.now(UTC)
            yield from self.add("missing.txt", now, [words.encode()])
        self._zip.close()
        yield self._outlet.take()


def chosen(viewer: Viewer, picture_ids: Sequence[str]) -> list[Image]:
    """
    Look up the pictures for an archive, newest first.

    Raises:
        NothingSelected: there are no ids.
        ArchiveTooLarge: there are more than `MOST_PICTURES`.
        ImageNotFound: none of them is there, and the viewer's to see.
    """
    ids = list(dict.fromkeys(picture_ids))
    if not ids:
        raise NothingSelected("no pictures for an archive")
    if len(ids) > MOST_PICTURES:
        raise ArchiveTooLarge(f"{len(ids)} pictures", limit=MOST_PICTURES)
    images = pictures_of(viewer, ids)
    if not images:
        raise ImageNotFound(f"none of {len(ids)} pictures")
    return images


def pack(
    images: Iterable[Image], zone: tzinfo, *, reader: Viewer | None = None
) -> Iterator[bytes]:
    """
    The archive of these pictures, each named after its prompt.

    Args:
        zone: Of the times that the files carry.
        reader: Who finds in each file what it was made of; None: nobody does.
    """
    archive, taken, left = Archive(zone), set[str](), iter(images)
    while some := list(islice(left, BATCH)):
        asked = tasks_of(reader, some)
        for image in some:
            name = free_name(plain_name(image.prompt), image.suffix, taken)
            yield from archive.add_picture(name, image, asked.get(image.task_id))
    yield from archive.close()


def free_name(stem: str, suffix: str, taken: set[str]) -> str:
    """A name that is not taken yet, also not in the other case, and takes it."""
    name, number = f"{stem}.{suffix}", 1
    while name.casefold() in taken:
        number += 1
        name = f"{stem}-{number}.{suffix}"
    taken.add(name.casefold())
    return name


def plain_name(prompt: str | None) -> str:
    """The beginning of a prompt, of characters that every file system takes."""
    words = re.sub(r"[^\w-]+", "-", prompt or "")[:MOST_NAME].strip("-_")
    return f"jimeng-{words}" if DEVICE.fullmatch(words) else words or "jimeng"
