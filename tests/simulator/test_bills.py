"""What the simulator bills for a video is what the product expects to pay."""

import itertools

from jimeng.providers import MODELS
from jimeng.providers.models.model import Usage
from jimeng.providers.models.video import tokens_of
from tests.each import for_each
from tests.simulator.test_visual_videos import coded, inputs

VIDEOS = {each.id: each for each in MODELS if each.video}
ON_ARK = [name for name, each in VIDEOS.items() if each.provider == "volcengine_ark"]
ON_VISUAL = sorted(VIDEOS.keys() - set(ON_ARK))


@for_each("name", ON_ARK)
def test_ark_bills_what_is_expected(simulator, caller, name):
    """Each resolution and ratio, the shortest and the longest, silent or not."""
    caller.control("reset", {})
    caller.control("settings", {"strict": True, "video_limit": 9999})
    model = VIDEOS[name]
    sounds = (True, False) if model.video.audio else (None,)
    lengths = (model.video.durations[0], model.video.durations[-1])
    expected = []
    for resolution, sizes in model.video.resolutions.items():
        for ratio, seconds, sound in itertools.product(sizes, lengths, sounds):
            size = sizes[ratio]
            usage = Usage(
                seconds=seconds,
                tokens=tokens_of(*size, seconds),
                resolution=resolution,
                sound=sound,
            )
            expected.append((*size, model.price.cost(usage)))
            fields = {"resolution": resolution, "ratio": ratio, "duration": seconds}
            fields |= {"model": model.req_key, "generate_audio": sound}
            assert caller.create(**fields).status == 200, fields

    rows = simulator.ledger()["rows"]
    assert [(e["width"], e["height"], e["micros"]) for e in rows] == expected
    assert simulator.ledger()["video_micros"] == sum(micros for *_, micros in expected)


@for_each("name", ON_VISUAL)
def test_visual_bills_what_is_expected(simulator, caller, name):
    """By the second, whatever the video starts from."""
    caller.control("reset", {})
    caller.control("settings", {"limit": 9999})
    model = VIDEOS[name]
    keys = {"text-to-video": model.req_key, **model.video.req_keys}
    pictures = {"text-to-video": 0, "first-and-last-frame": 2}
    move = {"template_id": "handheld", "camera_strength": "strong"}
    expected = []
    for mode, seconds in itertools.product(keys, model.video.durations):
        given = inputs(*[coded()] * pictures.get(mode, 1))
        fields = {"frames": 24 * seconds + 1, "aspect_ratio": "1:1", **given, **move}
        assert caller.submit(req_key=keys[mode], **fields).code == 10000, mode
        (sizes,) = model.video.resolutions.values()
        expected.append((*sizes["1:1"], model.price.cost(Usage(seconds=seconds))))

    rows = simulator.ledger()["rows"]
    assert [(e["width"], e["height"], e["micros"]) for e in rows] == expected
