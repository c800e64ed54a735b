"""
Describe videos in a separate process, one at a time.

The process is started for each video, with the open file as its standard input, so that
a file that corrupts it cannot affect the next one.
"""

import atexit
from dataclasses import dataclass
from pathlib import Path

from jimeng.pictures.decoder import Decoder, start

MEMORY_BYTES = 1536 * 1024 * 1024  # a frame of 4k needs a twentieth of it
CPU_SECONDS = 30  # the largest video needs two


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
                self._process = start("video_process", MEMORY_BYTES, CPU_SECONDS, file)
            about, poster = self._answer()
            self._end()
            return about, poster

        return self._ask_twice(ask, user)


decoder = VideoDecoder()
atexit.register(decoder.close)


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
