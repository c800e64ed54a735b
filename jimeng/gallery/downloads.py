"""
Downloads: one picture in another format, or many as a zip archive.

Pictures are compressed already, so an archive only stores them. It is streamed, and
needs the memory of one chunk whatever its size.
"""

import logging
import re
import tempfile
import zipfile
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from datetime import UTC, datetime, tzinfo
from itertools import chain, islice

from gridfs.errors import GridFSError
from pymongo.errors import PyMongoError

from jimeng import jobs, pictures
from jimeng.documents import Image, Input, Task
from jimeng.documents.principal import Principal
from jimeng.errors import (
    ImageNotFound,
    JimengError,
    PictureInvalid,
    StorageUnavailable,
)
from jimeng.gallery.browsing import pictures_of
from jimeng.jobs.video_disk_space import RESERVE_BYTES, free_bytes
from jimeng.pictures import video_decoder
from jimeng.pictures.contents import Content, FilePieces, Pieces
from jimeng.pictures.metadata import Provenance, Written, write_into
from jimeng.pictures.stores import StoredFile
from jimeng.pictures.stores.store import FileMissing
from jimeng.tasks.queries import file_of, find_all
from jimeng.tasks.retries import original_wording

log = logging.getLogger(__name__)

MAX_PICTURES = 500  # in an archive of selected pictures
MAX_JOINED_BYTES = 2**30  # of clips that are joined
MAX_BYTES = 4 * 2**30  # of these: more than that many programs cannot unpack
BATCH = 100  # records read at a time: the client may be slow
MAX_NAME_CHARS = 40  # of a prompt that become a file's name
# Device names of Windows, with any extension.
DEVICE = re.compile(r"(con|prn|aux|nul|(com|lpt)\d)", re.IGNORECASE)
NOT_WHOLE = "以下图片没能完整打包 / These pictures could not be packed whole:\n\n"


# Why a file cannot be packed.
UNREADABLE = (
    *(GridFSError, PyMongoError, StorageUnavailable, OSError),
    *(ImageNotFound, FileMissing),
)


class NothingSelected(JimengError):
    """A form for selected pictures names none."""

    code = "nothing_selected"
    status = 422


class SelectionTooLarge(JimengError):
    """A form has too many pictures; none of them was changed."""

    code = "selection_too_large"
    status = 422


class ArchiveTooLarge(JimengError):
    """Too many pictures for one archive, or too large ones."""

    code = "archive_too_large"
    status = 422

    def __init__(self, message: str) -> None:
        super().__init__(message, limit=MAX_PICTURES, gib=MAX_BYTES // 2**30)


class ClipsUnlike(JimengError):
    """Clips cannot be joined, since one is not encoded like the first."""

    code = "clips_unlike"
    status = 422


class ZipBuffer:
    """A file that `zipfile` writes to, and from which the output is drained."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, piece: bytes, /) -> int:
        self._pieces.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        """Nothing to flush: there is no underlying file."""

    def close(self) -> None:
        """Nothing to close."""

    def drain(self) -> bytes:
        """Return what was written since the last call."""
        written = b"".join(self._pieces)
        self._pieces.clear()
        return written


class Archive:
    """
    A streamed archive; each method yields the bytes that it appends.

    Args:
        zone: The time zone of its files' timestamps.
    """

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._missing: list[str] = []
        self._outlet = ZipBuffer()
        self._zip = zipfile.ZipFile(self._outlet, "w", zipfile.ZIP_STORED)

    def add(
        self, name: str, moment: datetime, pieces: Iterable[bytes], length: int = 0
    ) -> Iterator[bytes]:
        """
        Write one file.

        Args:
            length: Its length in bytes, if that may be above 2 GiB.
        """
        local = moment.astimezone(self._zone)
        when = local.year, local.month, local.day, local.hour, local.minute
        info = zipfile.ZipInfo(name, (*when, local.second))
        info.external_attr = 0o644 << 16  # else the unpacked file may be unreadable
        is_long = length > zipfile.ZIP64_LIMIT
        with self._zip.open(info, "w", force_zip64=is_long) as file:
            for piece in pieces:
                file.write(piece)
                yield self._outlet.drain()
        yield self._outlet.drain()

    def add_picture(
        self, name: str, image: Image | Input, task: Task | None = None
    ) -> Iterator[bytes]:
        """
        Write one picture or input. If it cannot be read, the archive goes on without
        it and lists it at its end.

        Args:
            task: The picture's task, whose prompt is written into the file's
                metadata; None for the file as stored.
        """
        pieces = self._read(name, image, task)
        first = next(pieces, None)
        if first is not None:
            whole = chain([first], pieces)
            yield from self.add(name, image.created_at, whole, image.bytes)

    def _read(
        self, name: str, image: Image | Input, task: Task | None
    ) -> Iterator[bytes]:
        length, whole = 0, image.bytes
        try:
            content = file_in_archive(image)
            if task and isinstance(image, Image):
                content = with_metadata(content, image, task).content
            whole = content.length
            with closing(content.pieces()) as pieces:
                for piece in pieces:
                    length += len(piece)
                    yield piece
        except UNREADABLE as error:
            log.warning("picture not packed id=%s: %s", image.id, type(error).__name__)
        if length != whole:
            self._missing.append(name)

    def close(self) -> Iterator[bytes]:
        """List the missing files, and write the central directory."""
        if self._missing:
            text = NOT_WHOLE + "\n".join(self._missing) + "\n"
            now = datetime.now(UTC)
            yield from self.add("missing.txt", now, [text.encode()])
        self._zip.close()
        yield self._outlet.drain()


def file_in_archive(image: Image | Input) -> Content:
    if isinstance(image, Image):
        return file_of(image)
    if image.file_id is None:
        raise FileMissing(f"file of input {image.id}")
    return StoredFile(jobs.runtime().inputs, image.file_id, image.bytes)


def find_selected(principal: Principal, picture_ids: Sequence[str]) -> list[Image]:
    """
    Look up the pictures for an archive, newest first.

    Raises:
        NothingSelected: there are no ids.
        ArchiveTooLarge: there are more than `MAX_PICTURES`, or they have more than
            `MAX_BYTES`.
        ImageNotFound: none of them exists for the principal.
    """
    ids = list(dict.fromkeys(picture_ids))
    if not ids:
        raise NothingSelected("no pictures for an archive")
    if len(ids) > MAX_PICTURES:
        raise ArchiveTooLarge(f"{len(ids)} pictures")
    images = pictures_of(principal, ids)
    if not images:
        raise ImageNotFound(f"none of {len(ids)} pictures")
    if sum(image.bytes for image in images) > MAX_BYTES:
        raise ArchiveTooLarge(f"{len(ids)} pictures of more than {MAX_BYTES} bytes")
    return images


def pack(
    images: Iterable[Image], zone: tzinfo, *, reader: Principal | None = None
) -> Generator[bytes, None, None]:
    """
    Pack these pictures into an archive, each named after its prompt.

    Args:
        zone: The time zone of the files' timestamps.
        reader: The principal whose tasks' prompts are written into the files; None
            for no metadata.
    """
    archive, used_names, remaining = Archive(zone), set[str](), iter(images)
    while some := list(islice(remaining, BATCH)):
        asked = tasks_of(reader, some)
        for image in some:
            name = unique_name(file_name_of(image.prompt), image.suffix, used_names)
            yield from archive.add_picture(name, image, asked.get(image.task_id))
    yield from archive.close()


def unique_name(stem: str, suffix: str, used_names: set[str]) -> str:
    """Find a file name that is unique ignoring case, and reserve it in *used_names*."""
    name, number = f"{stem}.{suffix}", 1
    while name.casefold() in used_names:
        number += 1
        name = f"{stem}-{number}.{suffix}"
    used_names.add(name.casefold())
    return name


def file_name_of(prompt: str | None) -> str:
    """The beginning of a prompt, as a file name valid on every file system."""
    name = re.sub(r"[^\w-]+", "-", prompt or "")[:MAX_NAME_CHARS].strip("-_")
    return f"jimeng-{name}" if DEVICE.fullmatch(name) else name or "jimeng"


MAX_IN_MEMORY_BYTES = 1024 * 1024  # larger content goes to an anonymous file


def open_as(
    image: Image, content_type: str, quality: int | None = None
) -> tuple[Pieces, int]:
    """
    Open a picture in a format, re-encoded only if needed. The caller has checked
    access.

    Args:
        content_type: One of the types that pictures are stored in.
        quality: 0 to 100, for JPEG and WebP; None for the stored file, or the default.

    Returns:
        Its pieces, which the caller closes, and its length in bytes.

    Raises:
        ImageNotFound: its file is gone.
        PictureInvalid: as `pictures.encode`.
    """
    content = file_of(image)
    if image.content_type == content_type and quality is None:
        return content.pieces(), content.length
    encoded = pictures.encode(content.read(), content_type, quality, user=image.user_id)
    # Do not keep several converted pictures in memory.
    file = tempfile.SpooledTemporaryFile(MAX_IN_MEMORY_BYTES)  # noqa: SIM115 - the caller closes
    file.write(encoded)
    return FilePieces(file, 0, len(encoded)), len(encoded)  # type: ignore[arg-type]


def join_clips(clips: Sequence[Image]) -> FilePieces:
    """
    Join videos without encoding them. The caller has checked access.

    Returns:
        An MP4, which the caller closes; its file is on no disk any more then.

    Raises:
        ArchiveTooLarge: they have more than `MAX_JOINED_BYTES`, or take too long.
        ClipsUnlike: one is broken, has another size, or is encoded otherwise.
        ServerBusy: as `video_decoder.join`.
        StorageUnavailable: there is no room on the disk, or a file cannot be read.
    """
    length = sum(each.bytes for each in clips)
    if length > MAX_JOINED_BYTES:
        raise ArchiveTooLarge(f"{len(clips)} clips of {length} bytes")
    if free_bytes() < 2 * length + RESERVE_BYTES:
        raise StorageUnavailable(f"no room to join {length} bytes", retry_after=60)
    videos = [file_of(each) for each in clips]
    with ExitStack() as stack:
        directory = jobs.runtime().store.scratch_directory()
        file = stack.enter_context(tempfile.TemporaryFile(buffering=0, dir=directory))
        try:
            about = video_decoder.join(videos, file, user=clips[0].user_id)
        except PictureInvalid as error:  # beyond its limits of time and memory
            raise ArchiveTooLarge(f"{len(clips)} clips: {error}") from error
        if "unlike" in about:
            number = about["unlike"]
            clip = clips[number - 1]
            size = f"{clip.width}×{clip.height}"
            raise ClipsUnlike(f"clip {number}", number=number, size=size)
        begin = sum(each.length for each in videos)
        stack.pop_all()
        return FilePieces(file, begin, begin + about["length"])


def metadata_of(image: Image, task: Task) -> Provenance:
    """The metadata of a picture's file; it does not contain the owner."""
    original = original_wording(task)
    return Provenance(
        prompt=original.prompt,
        style=original.style or "",
        model=task.model,
        width=image.width,
        height=image.height,
        seed=image.seed,
        created_at=image.created_at,
        asked=f"{task.width}x{task.height}",
    )


def with_metadata(content: Content, image: Image, task: Task) -> Written:
    """
    A picture's file with its metadata.

    Args:
        content: The stored file.
        task: The picture's task, which the recipient may see.
    """
    return write_into(content, image.content_type, metadata_of(image, task))


def tasks_of(principal: Principal | None, images: Iterable[Image]) -> dict[str, Task]:
    """Id -> task of these pictures, as far as the principal may see it."""
    if principal is None:
        return {}
    ids = {image.task_id for image in images}
    return {task.id: task for task in find_all(principal, ids)}
