"""
Draw and encode one video, in a process of its own: JSON of a `Clip` in, MP4 out.

The drawing is done once; the frames are enlarging crops of it, renewed every few
frames, with a light that crosses them: encoding a few seconds takes about one.
"""

import io
import math
import sys
import tempfile
from array import array
from collections.abc import Iterator

import av
from PIL import Image, ImageChops, ImageOps

from simulator.drawing import scene_of
from simulator.drawing.edits import strip
from simulator.drawing.marks import mark_demo
from simulator.inputs import Order
from simulator.video_clip import FPS, Clip

RENEWED_EVERY = 4  # frames; in between only the light moves, which costs little
MAX_DRAWN_SIDE_PX = 1280  # pixels; a larger video shows an enlarged drawing
ZOOM = 0.16  # share of the picture that the last frame does not show any more
SAMPLE_RATE = 44_100
TONE_HZ = (220.0, 330.0)
LOUDNESS = 0.04  # of full scale
# The files do not say what their colours are, as those of the service do not; players
# assume BT.709 from this height on.
HD_HEIGHT = 720
PLATE = (12, 14, 28)
GLOW = ((0, 255), (1, 108), (2, 150))  # plane and value: a warm white

Planes = list[Image.Image]


def encode(clip: Clip) -> bytes:
    """The MP4 of *clip*, with the index before the data; or the PNG of a still."""
    if clip.still:
        scene = Scene(clip)
        return png_of(scene.frame(clip.frames - 1), scene.colours)
    # The muxer moves the index to the front in a file only.
    with tempfile.NamedTemporaryFile(suffix=".mp4") as file:
        with av.open(file.name, "w", options={"movflags": "+faststart"}) as container:
            if "video" in clip.tracks:
                picture = container.add_stream(
                    "libx264", rate=FPS, options={"preset": "ultrafast", "crf": "28"}
                )
                picture.width, picture.height = clip.width, clip.height
                picture.pix_fmt = "yuv420p"
                picture.gop_size = 2 * FPS
            if "audio" in clip.tracks:
                sound = container.add_stream("aac", rate=SAMPLE_RATE, layout="mono")
                sound.bit_rate = 48_000
                for heard in tone(clip.frames / FPS):
                    container.mux(sound.encode(heard))
                container.mux(sound.encode(None))
            if "video" in clip.tracks:
                scene = Scene(clip)
                for i in range(clip.frames):
                    container.mux(picture.encode(scene.frame(i)))
                container.mux(picture.encode(None))
        return file.read()


class Scene:
    """The pictures between which a clip moves."""

    def __init__(self, clip: Clip) -> None:
        self._clip, self._size = clip, (clip.width, clip.height)
        self._still: tuple[int, Planes] = (-1, [])  # the latest frame, without light
        self.colours = "ITU709" if clip.height >= HD_HEIGHT else "ITU601"
        first, last = self._ends()
        self._first = planes_of(first, self.colours)
        self._last = last and planes_of(last, self.colours)
        plate = Image.new("RGB", self._size, PLATE)
        mark_demo(plate)
        box = ImageChops.difference(
            plate, Image.new("RGB", self._size, PLATE)
        ).getbbox()
        left, top, right, bottom = (each & ~1 for each in box or (0, 0, 2, 2))
        self._mark_at = left, top
        self._mark = planes_of(plate.crop((left, top, right, bottom)), self.colours)
        radius = max(8, min(self._size) // 14) & ~1
        fade = [round(max(0.0, 1 - i / 181) ** 2 * 235) for i in range(256)]
        light = Image.radial_gradient("L").point(fade)
        self._light = [light.resize((each, each)) for each in (2 * radius, radius)]

    def _ends(self) -> tuple[Image.Image, Image.Image | None]:
        """The first picture, and the last one if there is one."""
        clip = self._clip
        if clip.plain:
            colour = f"hsl({(215 + 90 * clip.seed) % 360}, 30%, 55%)"
            return Image.new("RGB", self._size, colour), None
        inputs = Order.loads(clip.inputs)
        found = {
            role: ImageOps.fit(each.image().convert("RGB"), self._size)
            for role, each in zip(clip.roles, inputs.pictures, strict=True)
            if role != "reference_image"
        }
        last = found.get("last_frame")
        if "first_frame" in found:
            return found["first_frame"], last
        scale = min(1.0, MAX_DRAWN_SIDE_PX / max(self._size))
        small = round(clip.width * scale), round(clip.height * scale)
        scene = scene_of(clip.prompt, clip.seed, *small).resize(self._size)
        if inputs.pictures:
            strip(scene, inputs)
        return scene, last

    def frame(self, number: int) -> av.VideoFrame:
        final = self._clip.frames - 1
        renewed = number if number == final else number - number % RENEWED_EVERY
        if self._still[0] != renewed:
            self._still = renewed, self._moved(renewed / max(1, final))
        planes = [each.copy() for each in self._still[1]]
        if not self._clip.plain:
            self._shine(planes, number / max(1, final))
        return frame_of(planes, self._size)

    def _moved(self, share: float) -> Planes:
        if self._last:
            eased = share * share * (3 - 2 * share)
            pairs = zip(self._first, self._last, strict=True)
            planes = [Image.blend(a, b, eased) for a, b in pairs]
        else:
            zoom = 0 if self._clip.plain else ZOOM * share
            planes = [zoomed(each, zoom) for each in self._first]
        for i, (plane, mark) in enumerate(zip(planes, self._mark, strict=True)):
            left, top = self._mark_at
            plane.paste(mark, (left, top) if i == 0 else (left // 2, top // 2))
        return planes

    def _shine(self, planes: Planes, share: float) -> None:
        """Let a light cross the picture, which is outside of it at both ends."""
        large, small = self._light
        x = share * (self._clip.width + large.width) - large.width
        y = self._clip.height * (0.3 - 0.12 * math.sin(math.pi * share))
        left, top = int(x) // 2, int(y) // 2
        for i, value in GLOW:
            light = small if i else large
            at = (left, top) if i else (2 * left, 2 * top)
            box = (*at, at[0] + light.width, at[1] + light.height)
            planes[i].paste(value, box, light)


def zoomed(plane: Image.Image, share: float) -> Image.Image:
    """Enlarge *plane* around its middle, so that *share* of it is cut off."""
    x, y = plane.width * share / 2, plane.height * share / 2
    box = (x, y, plane.width - x, plane.height - y)
    return plane.resize(plane.size, Image.Resampling.BILINEAR, box)


def planes_of(image: Image.Image, colours: str) -> Planes:
    """Y, U and V of a picture with even sides, the latter at half the size."""
    frame = av.VideoFrame.from_image(image)
    frame = frame.reformat(format="yuv420p", dst_colorspace=colours)
    found = []
    for plane in frame.planes:
        size = plane.line_size, plane.height
        whole = Image.frombytes("L", size, bytes(plane))
        found.append(whole.crop((0, 0, plane.width, plane.height)))
    return found


def frame_of(planes: Planes, size: tuple[int, int]) -> av.VideoFrame:
    frame = av.VideoFrame(*size, "yuv420p")
    for source, target in zip(planes, frame.planes, strict=True):
        # Each row of a frame is padded to `line_size`.
        target.update(source.crop((0, 0, target.line_size, source.height)).tobytes())
    return frame


def png_of(frame: av.VideoFrame, colours: str) -> bytes:
    out = io.BytesIO()
    frame.to_image(src_colorspace=colours).save(out, "PNG", compress_level=1)
    return out.getvalue()


def tone(seconds: float) -> Iterator[av.AudioFrame]:
    """A quiet chord."""
    # One second repeats without a click: both frequencies are whole numbers.
    a, b = (2 * math.pi * hertz / SAMPLE_RATE for hertz in TONE_HZ)
    waves = (math.sin(i * a) + math.sin(i * b) for i in range(SAMPLE_RATE))
    second = array("f", (LOUDNESS * each for each in waves))
    samples, step = math.floor(seconds * SAMPLE_RATE), 1024
    for start in range(0, samples, step):
        frame = av.AudioFrame("fltp", "mono", step)
        at = start % SAMPLE_RATE
        piece = second[at : at + step]
        frame.planes[0].update((piece + second[: step - len(piece)]).tobytes())
        frame.sample_rate, frame.pts = SAMPLE_RATE, start
        yield frame


def main() -> None:
    clip = Clip.loads(sys.stdin.read())
    sys.stdout.buffer.write(encode(clip))
