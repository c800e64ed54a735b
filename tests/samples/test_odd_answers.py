"""Odd answers and pictures: the task ends, nothing is resent, what was paid is kept."""

import base64
import json
import struct
import zlib
from datetime import timedelta
from itertools import repeat

import pytest
from PIL import Image as Pillow
from PIL.ImageFile import ImageFile

from jimeng.documents import Generation, utcnow
from jimeng.errors import PictureInvalid
from jimeng.jobs import pump
from jimeng.pictures.decoding import describe
from tests.conftest import come_due, png, run_queue
from tests.each import for_each
from tests.given_pictures import SVG, animated, chunk, encoded, halves
from tests.samples.service import ELSEWHERE, Answer, in_base64, sample, told

LINK = ELSEWHERE.decode()


def bomb() -> bytes:
    """A PNG of a few kilobytes that would be gigabytes once decoded."""
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(1_000_000), 9)
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


# Bytes that pass for a picture, or nearly.
UNFIT = {
    "page": b"<html><body>Service is being upgraded</body></html>",
    "no bytes": b"",
    "1x1": png(1, 1),
    "cut PNG": png(640, 480)[:-60],
    "cut JPEG": encoded(halves(640, 480), "JPEG")[:-200],
    "animated WebP": animated("WEBP"),
    "animated PNG": animated("PNG"),
    "several in one JPEG": animated("MPO"),
    "GIF": animated("GIF"),
    "SVG": SVG,
    "bomb": bomb(),
    "more pixels than any model draws": encoded(Pillow.new("1", (7_000, 6_000)), "PNG"),
    "head only": png()[:30],
}
EXPIRED = Answer(403, b"the link has expired", "text/plain")


def links(*paths: str) -> Answer:
    return told(status="done", image_urls=[LINK + path for path in paths])


def test_large_picture_within_the_answer(made, client, service):
    content = png(4096, 4096)
    service.say("poll", [in_base64(content)])

    (image,) = made("doubao-seedream-4.0", size="4096x4096")["result"]["images"]

    assert (image["width"], image["height"]) == (4096, 4096)
    assert client.get(image["url"]).data == content


def test_first_of_several_is_kept(made, client, service):
    """One was asked for: no other is fetched, and one image is listed."""
    first, second = png(colour="plum"), png(colour="teal")
    several = [links("/first", "/second", "/third"), in_base64(first, second)]
    service.say("poll", several)

    found = [made()["result"]["images"] for _ in several]

    assert [len(each) for each in found] == [1, 1]
    assert service.sent("picture") == ["/first"]
    assert client.get(found[1][0]["url"]).data == first


def test_expired_link_is_asked_for_again(made, service):
    """A poll gives a new one; nothing is drawn or paid for again."""
    service.say("poll", [links("/old"), links("/new")])
    service.say("picture", [EXPIRED])

    assert made()["status"] == "completed"
    assert service.sent("picture") == ["/old", "/new"]
    assert len(service.sent("submit")) == 1


def test_expired_link_without_another_is_a_loss(made, service):
    """Ark cannot be asked again: what was paid for is said to be lost."""
    service.say("picture", repeat(EXPIRED))

    error = made("doubao-seedream-4.0", provider="volcengine_ark")["error"]

    assert (error["code"], error["charged"]) == ("picture_lost", "yes")
    assert len(service.sent("ark")) == 1


def test_result_that_is_gone_says_who_said_so(made, service):
    """With the link and then the task gone, support has a call to look for."""
    service.say("poll", [links("/old"), sample("get_invalid_task")])
    service.say("picture", [EXPIRED])

    error = made()["error"]

    assert (error["code"], error["charged"]) == ("picture_lost", "yes")
    assert error["provider_code"] == "50215"
    assert error["provider_request_id"].startswith("20260314")


SUBMISSIONS = ("submit", "process", "ark")


def picture(content: bytes, content_type: str = "image/png") -> Answer:
    return Answer(200, content, content_type)


@for_each("kind", UNFIT)
def test_what_is_unfit_is_asked_for_again(made, client, service, kind):
    """
    What is not one whole picture is not kept; the next try may bring it. The same for
    what comes within an answer: the next poll may.
    """
    service.asked.clear()
    service.say("picture", [picture(UNFIT[kind])])
    found = [made()]
    assert len(service.sent("picture")) == 2
    if UNFIT[kind]:
        service.say("poll", [in_base64(UNFIT[kind]), in_base64(png())])
        found.append(made())

    for each in found:
        (image,) = each["result"]["images"]
        assert client.get(image["url"]).data == png()
    assert len(service.sent(*SUBMISSIONS)) == len(found)


@pytest.mark.parametrize(
    ("model", "provider"),
    [("doubao-seedream-4.0", "volcengine_ark"), ("jimeng-2.1", "volcengine_jimeng")],
)
def test_unfit_bytes_that_nobody_keeps(made, service, model, provider):
    """A service without tasks has no second copy: lost, and not sent again."""
    text = base64.b64encode(UNFIT["SVG"]).decode()
    service.say(
        "ark", [Answer(200, json.dumps({"data": [{"b64_json": text}]}).encode())]
    )
    service.say("process", [in_base64(UNFIT["SVG"])])

    error = made(model, provider=provider)["error"]

    assert (error["code"], error["charged"]) == ("picture_lost", "yes")
    assert len(service.sent(*SUBMISSIONS)) == 1


@for_each("size", [(512, 300), (1328, 1329), (16, 2000)])
def test_wrong_size_is_kept_as_it_is(made, client, service, size):
    """
    It is paid for: the record has its true width and height. A wrong content type is
    not believed.
    """
    service.say("picture", [picture(png(*size), "text/html")])

    (image,) = made(size="1:1")["result"]["images"]

    assert (image["width"], image["height"]) == size
    assert client.get(image["url"]).content_type == "image/png"


@for_each("error", [struct.error, IndexError, KeyError, TypeError])
def test_whatever_a_decoder_stumbles_over_is_no_picture(monkeypatch, error):
    """Else the job would fail, and be tried again for ever."""

    def retry_unexpected(image: ImageFile) -> None:
        raise error("unpack requires a buffer of 4 bytes")

    monkeypatch.setattr(ImageFile, "load", retry_unexpected)

    with pytest.raises(PictureInvalid):
        describe(png(), 10_000)


RUBBISH = Answer(200, UNFIT["SVG"], "image/svg+xml")
BROKEN = Answer(503, b"try later", "text/plain")


def generation() -> Generation:
    found = Generation.find_one({})
    assert found is not None
    return found


def save_once() -> float:
    """Let the next try be due, and make it; return the seconds until the one after."""
    come_due(state={"$in": ["generating", "saving"]})
    pump.tick()
    run_queue()
    due_at = generation().due_at
    return (due_at - utcnow()).total_seconds() if due_at else 0.0


@pytest.fixture
def saving(ask, service):
    """A picture that is drawn, and whose first download has failed."""

    def start(answer: Answer):
        service.say("picture", repeat(answer))
        result = ask()
        pump.tick()
        run_queue()
        save_once()
        assert generation().state == "saving"
        return result

    return start


def test_link_that_keeps_giving_rubbish_is_asked_a_few_times(saving, service):
    """Within two minutes it is a loss that says what to do, and nothing before."""
    result = saving(RUBBISH)
    waited = (generation().due_at - utcnow()).total_seconds()
    while generation().state == "saving":
        shown = result()
        assert (shown["status"], shown["phase"]) == ("processing", "saving")
        assert "收到的文件无效" in shown["message"]
        waited += save_once()

    error = result()["error"]
    assert (error["code"], error["charged"]) == ("picture_lost", "yes")
    assert 3 <= len(service.sent("picture")) <= 6
    assert 10 < waited <= 120
    assert len(service.sent("submit")) == 1


def test_network_faults_are_no_loss(saving, service):
    """A download is tried for as long as there is something to get."""
    result = saving(BROKEN)
    for _ in range(60):
        save_once()

    shown = result()
    assert (shown["status"], shown["phase"]) == ("processing", "saving")
    assert "下载" in shown["message"]
    assert save_once() <= 240

    service.say("picture", [])
    save_once()
    assert result()["status"] == "completed"
    assert generation().state == "done"


def test_links_do_not_live_for_ever(saving):
    """After a day the provider has nothing any more."""
    result = saving(BROKEN)
    drawn = utcnow() - timedelta(hours=24, minutes=1)
    Generation.collection().update_one({}, {"$set": {"drawn_at": drawn}})

    save_once()

    error = result()["error"]
    assert (error["code"], error["charged"]) == ("picture_lost", "yes")


def test_rubbish_between_faults_counts_on(saving, service):
    """A link that alternates is no way around the bound."""
    result = saving(RUBBISH)
    for _ in range(6):
        service.say("picture", [BROKEN, RUBBISH])
        save_once()
        save_once()

    assert result()["error"]["code"] == "picture_lost"


@pytest.mark.parametrize("answer", [RUBBISH, BROKEN])
def test_page_says_why_it_is_still_saving(saving, client, answer):
    """In words, and the ticker brings them to a page that is open."""
    saving(answer)
    task_id = generation().task_id
    why = "收到的文件无效" if answer is RUBBISH else "暂时无法下载"

    assert why in client.get(f"/tasks/{task_id}").text
    mark = f"{task_id.removeprefix('volcengine_img_')}.s.0-0-0"
    assert why in client.get("/feed/changes", query_string={"c": mark}).text
