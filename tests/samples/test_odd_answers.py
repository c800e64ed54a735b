"""Whatever the service answers to a poll, the task ends, and nothing is resent."""

from dataclasses import replace
from datetime import timedelta
from itertools import repeat

import pytest

from jimeng.documents import Generation, utcnow
from jimeng.jobs import pump
from tests.conftest import come_due, png, run_queue
from tests.samples.service import ELSEWHERE, Answer, in_base64, sample, told

LINK = ELSEWHERE.decode()
EXPIRED = Answer(403, b"the link has expired", "text/plain")


def links(*paths: str) -> Answer:
    return told(status="done", image_urls=[LINK + path for path in paths])


def look_once() -> None:
    """Poll what is being drawn, once."""
    come_due(state="generating")
    pump.tick()
    run_queue()


def pass_the_deadline() -> None:
    """Let the provider have accepted all there is a day ago."""
    accepted_at = utcnow() - timedelta(days=1)
    Generation.collection().update_many({}, {"$set": {"accepted_at": accepted_at}})


def test_unknown_status_runs_until_the_deadline(ask, service, work_off):
    """A word that is new is not the end; the deadline is, and frees the slot."""
    service.say("poll", repeat(told(status="warming_up")))
    result = ask()
    pump.tick()
    run_queue()
    for _ in range(5):
        look_once()
    assert result()["status"] == "processing"
    assert len(service.sent("poll")) == 5

    pass_the_deadline()
    look_once()

    error = result()["error"]
    assert (error["code"], error["charged"]) == ("timed_out", "unknown")
    assert Generation.collection().count_documents({"slot": {"$exists": True}}) == 0
    assert len(service.sent("submit")) == 1


@pytest.mark.parametrize(
    "data",
    [
        {"image_urls": None, "binary_data_base64": None},
        {"image_urls": [], "binary_data_base64": []},
        {"image_urls": [""], "binary_data_base64": [""]},
        {"image_urls": [None], "binary_data_base64": [None]},
        {"image_urls": "https://pictures.example/a", "binary_data_base64": "iVBORw=="},
        {"binary_data_base64": ["this is no base64"]},
        {},
    ],
    ids=str,
)
def test_done_without_a_picture_is_no_success(ask, service, work_off, data):
    """It is done, so nothing is resent; nobody says whether it was charged."""
    service.say("poll", [told(status="done", **data)])

    result = ask()
    work_off()

    error = result()["error"]
    assert (error["code"], error["charged"]) == ("result_empty", "unknown")
    assert len(service.sent("submit")) == 1


def test_large_picture_within_the_answer(ask, client, service, work_off):
    """The largest that is drawn comes through as base64."""
    content = png(4096, 4096)
    service.say("poll", [in_base64(content)])

    result = ask("doubao-seedream-4.0", size="4096x4096")
    work_off()

    (image,) = result()["result"]["images"]
    assert (image["width"], image["height"]) == (4096, 4096)
    assert client.get(image["url"]).data == content


def test_first_of_several_links_is_kept(ask, service, work_off):
    """One was asked for: no other is fetched, and one image is listed."""
    service.say("poll", [links("/first", "/second", "/third")])

    result = ask()
    work_off()

    assert len(result()["result"]["images"]) == 1
    assert service.sent("picture") == ["/first"]


def test_first_of_several_in_base64_is_kept(ask, client, service, work_off):
    """The same for pictures that come within the answer."""
    first, second = png(colour="plum"), png(colour="teal")
    service.say("poll", [in_base64(first, second)])

    result = ask()
    work_off()

    (image,) = result()["result"]["images"]
    assert client.get(image["url"]).data == first


def test_escaped_ampersands_are_ampersands(ask, service, work_off):
    r"""``\u0026`` in the JSON is ``&`` in the link, which is signed with it."""
    whole = links("/a.image?rk3s=7&x-expires=9&x-signature=Zg%3D%3D")
    escaped = replace(whole, body=whole.body.replace(b"&", rb"\u0026"))
    service.say("poll", [escaped])

    result = ask()
    work_off()

    assert result()["status"] == "completed"
    path = "/a.image?rk3s=7&x-expires=9&x-signature=Zg%3D%3D"
    assert service.sent("picture") == [path]


def test_expired_link_is_asked_for_again(ask, service, work_off):
    """A poll gives a new one; nothing is drawn or paid for again."""
    service.say("poll", [links("/old"), links("/new")])
    service.say("picture", [EXPIRED])

    result = ask()
    work_off()

    assert result()["status"] == "completed"
    assert service.sent("picture") == ["/old", "/new"]
    assert len(service.sent("submit")) == 1


def test_expired_link_without_another_is_a_loss(ask, service, work_off):
    """Ark cannot be asked again: what was paid for is said to be lost."""
    service.say("picture", repeat(EXPIRED))

    result = ask("doubao-seedream-4.0", provider="volcengine_ark")
    work_off()

    error = result()["error"]
    assert (error["code"], error["charged"]) == ("picture_lost", "yes")
    assert len(service.sent("ark")) == 1


def test_result_that_is_gone_says_who_said_so(ask, service, work_off):
    """With the link and then the task gone, support has a call to look for."""
    service.say("poll", [links("/old"), sample("get_invalid_task")])
    service.say("picture", [EXPIRED])

    result = ask()
    work_off()

    error = result()["error"]
    assert (error["code"], error["charged"]) == ("picture_lost", "yes")
    assert error["provider_code"] == "50215"
    assert error["provider_request_id"].startswith("20260314")
