"""Video models: consistent rows, defaults, and what is refused in words."""

from dataclasses import replace
from itertools import product

import pytest

from jimeng.errors import Invalid
from jimeng.i18n import MESSAGES
from jimeng.providers import MODELS, Model
from jimeng.providers.models.model import Usage
from jimeng.providers.models.video import (
    VIDEO_RATIOS,
    VideoParameters,
    tokens_of,
)
from jimeng.providers.models.video_validation import check_frames, resolve_video
from tests.each import for_each
from tests.models.test_models import registry_of
from tests.providers.replies import ROLES

VISUAL, ARK = "volcengine_jimeng", "volcengine_ark"
VIDEOS = [model for model in MODELS if model.video]
BY_ID = {model.id: model for model in VIDEOS}
SQUARE, TALL = (1000, 1000), (600, 1000)
FIRST, LAST, REFERENCE = "first_frame", "last_frame", "reference"
V10, V15 = "doubao-seedance-1.0-pro", "doubao-seedance-1.5-pro"
V20, J30 = "doubao-seedance-2.0", "jimeng-video-3.0"
MOVE = {"camera": "robo_arm", "roles": (FIRST,)}


def resolved(
    model: Model | str, prompt="海浪", pictures=None, **asked
) -> VideoParameters:
    if isinstance(model, str):
        model = BY_ID[model]
    roles = asked.get("roles", ())
    given = [SQUARE] * len(roles) if pictures is None else pictures
    parameters = VideoParameters(**asked)
    found = resolve_video(
        model, parameters, prompt=prompt, pictures=len(given), offered=MODELS
    )
    check_frames(model.video, found.roles, given)
    return found


def refused(model: str, **asked) -> dict[str, tuple[str, dict]]:
    with pytest.raises(Invalid) as caught:
        resolved(model, **asked)
    return {field: reasons[0] for field, reasons in caught.value.fields.items()}


def test_each_mode_and_resolution_of_each_row_resolves():
    """To parameters that are stored and read back; the size has the ratio it says."""
    for model in VIDEOS:
        for mode, resolution in product(model.video.modes, model.video.resolutions):
            case = model.id, mode, resolution
            camera = model.video.cameras[0] if mode == "camera" else None

            found = resolved(
                model, resolution=resolution, roles=ROLES[mode], camera=camera
            )

            assert found.mode == mode, case
            assert VideoParameters.read(found.stored()) == found, case
            assert found.duration == 5, case
            size = model.video.size_of(found, SQUARE)
            ratio = "1:1" if FIRST in found.roles else "16:9"
            assert size == model.video.resolutions[resolution][ratio], case


def test_sizes_have_their_ratio():
    """Within three percent, since sides are multiples of 16; as large as is said."""
    for model in VIDEOS:
        for name, sizes in model.video.resolutions.items():
            assert tuple(sizes) == VIDEO_RATIOS, (model.id, name)
            for ratio, (width, height) in sizes.items():
                across, down = map(int, ratio.split(":"))
                about = pytest.approx(across / down, rel=0.04)
                assert width / height == about, (model.id, name, ratio)
        areas = [its["1:1"] for its in model.video.resolutions.values()]
        assert areas == sorted(areas), model.id


def test_dear_defaults_of_the_service_are_not_ours():
    assert resolved(V15) == VideoParameters(
        duration=5,
        resolution="720p",
        ratio="16:9",
        audio=False,
        camera_fixed=False,
        last_frame=False,
    )
    assert resolved(V10).resolution == "720p"
    # What the model has no choice of is none.
    assert resolved(J30, audio=False) == VideoParameters(
        duration=5, resolution="720p", ratio="16:9"
    )


def test_first_frame_decides_the_ratio_unless_it_is_given():
    """The size expected is that of the nearest ratio; 2.5 takes no other."""
    free = BY_ID[V20]
    found = resolved(free, roles=(FIRST,), pictures=[TALL])

    assert found.ratio == "adaptive"
    assert free.video.size_of(found, TALL) == (720, 1280)
    assert free.video.size_of(found, None) == (1280, 720)
    references = replace(found, roles=(REFERENCE,))
    assert free.video.size_of(references, TALL) == (1280, 720)
    assert resolved(free, ratio="1:1", roles=(FIRST,)).ratio == "1:1"
    wrong = refused("doubao-seedance-2.5", ratio="1:1", roles=(FIRST,))
    assert wrong["ratio"][0] == "invalid.video_ratio_follows"


def test_a_picture_without_a_role_is_the_first_frame():
    """As at the service; several need roles."""
    assert resolved(J30, pictures=[SQUARE]).roles == (FIRST,)
    wrong = refused(J30, pictures=[SQUARE, SQUARE])
    assert wrong["images"][0] == "invalid.video_roles"
    # A camera's movement and strength are both sent, so the latter has a default.
    found = resolved(J30, **MOVE)
    assert (found.mode, found.camera_strength) == ("camera", "medium")


@for_each(
    ("model", "asked", "field", "key"),
    [
        (V20, {"duration": 3}, "duration", "video_duration"),
        (J30, {"duration": 6}, "duration", "video_duration"),
        (f"{V20}-fast", {"resolution": "1080p"}, "resolution", "choice"),
        (V20, {"ratio": "3:2"}, "ratio", "choice"),
        (V10, {"ratio": "adaptive"}, "ratio", "choice"),
        (V10, {"audio": True}, "audio", "video_audio"),
        (V20, {"camera": "robo_arm"}, "camera", "video_camera"),
        (J30, {"camera": "left"}, "camera", "choice"),
        (J30, {"camera": "robo_arm"}, "camera", "video_camera_frame"),
        (J30, {**MOVE, "camera_strength": "wild"}, "camera_strength", "choice"),
        (J30, {"camera_strength": "weak"}, "camera_strength", "video_strength_alone"),
        (V20, {"camera_fixed": True}, "camera_fixed", "video_camera_fixed"),
        (J30, {"last_frame": True}, "return_last_frame", "video_return_last_frame"),
        (V20, {"prompt": ""}, "prompt", "prompt_empty"),
        (f"{J30}-pro", {"roles": (FIRST, LAST)}, "last_frame", "video_last_frame"),
        (V20, {"roles": (LAST,)}, "first_frame", "video_first_frame_missing"),
        (V20, {"roles": (FIRST, REFERENCE)}, "references", "video_references_alone"),
        (V15, {"roles": (REFERENCE,)}, "references", "video_references"),
        (V20, {"roles": (REFERENCE,) * 10}, "references", "images_many"),
        (V20, {"roles": (FIRST, FIRST)}, "images", "video_roles"),
        (
            J30,
            {"roles": (FIRST, LAST), "pictures": [SQUARE, TALL]},
            "last_frame",
            "video_frames_differ",
        ),
    ],
)
def test_what_a_model_does_not_do_is_refused(model, asked, field, key):
    wrong = refused(model, **asked)

    assert set(wrong) == {field}
    assert wrong[field][0] == f"invalid.{key}"
    key, values = wrong[field]
    assert all(word.format(**values) for word in MESSAGES[key])


def test_models_that_would_do_it_are_named():
    known = refused(J30, audio=True)["audio"][1]["known"]

    newer = [V20, f"{V20}-fast", f"{V20}-mini", "doubao-seedance-2.5"]
    assert known.split(", ") == [V15, *newer]


def test_all_that_is_wrong_with_a_video_is_said_at_once():
    asked = {"prompt": "", "duration": 7, "resolution": "8k", "audio": True}
    wrong = refused(f"{J30}-pro", **asked)

    assert set(wrong) == {"prompt", "duration", "resolution", "audio"}


@for_each(
    "prompt",
    [
        "海浪 --rs 1080p",
        "--dur 12 waves",
        "海浪--ratio 1:1",
        "waves --WM true",
        "a --cf",
    ],
)
def test_flags_are_refused_where_the_model_obeys_them(prompt):
    """They change the price behind our back; later models read them as words."""
    for name in (V10, "doubao-seedance-1.5-pro"):
        wrong = refused(name, prompt=prompt)
        assert wrong["prompt"][0] == "invalid.video_flag"
        assert wrong["prompt"][1]["flag"] in prompt
    assert resolved(V20, prompt=prompt)


@for_each("prompt", ["wait--what", "a -- b", "--rsvp", "the --ratio-- of it"])
def test_dashes_are_no_flags(prompt):
    assert resolved(V10, prompt=prompt)


def test_picture_model_is_not_taken_for_a_video():
    registry = registry_of(VISUAL, ARK)
    with pytest.raises(Invalid) as pictures:
        registry.model("jimeng-3.1", makes="video")
    with pytest.raises(Invalid) as videos:
        registry.model(V20)

    ((key, values),) = pictures.value.fields["model"]
    assert key == "invalid.model_of_pictures"
    assert "jimeng-video-3.0" in values["known"] and "3.1" not in values["known"]
    ((key, values),) = videos.value.fields["model"]
    assert key == "invalid.model_of_videos"
    assert "jimeng-3.1" in values["known"] and "seedance" not in values["known"]
    picture = registry.model("jimeng-3.1")
    with pytest.raises(Invalid) as caught:
        resolve_video(picture, VideoParameters(), prompt="猫", offered=MODELS)
    assert caught.value.fields["model"][0][0] == "invalid.model_of_pictures"


def test_defaults_are_by_what_is_made():
    """The default picture model stays; keys may be limited to either."""
    registry = registry_of(VISUAL, ARK)

    assert registry.model(None).id == "doubao-seedream-3.0-t2i"
    assert registry.model(None, makes="video").id == "jimeng-video-3.0"
    assert registry.default(ARK, makes="video").id == "doubao-seedance-1.0-pro"
    assert registry.model("seedance-2.0", makes=None).id == "doubao-seedance-2.0"


def test_video_that_needs_a_frame():
    """A row of an operator's may not start from text."""
    model = BY_ID[V10]
    video = replace(model.video, text=False)
    with pytest.raises(Invalid) as caught:
        resolved(replace(model, video=video))

    assert caught.value.fields["first_frame"][0][0] == "invalid.video_frame_missing"


@for_each(
    ("model", "asked", "yuan"),
    [
        ("doubao-seedance-2.5", {}, 7.62),
        (V20, {}, 5.01),
        (V20, {"resolution": "1080p"}, 12.50),
        ("doubao-seedance-2.0-mini", {}, 2.50),
        (V15, {"audio": True}, 1.74),
        (V15, {}, 0.87),
        ("doubao-seedance-1.0-pro-fast", {}, 0.436),
        (J30, {"duration": 10}, 2.80),
        ("jimeng-video-3.0-pro", {}, 5.00),
    ],
)
def test_price_is_that_of_the_list(model, asked, yuan):
    """Five seconds of 720p as published; each row has a price in its own unit."""
    found = resolved(model, **asked)
    row = BY_ID[model]
    width, height = row.video.size_of(found)
    usage = Usage(
        seconds=found.duration,
        tokens=tokens_of(width, height, found.duration),
        resolution=found.resolution,
        sound=found.audio,
    )

    assert row.price.cost(usage) == pytest.approx(yuan * 1_000_000, rel=0.002)
    assert all(each.price.unit == each.unit for each in VIDEOS)
