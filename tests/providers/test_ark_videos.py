"""Videos of Ark over HTTP: what is asked for, and what each answer means."""

import json
import logging
from dataclasses import replace
from itertools import product

import pytest
from ark_replies import API_KEY, failed
from video_requests import video_request

from jimeng.documents import utcnow
from jimeng.errors import ProviderError
from jimeng.providers import MODELS, ark_videos
from jimeng.providers.ark_rules import RULES, judge_failed, judge_task
from tests.each import for_each

ID = "cgt-20261001120000-ab1cd"
NOW = utcnow()
TAG = "0123456789abcdef-fedcba9876543210"
ROWS = {m.id: m for m in MODELS if m.video and m.provider == "volcengine_ark"}


def wanted(model="doubao-seedance-2.0", mode="text-to-video", **asked):
    return video_request(ROWS[model], mode, tag=TAG, **asked)


WAVES = wanted()


def of_task(status, **more):
    return json.dumps({"id": ID, "status": status, "error": None, **more}).encode()


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
def asks(ark, answering, answer_with):
    """Make a client of an Ark that gives *answers* (status and body) in turn."""

    def asks(*answers):
        server = answering(*(answer_with(status, body) for status, body in answers))
        return ark(server), server

    return asks


def lines(server):
    """The request lines that the server has seen."""
    return [each.partition(b" HTTP")[0].decode() for each in server.requests]


def refused(call):
    with pytest.raises(ProviderError) as caught:
        call()
    return caught.value


def test_body_of_text_is_whole(asks):
    """Each parameter that changes the price, and nothing that 2.0 does not know."""
    service, server = asks((200, json.dumps({"id": ID}).encode()))

    progress = service.submit(WAVES)

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
            "watermark": False,
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
    assert older["camera_fixed"] is True
    assert not {"draft", "generate_audio"} & set(older)


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


def test_each_row_is_sent_what_it_knows(asks):
    """Each mode and resolution; no field beyond the documented ones."""
    service, server = asks((200, json.dumps({"id": ID}).encode()))
    always = {
        *("model", "content", "resolution", "ratio", "duration", "watermark"),
        *("execution_expires_after", "return_last_frame", "safety_identifier"),
    }
    for row in ROWS.values():
        video = row.video
        for mode, resolution in product(video.modes, video.resolutions):
            case = row.id, mode, resolution
            seed = 7 if row.takes_seed else None
            request = wanted(
                row.id, mode, seed=seed, resolution=resolution, last_frame=True
            )

            service.submit(request)

            body = server.bodies[-1]
            optional = {
                "generate_audio": video.audio,
                "camera_fixed": video.camera_fixed,
                "seed": row.takes_seed,
                "service_tier": row.id.startswith("doubao-seedance-1"),
                "draft": row.id == "doubao-seedance-1.5-pro",
            }
            its = {name for name, is_known in optional.items() if is_known}
            assert set(body) == always | its, case
            assert None not in body.values(), case
            assert body["resolution"] == resolution, case
            assert body["return_last_frame"] is True, case


def test_mark_is_a_wish(ark, answering, answer_with):
    """As for pictures."""
    server = answering(answer_with(200, json.dumps({"id": ID}).encode()))

    ark(server, watermark=True).submit(WAVES)

    assert server.bodies[0]["watermark"] is True


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
            failed("InputImageSensitiveContentDetected.PrivacyInformation"),
            "input_face_refused",
        ),
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
    """By their code; what may have been accepted is said to be unknown."""
    service, server = asks((status, body))

    error = refused(lambda: service.submit(WAVES))

    assert error.code == code
    assert error.maybe_accepted is (code == "submit_unknown")
    assert error.transient is (code == "rate_limited")
    assert len(server.requests) == 1


def test_lost_answer_is_unknown_and_sent_once(ark, serve, reset_connection):
    """Broken after the request: it may be under way, and is never sent again."""

    def behave(connection):
        server.read_request(connection)
        reset_connection(connection)

    server = serve(behave)

    error = refused(lambda: ark(server).submit(WAVES))

    assert (error.code, error.maybe_accepted) == ("submit_unknown", True)
    assert server.connections == 1


@for_each("status", ["queued", "running", "processing"])
def test_unfinished_is_polled_on(asks, status):
    """Also in a state that nobody knows yet."""
    service, server = asks((200, of_task(status)))

    assert not service.poll(ID, WAVES).done
    assert lines(server) == [f"GET /api/v3/contents/generations/tasks/{ID}"]


def test_finished_video(asks):
    """Its links, what it is billed by, and how long the links live."""
    links = {
        "video_url": "https://tos.example/v.mp4",
        "last_frame_url": "https://tos.example/l.png",
    }
    service, _ = asks((200, done(content=links)))

    progress = service.poll(ID, WAVES)

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

        error = refused(lambda service=service: service.poll(ID, WAVES))

        assert (error.code, error.charged) == ("result_empty", "unknown")
        assert not error.transient


@for_each(
    ("body", "code", "is_retryable_with_seed"),
    [
        (
            of_task("failed", error={"code": "OutputVideoSensitiveContentDetected"}),
            "content_refused_video",
            True,
        ),
        (
            of_task(
                "failed",
                error={"code": "OutputAudioSensitiveContentDetected.PolicyViolation"},
            ),
            "content_refused_audio",
            False,
        ),
        (
            of_task("failed", error={"code": "InternalServiceError"}),
            "provider_internal",
            False,
        ),
        (
            of_task(
                "failed",
                error={"code": "InvalidParameter.TaskTypeMismatch", "message": "x"},
            ),
            "parameter_refused",
            False,
        ),
        (of_task("failed", error={"code": "Unheard"}), "provider_failed", False),
        (of_task("failed"), "provider_failed", False),
        (of_task("expired"), "expired_at_provider", False),
        (of_task("cancelled"), "cancelled_at_provider", False),
    ],
)
def test_failures_cost_nothing(asks, body, code, is_retryable_with_seed):
    """Only finished videos are charged; a new seed helps those that have one."""
    service, _ = asks((200, body))

    error = refused(lambda: service.poll(ID, WAVES))
    seeded = refused(
        lambda: service.poll(ID, wanted("doubao-seedance-1.0-pro", seed=7))
    )

    assert (error.code, error.charged) == (code, "no")
    assert (error.transient, error.new_seed) == (False, False)
    assert seeded.new_seed is is_retryable_with_seed


@for_each(
    ("status", "body", "code", "is_transient"),
    [
        (404, failed("ResourceNotFound"), "result_lost", False),
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
    """Only that it is gone ends a video."""
    service, _ = asks((status, body))

    error = refused(lambda: service.poll(ID, WAVES))

    assert (error.code, error.transient) == (code, is_transient)
    assert error.charged == "unknown"


def test_every_code_has_a_rule_for_videos():
    """A failure is free, whatever the code; a poll never ends a video by its code."""
    for code in (*RULES, "Unheard", None):
        assert judge_failed(code).charged == "no", code
        assert judge_failed(code).submit not in {"again", "unknown"}, code
        for status in (400, 401, 403, 429, 500):
            assert judge_task(status, code).poll == "again", (status, code)


def test_lost_submission_is_found_by_its_tag(asks):
    """In the newest tasks of the account, with one request."""
    service, server = asks((200, listed("another", TAG, None)))

    assert service.can_find_lost(WAVES)
    assert service.find_lost(WAVES, NOW).found.remote_id == "cgt-1"
    assert lines(server) == [
        "GET /api/v3/contents/generations/tasks?page_num=1&page_size=200"
    ]


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


@for_each("tags", [(), ("another",), (None,), (TAG[:-1],), (TAG.upper(),), (TAG, TAG)])
def test_lost_submission_that_is_not_exactly_one(asks, tags, caplog):
    """None, a similar one, or two: nothing is taken for it."""
    service, _ = asks((200, listed(*tags)))

    assert service.find_lost(WAVES, NOW).found is None


def test_two_with_one_tag_are_reported(asks, caplog):
    """Something was sent twice: a person must look."""
    service, _ = asks((200, listed(TAG, TAG)))

    with caplog.at_level(logging.ERROR):
        service.find_lost(WAVES, NOW)

    assert "cgt-0 cgt-1" in caplog.text


@for_each(
    ("status", "body"),
    [(429, failed("AccountRateLimitExceeded")), (500, b""), (200, b"{}"), (200, b"x")],
)
def test_list_that_cannot_be_read_is_read_again(asks, status, body):
    """It does not show that there is nothing."""
    service, _ = asks((status, body))

    assert refused(lambda: service.find_lost(WAVES, NOW)).transient


def test_pictures_are_not_sought(ark):
    """They have no tasks; nor has a video without a tag."""
    picture = replace(WAVES, video=None)

    assert not ark().can_find_lost(picture)
    assert not ark().can_find_lost(replace(WAVES, tag=""))
    assert not ark().cancel(ID, picture)


def test_queued_is_cancelled(asks):
    """One request for the state, one that cancels."""
    service, server = asks((200, of_task("queued")), (200, b"{}"))

    assert service.cancel(ID, WAVES) is True
    path = f"/api/v3/contents/generations/tasks/{ID}"
    assert lines(server) == [f"GET {path}", f"DELETE {path}"]


@for_each(
    ("status", "is_cancelled"),
    [
        ("running", False),
        ("succeeded", False),
        ("failed", False),
        ("expired", False),
        ("cancelled", True),
    ],
)
def test_other_states_are_never_deleted(asks, status, is_cancelled):
    """The same call would delete the record of a finished video, which is paid."""
    service, server = asks((200, of_task(status)))

    assert service.cancel(ID, WAVES) is is_cancelled
    assert len(server.requests) == 1


@for_each(
    ("status", "code"),
    [
        (409, "InvalidAction.RunningTaskDeletion"),
        (404, "ResourceNotFound"),
        (429, "AccountRateLimitExceeded"),
    ],
)
def test_cancelling_too_late_is_not_repeated(asks, status, code):
    """It runs on, and its video is kept."""
    service, server = asks((200, of_task("queued")), (status, failed(code)))

    assert service.cancel(ID, WAVES) is False
    assert len(server.requests) == 2


def test_cancelling_after_a_slow_answer_is_not_tried(asks, monkeypatch):
    """The state may be another one by then."""
    service, server = asks((200, of_task("queued")))
    moments = iter([0.0, 3.1])
    monkeypatch.setattr("jimeng.providers.ark_videos.monotonic", lambda: next(moments))

    assert service.cancel(ID, WAVES) is False
    assert len(server.requests) == 1


@for_each("status", [500, 502])
def test_cancelling_without_a_clear_answer(asks, status):
    """It may be cancelled or not; nothing is sent again."""
    service, server = asks((200, of_task("queued")), (status, b""))

    refused(lambda: service.cancel(ID, WAVES))
    assert len(server.requests) == 2


def test_check_costs_nothing(asks):
    """A task without content is refused."""
    service, server = asks((400, failed("MissingParameter")))

    assert service.check("doubao-seedance-2-0-260128") is True
    assert lines(server) == ["POST /api/v3/contents/generations/tasks"]
    assert server.bodies == [{"model": "doubao-seedance-2-0-260128"}]
