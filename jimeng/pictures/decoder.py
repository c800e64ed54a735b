"""
Decode pictures in a process of its own, which may be killed.

It is started for the first picture and then stays; it decodes one picture at a time, so
that memory is bounded. A fair lock gives it to users in turn.
"""

import atexit
import hashlib
import json
import logging
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from types import MappingProxyType
from typing import IO

from jimeng.errors import PictureInvalid
from jimeng.errors.inputs import ServerBusy
from jimeng.pictures.decoder_process import ANSWER, QUESTION

RETRY_AFTER_S = 2
MAX_REMEMBERED = 10_000  # users whose last acquisition is known


class FairLock:
    """
    A fair lock: granted to the waiting user who acquired it least recently; within a
    user, in order of arrival.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._is_locked = False
        self._waiting: dict[str, deque[threading.Event]] = {}
        self._latest: dict[str, int] = {}  # by user, of `_numbers`
        self._numbers = count(1)

    @contextmanager
    def acquire(self, user: str, max_waiting: int | None = None) -> Iterator[None]:
        """
        Acquire the lock for *user*.

        Args:
            max_waiting: The limit of the user's waiting calls; None for no limit.

        Raises:
            ServerBusy: *max_waiting* is reached.
        """
        mine = self._enqueue(user, max_waiting)
        try:
            mine.wait()
            yield
        finally:
            self._release(user, mine)

    def _enqueue(self, user: str, max_waiting: int | None) -> threading.Event:
        mine = threading.Event()
        with self._guard:
            if not self._is_locked:
                self._grant(user, mine)
                return mine
            waiting = self._waiting.setdefault(user, deque())
            if max_waiting is not None and len(waiting) >= max_waiting:
                raise ServerBusy(f"decoder of {user[:64]}", retry_after=RETRY_AFTER_S)
            waiting.append(mine)
        return mine

    def _release(self, user: str, mine: threading.Event) -> None:
        with self._guard:
            if not mine.is_set():  # the wait was interrupted
                self._dequeue(user, mine)
                return
            self._is_locked = False
            if self._waiting:
                first = min(self._waiting, key=lambda each: self._latest.get(each, 0))
                following = self._waiting[first][0]
                self._dequeue(first, following)
                self._grant(first, following)

    def _grant(self, user: str, to: threading.Event) -> None:
        self._is_locked = True
        if len(self._latest) >= MAX_REMEMBERED:
            self._latest.clear()
        self._latest[user] = next(self._numbers)
        to.set()

    def _dequeue(self, user: str, mine: threading.Event) -> None:
        waiting = self._waiting[user]
        waiting.remove(mine)
        if not waiting:
            del self._waiting[user]


log = logging.getLogger(__name__)

MAX_PIXELS = 40_000_000  # the largest output of a model is below 17 million
# Of the requested pixels: one model doubles both sides, others round them.
MAX_OUTPUT_RATIO = 4.5
MIN_ALLOWED_PIXELS = 1_000_000  # always accepted, however few were requested
MEMORY_BYTES = 1024 * 1024 * 1024  # the largest picture needs half of it
CPU_SECONDS = 10  # the largest picture needs two
# Wall-clock time. CPU_SECONDS limits slow pictures; a busy machine says nothing about
# the picture.
QUEUE_TIMEOUT_S = 120.0
# Pictures of one user that wait while their requests do. Workers have no more threads
# than pictures that they may process.
MAX_WAITING = 8
# Pass only the variables that locate libraries: the rest is secret or useless.
LIBRARIES = ("LD_", "DYLD_")
START = (
    "import json, sys; sys.path[:] = sys.argv[2:];"
    " from jimeng.pictures.{} import main;"
    " main(*json.loads(sys.argv[1]))"
)


@dataclass(frozen=True)
class Picture:
    """
    A picture that was decoded to its last row.

    Attributes:
        content: The encoded bytes as received, up to the picture's end.
        width: In pixels.
        height: In pixels.
        content_type: Of *content*.
        sha256: Hexadecimal, of *content*.
        thumbnail: A small copy, as WebP.
        preview: A larger copy for high-density screens, as JPEG; empty if the picture
            is hardly larger than its thumbnail, or has alpha.
    """

    content: bytes
    width: int
    height: int
    content_type: str
    sha256: str
    thumbnail: bytes
    preview: bytes

    @property
    def files(self) -> list[bytes]:
        """The files to store, in the order of `documents.image.FILES`."""
        return [each for each in (self.content, self.thumbnail, self.preview) if each]


class Died(Exception):
    """The decoder process has exited."""


class Decoder:
    """A client of the decoder process, which runs `decoder_process.main`."""

    def __init__(self) -> None:
        self._lock = FairLock()
        self._process: subprocess.Popen[bytes] | None = None

    def work(
        self,
        do: str,
        content: bytes,
        order: Mapping[str, object] = MappingProxyType({}),
        *,
        user: str = "",
        max_waiting: int | None = None,
    ) -> tuple[dict, bytes]:
        """
        Call a function of `decoder_process.WORK`.

        Args:
            order: Its keyword arguments.
            user: The user to serve; waiting users are served fairly, see `FairLock`.
            max_waiting: The limit of this user's waiting pictures.

        Raises:
            PictureInvalid: as the function; or it took too long, or the process died
                twice.
            ServerBusy: *max_waiting* is reached.
        """
        command = json.dumps({"do": do, **order}).encode()
        question = QUESTION.pack(len(command), len(content)) + command
        return self._ask_twice(lambda: self._ask(question, content), user, max_waiting)

    def _ask_twice(
        self,
        ask: Callable[[], tuple[dict, bytes]],
        user: str,
        max_waiting: int | None = None,
    ) -> tuple[dict, bytes]:
        """Call *ask* under the lock, and again if the process died; as `work`."""
        with self._lock.acquire(user, max_waiting):
            for _ in range(2):  # the process may have died for another reason
                try:
                    about, output = ask()
                    break
                except TimeoutError:
                    self._end()
                    raise too_slow() from None
                except (Died, OSError) as error:
                    status = self._end()
                    log.warning("decoder ended status=%s: %s", status, error)
                    if status == -signal.SIGXCPU:
                        raise too_slow() from None
            else:
                raise PictureInvalid("the decoder ends at it")
        if "error" in about:
            raise PictureInvalid(about["error"], reason=about["reason"])
        return about, output

    def close(self) -> None:
        with self._lock.acquire(""):
            self._end()

    def _ask(self, question: bytes, content: bytes) -> tuple[dict, bytes]:
        if self._process is None:
            self._process = start("decoder_process", MEMORY_BYTES, CPU_SECONDS)
        stdin = self._process.stdin
        assert stdin  # noqa: S101 - it is a pipe
        # The process reads the whole request before it answers.
        stdin.write(question)
        stdin.write(content)
        stdin.flush()
        return self._answer()

    def _answer(self) -> tuple[dict, bytes]:
        assert self._process and self._process.stdout  # noqa: S101 - it was asked
        out, end = self._process.stdout, time.monotonic() + QUEUE_TIMEOUT_S
        text_length, output_length = ANSWER.unpack(read(out, ANSWER.size, end))
        return json.loads(read(out, text_length, end)), read(out, output_length, end)

    def _end(self) -> int | None:
        if self._process is None:
            return None
        process, self._process = self._process, None
        process.kill()
        with suppress(OSError), process:  # unsent input can no longer be flushed
            pass
        return process.wait()


def too_slow() -> PictureInvalid:
    return PictureInvalid("takes too long to decode", reason="slow")


def start(
    module: str, *arguments: object, stdin: int | IO[bytes] = subprocess.PIPE
) -> subprocess.Popen[bytes]:
    """
    Start a process that calls ``main`` of a module of this package.

    Args:
        arguments: JSON; the first two are the limits of its address space, in bytes,
            and of its CPU time, in seconds.
    """
    code = START.format(module)
    # No shell; the arguments are numbers.
    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-I", "-S", "-c", code, json.dumps(arguments), *sys.path],
        stdin=stdin,
        stdout=subprocess.PIPE,
        env={k: v for k, v in os.environ.items() if k.startswith(LIBRARIES)},
    )


def read(file: IO[bytes], size: int, end: float) -> bytes:
    """
    Read exactly *size* bytes until *end*, by `time.monotonic`.

    Raises:
        Died: the pipe was closed.
        TimeoutError: *end* is reached.
    """
    found = bytearray()
    while len(found) < size:
        if not select.select([file], [], [], max(end - time.monotonic(), 0))[0]:
            raise TimeoutError
        part = os.read(file.fileno(), size - len(found))
        if not part:
            raise Died("no answer")
        found += part
    return bytes(found)


decoder = Decoder()  # one picture at a time in a process
atexit.register(decoder.close)


def inspect(content: bytes, asked: int | None = None, *, user: str = "") -> Picture:
    """
    Decode *content* completely and describe it; bytes after its end are cut off.

    Args:
        asked: The requested number of pixels; a far larger picture is refused before
            it is decoded.
        user: As for `Decoder.work`; here and below.

    Raises:
        PictureInvalid: as `decoding.describe`, or it exceeds the decoder's limits of
                time and memory.
    """
    most = MAX_PIXELS
    if asked is not None:
        most = min(most, max(MIN_ALLOWED_PIXELS, int(asked * MAX_OUTPUT_RATIO)))
    about, output = decoder.work("describe", content, {"most_pixels": most}, user=user)
    content, cut = content[: about.pop("end")], about.pop("thumbnail")
    digest = hashlib.sha256(content).hexdigest()
    small, preview = output[:cut], output[cut:]
    return Picture(content, sha256=digest, thumbnail=small, preview=preview, **about)


@dataclass(frozen=True)
class NormalisedPicture:
    """
    An input picture, normalised.

    Attributes:
        content: JPEG, or PNG if a pixel is transparent.
        width: In pixels.
        height: In pixels.
        content_type: Of *content*.
        alpha: Whether a pixel is transparent.
        given_width: The original width in pixels, upright.
        given_height: The original height.
        sha256: Hexadecimal, of *content*.
    """

    content: bytes
    width: int
    height: int
    content_type: str
    alpha: bool
    given_width: int
    given_height: int
    sha256: str


@dataclass(frozen=True)
class FittedPicture:
    """An input picture, as it is sent to a model."""

    content: bytes
    width: int
    height: int
    content_type: str


def fit(
    content: bytes,
    *,
    user: str = "",
    max_waiting: int | None = None,
    **limits: object,
) -> FittedPicture:
    """
    Resize a picture, as `resizing.fit`.

    Raises:
        PictureInvalid: as `resizing.fit`.
        ServerBusy: as `Decoder.work`.
    """
    about, output = decoder.work(
        "fit", content, limits, user=user, max_waiting=max_waiting
    )
    return FittedPicture(output, **about)


def fit_mask(
    content: bytes, *, width: int, height: int, user: str = ""
) -> FittedPicture:
    """
    Make a mask of this size, as `resizing.fit_mask`.

    Raises:
        PictureInvalid: as `resizing.fit_mask`.
    """
    about, output = decoder.work(
        "fit_mask", content, {"width": width, "height": height}, user=user
    )
    return FittedPicture(output, **about)


def normalise(
    content: bytes, *, user: str = "", max_waiting: int | None = None
) -> NormalisedPicture:
    """
    Normalise an input picture.

    Raises:
        PictureInvalid: as `normalising.normalise`, or it exceeds the decoder's limits
            of time and memory.
        ServerBusy: as `Decoder.work`.
    """
    about, output = decoder.work(
        "normalise", content, user=user, max_waiting=max_waiting
    )
    return NormalisedPicture(output, sha256=hashlib.sha256(output).hexdigest(), **about)


def encode(
    content: bytes, content_type: str, quality: int | None = None, *, user: str = ""
) -> bytes:
    """
    Convert a stored picture to another format.

    Args:
        content_type: One of the types that pictures are stored in.
        quality: 0 to 100, for JPEG and WebP; None for the default.

    Raises:
        PictureInvalid: as `encoding.encode`, or it exceeds the decoder's limits.
    """
    order = {"content_type": content_type, "quality": quality}
    return decoder.work("encode", content, order, user=user)[1]


def shrink(
    thumbnail: bytes,
    *,
    side: int,
    most: int,
    user: str = "",
    max_waiting: int | None = None,
) -> bytes:
    """
    Convert a thumbnail to a JPEG of at most *most* bytes and *side* pixels.

    Raises:
        PictureInvalid: as `encode`.
        ServerBusy: as `Decoder.work`.
    """
    order = {"side": side, "most": most}
    return decoder.work("shrink", thumbnail, order, user=user, max_waiting=max_waiting)[
        1
    ]
