"""Videos of Ark over HTTP: what is asked for, and what each answer means."""

import json
from dataclasses import replace

import pytest
from replies import API_KEY, error_of, failed, http, video_request

from jimeng.documents import utcnow
from jimeng.providers import MODELS, ark_videos
from jimeng.providers.ark_rules import RULES, judge_failed, judge_task
from tests.each import for_each

ID = "cgt-20261001120000-ab1cd"
NOW = utcnow()
FACE = "InputImageSensitiveContentDetected.PrivacyInformation"
TAG = "0123456789abcdef-fedcba9876543210"
ROWS = {m.id: m for m in MODELS if m.video and m.provider == "volcengine_ark"}


def wanted(model="doubao-seedance-2.0", mode="text-to-video", **asked):
    return video_request(ROWS[model], mode, tag=TAG, **asked)


WAVES = wanted()


def of_task(status, **more):
    return json.dumps({"id": ID, "status": status, "error": None, **more}).encode()


def ended(code):
    return of_task("failed", error={"code": code, "message": "x"})


def done(**more):
    told = {
        "content": {"video_url": "https://tos.example/v.mp4"},
        "usage": {"completion_tokens": 108900, "total_tokens": 108900},
        **{"resolution": "720p", "ratio": "16:9", "duration": 5},
        **{"generate_audio": False, "framespersecond": 24, **more},
    }
    return of_task("succeeded", **told)


def listed(*tags):
    items = [{"id": f"cgt-{n}", "safety_identifier": tag} for n, tag in enumerate(tags)]
    return json.dumps({"items": items, "total": len(items)}).encode()


@pytest.fixture
def asks(ark, answering):
    """Make a client of an Ark that gives *answers* (status and body) in turn."""

    def asks(*answers):
        server = answering(*(http(status, body) for status, body in answers))
        return ark(server), server

    return asks


def lines(server):
    """The request lines that the server has seen."""
    return [each.partition(b" HTTP")[0].decode() for each in server.requests]


def test_body_of_text_is_whole(ark, answering):
    """Each parameter that changes the price, and nothing that 2.0 does not know."""
    server = answering(http(200, json.dumps({"id": ID}).encode()))

    progress = ark(server, watermark=True).submit(WAVES)

    assert (progress.remote_id, progress.done) == (ID, False)
    assert lines(server) == ["POST /api/v3/contents/generations/tasks"]
    head = server.requests[0].partition(b"\r\n\r\n")[0].decode()
    assert f"\r\nAuthorization: Bearer {API_KEY}\r\n" in head
    assert server.bodies == [
        {
            "model": "doubao-seedance-2-0-260128",
            "content": [{"type": "text", "text": "海浪"}],
            "resolution": "720p",
            "ratio": "16:9",
            "duration": 5,
            "watermark": True,
            "execution_expires_after": 3600,
            "generate_audio": False,
            "return_last_frame": False,
            "safety_identifier": TAG,
        }
    ]


def test_body_of_older_models_holds_their_tier(asks):
    """The cheap tier takes hours, and a draft is another video."""
    service, server = asks((200, json.dumps({"id": ID}).encode()))

    service.submit(wanted("doubao-seedance-1.5-pro", seed=7, audio=True))
    service.submit(wanted("doubao-seedance-1.0-pro", seed=7, camera_fixed=True))

    newer, older = server.bodies
    assert (newer["service_tier"], newer["draft"]) == ("default", False)
    assert (newer["generate_audio"], newer["seed"]) == (True, 7)
    assert older["service_tier"] == "default"
    assert older["watermark"] is False  # which is a wish
    assert older["camera_fixed"] is True
    assert not {"draft", "generate_audio"} & set(older)
    for row in ROWS.values():
        is_older = row.id.startswith("doubao-seedance-1")
        assert row.extra.get("service_tier") == ("default" if is_older else None), row


def test_frames_go_in_order_with_their_roles(asks):
    """As data URLs; the prompt may be left out."""
    service, server = asks((200, json.dumps({"id": ID}).encode()))

    service.submit(wanted(mode="first-and-last-frame", prompt=""))
    service.submit(wanted(mode="references"))

    frames, references = (each["content"] for each in server.bodies)
    assert frames == [
        {
            "type": "image_url",
            "image_url": {"url": "data:image/jpeg;base64,Zmlyc3Q="},
            "role": "first_frame",
        },
        {
            "type": "image_url",
            "image_url": {"url": "data:image/png;base64,c2Vjb25k"},
            "role": "last_frame",
        },
    ]
    assert [each.get("role") for each in references] == [
        *(None, "reference_image", "reference_image")
    ]
    assert [each["ratio"] for each in server.bodies] == ["adaptive", "16:9"]


@for_each(
    ("status", "body", "code"),
    [
        (400, failed("InvalidParameter", param="ratio"), "parameter_refused"),
        (
            400,
            failed("InvalidParameter", param="content[1].image_url"),
            "input_refused",
        ),
        (
            400,
            failed("InvalidParameter", param="content[1].video_url"),
            "input_refused",
        ),
        (
            400,
            failed("InvalidParameter", param="content[2].audio_url"),
            "input_refused",
        ),
        (
            400,
            failed("InvalidParameter", "`content[1].video_url` is too long"),
            "input_refused",
        ),
        (400, failed("InvalidParameter", "`ratio` of video_url"), "parameter_refused"),
        (400, failed(FACE, param="content[1].image_url"), "input_face_refused"),
        (400, failed("InputTextSensitiveContentDetected"), "content_refused_prompt"),
        (403, failed("AccountOverdueError"), "account_overdue"),
        (404, failed("ModelNotOpen"), "access_denied"),
        (404, failed("InvalidEndpointOrModel.NotFound"), "model_not_found"),
        (429, failed("SetLimitExceeded"), "quota_exhausted"),
        (429, failed("ModelAccountRpmRateLimitExceeded"), "rate_limited"),
        (500, failed("InternalServiceError"), "submit_unknown"),
        (200, b"{}", "submit_unknown"),
        (200, b'{"id": 7}', "submit_unknown"),
        (502, b"<html>", "submit_unknown"),
    ],
)
def test_refusals_of_a_submission(asks, status, body, code):
    service, server = asks((status, body))

    error = error_of(lambda: service.submit(WAVES))

    assert error.code == code
    assert error.maybe_accepted is (code == "submit_unknown")
    assert error.transient is (code == "rate_limited")
    assert len(server.requests) == 1


def test_video_is_polled_until_it_is_finished(asks):
    """Also in a state that nobody knows yet."""
    links = {
        "video_url": "https://tos.example/v.mp4",
        "last_frame_url": "https://tos.example/l.png",
    }
    states = ("queued", "running", "processing")
    unfinished = [(200, of_task(each)) for each in states]
    service, server = asks(*unfinished, (200, done(content=links)))

    assert [service.poll(ID, WAVES).done for _ in states] == [False] * 3
    progress = service.poll(ID, WAVES)

    assert {*lines(server)} == {f"GET /api/v3/contents/generations/tasks/{ID}"}
    assert progress.done and progress.remote_id == ID
    assert progress.urls == ("https://tos.example/v.mp4",)
    assert progress.last_frame_url == "https://tos.example/l.png"
    assert progress.tokens == 108900
    assert progress.links_live_s == 86_400
    assert progress.echoed == {}


@for_each(
    ("asked", "echo", "differs"),
    [
        ({}, {"resolution": "480p"}, {"resolution": "480p"}),
        ({}, {"duration": 10}, {"duration": 10}),
        ({}, {"ratio": "1:1"}, {"ratio": "1:1"}),
        ({}, {"generate_audio": True}, {"audio": True}),
        ({"ratio": "adaptive"}, {"ratio": "9:16"}, {}),
        ({}, {"resolution": None, "duration": "5", "ratio": 7}, {}),
    ],
)
def test_what_differs_from_the_request_is_reported(asks, asked, echo, differs):
    """Fields of another type, and a ratio left open, say nothing."""
    service, _ = asks((200, done(**echo)))

    assert service.poll(ID, wanted(**asked)).echoed == differs


def test_finished_without_a_video(asks):
    """It may have been charged."""
    for content in (None, {}, {"video_url": None}):
        service, _ = asks((200, done(content=content)))

        error = error_of(lambda service=service: service.poll(ID, WAVES))

        assert (error.code, error.charged) == ("result_empty", "unknown")
        assert not error.transient


@for_each(
    ("body", "code", "is_retryable_with_seed"),
    [
        (ended("OutputVideoSensitiveContentDetected"), "content_refused_video", True),
        (
            ended("OutputAudioSensitiveContentDetected.PolicyViolation"),
            "content_refused_audio",
            False,
        ),
        (ended("InternalServiceError"), "provider_internal", False),
        (ended("ContentSecurityDetectionError"), "moderation_unavailable", False),
        (ended("InvalidParameter.TaskTypeMismatch"), "parameter_refused", False),
        (ended("Unheard"), "provider_failed", False),
        (of_task("failed"), "provider_failed", False),
        (of_task("expired"), "expired_at_provider", False),
        (of_task("cancelled"), "cancelled_at_provider", False),
    ],
)
def test_failures_cost_nothing(asks, body, code, is_retryable_with_seed):
    """Only finished videos are charged; a new seed helps those that have one."""
    service, _ = asks((200, body))

    error = error_of(lambda: service.poll(ID, WAVES))
    seeds = wanted("doubao-seedance-1.0-pro", seed=7)
    seeded = error_of(lambda: service.poll(ID, seeds))

    assert (error.code, error.charged) == (code, "no")
    assert (error.transient, error.new_seed) == (False, False)
    assert seeded.new_seed is is_retryable_with_seed


@for_each(
    ("status", "body", "code", "is_transient"),
    [
        (404, failed("ResourceNotFound"), "result_lost", False),
        (404, failed("NeverHeardOf"), "result_lost", False),
        (404, failed("UnsupportedModel"), "model_not_found", True),
        (404, failed("ModelNotOpen"), "access_denied", True),
        (404, failed("InvalidEndpoint.ClosedEndpoint"), "model_not_found", True),
        (404, failed("InvalidEndpointOrModel.NotFound"), "model_not_found", True),
        (404, b"<html>", "provider_internal", True),
        (401, failed("AuthenticationError"), "credentials_invalid", True),
        (403, failed("AccountOverdueError"), "account_overdue", True),
        (429, failed("AccountRateLimitExceeded"), "rate_limited", True),
        (429, failed("Unheard"), "rate_limited", True),
        (500, failed("InternalServiceError"), "provider_internal", True),
        (200, b"maybe", "provider_internal", True),
    ],
)
def test_polls_that_say_nothing_are_repeated(asks, status, body, code, is_transient):
    """Only that it is gone ends a video, not that its model is."""
    service, _ = asks((status, body))

    error = error_of(lambda: service.poll(ID, WAVES))

    assert (error.code, error.transient) == (code, is_transient)
    assert error.charged == "unknown"


def test_every_code_has_a_rule_for_videos():
    """A failure is free, whatever the code; a poll never ends a video by its code."""
    for code in (*RULES, "Unheard", None):
        assert judge_failed(code).charged == "no", code
        assert judge_failed(code).submit not in {"again", "unknown"}, code
        for status in (400, 401, 403, 429, 500):
            assert judge_task(status, code).poll == "again", (status, code)


@for_each(("ages", "has_older"), [((5, 60), True), ((60, 900), False), ((5,), False)])
def test_list_goes_on_until_it_is_older_than_the_submission(
    asks, monkeypatch, ages, has_older
):
    """A page that is not full is the last one, too."""
    monkeypatch.setattr(ark_videos, "PAGE_SIZE", 2)
    items = [{"id": "cgt-1", "created_at": int(NOW.timestamp()) - age} for age in ages]
    service, server = asks((200, json.dumps({"items": items}).encode()))

    assert service.find_lost(WAVES, NOW, 3).has_older is has_older
    assert lines(server)[0].endswith("?page_num=3&page_size=2")


@for_each(
    "tags",
    [
        *[("another", TAG, None), (), ("another",), (None,)],
        *[(TAG[:-1],), (TAG.upper(),), (TAG, TAG)],
    ],
)
def test_lost_submission_is_found_by_its_tag(asks, tags, caplog):
    """
    In the newest tasks of the account, with one request. Without one, or with a similar
    one, nothing is taken for it; two were sent twice: a person must look.
    """
    service, server = asks((200, listed(*tags)))

    assert service.can_find_lost(WAVES)
    found = service.find_lost(WAVES, NOW).found
    assert (found and found.remote_id) == ("cgt-1" if len(tags) == 3 else None)
    assert ("cgt-0 cgt-1" in caplog.text) is (len(tags) == 2)
    assert lines(server) == [
        "GET /api/v3/contents/generations/tasks?page_num=1&page_size=200"
    ]


@for_each(
    ("status", "body"),
    [(429, failed("AccountRateLimitExceeded")), (500, b""), (200, b"{}"), (200, b"x")],
)
def test_list_that_cannot_be_read_is_read_again(asks, status, body):
    """It does not show that there is nothing."""
    service, _ = asks((status, body))

    assert error_of(lambda: service.find_lost(WAVES, NOW)).transient


def test_pictures_are_not_sought(ark):
    """They have no tasks; nor has a video without a tag."""
    picture = replace(WAVES, video=None)

    assert not ark().can_find_lost(picture)
    assert not ark().can_find_lost(replace(WAVES, tag=""))
    assert not ark().cancel(ID, picture)


@for_each(
    ("state", "answer", "is_cancelled"),
    [
        ("running", None, False),
        ("succeeded", None, False),
        ("failed", None, False),
        ("expired", None, False),
        ("cancelled", None, True),
        ("queued", (200, b"{}"), True),
        ("queued", (409, failed("InvalidAction.RunningTaskDeletion")), False),
        ("queued", (404, failed("ResourceNotFound")), False),
    ],
)
def test_only_what_is_queued_is_cancelled(asks, state, answer, is_cancelled):
    """
    One request for the state, one that cancels; where that is too late, it runs on, and
    its video is kept. In other states the same call would delete the record of a video,
    which is paid when it is finished.
    """
    service, server = asks((200, of_task(state)), *([answer] if answer else []))

    assert service.cancel(ID, WAVES) is is_cancelled
    path = f"/api/v3/contents/generations/tasks/{ID}"
    both = [f"GET {path}", f"DELETE {path}"]
    assert lines(server) == (both if answer else both[:1])


def test_cancelling_after_a_slow_answer_is_not_tried(asks, monkeypatch):
    """The state may be another one by then: it is looked at again."""
    service, server = asks((200, of_task("queued")))
    moments = iter([0.0, ark_videos.MAX_STATE_AGE_S + 0.1])
    monkeypatch.setattr(ark_videos, "monotonic", lambda: next(moments))

    assert error_of(lambda: service.cancel(ID, WAVES)).transient
    assert len(server.requests) == 1


@for_each(
    ("status", "body"),
    [(429, failed("AccountRateLimitExceeded")), (500, b""), (502, b"")],
)
def test_cancelling_without_a_clear_answer(asks, status, body):
    """It may be cancelled or not; its state is looked at first, the next time."""
    service, server = asks((200, of_task("queued")), (status, body))

    assert error_of(lambda: service.cancel(ID, WAVES)).transient
    assert len(server.requests) == 2
