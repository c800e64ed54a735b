"""
Looking at pictures by a process of its own, which may be killed.

It is started for the first picture and then kept; one picture at a time, so that what
they take together is bounded as well. Users have it in turn.
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
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import IO

from jimeng.errors import PictureInvalid
from jimeng.pictures.decoder_process import ANSWER, QUESTION
from jimeng.pictures.fair_lock import FairLock

log = logging.getLogger(__name__)

MAX_PIXELS = 40_000_000  # the largest that a model draws is below 17 million
# Of the pixels that were asked for: one model doubles both sides, others round them.
MAX_DRAWN = 4.5
FEWEST = 1_000_000  # pixels that are taken, however few were asked for
MEMORY = 1024 * 1024 * 1024  # bytes; the largest picture takes half of it
SECONDS = 10  # of the processor; the largest takes two
# Seconds by the clock: SECONDS ends what is slow by itself, and a machine that has
# other things to do says nothing about the picture.
QUEUE_TIMEOUT_S = 120.0
# Pictures of one user that wait while their requests do. Workers have no more threads
# than pictures they may have in hand.
MAX_WAITING = 8
# Of the environment only what finds libraries: the rest is secret, or of no use.
LIBRARIES = ("LD_", "DYLD_")
START = (
    "import sys; sys.path[:] = sys.argv[3:];"
    " from jimeng.pictures.decoder_process import main;"
    " main(int(sys.argv[1]), int(sys.argv[2]))"
)


@dataclass(frozen=True)
class Picture:
    """
    A picture that was decoded to its last row.

    Attributes:
        content: The encoded bytes, as they came, up to the picture's end.
        width: Pixels.
        height: Pixels.
        content_type: Of *content*.
        sha256: Hexadecimal, of *content*.
        thumbnail: The same, small, as WebP.
        preview: The same, for dense screens, as JPEG; empty where the picture itself
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
        """What is kept of it, in the order of `documents.image.FILES`."""
        return [each for each in (self.content, self.thumbnail, self.preview) if each]


class Died(Exception):
    """The decoder has ended by itself."""


class Decoder:
    """A process that runs `process.main`."""

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
        Have one of `process.WORK` done.

        Args:
            order: What else `process.WORK` is told.
            user: For whom: each has the decoder in turn.
            max_waiting: Pictures that wait for this user.

        Raises:
            PictureInvalid: as that, or it took too long, or the decoder died of it
                twice.
            ServerBusy: so many wait already.
        """
        words = json.dumps({"do": do, **order}).encode()
        question = QUESTION.pack(len(words), len(content)) + words
        with self._lock.held_for(user, max_waiting):
            for _ in range(2):  # what it died of may have been something else
                try:
                    about, made = self._ask(question, content)
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
        return about, made

    def close(self) -> None:
        with self._lock.held_for(""):
            self._end()

    def _ask(self, question: bytes, content: bytes) -> tuple[dict, bytes]:
        if self._process is None:
            self._process = start()
        given, out = self._process.stdin, self._process.stdout
        assert given and out  # noqa: S101 - both are pipes
        # It reads all before it says anything.
        given.write(question)
        given.write(content)
        given.flush()
        end = time.monotonic() + QUEUE_TIMEOUT_S
        text, made = ANSWER.unpack(read(out, ANSWER.size, end))
        return json.loads(read(out, text, end)), read(out, made, end)

    def _end(self) -> int | None:
        if self._process is None:
            return None
        process, self._process = self._process, None
        process.kill()
        with suppress(OSError), process:  # what it has not read cannot be sent now
            pass
        return process.wait()


def too_slow() -> PictureInvalid:
    return PictureInvalid("takes too long to decode", reason="slow")


def start() -> subprocess.Popen[bytes]:
    # No shell; the words are our own.
    return subprocess.Popen(  # noqa: S603
        [sys.executable, *("-I", "-S", "-c", START, str(MEMORY), str(SECONDS))]
        + sys.path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={k: v for k, v in os.environ.items() if k.startswith(LIBRARIES)},
    )


def read(file: IO[bytes], size: int, end: float) -> bytes:
    """
    Read exactly *size* bytes until *end*, a moment of `time.monotonic`.

    Raises:
        Died: nothing more comes.
        TimeoutError: it has not come.
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
    Decode *content* whole and describe it; what stands behind its end is cut off.

    Args:
        asked: Pixels that were asked for; pictures that are far larger than what
            models make of that are refused before they are decoded.
        user: As `Decoder.work` takes it; here and below.

    Raises:
        PictureInvalid: as `decoding.look`, or it is more than the decoder's limits
            of time and memory allow.
    """
    most = MAX_PIXELS
    if asked is not None:
        most = min(most, max(FEWEST, int(asked * MAX_DRAWN)))
    about, made = decoder.work("look", content, {"most_pixels": most}, user=user)
    content, cut = content[: about.pop("end")], about.pop("thumbnail")
    digest = hashlib.sha256(content).hexdigest()
    small, preview = made[:cut], made[cut:]
    return Picture(content, sha256=digest, thumbnail=small, preview=preview, **about)


@dataclass(frozen=True)
class GivenPicture:
    """
    A picture that goes in, made what `normalising` says.

    Attributes:
        content: JPEG, or PNG where a pixel is transparent.
        width: Pixels.
        height: Pixels.
        content_type: Of *content*.
        alpha: Whether a pixel is transparent.
        given_width: Pixels that it had, upright.
        given_height: Pixels.
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
    """A picture that goes in, as a model is sent it."""

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
    Make a picture fit, as `fitting.fit` says.

    Raises:
        PictureInvalid: as that.
        ServerBusy: as `Decoder.work`.
    """
    about, made = decoder.work(
        "fit", content, limits, user=user, max_waiting=max_waiting
    )
    return FittedPicture(made, **about)


def fit_mask(
    content: bytes, *, width: int, height: int, user: str = ""
) -> FittedPicture:
    """
    Make a mask of these sides, as `fitting.fit_mask` says.

    Raises:
        PictureInvalid: as that.
    """
    about, made = decoder.work(
        "fit_mask", content, {"width": width, "height": height}, user=user
    )
    return FittedPicture(made, **about)


def normalise(
    content: bytes, *, user: str = "", max_waiting: int | None = None
) -> GivenPicture:
    """
    Make a given picture upright, plain and not too large.

    Raises:
        PictureInvalid: as `normalising.normalise`, or it is more than the decoder's
            limits of time and memory allow.
        ServerBusy: as `Decoder.work`.
    """
    about, made = decoder.work("normalise", content, user=user, max_waiting=max_waiting)
    return GivenPicture(made, sha256=hashlib.sha256(made).hexdigest(), **about)


def encode(
    content: bytes, content_type: str, quality: int | None = None, *, user: str = ""
) -> bytes:
    """
    Write a kept picture in another format.

    Args:
        content_type: One that pictures are kept in.
        quality: 0 to 100, of JPEG and WebP; None for the usual.

    Raises:
        PictureInvalid: as `encoding.encode`, or the decoder's limits do not allow it.
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
    Write a thumbnail as a JPEG of at most *most* bytes and *side* pixels.

    Raises:
        PictureInvalid: as `encode`.
        ServerBusy: as `Decoder.work`.
    """
    order = {"side": side, "most": most}
    return decoder.work("shrink", thumbnail, order, user=user, max_waiting=max_waiting)[
        1
    ]
