"""Bytes that are no picture are not kept; one of another size is, as it is."""

import base64
import json
import struct
from itertools import repeat

import pytest
from PIL.ImageFile import ImageFile

from jimeng.errors import PictureInvalid
from jimeng.pictures.decoding import describe
from tests.conftest import png
from tests.each import for_each
from tests.samples.odd_pictures import UNFIT
from tests.samples.service import Answer, in_base64

SUBMISSIONS = ("submit", "process", "ark")


def picture(content: bytes, content_type: str = "image/png") -> Answer:
    return Answer(200, content, content_type)


@pytest.mark.parametrize("kind", UNFIT)
def test_unfit_download_is_tried_again(ask, client, service, work_off, kind):
    """What is not one whole picture is not kept; the next try may bring it."""
    service.say("picture", [picture(UNFIT[kind])])

    result = ask()
    work_off()

    (image,) = result()["result"]["images"]
    assert client.get(image["url"]).data == png()
    assert len(service.sent("picture")) == 2
    assert len(service.sent("submit")) == 1


@pytest.mark.parametrize("kind", sorted(set(UNFIT) - {"no bytes"}))
def test_unfit_bytes_are_asked_for_again(ask, client, service, work_off, kind):
    """The same for what comes within an answer: the next poll may bring it."""
    service.say("poll", [in_base64(UNFIT[kind]), in_base64(png())])

    result = ask()
    work_off()

    (image,) = result()["result"]["images"]
    assert client.get(image["url"]).data == png()
    assert len(service.sent(*SUBMISSIONS)) == 1


def test_picture_that_never_becomes_one_is_a_loss(ask, service, work_off):
    """After many tries the task fails, paid for, and is not drawn again."""
    service.say("picture", repeat(picture(UNFIT["SVG"], "image/svg+xml")))

    result = ask()
    work_off()

    error = result()["error"]
    assert (error["code"], error["charged"]) == ("picture_lost", "yes")
    assert len(service.sent("submit")) == 1


@pytest.mark.parametrize(
    ("model", "provider"),
    [("doubao-seedream-4.0", "volcengine_ark"), ("jimeng-2.1", "volcengine_jimeng")],
)
def test_unfit_bytes_that_nobody_keeps(ask, service, work_off, model, provider):
    """A service without tasks has no second copy: lost, and not sent again."""
    text = base64.b64encode(UNFIT["SVG"]).decode()
    service.say(
        "ark", [Answer(200, json.dumps({"data": [{"b64_json": text}]}).encode())]
    )
    service.say("process", [in_base64(UNFIT["SVG"])])

    result = ask(model, provider=provider)
    work_off()

    error = result()["error"]
    assert (error["code"], error["charged"]) == ("picture_lost", "yes")
    assert len(service.sent(*SUBMISSIONS)) == 1


@pytest.mark.parametrize("size", [(512, 300), (1328, 1329), (16, 2000)])
def test_wrong_size_is_kept_as_it_is(ask, service, work_off, size):
    """It is paid for: the record has its true width and height."""
    service.say("picture", [picture(png(*size))])

    result = ask(size="1:1")
    work_off()

    (image,) = result()["result"]["images"]
    assert (image["width"], image["height"]) == size


def test_wrong_content_type_is_not_believed(ask, client, service, work_off):
    """The bytes say what they are, not the header."""
    service.say("picture", [picture(png(), "text/html")])

    result = ask()
    work_off()

    (image,) = result()["result"]["images"]
    assert client.get(image["url"]).content_type == "image/png"


@for_each("error", [struct.error, IndexError, KeyError, TypeError])
def test_whatever_a_decoder_stumbles_over_is_no_picture(monkeypatch, error):
    """Else the job would fail, and be tried again for ever."""

    def retry_unexpected(image: ImageFile) -> None:
        raise error("unpack requires a buffer of 4 bytes")

    monkeypatch.setattr(ImageFile, "load", retry_unexpected)

    with pytest.raises(PictureInvalid):
        describe(png(), 10_000)
