"""The process that looks at videos: what it finds, what it refuses, and its limits."""

import io
import os
import signal
import threading
from pathlib import Path

import av
import pytest
from PIL import Image as Pillow

from jimeng.errors import PictureInvalid
from jimeng.pictures import decoder as picture_decoder
from jimeng.pictures import inspect, video_decoder, video_process
from jimeng.pictures.contents import InMemory
from jimeng.pictures.video_decoder import Video, VideoDecoder, inspect_video
from tests import videos
from tests.conftest import png
from tests.each import for_each
from tests.waiting import PATIENCE_S

MB = 2**20
BUSY = (
    "import json, sys; sys.path[:] = sys.argv[2:]; from jimeng.pictures import {0};"
    " {0}.describe = lambda file: any(iter(int, 1));"
    " {0}.main(*json.loads(sys.argv[1]))"
)
REFUSED = {
    "text": b"Not found\n" * 500,
    "nothing": b"",
    "picture": png(),
    "sound alone": videos.song,
    "index that was cut off": lambda: videos.cut(videos.mp4(faststart=False)),
    "frame of 400 million pixels": videos.huge,
}


@pytest.fixture
def look(tmp_path):
    """Look at these bytes."""

    def look(content: bytes) -> Video:
        path = tmp_path / "video"
        path.write_bytes(content)
        return inspect_video(path)

    return look


@for_each("audio", [True, False])
def test_video_is_described(look, audio):
    """Its sides, length and sound; its poster becomes a thumbnail as any picture."""
    video = look(videos.mp4(1280, 720, frames=60, audio=audio, colour="white"))

    assert (video.width, video.height, video.has_audio) == (1280, 720, audio)
    assert (video.duration_s, video.fps) == (pytest.approx(2.5), 24)
    assert (video.has_poster, video.is_cut) == (True, False)
    assert inspect(video.poster).width == 1280
    poster = Pillow.open(io.BytesIO(video.poster))
    assert min(poster.getpixel((640, 360))) > 250


@for_each("what", REFUSED)
def test_what_has_no_video_is_refused(look, what):
    """By words, and without the process being killed."""
    content = REFUSED[what]

    with pytest.raises(PictureInvalid, match="MP4|video"):
        look(content() if callable(content) else content)


def test_what_is_not_as_it_says_is_kept(look):
    """A larger frame, an index of ten million frames, and one that is cut short."""
    larger = look(videos.huge(is_said=False))
    assert (larger.width, larger.height, larger.has_poster) == (64, 48, False)
    assert inspect(larger.poster).width == 640
    endless = look(videos.endless(10_000_000))
    assert (endless.has_poster, endless.is_cut) == (False, True)
    cut = look(videos.cut(videos.mp4(640, 480, frames=120)))
    assert cut.is_cut and cut.duration_s < 5


def test_colours_are_those_that_players_show():
    """Files do not say what they are: from 720 lines on they are those of HD."""
    found = []
    for height in (480, 720):
        frame = av.VideoFrame(64, height, "yuv420p")
        for plane, value in zip(frame.planes, (81, 90, 240), strict=True):
            plane.update(bytes([value]) * plane.buffer_size)
        poster = Pillow.open(io.BytesIO(video_process.poster_of(frame)))
        found.append(poster.getpixel((9, 9))[1])

    assert found[1] > found[0] + 10


def test_busy_decoder_is_ended(look, monkeypatch):
    """By its own limit of CPU time."""
    monkeypatch.setattr(video_decoder, "CPU_SECONDS", 1)
    monkeypatch.setattr(picture_decoder, "START", BUSY)

    with pytest.raises(PictureInvalid, match="too long"):
        look(videos.mp4())


def test_memory_has_an_end(look, monkeypatch):
    """An index of 250 million frames would take six GiB."""
    monkeypatch.setattr(video_decoder, "MEMORY_BYTES", 300 * MB)

    video = look(videos.endless(250_000_000))

    assert not video.has_poster


def test_killed_decoder_costs_no_video(tmp_path, monkeypatch):
    """Whatever ended it: the video has been paid for."""
    path = tmp_path / "video"
    path.write_bytes(videos.mp4())
    decoder, start = VideoDecoder(), video_decoder.start
    killed: list[int] = []

    def kill_the_first(*args, **how):
        process = start(*args, **how)
        if not killed:
            killed.append(process.pid)
            os.kill(process.pid, signal.SIGKILL)
        return process

    monkeypatch.setattr(video_decoder, "start", kill_the_first)

    about, _ = decoder.describe(path, "")

    assert (about["width"], len(killed)) == (64, 1)


def test_nothing_is_left_of_the_process(look, monkeypatch):
    """It has one file alone, ends with it, and knows no secret by its environment."""
    monkeypatch.setenv("VOLCENGINE_SECRET_KEY", "hidden-from-videos")
    started, environments = [], []
    start = video_decoder.start

    def noted(*args, stdin):
        process = start(*args, stdin=stdin)
        started.append((process, stdin))
        environments.append(Path(f"/proc/{process.pid}/environ").read_bytes())
        return process

    monkeypatch.setattr(video_decoder, "start", noted)
    look(videos.mp4())
    look(videos.mp4())

    (first, file), (second, _) = started
    assert first.pid != second.pid
    assert (first.returncode, second.returncode) != (None, None)
    assert file.closed
    assert len(environments) == 2 and b"hidden" not in b"".join(environments)


def test_pictures_do_not_wait_for_videos(look):
    with video_decoder.decoder._lock.acquire("ada"):
        thread = threading.Thread(target=inspect, args=[png()])
        thread.start()
        thread.join(PATIENCE_S)

    assert not thread.is_alive()


def test_file_that_refers_to_another_is_not_followed():
    with pytest.raises(PermissionError):
        video_process.refuse_to_open("http://127.0.0.1/", 0, {})


@pytest.mark.parametrize(
    ("at_ms", "number"),
    [(0, 0), (20, 0), (500, 12), (1_499, 35), (1_959, 47), (60_000, 47), (None, 47)],
)
def test_frame_is_the_one_that_a_player_shows(at_ms, number):
    """Between key frames, too; the last one for what is later."""
    video = InMemory(videos.fading(frames=48))

    picture = Pillow.open(io.BytesIO(video_decoder.frame(video, at_ms)))

    assert picture.size == (128, 96)
    assert picture.getpixel((64, 48))[0] == pytest.approx(
        videos.level_of(number), abs=2
    )


@for_each("kind", ["text", "nothing", "picture", "sound alone"])
def test_frame_of_what_is_no_video_is_refused(kind):
    content = REFUSED[kind]
    with pytest.raises(PictureInvalid):
        video_decoder.frame(InMemory(content() if callable(content) else content), 0)


def test_last_frame_of_a_video_that_was_cut_off_is_what_is_left():
    video = InMemory(videos.cut(videos.fading(frames=48), 0.8))

    picture = Pillow.open(io.BytesIO(video_decoder.frame(video, None)))

    assert videos.level_of(20) < picture.getpixel((64, 48))[0] < videos.level_of(47)
