"""A simulator all of whose videos are one file, as large as a rich video of 4k."""

import random
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile

import av

from simulator import videos
from simulator.__main__ import main
from simulator.video_clip import FPS, Clip

BYTES = 60_000_000
SIDES = 864, 496
FRAMES = 4 * FPS + 1


@cache
def content() -> bytes:
    """Noise, which nothing can compress, so that readers have to read all of it."""
    dice, begins = random.Random(1), {"movflags": "faststart"}  # which needs a file
    with NamedTemporaryFile(suffix=".mp4") as out:
        with av.open(out.name, "w", options=begins) as file:
            track = file.add_stream("libx264", rate=FPS)
            track.width, track.height, track.pix_fmt = *SIDES, "yuv420p"
            track.options = {"preset": "ultrafast", "crf": "9"}
            for n in range(FRAMES):
                frame = av.VideoFrame(*SIDES, "yuv420p")
                for plane in frame.planes:
                    plane.update(dice.randbytes(plane.buffer_size))
                frame.pts = n
                file.mux(track.encode(frame))
            file.mux(track.encode(None))
        data = Path(out.name).read_bytes()
    rest = BYTES - len(data)
    assert 8 <= rest < BYTES / 10, f"{len(data)} bytes"
    return data + rest.to_bytes(4, "big") + b"free" + dice.randbytes(rest - 8)


class OneFile:
    """In place of the encoder."""

    def file_of(self, clip: Clip) -> bytes:
        return content()


if __name__ == "__main__":
    content()
    videos.encoder = OneFile()  # type: ignore[assignment]
    main()
