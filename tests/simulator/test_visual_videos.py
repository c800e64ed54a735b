"""Visual's videos: what each req_key takes, what it costs, and the file that comes."""

import base64

from jimeng.local.simulator.visual_video_models import SIZES, VIDEO_REQ_KEYS
from tests.conftest import png
from tests.each import for_each
from tests.simulator.caller import Caller
from tests.simulator.test_ark_videos import first_and_last, is_near, middle, opened

TEXT, FIRST, TAIL, CAMERA, PRO = (
    *("jimeng_t2v_v30", "jimeng_i2v_first_v30", "jimeng_i2v_first_tail_v30"),
    *("jimeng_i2v_recamera_v30", "jimeng_ti2v_v30_pro"),
)
MOVE = {"template_id": "robo_arm", "camera_strength": "weak"}


def coded(width: int = 400, height: int = 400, colour: str = "#c04020") -> str:
    return base64.b64encode(png(width, height, colour)).decode()


def inputs(*pictures: str) -> dict:
    return {"binary_data_base64": list(pictures)} if pictures else {}


def polled(caller: Caller, req_key: str, **fields) -> dict:
    """Order a video that is done at once, and return the data of a poll."""
    task_id = caller.accepted("[[slow 0]] 猫", req_key=req_key, **fields)
    return caller.poll(task_id, req_key=req_key, req_json=None).json["data"]


@for_each("req_key", list(VIDEO_REQ_KEYS))
def test_every_model_makes_a_video(simulator, caller, req_key):
    caller.control("reset", {})
    model = VIDEO_REQ_KEYS[req_key]
    given = inputs(*[coded()] * model.min_inputs)
    data = polled(caller, req_key, frames=241, aspect_ratio="1:1", **given, **MOVE)
    reply = caller.get(data["video_url"])

    assert sorted(data) == ["aigc_meta_tagged", "status", "video_url"]
    assert (data["status"], data["aigc_meta_tagged"]) == ("done", False)
    with opened(reply.body) as file:
        (video,) = file.streams.video
        assert (video.width, video.height) == SIZES[model.resolution]["1:1"]
        assert (video.frames, len(file.streams.audio)) == (241, 0)
    assert simulator.ledger()["video_micros"] == round(model.yuan_per_s * 1e7)


@for_each(
    ("req_key", "fields"),
    [
        (TEXT, {"frames": 120}),
        (TEXT, {"aspect_ratio": "2:1"}),
        (TEXT, {"prompt": ""}),
        (TEXT, {"prompt": "猫" * 801}),
        (FIRST, {}),
        (FIRST, inputs(coded(), coded())),
        (FIRST, inputs(coded(319, 400))),
        (FIRST, inputs(coded(1000, 330))),
        (TAIL, inputs(coded())),
        (TAIL, inputs(coded(), coded(400, 500))),
        (CAMERA, inputs(coded())),
        (CAMERA, {**inputs(coded()), **MOVE, "camera_strength": "huge"}),
        (PRO, inputs(coded(), coded())),
    ],
)
def test_wrong_parameters_are_refused(simulator, caller, req_key, fields):
    caller.control("reset", {})

    assert caller.submit(**{"req_key": req_key, **fields}).code == 50200
    assert simulator.ledger()["rows"] == []


def test_task_waits_and_its_link_lives_an_hour(clock, simulator, caller):
    task_id = caller.accepted(req_key=TEXT)
    states = []
    for seconds in (0, 5, 5):
        clock.now += seconds
        data = caller.poll(task_id, req_key=TEXT).json["data"]
        states.append((data["status"], bool(data["video_url"])))

    assert states == [("in_queue", False), ("generating", False), ("done", True)]
    clock.now += 3599
    assert caller.get(data["video_url"]).status == 200
    clock.now += 1
    assert caller.get(data["video_url"]).status == 403
    renewed = caller.poll(task_id, req_key=TEXT).json["data"]["video_url"]
    assert caller.get(renewed).status == 200
    # Codes of videos are told at the end, and cost nothing.
    paid = simulator.ledger()["video_micros"]
    refused = caller.accepted("[[slow 0]] [[poll 50516]]", req_key=TEXT)
    assert caller.poll(refused, req_key=TEXT).code == 50516
    assert simulator.ledger()["video_micros"] == paid


def test_video_goes_from_its_first_to_its_last_frame(caller):
    caller.control("settings", {"plain": False})
    given = inputs(coded(colour="#c81e1e"), coded(colour="#1428c8"))
    url = polled(caller, TAIL, **given)["video_url"]
    first, last = first_and_last(caller.get(url).body)

    assert is_near(middle(first), (200, 30, 30))
    assert is_near(middle(last), (20, 40, 200))
