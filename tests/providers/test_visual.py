"""The client of Visual over HTTP: what each model is sent, what each answer means."""

import json
from dataclasses import replace
from itertools import product

import pytest
from replies import (
    ACCESS_KEY,
    FOX,
    ROLES,
    SECRET_KEY,
    UNREADABLE,
    assert_error,
    assert_unknown,
    error_of,
    flat,
    gateway,
    http,
    state,
    video_request,
)

from jimeng.config import Config
from jimeng.providers import MODELS
from jimeng.providers.registry import CODES, retryable
from jimeng.providers.visual import VisualProvider
from jimeng.providers.visual_rules import RULES, judge_poll, judge_submit
from jimeng.tasks import failure_hints
from tests.each import for_each


def test_submission_says_what_is_wanted(provider, answering):
    """Each over a connection of its own, which polls share."""
    server = answering(http(200, flat(10000, {"task_id": "12"})))
    client = provider(server, session_token="STS")

    for _ in range(2):
        client.submit(FOX)
    assert server.connections == 2
    for _ in range(2):
        client.poll("1", FOX)
    assert server.connections == 3
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
V21 = "jimeng_high_aes_general_v21_L"
ICON = replace(FOX, req_key=V21, width=512, height=512)


def test_older_model_answers_with_the_picture(provider, answering):
    """One call; what the others are told when polled is in its body."""
    server = answering(http(200, flat(10000, {"image_urls": ["https://a/1"]})))

    provider(server, watermark=True, producer_id="P1").submit(ICON)
    provider(server).submit(ICON)

    marked, unmarked = server.bodies
    assert server.requests[0].startswith(b"POST /?Action=CVProcess&Version=2022-08-31 ")
    assert marked == {
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
    assert set(marked) - set(unmarked) == {"logo_info", "aigc_meta"}


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
    request = replace(FOX, req_key="jimeng_t2i_v40", seed=None)

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


@for_each(
    ("status", "body", "code", "expected"),
    [
        (200, flat(50412), "content_refused_prompt", {}),
        (400, flat(50511), "content_refused_picture", {"new_seed": True}),
        (400, flat(59999), "provider_refused", {"provider_code": "59999"}),
        (429, flat(59999), "rate_limited", {}),
        (401, gateway(None, "InvalidAccessKey"), "credentials_invalid", {}),
    ],
)
def test_refused_submission(submit, status, body, code, expected):
    """Each code becomes one of ours; only the two limits are worth another call."""
    assert_error(lambda: submit(body, status), code, **expected)


@for_each(
    ("status", "body"),
    [
        (500, flat(50500)),
        (500, flat(50501)),
        (400, flat(50500)),
        (500, flat(50429)),
        (503, flat(50412)),
        (500, gateway(100014)),
        (200, gateway(100016)),
        (502, b"<html>Bad Gateway</html>"),
        (403, b"blocked"),
        *((200, each) for each in UNREADABLE),
        (200, b'{"code": 1' + b"0" * 5000 + b"}"),
        (200, json.dumps({"ResponseMetadata": {"RequestId": "R"}}).encode()),
        (200, flat(10000)),
        (200, flat(10000, {"task_id": ""})),
        (200, flat(10000, {"task_id": None})),
        (200, flat(59999)),
    ],
)
def test_submission_that_may_have_been_accepted(submit, status, body):
    """From 500 on, and after what cannot be read, nobody knows: never again."""
    assert_unknown(lambda: submit(body, status))


def test_call_without_an_answer(provider, serve):
    """
    What was lost may have been accepted; what was not sent can be sent again. A poll
    can be made any number of times, whether it has arrived or not.
    """
    server = serve(lambda connection: server.read_request(connection))
    away, there = provider(), provider(server)

    assert_unknown(lambda: there.submit(FOX))
    assert len(server.requests) == 1
    assert_error(lambda: away.submit(FOX), "provider_unreachable", transient=True)
    for service in (away, there):
        assert_error(
            lambda service=service: service.poll("12", FOX),
            "provider_unreachable",
            transient=True,
            charged="unknown",
        )


@for_each(
    ("number", "code", "expected"),
    [
        (50411, "content_refused_input_image", {}),
        (50413, "content_refused_prompt", {}),
        (50512, "content_refused_picture_text", {}),
        (50521, "moderation_unavailable", {}),
        # That no page lists: whether it is free is not known.
        (59999, "provider_refused", {"charged": "unknown", "provider_code": "59999"}),
    ],
)
def test_failed_task_is_not_charged(poll, number, code, expected):
    """The answer to the poll is the end of the task, and it costs nothing."""
    assert_error(lambda: poll(flat(number), 400), code, **expected)


@for_each(
    ("status", "body"),
    [
        (429, flat(50429)),
        (429, flat(50430)),
        (429, flat(59999)),
        (500, flat(50500)),
        (500, flat(50501)),
        (500, flat(59999)),
        (401, flat(50400)),
        (401, gateway(100010)),
        (400, gateway(100006)),
        (403, gateway(100012)),
        (500, gateway(100014)),
        (502, b"<html>Bad Gateway</html>"),
        (200, b""),
    ],
)
def test_failed_poll_says_nothing_about_the_task(poll, status, body):
    """Limits, internal errors and refused keys: ask again, the picture goes on."""
    error = error_of(lambda: poll(body, status))

    assert (error.transient, error.maybe_accepted) == (True, False)


def test_rules_of_submissions():
    """
    From 500 on nobody knows. Only what was refused after drawing is drawn anew.
    """
    for code in (*RULES, "59999", None):
        rule = judge_submit(500, code)
        assert (rule.code, rule.charged) == ("submit_unknown", "unknown"), code
    anew = {code for code, rule in RULES.items() if rule.submit == "new_seed"}

    assert anew == {"50511", "50516", "50517", "50519"}


def test_the_gateway_ends_no_task():
    """
    It stands before the service and knows nothing about pictures; what cannot be read
    says nothing of them either.
    """
    gateways = [code for code in RULES if code.startswith("10") or not code.isdigit()]

    assert len(gateways) > 9
    assert [code for code in gateways if judge_poll(400, code).poll != "again"] == []
    assert judge_poll(200, None).poll == judge_poll(400, None).poll == "again"


def test_what_a_user_may_try_again():
    """
    Limits and accidents pass; a refused prompt stays refused. Pages offer the same
    again only where the API does: else something other helps, or an operator does.
    """
    assert retryable("rate_limited")
    assert retryable("submit_unknown")
    assert not retryable("content_refused_prompt")
    assert not retryable("credentials_invalid")
    assert not retryable("no_such_code")

    again = {code for code in CODES if failure_hints.hint_for([code]) == "retry"}

    assert {code for code in again if not retryable(code)} == set()


ROWS = {m.id: m for m in MODELS if m.video and m.provider == "volcengine_jimeng"}
KEYS = {
    ("jimeng-video-3.0", "text-to-video"): "jimeng_t2v_v30",
    ("jimeng-video-3.0", "first-frame"): "jimeng_i2v_first_v30",
    ("jimeng-video-3.0", "first-and-last-frame"): "jimeng_i2v_first_tail_v30",
    ("jimeng-video-3.0", "camera"): "jimeng_i2v_recamera_v30",
    ("jimeng-video-3.0-1080p", "text-to-video"): "jimeng_t2v_v30_1080p",
    ("jimeng-video-3.0-1080p", "first-frame"): "jimeng_i2v_first_v30_1080",
    (
        "jimeng-video-3.0-1080p",
        "first-and-last-frame",
    ): "jimeng_i2v_first_tail_v30_1080",
    ("jimeng-video-3.0-pro", "text-to-video"): "jimeng_ti2v_v30_pro",
    ("jimeng-video-3.0-pro", "first-frame"): "jimeng_ti2v_v30_pro",
}


def wanted(model="jimeng-video-3.0", mode="text-to-video", **asked):
    if mode == "camera":
        asked["camera"] = "robo_arm"
    return video_request(ROWS[model], mode, seed=7, tag="tag", **asked)


WAVES = wanted()


@pytest.fixture
def asks(provider, answering):
    """Make a client of a Visual that gives one answer."""

    def asks(body, status=200, **options):
        server = answering(http(status, body))
        return provider(server, **options), server

    return asks


def test_every_mode_of_every_row_has_its_body(asks):
    """Frames instead of seconds; a ratio for text alone; pictures in order."""
    service, server = asks(flat(10000, {"task_id": "12"}))
    pictures = ["Zmlyc3Q=", "c2Vjb25k"]
    for row in ROWS.values():
        for mode, seconds in product(row.video.modes, row.video.durations):
            progress = service.submit(wanted(row.id, mode, duration=seconds))

            count = len(ROLES[mode])
            given = {"binary_data_base64": pictures[:count]} if count else {}
            ratio = {"aspect_ratio": "16:9"} if mode == "text-to-video" else {}
            camera = {"template_id": "robo_arm", "camera_strength": "medium"}
            assert progress.remote_id == "12"
            assert server.bodies[-1] == {
                "req_key": KEYS[row.id, mode],
                "prompt": "海浪",
                "seed": 7,
                "frames": {5: 121, 10: 241}[seconds],
                **ratio,
                **(camera if mode == "camera" else {}),
                **given,
            }, (row.id, mode)
    assert {each["req_key"] for each in server.bodies} == set(KEYS.values())


def test_poll_names_the_key_of_the_submission(asks):
    """Another one would be answered as if there were no such task."""
    service, server = asks(state("generating"))

    for (model, mode), key in KEYS.items():
        request = replace(wanted(model, mode), inputs=())
        assert not service.poll("12", request).done
        assert server.bodies[-1] == {"req_key": key, "task_id": "12"}


def test_label_of_the_metadata_has_both_fields(asks):
    """The page of videos requires the second."""
    service, server = asks(state("in_queue"), producer_id="us")

    service.poll("12", WAVES)

    label = {"aigc_meta": {"producer_id": "us", "content_propagator": "us"}}
    assert json.loads(server.bodies[0]["req_json"]) == label


def test_finished_video_of_visual(asks):
    link = "https://v26.example/v.mp4"
    service, _ = asks(state("done", video_url=link, aigc_meta_tagged=False))

    progress = service.poll("12", WAVES)

    assert (progress.done, progress.urls) == (True, (link,))
    assert (progress.links_live_s, progress.tokens) == (3600, None)


@for_each(
    ("answer", "code"),
    [
        ({"status": "done"}, "result_empty"),
        ({"status": "done", "video_url": ""}, "result_empty"),
        ({"status": "done", "video_url": None}, "result_empty"),
        ({"status": "not_found"}, "result_lost"),
        ({"status": "expired"}, "result_lost"),
    ],
)
def test_finished_without_a_video(asks, answer, code):
    """It may have been charged."""
    service, _ = asks(state(**answer))

    assert_error(lambda: service.poll("12", WAVES), code, charged="unknown")


@for_each(
    ("code", "ours", "expected"),
    [
        (50516, "content_refused_video", {"new_seed": True}),
        (50517, "content_refused_audio", {"new_seed": True}),
        (50411, "content_refused_input_image", {}),
        (50430, "concurrency_limited", {"transient": True, "charged": "unknown"}),
        (50215, "result_lost", {"charged": "unknown"}),
    ],
)
def test_failures_of_a_video(asks, code, ours, expected):
    """As those of pictures, and two of its own."""
    service, _ = asks(flat(code), 400)

    assert_error(lambda: service.poll("12", WAVES), ours, **expected)


def test_submission_without_an_answer_is_unknown(asks):
    """There is no list in which to search for it, and nothing to cancel."""
    service, _ = asks(b"<html>", 502)

    assert error_of(lambda: service.submit(WAVES)).maybe_accepted
    assert not service.can_find_lost(WAVES)
    assert service.cancel("12", WAVES) is False


def test_video_of_a_model_that_left_is_still_polled(asks):
    service, server = asks(state("generating"), models=())

    assert not service.poll("12", wanted(mode="camera")).done
    assert server.bodies[0]["req_key"] == "jimeng_i2v_recamera_v30"


def test_check_tries_the_key_of_each_mode(asks):
    service, server = asks(flat(50215), 400)

    assert service.check("jimeng_t2v_v30") is True
    keys = [each["req_key"] for each in server.bodies]
    assert keys == [key for (model, _), key in KEYS.items() if model.endswith("3.0")]
