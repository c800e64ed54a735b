"""
Describe videos, decode their frames, and join them, in a separate process, one at a
time.

The process is started for each video, with the open file as its standard input, so that
a file that corrupts it cannot affect the next one.
"""

import atexit
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from jimeng.pictures.contents import Content
from jimeng.pictures.decoder import Decoder, start

MEMORY_BYTES = 1536 * 1024 * 1024  # a frame of 4k needs a twentieth of it
CPU_SECONDS = 30  # the largest video needs two
MAX_WAITING_FRAMES = 2  # requests of one user, in a process


@dataclass(frozen=True)
class Video:
    """
    A video whose packets were read to the last one.

    Attributes:
        width: In pixels.
        height: In pixels.
        duration_s: From the first frame to the end of the last.
        fps: Frames per second, on average.
        has_audio: Whether it has sound, silence included.
        has_poster: Whether *poster* is a frame of it, and not one colour.
        is_cut: Whether it lists more frames than it has.
        poster: The first key frame, as JPEG.
    """

    width: int
    height: int
    duration_s: float
    fps: float
    has_audio: bool
    has_poster: bool
    is_cut: bool
    poster: bytes


class VideoDecoder(Decoder):
    """A client of processes that run `video_process.main`."""

    def describe(self, path: Path, user: str) -> tuple[dict, bytes]:
        """
        Describe the video in a file.

        Raises:
            PictureInvalid: as `Decoder.work`.
        """

        def ask() -> tuple[dict, bytes]:
            with path.open("rb", buffering=0) as file:
                return self._ask_about(file)

        return self._ask_twice(ask, user)

    def frame(self, video: Content, at_ms: int | None, user: str) -> bytes:
        """
        Decode one frame, as `video_process.frame`.

        Raises:
            PictureInvalid: as `Decoder.work`.
            ServerBusy: this user has as many waiting as `MAX_WAITING_FRAMES`.
        """

        def ask() -> tuple[dict, bytes]:
            with TemporaryFile(buffering=0) as file, closing(video.pieces()) as pieces:
                for piece in pieces:
                    file.write(piece)
                file.seek(0)
                return self._ask_about(file, -1 if at_ms is None else at_ms)

        return self._ask_twice(ask, user, MAX_WAITING_FRAMES)[1]

    def join(self, videos: Sequence[Content], into: IO[bytes], user: str) -> dict:
        """
        Join videos, as `video_process.join`.

        Args:
            into: An empty file: receives the videos, and after them the result.

        Raises:
            PictureInvalid: as `Decoder.work`.
            ServerBusy: as `frame`.
        """
        for video in videos:
            with closing(video.pieces()) as pieces:
                into.writelines(pieces)
        lengths = [video.length for video in videos]

        def ask() -> tuple[dict, bytes]:
            into.truncate(sum(lengths))
            into.seek(0)
            return self._ask_about(into, None, lengths)

        return self._ask_twice(ask, user, MAX_WAITING_FRAMES)[0]

    def _ask_about(self, file: IO[bytes], *arguments: object) -> tuple[dict, bytes]:
        limits = MEMORY_BYTES, CPU_SECONDS
        self._process = start("video_process", *limits, *arguments, stdin=file)
        answer = self._answer()
        self._end()
        return answer


decoder = VideoDecoder()
atexit.register(decoder.close)


def frame(video: Content, at_ms: int | None, *, user: str = "") -> bytes:
    """
    Decode the frame of a moment, in milliseconds; None for the last. Returns a JPEG.

    Raises:
        PictureInvalid: as `inspect_video`.
        ServerBusy: as `VideoDecoder.frame`.
    """
    return decoder.frame(video, at_ms, user)


def join(videos: Sequence[Content], into: IO[bytes], *, user: str = "") -> dict:
    """
    Join videos without encoding them, as `VideoDecoder.join`.

    Raises:
        PictureInvalid: as `inspect_video`.
        ServerBusy: as `VideoDecoder.frame`.
    """
    return decoder.join(videos, into, user)


def inspect_video(path: Path, *, user: str = "") -> Video:
    """
    Describe a video.

    Args:
        user: As for `Decoder.work`.

    Raises:
        PictureInvalid: it has no video track, or keeps a decoder busy without end.
    """
    about, poster = decoder.describe(path, user)
    return Video(poster=poster, **about)
