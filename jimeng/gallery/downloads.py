"""
Downloads: one picture in another format, or many as a zip archive.

Pictures are compressed already, so an archive only stores them; it is written while it
is read, and needs the memory of one chunk whatever its size.
"""

import logging
import re
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, tzinfo
from itertools import chain, islice
from typing import BinaryIO

from gridfs.errors import GridFSError
from pymongo.errors import PyMongoError

from jimeng import jobs, pictures
from jimeng.documents import Image, Input, Task
from jimeng.documents.principal import Principal
from jimeng.errors import ImageNotFound, JimengError, StorageUnavailable
from jimeng.gallery.browsing import pictures_of
from jimeng.pictures.metadata import Made, Written, written_into
from jimeng.tasks.queries import find_all
from jimeng.tasks.retries import original_wording

log = logging.getLogger(__name__)

MAX_PICTURES = 500  # in an archive of chosen ones
BATCH = 100  # records read at a time: the reader of an archive may be slow
PIECE = 256 * 1024  # bytes
MAX_NAME = 40  # characters of a prompt that become a file's name
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


def chosen(principal: Principal, picture_ids: Sequence[str]) -> list[Image]:
    """
    Look up the pictures for an archive, newest first.

    Raises:
        NothingSelected: there are no ids.
        ArchiveTooLarge: there are more than `MAX_PICTURES`.
        ImageNotFound: none of them is there, and the principal's to see.
    """
    ids = list(dict.fromkeys(picture_ids))
    if not ids:
        raise NothingSelected("no pictures for an archive")
    if len(ids) > MAX_PICTURES:
        raise ArchiveTooLarge(f"{len(ids)} pictures", limit=MAX_PICTURES)
    images = pictures_of(principal, ids)
    if not images:
        raise ImageNotFound(f"none of {len(ids)} pictures")
    return images


def pack(
    images: Iterable[Image], zone: tzinfo, *, reader: Principal | None = None
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
    words = re.sub(r"[^\w-]+", "-", prompt or "")[:MAX_NAME].strip("-_")
    return f"jimeng-{words}" if DEVICE.fullmatch(words) else words or "jimeng"


IN_MEMORY = 1024 * 1024  # bytes; what is larger goes to a file that has no name


def open_as(
    image: Image, content_type: str, quality: int | None = None
) -> tuple[BinaryIO, int]:
    """
    Open a picture that another function of `tasks` has given, as it is kept where
    that is what is asked for.

    Args:
        content_type: One that pictures are kept in.
        quality: 0 to 100, of JPEG and WebP; None for as it is, or as is usual.

    Returns:
        A file to be read and closed, and its bytes.

    Raises:
        ImageNotFound: its bytes are gone.
        PictureInvalid: as `pictures.encode`.
    """
    content = jobs.runtime().store.open(image.file_id)
    if content is None:
        raise ImageNotFound(f"bytes of picture {image.id}")
    if image.content_type == content_type and quality is None:
        return content, image.bytes
    with content:
        made = pictures.encode(
            content.read(), content_type, quality, user=image.user_id
        )
    # Of several none stays in memory until the others are made.
    file = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - the caller closes
    file.write(made)
    file.seek(0)
    return file, len(made)  # type: ignore[return-value]


def made_of(image: Image, task: Task) -> Made:
    """What a file says of its picture; nothing of whose it is."""
    words = original_wording(task)
    return Made(
        prompt=words.prompt,
        style=words.style or "",
        model=task.model,
        width=image.width,
        height=image.height,
        seed=image.seed,
        created_at=image.created_at,
        asked=f"{task.width}x{task.height}",
    )


def with_words(content: BinaryIO, image: Image, task: Task) -> Written:
    """
    A picture's bytes with what it was made of, to be read and closed.

    Args:
        content: The bytes as they are kept, at their beginning.
        task: What asked for it, which whoever gets the file may see.
    """
    try:
        made = made_of(image, task)
        return written_into(content, image.bytes, image.content_type, made)
    except BaseException:
        content.close()
        raise


def tasks_of(principal: Principal | None, images: Iterable[Image]) -> dict[str, Task]:
    """Id -> task, of those that asked for these and are there for the principal."""
    if principal is None:
        return {}
    ids = {image.task_id for image in images}
    return {task.id: task for task in find_all(principal, ids)}
