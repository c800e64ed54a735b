"""Validate the parameters of a video against its model, and fill in the defaults."""

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from jimeng.errors import Invalid
from jimeng.providers.models.model import Model, Size, Wrong
from jimeng.providers.models.video import (
    ADAPTIVE,
    DEFAULT_VIDEO_RATIO,
    VIDEO_RATIOS,
    Role,
    VideoModel,
    VideoParameters,
)

# The flags of the older way to set parameters, which override those of the request.
FLAG = re.compile(
    r"--(?:rs|resolution|rt|ratio|dur|duration|frames|fps|framespersecond|framepersecond"
    r"|seed|cf|camera_?fixed|wm|watermark|draft|audio|generate_?audio)(?![\w-])",
    re.ASCII | re.IGNORECASE,
)
MAX_RATIO_DIFFERENCE = 0.02  # between two frames that must be alike
DEFAULT_STRENGTH = "medium"


def resolve_video(
    model: Model,
    asked: VideoParameters,
    *,
    prompt: str,
    pictures: int = 0,
    offered: Iterable[Model] = (),
) -> VideoParameters:
    """
    Fill in the model's defaults.

    Args:
        prompt: As sent, including the text of the style; empty if there is none.
        pictures: How many inputs there are. A single one without a role is the first
            frame.
        offered: All available models: errors name those that support the request.

    Returns:
        Parameters in which None means that the model has no choice.

    Raises:
        Invalid: with each field that the model does not support.
    """
    video = model.video
    if video is None:
        known = ", ".join(sorted({each.id for each in offered if each.video}))
        raise Invalid.field("model", "invalid.model_of_pictures", known=known)
    if pictures == 1 and not asked.roles:
        asked = replace(asked, roles=("first_frame",))
    found = {
        **wrong_pictures(asked, video, pictures, offered),
        **wrong_choices(asked, video, offered),
    }
    if not asked.roles and not prompt:
        found["prompt"] = "invalid.prompt_empty", {}
    elif video.obeys_flags and (flag := FLAG.search(prompt)):
        found["prompt"] = "invalid.video_flag", {"flag": flag[0]}
    if found:
        raise Invalid({field: [why] for field, why in found.items()})
    return with_defaults(asked, video)


def with_defaults(asked: VideoParameters, video: VideoModel) -> VideoParameters:
    has_frame = "first_frame" in asked.roles
    ratio = ADAPTIVE if has_frame and video.adaptive else DEFAULT_VIDEO_RATIO
    strength = asked.camera_strength or DEFAULT_STRENGTH
    return VideoParameters(
        duration=asked.duration or video.default_duration,
        resolution=asked.resolution or video.default_resolution,
        ratio=asked.ratio or ratio,
        # Sound is off unless it is requested: it may double the price.
        audio=bool(asked.audio) if video.audio else None,
        camera=asked.camera,
        camera_strength=strength if asked.camera else None,
        camera_fixed=bool(asked.camera_fixed) if video.camera_fixed else None,
        last_frame=bool(asked.last_frame) if video.last_frame_output else None,
        roles=asked.roles,
    )


def wrong_pictures(
    asked: VideoParameters,
    video: VideoModel,
    pictures: int,
    offered: Iterable[Model],
) -> dict[str, Wrong]:
    """What is wrong with the input pictures and their roles."""
    roles = asked.roles
    counts = {role: roles.count(role) for role in ("first_frame", "last_frame")}
    references = roles.count("reference")
    if len(roles) != pictures or max(counts.values()) > 1:
        return {"images": ("invalid.video_roles", {})}
    if references and len(roles) > references:
        return {"references": ("invalid.video_references_alone", {})}
    if references > video.max_references:
        if video.max_references:
            most = {"max": video.max_references}
            return {"references": ("invalid.images_many", most)}
        return {
            "references": _unsupported(
                "video_references", offered, lambda each: each.max_references
            )
        }
    if counts["last_frame"] and not video.first_and_last:
        return {
            "last_frame": _unsupported(
                "video_last_frame", offered, lambda each: each.first_and_last
            )
        }
    if counts["first_frame"] and not video.first_frame:
        return {
            "first_frame": _unsupported(
                "video_first_frame", offered, lambda each: each.first_frame
            )
        }
    if counts["last_frame"] and not counts["first_frame"]:
        return {"first_frame": ("invalid.video_first_frame_missing", {})}
    if not roles and not video.text:
        return {"first_frame": ("invalid.video_frame_missing", {})}
    return {}


def check_frames(
    video: VideoModel, roles: Sequence[Role], sizes: Sequence[Size | None]
) -> None:
    """
    Compare the inputs, as far as their width and height are known.

    Raises:
        Invalid: the model needs a first and a last frame of the same ratio.
    """
    named = dict(zip(roles, sizes, strict=True))
    first, last = named.get("first_frame"), named.get("last_frame")
    if first is None or last is None or not video.alike_frames:
        return
    difference = math.log(first[0] * last[1] / (first[1] * last[0]))
    if abs(difference) > MAX_RATIO_DIFFERENCE:
        raise Invalid.field("last_frame", "invalid.video_frames_differ")


def wrong_choices(
    asked: VideoParameters, video: VideoModel, offered: Iterable[Model]
) -> dict[str, Wrong]:
    """What is wrong with the other parameters."""
    found: dict[str, Wrong] = {}
    if asked.duration is not None and asked.duration not in video.durations:
        known = spans(video.durations)
        found["duration"] = "invalid.video_duration", {"known": known}
    if asked.resolution is not None and asked.resolution not in video.resolutions:
        known = ", ".join(video.resolutions)
        found["resolution"] = "invalid.choice", {"known": known}
    if wrong := _wrong_ratio(asked, video):
        found["ratio"] = wrong
    if asked.audio and not video.audio:
        found["audio"] = _unsupported("video_audio", offered, lambda each: each.audio)
    if asked.camera_fixed and not video.camera_fixed:
        found["camera_fixed"] = _unsupported(
            "video_camera_fixed", offered, lambda each: each.camera_fixed
        )
    if asked.last_frame and not video.last_frame_output:
        found["return_last_frame"] = _unsupported(
            "video_return_last_frame", offered, lambda each: each.last_frame_output
        )
    return {**found, **_wrong_camera(asked, video, offered)}


def _wrong_ratio(asked: VideoParameters, video: VideoModel) -> Wrong | None:
    if asked.ratio is None:
        return None
    has_frame = "first_frame" in asked.roles
    if has_frame and video.follows_frame:
        if asked.ratio == ADAPTIVE:
            return None
        return "invalid.video_ratio_follows", {}
    is_adaptive = video.adaptive if has_frame else video.adaptive_text
    known = [*VIDEO_RATIOS, *([ADAPTIVE] if is_adaptive else [])]
    if asked.ratio in known:
        return None
    return "invalid.choice", {"known": ", ".join(known)}


def _wrong_camera(
    asked: VideoParameters, video: VideoModel, offered: Iterable[Model]
) -> dict[str, Wrong]:
    if asked.camera_strength and not asked.camera:
        return {"camera_strength": ("invalid.video_strength_alone", {})}
    if not asked.camera:
        return {}
    if not video.cameras:
        return {
            "camera": _unsupported("video_camera", offered, lambda each: each.cameras)
        }
    if asked.camera not in video.cameras:
        known = ", ".join(video.cameras)
        return {"camera": ("invalid.choice", {"known": known})}
    strengths = video.camera_strengths
    if asked.camera_strength and asked.camera_strength not in strengths:
        known = ", ".join(strengths)
        return {"camera_strength": ("invalid.choice", {"known": known})}
    if asked.roles != ("first_frame",):
        return {"camera": ("invalid.video_camera_frame", {})}
    return {}


def spans(numbers: Sequence[int]) -> str:
    """Write ascending numbers as text: ``5, 10`` or ``4–15``."""
    if len(numbers) > 2 and numbers[-1] - numbers[0] == len(numbers) - 1:
        return f"{numbers[0]}–{numbers[-1]}"
    return ", ".join(map(str, numbers))


def _unsupported(
    why: str, offered: Iterable[Model], has: Callable[[VideoModel], object]
) -> Wrong:
    """Build the error for an unsupported field, with the models that support it."""
    found = {each.id for each in offered if each.video and has(each.video)}
    if not found:
        return "invalid.taken_by_none", {}
    return f"invalid.{why}", {"known": ", ".join(sorted(found))}
