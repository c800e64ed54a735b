"""The video models of Visual as data: the parameters and prices of each req_key."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from simulator.ark_video_models import (
    OLDER_SIZES,
    RATIOS,
    Sizes,
    nearest_ratio,
)
from simulator.inputs import InputPicture
from simulator.video_clip import FPS
from simulator.videos import VideoOrder
from simulator.visual_models import Body, ReqKey

FRAMES = (121, 241)
TEMPLATES = (
    *("hitchcock_dolly_in", "hitchcock_dolly_out", "robo_arm", "dynamic_orbit"),
    *("central_orbit", "crane_push", "quick_pull_back", "counterclockwise_swivel"),
    *("clockwise_swivel", "handheld", "rapid_push_pull"),
)
STRENGTHS = ("weak", "medium", "strong")
ROLES = ("first_frame", "last_frame")


@dataclass(frozen=True, kw_only=True)
class VideoReqKey(ReqKey):
    """
    Attributes:
        resolution: Of its videos.
        yuan_per_s: The price of a second.
        is_camera: Whether a camera movement is required.
    """

    resolution: str = "720p"
    yuan_per_s: float = 0.28
    is_camera: bool = False

    def complaint(self, body: Body) -> str:
        if body.get("frames", FRAMES[0]) not in FRAMES:
            return f"frames must be one of {FRAMES}"
        if body.get("aspect_ratio", RATIOS[0]) not in RATIOS:
            return f"aspect_ratio must be one of {RATIOS}"
        if self.is_camera and body.get("template_id") not in TEMPLATES:
            return "template_id is required"
        if self.is_camera and body.get("camera_strength") not in STRENGTHS:
            return f"camera_strength must be one of {STRENGTHS}"
        return super().complaint(body)

    def ordered(
        self, body: Body, inputs: Sequence[InputPicture]
    ) -> tuple[tuple[int, int], VideoOrder]:
        """The size of the video of a valid body, and what it is to be."""
        ratio = str(body.get("aspect_ratio", RATIOS[0]))
        if inputs:  # its ratio rules
            ratio = nearest_ratio(inputs[0].width or 16, inputs[0].height or 9)
        input_fields = {"image_urls", "binary_data_base64"}
        order = VideoOrder(
            resolution=self.resolution,
            ratio=ratio,
            frames=int(str(body.get("frames", FRAMES[0]))),
            audio=False,
            roles=ROLES[: len(inputs)],
            asked={
                name: each for name, each in body.items() if name not in input_fields
            },
        )
        return SIZES[self.resolution][ratio], order

    def micros(self, order: VideoOrder) -> int:
        return round(self.yuan_per_s * 1_000_000) * (order.frames // FPS)


def frames(count: int) -> dict:
    """The options of a model that starts from pictures."""
    return {"min_inputs": count, "max_inputs": count, "needs_prompt": False}


SIZES: Sizes = OLDER_SIZES
V30 = VideoReqKey(takes_base64=True, max_bytes=4_700_000, min_side=320, kind="video")
V30_1080 = replace(V30, resolution="1080p", yuan_per_s=0.63)
# https://www.volcengine.com/docs/85621: 1792710, 1785204, 1791184, 1785201, 1792711,
# 1802721, 1777001. The pages name no pixels; these are those of Ark's Seedance 1.0.
VIDEO_REQ_KEYS = {
    "jimeng_t2v_v30": V30,
    "jimeng_i2v_first_v30": replace(V30, **frames(1)),
    "jimeng_i2v_first_tail_v30": replace(V30, **frames(2)),
    "jimeng_i2v_recamera_v30": replace(V30, **frames(1), is_camera=True),
    "jimeng_t2v_v30_1080p": V30_1080,
    "jimeng_i2v_first_v30_1080": replace(V30_1080, **frames(1)),
    "jimeng_i2v_first_tail_v30_1080": replace(V30_1080, **frames(2)),
    "jimeng_ti2v_v30_pro": replace(V30_1080, max_inputs=1, yuan_per_s=1.0),
}
