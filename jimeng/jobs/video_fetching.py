"""
Fetch finished videos and store them, in threads of their own.

A video takes minutes rather than moments, so it is no job of the queue: up to two
threads of each consumer claim what is due, those first whose links expire first. The
claim is renewed during the download; a thread that loses it stops, and deletes its
file.
"""

import logging
import os
import shutil
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

from bson import ObjectId

from jimeng.config import logs
from jimeng.documents import Generation, Image, State, Task, best_effort, utcnow
from jimeng.documents.base import NOTHING, Update
from jimeng.documents.kinds import VIDEO
from jimeng.errors import PictureInvalid, StorageUnavailable, outages
from jimeng.jobs import endings, metric_counters, picture
from jimeng.jobs.video_disk_space import MIN_FREE_BYTES
from jimeng.pictures import Picture, inspect
from jimeng.pictures.contents import Content, InMemory, LocalFile, Pieces
from jimeng.pictures.stores import FileTooLarge
from jimeng.pictures.video_decoder import Video, inspect_video
from jimeng.process import activity
from jimeng.process.runtime import runtime
from jimeng.providers.download import (
    MAX_FILE_BYTES,
    FetchFailed,
    FileDownload,
    LinkGone,
    fetch_picture,
)

log = logging.getLogger(__name__)

MAX_THREADS = 2
LEASE, RENEW_EVERY_S = timedelta(seconds=60), 10.0
MAX_STORING_S = 240.0  # after which storing counts as hung
FETCHABLE: dict[str, object] = {"state": State.FETCHING.value, "kind": VIDEO}
# A link is said to be good for a hundred downloads.
MAX_LINK_REQUESTS = 60
MAX_LAST_FRAME_TRIES = 3  # then the video is stored without it
TOO_LARGE = "file_too_large"  # why fetching is retried, as shown to the user
MAX_LENGTH_DIFFERENCE_S = 0.5  # not reported in `Image.notes`
MAX_PIXELS_RATIO = 1.25  # likewise: the sizes of one resolution differ less
PREFIX, SUFFIX = "jimeng-fetch-", ".part"
ORPHANED_AFTER_S = 86_400.0

_free = threading.Semaphore(MAX_THREADS)
_threads: list[threading.Thread] = []  # those that were started last


class Stopped(Exception):
    """The claim is lost, or the consumer shuts down."""


def start_threads() -> None:
    """Start threads for the videos that are due."""
    due = {**FETCHABLE, "due_at": {"$lte": utcnow()}}
    for _ in Generation.find_ids(due, hint="videos", limit=MAX_THREADS):
        if _free.acquire(blocking=False):
            _threads[:] = [each for each in _threads if each.is_alive()]
            _threads.append(threading.Thread(target=run, name="fetch", daemon=True))
            _threads[-1].start()


def join(seconds: float) -> None:
    """Wait until the threads, which are stopping, have released their claims."""
    end = time.monotonic() + seconds
    for thread in _threads:
        thread.join(max(end - time.monotonic(), 0))


def run() -> None:
    """The body of a thread: fetch what is due; after an error the lease expires."""
    try:
        while not activity.stopped.is_set() and fetch_one():
            activity.wake()
    except Exception as error:
        outages.failed("video fetching", error)
    finally:
        _free.release()


def fetch_one(stopped: threading.Event = activity.stopped) -> bool:
    """Claim the due video whose links expire first, and fetch it; False if none is."""
    due = {**FETCHABLE, "due_at": {"$lte": utcnow()}}
    generation = Generation.claim(due, LEASE, sort=[("links_until", 1)])
    if generation is None:
        return False
    with logs.bound(task=generation.task_id, user=generation.user_id):
        if not generation.is_readable:
            endings.quarantine(generation, f"unread {sorted(generation.unread)}")
            return True
        try:
            Fetch(generation, stopped).run()
        except endings.UNEXPECTED_ERRORS as error:
            endings.retry_unexpected(generation, error)
    return True


def count_waiting() -> tuple[int, float]:
    """
    How many finished videos are not stored yet, and for how many seconds the first of
    these has been finished.
    """
    where = {**FETCHABLE, "due_at": {"$exists": True}}
    group = {"_id": None, "n": {"$sum": 1}, "since": {"$min": "$drawn_at"}}
    found = [*Generation.collection().aggregate([{"$match": where}, {"$group": group}])]
    if not found:
        return 0, 0.0
    return found[0]["n"], max((utcnow() - found[0]["since"]).total_seconds(), 0.0)


class Fetch:
    """
    One attempt to fetch a claimed video.

    Args:
        stopped: Set when this consumer shuts down.
    """

    def __init__(self, generation: Generation, stopped: threading.Event) -> None:
        self._generation, self._stopped = generation, stopped
        self._renew_at = time.monotonic() + RENEW_EVERY_S

    def run(self) -> None:
        """Fetch and store it; complete it without that if it is stored, or unwanted."""
        generation = self._generation
        is_stored = Image.find_one({"_id": generation.id}) is not None
        task = None if is_stored else picture.find_wanted_task(generation)
        if task is None:
            endings.complete(generation)
        elif not generation.urls or generation.link_requests >= MAX_LINK_REQUESTS:
            picture.poll_for_links(generation, task)
        elif not runtime().store.seems_to_work():
            self._retry(picture.NO_STORE)
        else:
            self._attempt(task)

    def _attempt(self, task: Task) -> None:
        try:
            with temporary_file(str(self._generation.owner)) as path:
                file = self._download(path)
                with self._renewed():
                    self._store(file, task)
        except Stopped as error:
            log.info("fetch stopped id=%s: %s", self._generation.id, error)
            self._generation.release(utcnow())
        except LinkGone as error:
            log.warning("link gone id=%s: %s", self._generation.id, error)
            picture.poll_for_links(self._generation, task)
        except FetchFailed as error:
            log.warning("download failed id=%s: %s", self._generation.id, error)
            if error.values.get("reason") != "too_large":
                self._retry(picture.UNREACHABLE)
            elif self._cap < MAX_FILE_BYTES:
                self._too_large(error)
            else:
                picture.retry_invalid(self._generation)
        except PictureInvalid as error:
            log.warning("not a video id=%s: %s", self._generation.id, error)
            picture.retry_invalid(self._generation)
        except FileTooLarge as error:
            self._too_large(error)
        except StorageUnavailable as error:
            log.warning("video not stored yet id=%s: %s", self._generation.id, error)
            self._retry(picture.NO_STORE)
        else:
            endings.complete(self._generation)

    def _too_large(self, error: Exception) -> None:
        # An operator may set another store for as long as the provider has it.
        log.error(
            "video too large for the store id=%s: %s; set STORAGE=file or STORAGE=s3",
            self._generation.id,
            error,
        )
        self._retry(TOO_LARGE)

    def _retry(self, trouble: str) -> None:
        """
        Retry as a picture; later on, spread the remaining requests over the life of the
        links.
        """
        generation, wait = self._generation, None
        if generation.faults >= len(picture.RETRY_AFTER_S) and generation.links_until:
            remaining_s = (generation.links_until - utcnow()).total_seconds()
            requests = max(MAX_LINK_REQUESTS - generation.link_requests, 1)
            wait = max(remaining_s / requests, picture.RETRY_AFTER_S[-1])
        picture.retry_later(generation, trouble, wait=wait)

    @property
    def _cap(self) -> int:
        return min(MAX_FILE_BYTES, runtime().store.max_file_bytes or MAX_FILE_BYTES)

    def _download(self, path: Path) -> LocalFile:
        """Download the video to a new file."""
        with create(path) as file:
            download = FileDownload(
                file,
                allowed_private=runtime().config.ALLOWED_PRIVATE_HOSTS,
                cap=self._cap,
                on_request=self._count_request,
                on_progress=lambda at, length: self._check(path, at, length),
            )
            with metric_counters.measure_call(self._generation.provider, "download"):
                digest = download.fetch(self._generation.urls[0])
        return WatchedFile(path, digest, self)

    def _count_request(self) -> None:
        self._extend_claim(LEASE, {"$inc": {"link_requests": 1}})

    def _check(self, path: Path, at: int, length: int | None) -> None:
        """
        Raises:
            StorageUnavailable: the disk of *path* has too little space for the file.
            Stopped: as `renew_if_due`.
        """
        if at == 0:
            free = shutil.disk_usage(path.parent).free
            if free < (length or 0) + MIN_FREE_BYTES:
                said = f"no room for a file of {length} bytes"
                raise StorageUnavailable(said, retry_after=5)
        self.renew_if_due()

    def renew_if_due(self) -> None:
        """
        Renew the lease if it is time.

        Raises:
            Stopped: it is lost, or this consumer shuts down.
        """
        if self._stopped.is_set():
            raise Stopped("shutdown")
        if time.monotonic() >= self._renew_at:
            self._renew_at = time.monotonic() + RENEW_EVERY_S
            with best_effort("lease of a video"):  # nobody else can claim it either
                self._extend_claim(LEASE)

    def _extend_claim(self, lease: timedelta, update: Update = NOTHING) -> None:
        claimed = self._generation.extend_lease(lease, update)
        if claimed is None:
            raise Stopped("claim lost")
        self._generation = claimed
        self._renew_at = time.monotonic() + RENEW_EVERY_S

    @contextmanager
    def _renewed(self) -> Iterator[None]:
        """
        Renew the lease by another thread meanwhile: this one may wait for the decoder,
        or for a file system that syncs.
        """
        claimed, ended = self._generation, threading.Event()
        until = time.monotonic() + MAX_STORING_S

        def renew() -> None:
            while time.monotonic() < until and not ended.wait(RENEW_EVERY_S):
                with best_effort("lease of a video"):
                    claimed.extend_lease(LEASE)

        threading.Thread(target=renew, name="renewal", daemon=True).start()
        try:
            yield
        finally:
            ended.set()

    def _store(self, file: LocalFile, task: Task) -> None:
        """
        Describe the video, and store it with its poster and its last frame.

        Raises:
            PictureInvalid: it is none, or is cut short and may arrive whole yet.
            StorageUnavailable: some of it cannot be stored now.
            FileTooLarge: as `Store.put`.
        """
        user = self._generation.user_id
        video = inspect_video(file.path, user=user)
        if video.is_cut and self._generation.rubbish < picture.MAX_INVALID_FILES:
            raise PictureInvalid("the video is cut short", reason="truncated")
        poster = inspect(video.poster, user=user)
        last_frame = self._last_frame()
        contents: dict[str, Content] = {
            "file_id": file,
            "thumbnail_id": InMemory(poster.thumbnail),
        }
        if poster.preview:
            contents["preview_id"] = InMemory(poster.preview)
        if last_frame:
            contents["last_frame_id"] = InMemory(last_frame.content)
        ids = {name: ObjectId() for name in contents}
        length = file.length
        self._extend_claim(LEASE)
        by_id = {ids[name]: each for name, each in contents.items()}
        runtime().store.put(self._generation.id, by_id)
        picture.insert_record(
            self._generation,
            task,
            poster,
            ids,
            kind=VIDEO,
            width=video.width,
            height=video.height,
            bytes=length,
            content_type="video/mp4",
            sha256=file.sha256,
            duration_s=round(video.duration_s, 3),
            fps=round(video.fps, 3),
            has_audio=video.has_audio,
            notes=self._differences(video, last_frame) or None,
            last_frame_bytes=len(last_frame.content) if last_frame else None,
        )

    def _last_frame(self) -> Picture | None:
        """
        The last frame, if the provider has returned one; None if that is no picture.

        Raises:
            FetchFailed: it cannot be downloaded; some attempts later, None instead.
        """
        generation = self._generation
        if not generation.last_frame_url:
            return None
        allowed = runtime().config.ALLOWED_PRIVATE_HOSTS
        try:
            content = fetch_picture(generation.last_frame_url, allowed_private=allowed)
            return inspect(content, user=generation.user_id)
        except (FetchFailed, LinkGone) as error:
            log.warning("last frame not fetched id=%s: %s", generation.id, error)
            if generation.faults < MAX_LAST_FRAME_TRIES:
                raise FetchFailed(f"last frame: {error}") from error
        except PictureInvalid as error:
            log.warning("last frame is no picture id=%s: %s", generation.id, error)
        return None

    def _differences(self, video: Video, last_frame: Picture | None) -> list[str]:
        """What differs from the request; the video is paid for, and stored."""
        generation, asked = self._generation, self._generation.video or {}
        seconds = asked.get("duration") or video.duration_s
        expected = (generation.width or 1) * (generation.height or 1)
        ratio = video.width * video.height / expected
        differences = {
            "no_audio": bool(asked.get("audio")) and not video.has_audio,
            "length_differs": abs(video.duration_s - seconds) > MAX_LENGTH_DIFFERENCE_S,
            "resolution_differs": not 1 / MAX_PIXELS_RATIO < ratio < MAX_PIXELS_RATIO,
            "no_poster": not video.has_poster,
            "no_last_frame": bool(asked.get("last_frame")) and last_frame is None,
        }
        return [name for name, is_true in differences.items() if is_true]


class WatchedFile(LocalFile):
    """A local file whose storing stops as soon as the claim of its fetch is lost."""

    def __init__(self, path: Path, sha256: str, fetch: Fetch) -> None:
        super().__init__(path, sha256=sha256)
        self._fetch = fetch

    def pieces(self, start: int = 0, end: int | None = None) -> Pieces:
        return self._watched(super().pieces(start, end))

    def _watched(self, pieces: Pieces) -> Generator[bytes, None, None]:
        with closing(pieces):
            for piece in pieces:
                self._fetch.renew_if_due()
                yield piece


@contextmanager
def temporary_file(token: str) -> Iterator[Path]:
    """The path of a file that is deleted in the end, unless the store has moved it."""
    path = runtime().store.scratch_directory() / f"{PREFIX}{token}{SUFFIX}"
    try:
        yield path
    finally:
        with suppress(OSError):
            path.unlink()


@contextmanager
def create(path: Path) -> Iterator[BinaryIO]:
    """
    Create a file that only this user may read.

    Raises:
        StorageUnavailable: it cannot be created, or not be written to its end.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            yield file
    except OSError as error:
        said = f"temporary file: {error.strerror or type(error).__name__}"
        raise StorageUnavailable(said, retry_after=5) from error


def sweep() -> None:
    """Delete temporary files of consumers that were killed."""
    before, count = time.time() - ORPHANED_AFTER_S, 0
    for path in runtime().store.scratch_directory().glob(f"{PREFIX}*{SUFFIX}"):
        with suppress(OSError):  # another consumer was first, or it is not ours
            if path.stat().st_mtime < before:
                path.unlink()
                count += 1
    if count:
        log.info("temporary files swept count=%d", count)
