"""Pictures that are bombs, pages, archives or nothing: the process that looks at them,
and what is served of them."""

import io
import os
import signal
from pathlib import Path

import pytest
from PIL import Image as Pillow

from jimeng.errors import PictureInvalid
from jimeng.pictures import decoder as inspection
from jimeng.pictures.decoder import Decoder
from jimeng.pictures.decoding import MAX_FILL_BYTES, MAX_SCANS, end_of
from jimeng.providers import Progress
from tests import rest
from tests.at_once import at_once
from tests.conftest import png
from tests.each import for_each
from tests.given_pictures import encoded
from tests.page import picture_of
from tests.security.hostile_pictures import (
    FILLED,
    JPEG,
    LACED,
    REFUSED,
    SCRIPT,
    TRAILED,
    flat_webp,
    refined,
    scans,
)
from tests.test_core import create, result

ASKED = 1328 * 1328
MB = 2**20
HUNG = "import sys, time; sys.stdin.buffer.read(99); time.sleep(60)"


@pytest.fixture
def decoder():
    found = Decoder()
    yield found
    found.close()


def look(decoder: Decoder, content: bytes, most: int) -> tuple[dict, bytes]:
    return decoder.work("describe", content, {"most_pixels": most})


def process_of(decoder: Decoder) -> int:
    look(decoder, png(), ASKED)
    return decoder._process.pid


def peak(pid: int) -> int:
    """Bytes of memory that a process has had at the most."""
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    (line,) = (each for each in status.splitlines() if each.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


@for_each("what", REFUSED)
def test_hostile_picture_takes_no_memory(decoder, what):
    """Nor does any end the process that looks at it."""
    pid = process_of(decoder)
    before = peak(pid)

    with pytest.raises(PictureInvalid) as refused:
        look(decoder, REFUSED[what], inspection.MAX_PIXELS)
    assert "too long" not in str(refused.value)

    assert process_of(decoder) == pid
    assert peak(pid) - before < 80 * MB


def test_small_file_of_a_large_picture_is_not_decoded(client, provider, work_off):
    """Nobody asked for 40 million pixels; it costs nothing to say no."""
    content = flat_webp(16_383, 2_441)
    assert len(content) < 3000
    provider.polls = [Progress("remote-1", done=True, images=(content,))] * 9
    task = create(client)
    pid = process_of(inspection.decoder)
    before = peak(pid)

    work_off()

    assert result(client, task["task_id"])["status"] == "failed"
    assert process_of(inspection.decoder) == pid
    assert peak(pid) - before < 20 * MB


@for_each("factor", [0.5, 1, 2])
def test_size_that_models_make_of_what_was_asked_is_kept(factor):
    """One doubles both sides."""
    side = int(768 * factor)

    assert inspection.inspect(png(side, side), 768 * 768).width == side


def test_busy_decoder_is_ended(monkeypatch, decoder):
    """By its own limit, however long anybody waits for it."""
    monkeypatch.setattr(inspection, "CPU_SECONDS", 1)
    noise = Pillow.effect_noise((4000, 4000), 90)
    content = refined(encoded(noise, "JPEG", progressive=True), 50)

    with pytest.raises(PictureInvalid, match="too long"):
        look(decoder, content, inspection.MAX_PIXELS)

    assert process_of(decoder)


@for_each("start, said", [(HUNG, "too long"), ("import os; os.abort()", "ends at it")])
def test_decoder_that_hangs_is_ended(monkeypatch, decoder, start, said):
    """The clock ends it, too, and the next picture finds another. Where it dies twice
    it is the picture's fault."""
    with monkeypatch.context() as patch:
        patch.setattr(inspection, "START", start)
        patch.setattr(inspection, "QUEUE_TIMEOUT_S", 0.5 if start == HUNG else 60.0)
        decoder.close()
        with pytest.raises(PictureInvalid, match=said):
            look(decoder, png(), ASKED)

    assert process_of(decoder)


def test_memory_has_an_end(monkeypatch, decoder):
    """A picture that would take more is none, and the machine does not notice."""
    monkeypatch.setattr(inspection, "MEMORY_BYTES", 200 * MB)

    with pytest.raises(PictureInvalid):
        look(decoder, flat_webp(6000, 6000), inspection.MAX_PIXELS)

    assert peak(process_of(decoder)) < 200 * MB


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_largest_picture_fits(decoder, kind):
    """What a model draws at the most, in colours that are hard to press."""
    noise = Pillow.effect_noise((512, 512), 90).resize((5404, 3040))
    mode = "RGB" if kind == "JPEG" else "RGBA"
    content = encoded(noise.convert(mode), kind, compress_level=1)

    about, made = look(decoder, content, inspection.MAX_PIXELS)

    assert (about["width"], about["height"]) == (5404, 3040)
    small, preview = made[: about["thumbnail"]], made[about["thumbnail"] :]
    assert Pillow.open(io.BytesIO(small)).size == (640, 360)
    if kind == "PNG":  # with alpha
        assert not preview
    else:
        assert Pillow.open(io.BytesIO(preview)).size == (1440, 810)


def test_killed_decoder_costs_no_picture(decoder):
    """Whatever ended it: the picture may have been paid for."""
    os.kill(process_of(decoder), signal.SIGKILL)

    about, _ = look(decoder, png(), ASKED)

    assert about["width"] == 64


@for_each("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_decoder_is_there_while_its_consumer_ends(decoder, number):
    """A whole group is told to stop; the consumer still keeps what it holds."""
    pid = process_of(decoder)

    os.kill(pid, number)

    assert process_of(decoder) == pid


def test_decoder_knows_no_secret(monkeypatch, decoder):
    """A hole in it would find none in its environment."""
    monkeypatch.setenv("VOLCENGINE_SECRET_KEY", "hidden-from-pictures")
    pid = process_of(decoder)

    assert b"hidden" not in Path(f"/proc/{pid}/environ").read_bytes()


def test_pictures_at_once_are_looked_at_one_by_one(decoder):
    def width_of(number: int) -> int:
        side = 20 + number
        return look(decoder, png(side, side), ASKED)[0]["width"]

    assert at_once(40, width_of) == list(range(20, 60))


SAFE = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


@for_each("what", FILLED)
def test_filling_is_refused_before_pillow_sees_it(what):
    """It took it seconds, and a user who sent eight of them held up all others."""
    with pytest.raises(PictureInvalid, match="filling"):
        end_of(FILLED[what])


def test_usual_picture_is_taken():
    """Some encoders align their segments; none makes as many scans as are bound."""
    assert inspection.inspect(scans(MAX_SCANS // 2)).width == 512
    filled = JPEG[:2] + b"\xff" * (MAX_FILL_BYTES // 2) + JPEG[2:]

    assert inspection.inspect(filled).content == filled


@for_each("what", TRAILED)
def test_what_stands_behind_a_picture_is_not_kept(what):
    """It has been paid for, so it is kept, up to its own end."""
    plain, trailed = TRAILED[what]

    kept = inspection.inspect(trailed)

    assert (kept.content, kept.sha256) == (plain, inspection.inspect(plain).sha256)


@for_each("kind", LACED)
def test_script_within_a_picture_stays_a_picture(kind, client, provider, work_off):
    """It is served as what it was decoded as, and a browser may not guess or run.
    Another ending does not make a page of it."""
    content, content_type = LACED[kind]
    provider.polls = [Progress("remote-1", done=True, images=(content,))]
    task_id = rest.create(client, user_id="guest")
    work_off()
    path = picture_of(client, task_id)

    answer = client.get(path)

    assert SCRIPT in answer.data
    assert answer.content_type == content_type
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == SAFE
    stem = path.rpartition(".")[0]
    thumbnail = client.get(f"{stem}/thumb.webp")
    assert thumbnail.content_type == "image/webp"
    assert SCRIPT not in thumbnail.data
    for ending in ("html", "svg", "js", "htm", "xml", "gif"):
        answer = client.get(f"{stem}.{ending}")
        assert answer.status_code == 404
        assert SCRIPT not in answer.data
