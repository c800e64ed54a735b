"""Videos: what each model takes, a task's life, and the file that comes."""

import base64
import io
import re

import av
from PIL import Image

from simulator.visual_video_models import SIZES
from tests.conftest import png
from tests.each import for_each
from tests.simulator.caller import SEEDANCE, Caller

V10 = "doubao-seedance-1-0-pro-250528"
V10_FAST = "doubao-seedance-1-0-pro-fast-251015"
V15 = "doubao-seedance-1-5-pro-251215"
V20 = "doubao-seedance-2-0-260128"
V25 = "doubao-seedance-2-5-260628"
DAY = 24 * 3600


def data_url(width: int = 400, height: int = 300, colour: str = "#c04020") -> str:
    text = base64.b64encode(png(width, height, colour)).decode()
    return f"data:image/png;base64,{text}"


def picture(role: str | None = None, url: str = "") -> dict:
    item = {"type": "image_url", "image_url": {"url": url or data_url()}}
    return {**item, "role": role} if role else item


def content(*pictures: dict, text: str = "[[slow 0]] 猫") -> list[dict]:
    return [{"type": "text", "text": text}, *pictures]


def opened(data: bytes) -> av.container.InputContainer:
    return av.open(io.BytesIO(data), format="mp4")


def first_and_last(data: bytes) -> tuple[Image.Image, Image.Image]:
    with opened(data) as file:
        frames = list(file.decode(video=0))
    return frames[0].to_image(), frames[-1].to_image()


def middle(image: Image.Image) -> tuple[int, ...]:
    """The colour in the middle."""
    found = image.convert("RGB").getpixel((image.width // 2, image.height // 2))
    assert isinstance(found, tuple)
    return found


def is_near(colour: tuple[int, ...], wanted: tuple[int, int, int]) -> bool:
    return all(abs(a - b) < 30 for a, b in zip(colour, wanted, strict=True))


def states(caller: Caller, *task_ids: str) -> list[str]:
    return [caller.task(each)["status"] for each in task_ids]


def error_of(reply) -> tuple[int, str, str]:
    found = reply.json["error"]
    return reply.status, found["code"], found["param"]


def test_task_has_a_file_and_a_bill(simulator, caller):
    created = caller.create(safety_identifier="tag", generate_audio=True)
    task = caller.task(created.json["id"])
    reply = caller.get(task["content"]["video_url"])

    assert re.fullmatch(r"cgt-\d{14}-[a-z0-9]{5}", created.json["id"])
    assert created.json["safety_identifier"] == "tag"
    assert task["usage"] == {"completion_tokens": 40594, "total_tokens": 40594}
    wanted = {
        **{"status": "succeeded", "model": SEEDANCE, "error": None},
        **{"resolution": "480p", "ratio": "16:9", "duration": 4},
        **{"framespersecond": 24, "generate_audio": True, "service_tier": "default"},
        **{"execution_expires_after": 172_800, "safety_identifier": "tag"},
    }
    assert {name: task[name] for name in wanted} == wanted
    assert (reply.status, reply.headers["Content-Type"]) == (200, "video/mp4")
    with opened(reply.body) as file:
        (video,), (audio,) = file.streams.video, file.streams.audio
        assert (video.codec_context.name, video.codec_context.pix_fmt) == (
            *("h264", "yuv420p"),
        )
        assert (video.width, video.height, video.frames) == (864, 496, 97)
        assert (video.average_rate, audio.codec_context.name) == (24, "aac")
    ledger = simulator.ledger()
    assert ledger["video_micros"] == 40594 * 23
    assert ledger["rows"][0]["billed"]


@for_each(
    ("model", "wanted"),
    [
        (V10, ("1080p", "16:9", None, 15 * 246_840)),
        (V15, ("720p", "16:9", True, 16 * 108_900)),
        (V20, ("720p", "16:9", True, 46 * 108_900)),
    ],
)
def test_defaults_are_the_dear_ones(simulator, caller, model, wanted):
    """What is absent or null, costs: sound is on, 1.0 makes 1080p."""
    caller.control("reset", {})
    absent = dict.fromkeys(("resolution", "ratio", "duration", "generate_audio"))
    task = caller.task(caller.created(model=model, **absent))

    echoed = task["resolution"], task["ratio"], task.get("generate_audio")
    assert (*echoed, simulator.ledger()["video_micros"]) == wanted
    assert task["duration"] == 5


@for_each(
    ("model", "fields", "param"),
    [
        (V10, {"resolution": "4k"}, "resolution"),
        (SEEDANCE, {"resolution": "1080p"}, "resolution"),
        (V20, {"ratio": "99:1"}, "ratio"),
        (V20, {"duration": 3}, "duration"),
        (V20, {"duration": 16}, "duration"),
        (V20, {"duration": 4.5}, "duration"),
        (V10, {"duration": -1}, "duration"),
        (V10, {"frames": 30}, "frames"),
        (V20, {"execution_expires_after": 60}, "execution_expires_after"),
        (V20, {"safety_identifier": "x" * 65}, "safety_identifier"),
        (V25, {"output_format": "avi"}, "output_format"),
        (V20, {"content": "猫"}, "content"),
        (V20, {"content": [{"type": "video_url"}]}, "content[0].type"),
        (V20, {"content": content(picture(), picture())}, "content"),
        (V10_FAST, {"content": content(*map(picture, ("first_frame", "last_frame")))},
         "content"),
        (V10, {"content": content(picture("reference_image"))}, "content"),
        (V20, {"content": content(*[picture("reference_image")] * 10)}, "content"),
        (V20, {"content": content(picture("last_frame"))}, "content"),
        (V20, {"content": content(picture(url=data_url(299, 400)))},
         "content[1].image_url"),
        (V20, {"content": content(picture(url=data_url(1000, 390)))},
         "content[1].image_url"),
        (V20, {"content": content(picture(url="data:image/png;base64,AAAA"))},
         "content[1].image_url"),
        (V20, {"content": content(picture(url="asset://1"))}, "content[1].image_url"),
        (V25, {"content": content(picture()), "ratio": "1:1"}, "ratio"),
    ],
)  # fmt: skip
def test_what_a_model_does_not_make_is_refused(simulator, caller, model, fields, param):
    caller.control("reset", {})
    reply = caller.create(**{"model": model, **fields})

    assert error_of(reply) == (400, "InvalidParameter", param)
    assert f"`{param}`" in reply.json["error"]["message"]
    assert simulator.ledger()["rows"] == []


def test_missing_and_unknown_models_are_named(caller):
    assert error_of(caller.create(model=None)) == (400, "MissingParameter", "model")
    assert error_of(caller.create(content=None)) == (400, "MissingParameter", "content")
    assert caller.create(model="ep-1").status == 404
    assert caller.tasks("POST", "", {}, key="wrong").status == 401


def test_what_is_unknown_is_ignored_unless_strict(caller):
    """As the real service does; the tests of the product ask for the strict way."""
    odd = [{"framespersecond": 999}, {"seed": 3}, {"generate_audio": "no"}]
    lenient = [caller.create(**each).status for each in odd]
    caller.control("settings", {"strict": True})
    strict = [error_of(caller.create(**each)) for each in odd]

    assert lenient == [200] * 3
    params = ["framespersecond", "seed", "generate_audio"]
    assert strict == [(400, "InvalidParameter", each) for each in params]
    assert caller.create().status == 200


def test_flags_in_a_prompt_cost(caller):
    """The older models obey them, and ignore wrong ones; the others read them."""
    words = "[[slow 0]] 猫 --rs 1080p --dur 10 --ratio 99:1"
    old, new = (caller.task(caller.created(words, model=each)) for each in (V10, V20))

    assert (old["resolution"], old["duration"], old["ratio"]) == ("1080p", 10, "16:9")
    assert (new["resolution"], new["duration"]) == ("480p", 4)


def test_video_goes_from_its_first_to_its_last_frame(simulator, caller):
    """The last frame is a picture of its own, for those who asked for it."""
    caller.control("settings", {"plain": False})
    red, blue = (200, 30, 30), (20, 40, 200)
    frames = [
        picture("last_frame", data_url(colour="#1428c8")),
        picture("first_frame", data_url(colour="#c81e1e")),
    ]
    fields = {"content": content(*frames), "return_last_frame": True}
    task = caller.task(caller.created(**fields, ratio="4:3"))
    first, last = first_and_last(caller.get(task["content"]["video_url"]).body)
    reply = caller.get(task["content"]["last_frame_url"])

    assert is_near(middle(first), red)
    assert is_near(middle(last), blue)
    assert reply.headers["Content-Type"] == "image/png"
    with Image.open(io.BytesIO(reply.body)) as found:
        assert (found.format, found.size) == ("PNG", (752, 560))
        assert is_near(middle(found), blue)
    assert "last_frame_url" not in caller.task(caller.created())["content"]
    assert len(simulator.ledger()["rows"][0]["inputs"]) == 2


def test_tasks_beyond_the_limit_are_queued(clock, simulator, caller):
    ids = [caller.created("猫") for _ in range(5)]
    other = caller.created("猫", model=V20)

    assert states(caller, *ids) == ["running"] * 3 + ["queued"] * 2
    assert states(caller, other) == ["running"]
    clock.now += 10
    assert states(caller, *ids) == ["succeeded"] * 3 + ["running"] * 2
    clock.now += 10
    assert states(caller, *ids) == ["succeeded"] * 5
    assert simulator.ledger()["high_water"][SEEDANCE] == 3


def test_queued_task_can_be_cancelled_and_those_behind_move_up(
    clock, simulator, caller
):
    """It is free, stays a day, and cannot be deleted."""
    ids = [caller.created(f"[[slow {i}]]") for i in (10, 20, 30, 40, 50)]
    reply = caller.tasks("DELETE", f"/{ids[3]}", {})
    assert (reply.status, reply.json) == (200, {})
    clock.now += 10

    wanted = ["succeeded", "running", "running", "cancelled", "running"]
    assert states(caller, *ids) == wanted
    for each, state in (ids[3], "Cancelled"), (ids[1], "Running"):
        refused = error_of(caller.tasks("DELETE", f"/{each}"))
        assert refused == (409, f"InvalidAction.{state}TaskDeletion", "")
    clock.now += 50
    assert states(caller, ids[4]) == ["succeeded"]
    assert caller.tasks("DELETE", f"/{ids[4]}").status == 200
    assert caller.tasks("DELETE", f"/{ids[4]}").status == 404
    assert [row["billed"] for row in simulator.ledger()["rows"]] == [
        *(True, True, True, False, True)
    ]
    clock.now += DAY
    assert caller.tasks("GET", f"/{ids[3]}").status == 404


def test_task_expires(clock, simulator, caller):
    """Whether it is queued or running then; it is free."""
    caller.control("settings", {"video_limit": 1})
    late = {"execution_expires_after": 3600}
    running, queued = (caller.created("[[slow 9999]]", **late) for _ in range(2))
    clock.now += 3599
    assert states(caller, running, queued) == ["running", "queued"]
    clock.now += 1

    assert states(caller, running, queued) == ["expired", "expired"]
    assert simulator.ledger()["video_micros"] == 0
    assert caller.tasks("DELETE", f"/{queued}").status == 200


def test_links_live_a_day_and_records_a_week(clock, caller):
    task_id = caller.created()
    url = caller.task(task_id)["content"]["video_url"]
    clock.now += DAY - 1
    assert caller.get(url).status == 200
    clock.now += 1
    assert caller.get(url).status == 403
    assert caller.get(caller.task(task_id)["content"]["video_url"]).status == 200
    clock.now += 6 * DAY

    assert caller.tasks("GET", f"/{task_id}").status == 404
    assert caller.tasks("GET").json == {"items": [], "total": 0}


def test_link_gives_ranges(caller):
    """With an ETag, which If-Range compares."""
    url = caller.task(caller.created())["content"]["video_url"]
    whole, head = caller.get(url), caller.get(url, "HEAD")
    tag, total = whole.headers["ETag"], len(whole.body)
    middle = caller.get(url, Range="bytes=100-199", If_Range=tag)

    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Length"] == str(total)
    assert whole.headers["Accept-Ranges"] == "bytes"
    assert (middle.status, middle.body) == (206, whole.body[100:200])
    assert middle.headers["Content-Range"] == f"bytes 100-199/{total}"
    assert middle.headers["ETag"] == tag
    assert caller.get(url, Range=f"bytes={total - 9}-").body == whole.body[-9:]
    assert caller.get(url, Range="bytes=-9").body == whole.body[-9:]
    assert caller.get(url, Range=f"bytes={total}-").status == 416
    assert caller.get(url, Range="bytes=1-2", If_Range='"other"').body == whole.body


def test_list_has_pages_and_filters(clock, caller):
    ids = []
    for i in range(3):
        clock.now += 1
        ids.append(caller.created("猫", safety_identifier=f"tag{i}"))
    done = caller.created(model=V20)

    def listed(query: str = "") -> tuple[list[str], int]:
        found = caller.tasks("GET", query).json
        return [each["id"] for each in found["items"]], found["total"]

    assert listed() == ([done, *reversed(ids)], 4)
    assert listed("?page_num=2&page_size=3") == ([ids[0]], 4)
    assert listed(f"?filter.model={V20}") == ([done], 1)
    assert error_of(caller.tasks("GET", "?page_size=501"))[2] == "page_size"
    items = caller.tasks("GET").json["items"]
    tags = [each.get("safety_identifier") for each in items]
    assert tags == [None, "tag2", "tag1", "tag0"]
    caller.control("settings", {"echo_tag": False})  # a lost task cannot be found then
    for each in (caller.task(ids[0]), *caller.tasks("GET").json["items"]):
        assert "safety_identifier" not in each


TEXT, FIRST, TAIL, CAMERA, PRO = (
    *("jimeng_t2v_v30", "jimeng_i2v_first_v30", "jimeng_i2v_first_tail_v30"),
    *("jimeng_i2v_recamera_v30", "jimeng_ti2v_v30_pro"),
)
MOVE = {"template_id": "robo_arm", "camera_strength": "weak"}


def coded(width: int = 400, height: int = 400, colour: str = "#c04020") -> str:
    return base64.b64encode(png(width, height, colour)).decode()


def inputs(*pictures: str) -> dict:
    return {"binary_data_base64": list(pictures)} if pictures else {}


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
    assert sorted(data) == ["aigc_meta_tagged", "status", "video_url"]
    clock.now += 3599
    reply = caller.get(data["video_url"])
    with opened(reply.body) as file:
        (video,) = file.streams.video
        assert (video.width, video.height) == SIZES["720p"]["16:9"]
        assert (video.frames, len(file.streams.audio)) == (121, 0)
    clock.now += 1
    assert caller.get(data["video_url"]).status == 403
    renewed = caller.poll(task_id, req_key=TEXT).json["data"]["video_url"]
    assert caller.get(renewed).status == 200
    # Codes of videos are told at the end, and cost nothing.
    paid = simulator.ledger()["video_micros"]
    refused = caller.accepted("[[slow 0]] [[poll 50516]]", req_key=TEXT)
    assert caller.poll(refused, req_key=TEXT).code == 50516
    assert simulator.ledger()["video_micros"] == paid
