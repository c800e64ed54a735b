"""The client of Visual over HTTP: what each model is sent, and every kind of answer."""

import json
from dataclasses import replace

import pytest
from replies import (
    ACCESS_KEY,
    FOX,
    SECRET_KEY,
    assert_error,
    error_of,
    flat,
    gateway,
    http,
    state,
)

from jimeng.config import Config
from jimeng.providers import MODELS
from jimeng.providers.visual import VisualProvider
from tests.each import for_each


def test_submission_says_what_is_wanted(provider, answering):
    server = answering(http(200, flat(10000, {"task_id": "12"})))

    provider(server, session_token="STS").submit(FOX)

    head = server.requests[0].partition(b"\r\n\r\n")[0].decode()
    assert head.startswith("POST /?Action=CVSync2AsyncSubmitTask&Version=2022-08-31 ")
    assert "SignedHeaders=content-type;host;x-content-sha256;x-date;x-sec" in head


@for_each("sent", ["74123456789012345678", 74123456789012345678])
def test_task_id_stays_exact(submit, sent):
    progress = submit(flat(10000, {"task_id": sent}))

    assert progress.remote_id == "74123456789012345678"
    assert not progress.done
    assert progress.request_id == "R1"


def test_poll_asks_for_links_and_marks(provider, answering):
    """
    The options are JSON inside a string: as an object they are ignored. One mark is
    visible, one in the metadata.
    """
    server = answering(http(200, state("in_queue")))

    provider(server).poll("74123456789012345678", FOX)
    provider(server, watermark=True, producer_id="台-1").poll("12", FOX)

    body, marked = server.bodies
    assert body.pop("req_json") == '{"return_url": true}'
    assert body == {"req_key": "jimeng_t2i_v30", "task_id": "74123456789012345678"}
    assert json.loads(marked["req_json"]) == {
        "return_url": True,
        "logo_info": {"add_logo": True},
        "aigc_meta": {"producer_id": "台-1"},
    }


def test_submissions_are_fresh_and_polls_pooled(provider, answering):
    server = answering(http(200, flat(10000, {"task_id": "1"})))
    client = provider(server)

    for _ in range(3):
        client.submit(FOX)
    assert server.connections == 3
    for _ in range(2):
        client.poll("1", FOX)
    assert server.connections == 4


@for_each(
    "body",
    [state("in_queue"), state("generating"), state("resting"), flat(10000)],
)
def test_task_that_is_not_done_goes_on(poll, body):
    """Every word but the final ones means: still running."""
    progress = poll(body)

    assert not progress.done
    assert progress.remote_id == "12"


@for_each(
    "data",
    [
        {},
        {"image_urls": [], "binary_data_base64": ["", "*", "this is no base64"]},
        {"image_urls": [""]},
        {"image_urls": [None], "binary_data_base64": [None]},
        {"image_urls": "https://pictures.example/a", "binary_data_base64": "iVBORw=="},
    ],
)
def test_done_without_a_picture_fails(poll, data):
    """No picture is a failure, never a success with nothing in it."""
    assert_error(lambda: poll(state("done", **data)), "result_empty", charged="unknown")


def test_keys_stay_out_of_messages(submit):
    said = f"key [AKOTHER9876] of {ACCESS_KEY}\nand {SECRET_KEY} " + "x" * 5000

    answer = gateway(100009, "InvalidAccessKey", said)
    message = str(error_of(lambda: submit(answer, 401)))

    assert "100009 InvalidAccessKey key [***] of *** and ***" in message
    assert len(message) < 500
    shown = repr(VisualProvider(ACCESS_KEY, SECRET_KEY, session_token="TOKEN9"))
    assert not [each for each in (ACCESS_KEY, SECRET_KEY, "TOKEN9") if each in shown]


def test_client_of_the_settings(answering):
    server = answering(http(200, flat(10000, {"task_id": "12"})))
    config = Config(
        VOLCENGINE_ACCESS_KEY=ACCESS_KEY,
        VOLCENGINE_SECRET_KEY=SECRET_KEY,
        VOLCENGINE_ENDPOINT=server.url,
        VOLCENGINE_REGION="cn-beijing",
    )

    VisualProvider.from_config(config).submit(FOX)

    assert f"Credential={ACCESS_KEY}/".encode() in server.requests[0]
    assert b"/cn-beijing/cv/request" in server.requests[0]


LOST = {"maybe_accepted": True, "charged": "unknown"}
VISUAL = {m.req_key: m for m in MODELS if m.provider == "volcengine_jimeng"}
V21 = "jimeng_high_aes_general_v21_L"
ICON = replace(FOX, req_key=V21, width=512, height=512)
ACCEPTED = flat(10000, {"task_id": "12"})
DRAWN = flat(10000, {"image_urls": ["https://a/1"], "binary_data_base64": []})


@pytest.fixture
def asked(provider, answering):
    """Submit; return the body and the first line of the request."""

    def asked(request, answer=ACCEPTED, **options):
        server = answering(http(200, answer))
        provider(server, **options).submit(request)
        return server.bodies[0], server.requests[0].split(b"\r\n")[0].decode()

    return asked


def request_for(model):
    width, height = model.sizes["4:3"]
    seed = 7 if model.takes_seed else None
    wanted = {"width": width, "height": height, "seed": seed}
    return replace(FOX, req_key=model.req_key, **wanted)


def test_older_model_answers_with_the_picture(asked):
    """One call; what the others are told when polled is in its body."""
    body, line = asked(ICON, DRAWN, watermark=True, producer_id="P1")

    assert line.startswith("POST /?Action=CVProcess&Version=2022-08-31 ")
    assert body == {
        "req_key": V21,
        "prompt": FOX.prompt,
        "width": 512,
        "height": 512,
        "seed": 7,
        "use_pre_llm": True,
        "use_sr": True,
        "return_url": True,
        "logo_info": {"add_logo": True},
        "aigc_meta": {"producer_id": "P1"},
    }
    unmarked, _ = asked(ICON, DRAWN)
    assert set(body) - set(unmarked) == {"logo_info", "aigc_meta"}


@for_each(
    ("status", "body", "code", "expected"),
    [
        (429, flat(50430), "concurrency_limited", {"transient": True}),
        (400, flat(50511), "content_refused_picture", {"new_seed": True}),
        (400, flat(50412), "content_refused_prompt", {}),
        (200, flat(10000), "result_empty", {"charged": "unknown"}),
        (200, flat(10000, {"image_urls": []}), "result_empty", {"charged": "unknown"}),
        (500, flat(50500), "submit_unknown", LOST),
        (200, gateway(100016), "submit_unknown", LOST),
        (502, b"<html>", "submit_unknown", LOST),
    ],
)
def test_it_is_judged_as_a_submission(
    provider, answering, status, body, code, expected
):
    """It is paid for by this call, so the rules of submissions hold."""
    assert_error(
        lambda: provider(answering(http(status, body))).submit(ICON),
        code,
        **expected,
    )


@for_each("code", [50511, 50519])
def test_refused_picture_without_a_seed_is_final(provider, answering, code):
    """The very same would be asked for once more."""
    request = request_for(VISUAL["jimeng_t2i_v40"])

    assert_error(
        lambda: provider(answering(http(400, flat(code)))).poll("12", request),
        "content_refused_picture",
    )


def test_model_that_left_the_table_is_not_sent(provider):
    """Nothing is known about what it takes, so nothing is spent."""
    assert_error(lambda: provider(models=[]).submit(FOX), "provider_not_configured")


@for_each(
    ("req_key", "status", "body", "is_known"),
    [
        (FOX.req_key, 400, flat(50215), True),
        (FOX.req_key, 200, state("not_found"), True),
        (V21, 400, flat(50215), False),
    ],
)
def test_check_polls_for_nothing(provider, answering, req_key, status, body, is_known):
    """That there is no such task is good news; nothing is drawn."""
    server = answering(http(status, body))

    assert provider(server).check(req_key) is is_known

    (asked,) = server.bodies
    assert (asked["req_key"], "prompt" in asked) == (req_key, False)
    assert b"Action=CVSync2AsyncGetResult" in server.requests[0]


@for_each(
    ("status", "body", "code"),
    [
        (401, flat(50400), "access_denied"),
        (401, gateway(100010), "credentials_invalid"),
        (403, gateway(100013), "permission_missing"),
        (400, gateway(100006), "clock_wrong"),
        (502, b"<html>", "provider_internal"),
    ],
)
def test_check_says_what_is_wrong(provider, answering, status, body, code):
    assert (
        error_of(
            lambda: provider(answering(http(status, body))).check(FOX.req_key)
        ).code
        == code
    )
