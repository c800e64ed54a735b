"""Videos of Visual over HTTP: the body of each mode, and what each answer means."""

import json
from dataclasses import replace
from itertools import product

import pytest
from replies import ROLES, assert_error, error_of, flat, http, state, video_request

from jimeng.providers import MODELS
from tests.each import for_each

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
