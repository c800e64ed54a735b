"""The models of Visual as data: the parameters and results of each req_key."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeGuard

from simulator.visual_responses import PROCESS, SUBMIT

Body = Mapping[str, object]
EDGES = ("top", "bottom", "left", "right")
MAX_EDGE = 0.4
RESOLUTIONS = {"4k": 4096, "8k": 8192}


@dataclass(frozen=True, kw_only=True)
class ReqKey:
    """
    Attributes:
        action: The action of its submissions.
        sides: Minimum and maximum of width and height, in pixels; None: any.
        area: Square roots of the minimum and maximum area, in pixels; None: any.
        max_ratio: Maximum of longer side / shorter side; 0: any.
        max_prompt: Maximum prompt length in characters.
        max_inputs: Maximum number of input pictures, including a mask.
        min_inputs: Minimum number of input pictures.
        takes_base64: Whether the body may contain inputs as base64.
        max_bytes: Maximum size of an input, in bytes.
        min_side: Minimum width and height of an input, in pixels.
        max_side: The maximum.
        input_ratio: Maximum of longer side / shorter side of an input.
        kind: The operation on the inputs.
        needs_prompt: Whether a prompt is required.
        scale: Minimum and maximum of ``scale``; None: the parameter is not supported.
        default_size: Width and height if neither was sent.
        is_group: Whether it draws several pictures unless ``force_single`` is sent.
        has_sr: ``use_sr`` doubles both sides.
        picture: Pillow's name of the file format.
    """

    action: str = SUBMIT
    sides: tuple[int, int] | None = None
    area: tuple[int, int] | None = None
    max_ratio: int = 0
    max_prompt: int = 800
    max_inputs: int = 0
    min_inputs: int = 0
    takes_base64: bool = False
    max_bytes: int = 15_000_000
    min_side: int = 0
    max_side: int = 4096
    input_ratio: float = 3
    kind: str = "references"
    needs_prompt: bool = True
    scale: tuple[float, float] | None = None
    default_size: tuple[int, int] = (1328, 1328)
    is_group: bool = False
    has_sr: bool = False
    picture: str = "JPEG"

    def complaint(self, body: Body) -> str:
        """Describe the first invalid parameter of a submission; empty if valid."""
        prompt = body.get("prompt", "")
        if not isinstance(prompt, str) or (self.needs_prompt and not prompt.strip()):
            return "prompt is required"
        if len(prompt) > self.max_prompt:
            return f"prompt can not be more than {self.max_prompt} chars"
        if not is_int(body.get("seed", -1)):
            return "seed must be an integer"
        for name in ("use_pre_llm", "use_sr", "force_single", "return_url"):
            if not isinstance(body.get(name, True), bool):
                return f"{name} must be a boolean"
        return (
            meta_complaint(body.get("aigc_meta"))
            or self._inputs_complaint(body)
            or self._scale_complaint(body.get("scale"))
            or self._edges_complaint(body)
            or self._resolution_complaint(body.get("resolution"))
            or self._size_complaint(body)
        )

    @property
    def follows(self) -> bool:
        """Whether the size of the output follows from the input."""
        return self.kind in ("inpainting", "outpainting", "upscaling")

    def _edges_complaint(self, body: Body) -> str:
        if self.kind != "outpainting":
            return ""
        for name in EDGES:
            share = body.get(name, 0)
            if not is_number(share) or not 0 <= share <= MAX_EDGE:
                return f"{name} must in [0, {MAX_EDGE}]"
        return ""

    def _resolution_complaint(self, resolution: object) -> str:
        if self.kind != "upscaling" or resolution is None or resolution in RESOLUTIONS:
            return ""
        return "resolution must be 4k or 8k"

    def size(self, body: Body) -> tuple[int, int]:
        """Width and height of the output, for a valid body."""
        width, height = body.get("width"), body.get("height")
        if not (is_int(width) and is_int(height)):
            width, height = self.default_size
        factor = 2 if self.has_sr and body.get("use_sr", True) else 1
        return width * factor, height * factor

    def count(self, body: Body, group: int) -> int:
        """The number of outputs, if the model itself would choose *group*."""
        if not self.is_group or body.get("force_single") is True:
            return 1
        inputs = body.get("image_urls")
        return min(group, 15 - (len(inputs) if isinstance(inputs, list) else 0))

    def _inputs_complaint(self, body: Body) -> str:
        urls, coded = body.get("image_urls"), body.get("binary_data_base64")
        if urls is not None and coded is not None:
            return "image_urls and binary_data_base64 can not be used together"
        if coded is not None and not self.takes_base64:
            return "binary_data_base64 is not supported" if self.max_inputs else ""
        if not self.max_inputs:
            return ""
        name, found = (
            ("image_urls", urls) if coded is None else ("binary_data_base64", coded)
        )
        if found is None:
            return f"{name} is required" if self.min_inputs else ""
        if not isinstance(found, list) or len(found) > self.max_inputs:
            return f"{name} must hold at most {self.max_inputs}"
        if len(found) < self.min_inputs:
            return f"{name} must hold at least {self.min_inputs}"
        links = all(isinstance(each, str) and each for each in found)
        good = links and (coded is not None or all(map(is_link, found)))
        return "" if good else f"{name} must hold " + ("urls" if urls else "base64")

    def _scale_complaint(self, scale: object) -> str:
        if self.scale is None or scale is None:
            return ""
        low, high = self.scale
        # A range up to 100 consists of integers.
        right = is_int(scale) if high > 1 else is_number(scale)
        if right and is_number(scale) and low <= scale <= high:
            return ""
        return f"scale must in [{low:g}, {high:g}]"

    def _size_complaint(self, body: Body) -> str:
        width, height = body.get("width"), body.get("height")
        if width is None and height is None:
            return ""
        if not (is_int(width) and is_int(height)):
            return "width and height must be integers, both or neither"
        low, high = self.sides or (1, 1 << 30)
        if not (low <= width <= high and low <= height <= high):
            return f"width and height must in [{low}, {high}]"
        if self.area and not self.area[0] ** 2 <= width * height <= self.area[1] ** 2:
            low, high = self.area
            return f"width*height must in [{low} * {low}, {high} * {high}]"
        if self.max_ratio and max(width, height) > self.max_ratio * min(width, height):
            return f"width/height must in [1/{self.max_ratio}, {self.max_ratio}]"
        return ""


def meta_complaint(meta: object) -> str:
    """Describe what is invalid in ``aigc_meta``, an object or JSON in a string."""
    if meta is None:
        return ""
    try:
        found = json.loads(meta) if isinstance(meta, str) else meta
    except ValueError:
        found = None
    if not isinstance(found, Mapping) or not found.get("producer_id"):
        return "aigc_meta must have a producer_id"
    short = all(isinstance(text, str) and len(text) <= 256 for text in found.values())
    return "" if short else "aigc_meta must hold texts of at most 256 chars"


def is_link(text: str) -> bool:
    return text.startswith(("http://", "https://"))


def is_int(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


V40 = ReqKey(
    area=(1024, 4096),
    max_ratio=3,
    max_inputs=10,
    scale=(0, 1),
    default_size=(2048, 2048),
    is_group=True,
    picture="PNG",
)
EDIT = ReqKey(min_inputs=1, max_inputs=1, takes_base64=True, max_bytes=4_700_000)
# https://www.volcengine.com/docs/85621: 1616429, 1756900, 1817045, 2275082, 1747301,
# 1976207, 2375477, 2164806, 1537648.
REQ_KEYS = {
    "jimeng_t2i_v30": ReqKey(sides=(512, 2048)),
    "jimeng_t2i_v31": ReqKey(area=(512, 2048), max_ratio=3),
    "jimeng_t2i_v40": V40,
    "jimeng_seedream46_cvtob": replace(V40, max_inputs=14, scale=(1, 100)),
    "jimeng_i2i_v30": replace(
        EDIT, sides=(512, 2016), scale=(0, 1), kind="image-to-image"
    ),
    "jimeng_image2image_dream_inpaint": replace(
        EDIT, min_inputs=2, max_inputs=2, kind="inpainting"
    ),
    "jimeng_img2img_seed3_painting_edit": replace(
        EDIT, kind="outpainting", needs_prompt=False, picture="PNG", input_ratio=0
    ),
    "jimeng_i2i_seed3_tilesr_cvtob": replace(
        EDIT, kind="upscaling", needs_prompt=False, scale=(0, 100), picture="PNG"
    ),
    "jimeng_high_aes_general_v21_L": ReqKey(
        action=PROCESS, sides=(256, 768), default_size=(512, 512), has_sr=True
    ),
}
