"""
The process that describes one video, read from its standard input, or decodes one of
its frames, or joins several, and ends.

    python -c "…; main(MEMORY, SECONDS)" < video.mp4
    python -c "…; main(MEMORY, SECONDS, MILLISECONDS)" < video.mp4
    python -c "…; main(MEMORY, SECONDS, null, [BYTES, …])" <> videos

As the decoder process of pictures, it has no secrets, and limited memory and CPU time.
It uses the open file only: FFmpeg may neither open another one nor connect.
"""

import io
import os
import resource
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from fractions import Fraction
from functools import partial
from typing import BinaryIO, NoReturn

import av
from av.audio.codeccontext import AudioCodecContext
from av.container import InputContainer, OutputContainer
from av.stream import Disposition
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from PIL import Image as Pillow

from jimeng.errors import PictureInvalid
from jimeng.pictures.decoder_process import answer, confine, limit
from jimeng.pictures.decoding import BROKEN, MIN_SIDE, THUMBNAIL_SIDE

MAX_PIXELS = 4096 * 4096  # of a frame; 4k, the most that models make, has half of it
MAX_PACKETS = 50_000  # in 30 s of video with sound there are about 3,000
MAX_KEY_FRAMES = 5  # that are tried as the poster
READ_BYTES = 256 * 1024
POSTER_QUALITY = 95
EMPTY = "#202020"  # the colour of a poster without a picture
# Also those of the decoders that FFmpeg opens to learn about the streams.
OPTIONS = {"max_pixels": str(MAX_PIXELS), "threads": "1"}
# Files rarely say what their colours are. Players then assume BT.709 from this height
# on, but FFmpeg BT.601 for all.
HD_HEIGHT = 720
UNSPECIFIED = 2  # AVCOL_SPC_UNSPECIFIED


def main(
    memory: int,
    seconds: int,
    at_ms: int | None = None,
    lengths: Sequence[int] | None = None,
) -> None:
    """
    Describe the video on standard input.

    Args:
        memory: Limit of the address space, in bytes.
        seconds: CPU time limit.
        at_ms: Decode the frame of this moment instead; -1 for the last.
        lengths: Join the videos of these lengths in bytes instead, see `join`.
    """
    confine(memory)
    limit(resource.RLIMIT_CPU, seconds)
    work: Callable = describe if at_ms is None else partial(frame, at_ms=at_ms)
    if lengths is not None:
        work = partial(join, lengths=lengths)
    with suppress(BrokenPipeError):  # the parent is gone
        answer(sys.stdout.buffer, work, os.fdopen(0, "rb", buffering=0))


def describe(file: BinaryIO) -> tuple[dict[str, object], bytes]:
    """
    Read all packets of an MP4, and decode its first key frame.

    Returns:
        The fields of `video_decoder.Video`, and the poster as JPEG.

    Raises:
        PictureInvalid: it has no video track.
    """
    with opened(file) as container:
        return describe_video(container)


def frame(file: BinaryIO, at_ms: int) -> tuple[dict[str, object], bytes]:
    """
    Decode the frame that a player shows at a moment; the last for a later one.

    Args:
        at_ms: Milliseconds from the first frame; -1 for the last.

    Returns:
        An empty record, and the frame as JPEG.

    Raises:
        PictureInvalid: it has no video track, or no frame that can be decoded.
    """
    with opened(file) as container:
        video = video_track(container)
        video.codec_context.options = OPTIONS
        if video.codec_context.width * video.codec_context.height > MAX_PIXELS:
            raise PictureInvalid("larger than any model makes")
        base, begin = video.time_base or Fraction(1), video.start_time or 0
        until = begin + (video.duration or 0)
        if at_ms >= 0:
            until = min(until, begin + int(Fraction(at_ms, 1000) / base))
        # A file that was cut short has nothing at its end.
        shown = frame_at(container, video, until, until)
        shown = shown or frame_at(container, video, begin, until)
        if shown is None:
            raise PictureInvalid("no frame can be decoded")
        return {}, poster_of(shown)


class Part:
    """
    A part of a file, as a file of its own for FFmpeg.

    Attributes:
        length: In bytes; grows as it is written.
    """

    def __init__(self, file: BinaryIO, begin: int, length: int = 0) -> None:
        self._number, self._begin = file.fileno(), begin
        self.length, self._at = length, 0

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.length}
        self._at = base[whence] + offset
        return self._at

    def read(self, size: int = -1) -> bytes:
        left = self.length - self._at
        size = left if size < 0 else min(size, left)
        found = os.pread(self._number, max(size, 0), self._begin + self._at)
        self._at += len(found)
        return found

    def write(self, piece: bytes) -> int:
        written = os.pwrite(self._number, piece, self._begin + self._at)
        self._at += written
        self.length = max(self.length, self._at)
        return written


def join(file: BinaryIO, lengths: Sequence[int]) -> tuple[dict[str, object], bytes]:
    """
    Write one MP4 with the packets of several after them into their file. Nothing is
    decoded, so all must be encoded alike.

    Args:
        file: The videos, one after the other; readable and writable.
        lengths: Of each video, in bytes.

    Returns:
        ``length`` in bytes of the MP4 that follows the videos; or ``unlike``, the
        number from 1 of the first that is broken, or not encoded like the first one.
    """
    begin = sum(lengths)
    whole, until = Part(file, begin), Fraction(0)
    with av.open(whole, "w", format="mp4", io_open=refuse_to_open) as out:
        tracks: list[av.stream.Stream] = []
        encoding: list[tuple] = []
        for number, length in enumerate(lengths):
            part = Part(file, sum(lengths[:number]), length)
            try:
                with opened(part) as container:
                    streams = tracks_of(container)
                    found = [encoding_of(each) for each in streams]
                    if not tracks:
                        encoding = found
                        tracks = [out.add_stream_from_template(s) for s in streams]
                    if encoding != found:
                        raise PictureInvalid("encoded otherwise")  # noqa: TRY301
                    copies = dict(zip(streams, tracks, strict=True))
                    until = append(out, container, copies, until)
            except PictureInvalid:
                return {"unlike": number + 1}, b""
    return {"length": whole.length}, b""


def tracks_of(container: InputContainer) -> list[av.stream.Stream]:
    """
    The video track, and the first one of sound, if there is any.

    Raises:
        PictureInvalid: as `video_track`.
    """
    return [video_track(container), *container.streams.audio[:1]]


def encoding_of(stream: av.stream.Stream) -> tuple:
    """What is equal for streams whose packets may follow each other."""
    context = stream.codec_context
    kind: tuple = ()
    if isinstance(context, VideoCodecContext):
        kind = (context.width, context.height, context.pix_fmt)
    elif isinstance(context, AudioCodecContext):
        kind = (context.sample_rate, context.layout.name)
    return context.name, *kind, context.extradata, stream.time_base


def append(
    out: OutputContainer,
    container: InputContainer,
    tracks: Mapping[av.stream.Stream, av.stream.Stream],
    begin: Fraction,
) -> Fraction:
    """
    Copy the packets of the streams to their *tracks*, from *begin* seconds on.

    Returns:
        Their end, in seconds.
    """
    end = begin
    starts: dict[av.stream.Stream, int] = {}
    for packet in packets(container, *tracks):
        base = packet.time_base or Fraction(1)
        if packet.pts is None or packet.dts is None:
            continue
        zero = starts.setdefault(packet.stream, packet.stream.start_time or 0)
        shift = round(begin / base) - zero
        packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
        end = max(end, (packet.pts + (packet.duration or 0)) * base)
        packet.stream = tracks[packet.stream]
        out.mux(packet)
    return end


def frame_at(
    container: InputContainer, video: VideoStream, begin: int, until: int
) -> VideoFrame | None:
    """
    The last frame that can be decoded from the key frame before *begin* on, and that
    begins at *until* at the latest, both in the stream's own time.
    """
    shown = None
    with suppress(av.FFmpegError):  # a file that is cut short ends here
        container.seek(begin, stream=video)
        for each in container.decode(video):
            if shown is not None and (each.pts or 0) > until:
                break
            shown = each
    return shown


@contextmanager
def opened(file: BinaryIO | Part) -> Iterator[InputContainer]:
    """
    The MP4 in a file.

    Raises:
        PictureInvalid: it is none, or cannot be read.
    """
    try:
        with av.open(
            file,
            "r",
            format="mp4",
            options=OPTIONS,
            buffer_size=READ_BYTES,
            io_open=refuse_to_open,
        ) as container:
            yield container
    except (av.FFmpegError, MemoryError, *BROKEN) as error:
        raise PictureInvalid(f"not an MP4: {type(error).__name__}") from error


def refuse_to_open(url: str, flags: int, options: dict) -> NoReturn:
    raise PermissionError("a video refers to no other file")


def describe_video(container: InputContainer) -> tuple[dict[str, object], bytes]:
    video = video_track(container)
    audio = next(iter(container.streams.audio), None)
    video.codec_context.options = OPTIONS
    poster, has_audio, frames, begin, end = None, False, 0, None, 0
    key_frames = 0
    for packet in packets(container, *filter(None, (video, audio))):
        if packet.stream is not video:
            has_audio = True
            continue
        frames += 1
        if packet.pts is not None:
            begin = packet.pts if begin is None else min(begin, packet.pts)
            end = max(end, packet.pts + (packet.duration or 0))
        if poster is None and packet.is_keyframe and key_frames < MAX_KEY_FRAMES:
            key_frames += 1
            poster = key_frame(video, packet)
    about: dict[str, object] = {
        "width": video.codec_context.width,
        "height": video.codec_context.height,
        "duration_s": float((end - (begin or 0)) * (video.time_base or 0)),
        "fps": float(video.average_rate or 0),
        "has_audio": has_audio,
        "has_poster": poster is not None,
        "is_cut": frames < min(video.frames, MAX_PACKETS),
    }
    return about, poster or empty_poster(video)


def video_track(container: InputContainer) -> VideoStream:
    """
    Raises:
        PictureInvalid: there is none; the cover of a song is none, nor is what is
            larger than `MAX_PIXELS`.
    """
    for each in container.streams.video:
        is_cover = bool(each.disposition & Disposition.attached_pic)
        if not is_cover and each.codec_context is not None and each.width:
            return each
    raise PictureInvalid("no video track")


def packets(
    container: InputContainer, *streams: av.stream.Stream
) -> Iterator[av.Packet]:
    """The packets that can be read, up to `MAX_PACKETS`."""
    with suppress(av.FFmpegError):  # a file that is cut short ends here
        for number, packet in enumerate(container.demux(*streams)):
            if number >= MAX_PACKETS:
                return
            if packet.size:
                yield packet


def key_frame(video: VideoStream, packet: av.Packet) -> bytes | None:
    """Decode a key frame to a JPEG; None if it cannot be decoded, or is too large."""
    width, height = video.codec_context.width, video.codec_context.height
    if width * height > MAX_PIXELS or min(width, height) < MIN_SIDE:
        return None
    try:
        frames = [*video.decode(packet), *video.decode(None)]
        video.codec_context.flush_buffers()
        return poster_of(frames[0]) if frames else None
    except (av.FFmpegError, MemoryError, *BROKEN):
        return None


def poster_of(frame: VideoFrame) -> bytes:
    colours: dict = {}
    if frame.colorspace == UNSPECIFIED and frame.height >= HD_HEIGHT:
        colours = {"src_colorspace": "ITU709"}
    return as_jpeg(frame.to_image(**colours))


def empty_poster(video: VideoStream) -> bytes:
    """One colour, in the ratio of the video."""
    width, height = video.codec_context.width, video.codec_context.height
    share = THUMBNAIL_SIDE / max(width, height)
    sides = [max(round(each * share), MIN_SIDE) for each in (width, height)]
    return as_jpeg(Pillow.new("RGB", (sides[0], sides[1]), EMPTY))


def as_jpeg(image: Pillow.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=POSTER_QUALITY, subsampling=0)
    return out.getvalue()
