"""The provider's client, over HTTP, against answers of every shape."""

import base64

import pytest
from visual_replies import (
    ACCESS_KEY,
    FOX,
    SECRET_KEY,
    assert_error,
    flat,
    gateway,
    state,
)

from jimeng.config import Config
from jimeng.errors import ProviderError
from jimeng.local.simulator import Simulator
from jimeng.providers.download import fetch_picture
from jimeng.providers.visual import VisualProvider

PNG = b"\x89PNG picture"


def test_submission_says_what_is_wanted(provider, answering, answer_with):
    """One signed POST; one picture, whatever the model would like to draw."""
    server = answering(answer_with(200, flat(10000, {"task_id": "12"})))

    provider(server, session_token="STS").submit(FOX)

    head = server.requests[0].partition(b"\r\n\r\n")[0].decode()
    assert head.startswith("POST /?Action=CVSync2AsyncSubmitTask&Version=2022-08-31 ")
    assert "SignedHeaders=content-type;host;x-content-sha256;x-date;x-sec" in head
    assert server.bodies == [
        {
            "req_key": "jimeng_t2i_v30",
            "prompt": "雪地里的狐狸",
            "seed": 7,
            "width": 1328,
            "height": 1024,
            "use_pre_llm": True,
            "force_single": True,
        }
    ]


@pytest.mark.parametrize("sent", ["74123456789012345678", 74123456789012345678])
def test_task_id_stays_exact(submit, sent):
    """Twenty digits come back as they were, text or number."""
    progress = submit(flat(10000, {"task_id": sent}))

    assert progress.remote_id == "74123456789012345678"
    assert not progress.done
    assert progress.request_id == "R1"


def test_poll_asks_for_links(provider, answering, answer_with):
    """The options are JSON inside a string: as an object they are ignored."""
    server = answering(answer_with(200, state("in_queue")))

    provider(server).poll("74123456789012345678", FOX)

    (body,) = server.bodies
    assert body.pop("req_json") == '{"return_url": true}'
    assert body == {"req_key": "jimeng_t2i_v30", "task_id": "74123456789012345678"}


def test_submissions_are_fresh_and_polls_pooled(provider, answering, answer_with):
    """Three submissions take three connections, two polls share the fourth."""
    server = answering(answer_with(200, flat(10000, {"task_id": "1"})))
    client = provider(server)

    for _ in range(3):
        client.submit(FOX)
    assert server.connections == 3
    for _ in range(2):
        client.poll("1", FOX)
    assert server.connections == 4


@pytest.mark.parametrize(
    "body",
    [state("in_queue"), state("generating"), state("resting"), flat(10000)],
    ids=["queued", "generating", "unheard of", "no data"],
)
def test_task_that_is_not_done_goes_on(poll, body):
    """Every word but the final ones means: still running."""
    progress = poll(body)

    assert not progress.done
    assert progress.remote_id == "12"


@pytest.mark.parametrize(
    ("data", "urls", "images"),
    [
        ({"image_urls": ["https://a/1?b=1&c"]}, ("https://a/1?b=1&c",), ()),
        (
            {"image_urls": ["https://a/1"], "binary_data_base64": []},
            ("https://a/1",),
            (),
        ),
        ({"image_urls": ["https://a/1", "https://a/2"]}, ("https://a/1",), ()),
        ({"binary_data_base64": [base64.b64encode(PNG).decode()]}, (), (PNG,)),
        ({"binary_data_base64": [base64.b64encode(PNG).decode()] * 2}, (), (PNG,)),
    ],
    ids=["link", "link and no bytes", "two links", "bytes", "bytes twice"],
)
def test_done_holds_one_picture(poll, data, urls, images):
    """Links before bytes, and of several the first: one was asked for."""
    progress = poll(state("done", **data))

    assert progress.done
    assert (progress.urls, progress.images) == (urls, images)


@pytest.mark.parametrize(
    "data",
    [{}, {"image_urls": [], "binary_data_base64": ["", "*"]}, {"image_urls": [""]}],
    ids=["nothing", "unreadable", "empty link"],
)
def test_done_without_a_picture_fails(poll, data):
    """No picture is a failure, never a success with nothing in it."""
    with pytest.raises(ProviderError) as caught:
        poll(state("done", **data))

    assert_error(caught, "result_empty", charged="unknown")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, state("not_found")),
        (200, state("expired")),
        (400, flat(50215, message="Input invalid for this service.")),
    ],
    ids=["not found", "expired", "invalid"],
)
def test_forgotten_task_is_lost(poll, status, body):
    """The provider no longer knows the task, and it may have been paid for."""
    with pytest.raises(ProviderError) as caught:
        poll(body, status)

    assert_error(caught, "result_lost", charged="unknown")


def test_keys_stay_out_of_messages(submit):
    """The gateway echoes keys; a log must not, and lines stay lines."""
    said = f"key [AKOTHER9876] of {ACCESS_KEY}\nand {SECRET_KEY} " + "x" * 5000

    with pytest.raises(ProviderError) as caught:
        submit(gateway(100009, "InvalidAccessKey", said), 401)

    message = str(caught.value)
    assert "100009 InvalidAccessKey key [***] of *** and ***" in message
    assert len(message) < 500


def test_client_shows_no_keys():
    """Neither keys nor the token appear where an object is printed."""
    shown = repr(VisualProvider(ACCESS_KEY, SECRET_KEY, session_token="TOKEN9"))

    assert ACCESS_KEY not in shown
    assert SECRET_KEY not in shown
    assert "TOKEN9" not in shown


def test_client_of_the_settings(answering, answer_with):
    """Endpoint, region and keys are those of the configuration."""
    server = answering(answer_with(200, flat(10000, {"task_id": "12"})))
    config = Config(
        VOLCENGINE_ACCESS_KEY=ACCESS_KEY,
        VOLCENGINE_SECRET_KEY=SECRET_KEY,
        VOLCENGINE_ENDPOINT=server.url,
        VOLCENGINE_REGION="cn-beijing",
    )

    VisualProvider.from_config(config).submit(FOX)

    assert f"Credential={ACCESS_KEY}/".encode() in server.requests[0]
    assert b"/cn-beijing/cv/request" in server.requests[0]


def test_from_prompt_to_picture():
    """Against a service that checks signatures: submitted, polled, fetched."""
    with Simulator(
        access_key=ACCESS_KEY, secret_key=SECRET_KEY, duration=0.0
    ) as simulator:
        client = VisualProvider(ACCESS_KEY, SECRET_KEY, endpoint=simulator.url)

        remote_id = client.submit(FOX).remote_id
        progress = client.poll(remote_id, FOX)
        client.close()
        picture = fetch_picture(
            progress.urls[0], allowed_private=[f"127.0.0.1:{simulator.port}"]
        )

    assert picture.startswith((b"\xff\xd8", b"\x89PNG"))


def test_wrong_key_is_refused():
    """The simulator knows a bad signature, so a good one means something."""
    with Simulator(access_key=ACCESS_KEY, secret_key="ANOTHER") as simulator:
        client = VisualProvider(ACCESS_KEY, SECRET_KEY, endpoint=simulator.url)

        with pytest.raises(ProviderError) as caught:
            client.submit(FOX)

    assert_error(caught, "credentials_invalid", provider_code="100010")
