"""The models of Ark as data: the parameters and sizes that each supports."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from simulator.visual_models import Body, is_int

SIDES = {"1K": 1024, "1.5K": 1536, "2K": 2048, "3K": 3072, "4K": 4096}
PIXELS = re.compile(r"([1-9]\d{0,4})x([1-9]\d{0,4})", re.ASCII)
IMAGE = re.compile(r"https?://|data:image/[a-z]+;base64,")
DEFAULT_SIZE = (2048, 2048)
MAX_RATIO = 16  # longer side / shorter side
MAX_GROUP = 15  # reference pictures and outputs together
GROUP, GROUP_OPTIONS, PROMPT_OPTIONS = (
    "sequential_image_generation",
    "sequential_image_generation_options",
    "optimize_prompt_options",
)


@dataclass(frozen=True, kw_only=True)
class ArkModel:
    """
    Attributes:
        takes: The supported optional parameters; others are refused.
        keywords: Named sizes.
        area: Minimum and maximum area, in pixels.
        max_inputs: Maximum number of reference pictures.
        modes: Values of ``optimize_prompt_options.mode``.
    """

    takes: frozenset[str]
    keywords: tuple[str, ...]
    area: tuple[int, int]
    max_inputs: int
    modes: tuple[str, ...] = ("standard",)

    def complaint(self, body: Body) -> str:
        """The first invalid or unsupported parameter; empty if there is none."""
        for name in sorted(OPTIONAL - self.takes):
            if body.get(name) is not None:
                return name
        for name, check in CHECKS.items():
            if (value := body.get(name)) is not None and not check(value):
                return name
        options = body.get(PROMPT_OPTIONS)
        mode = options.get("mode") if isinstance(options, Mapping) else None
        if mode not in (None, *self.modes):
            return f"{PROMPT_OPTIONS}.mode"
        images = images_of(body)
        good = all(isinstance(each, str) and IMAGE.match(each) for each in images)
        if not good or len(images) > self.max_inputs:
            return "image"
        return "" if self.size(body) else "size"

    def size(self, body: Body) -> tuple[int, int] | None:
        """Width and height of the outputs; None if the size is not supported."""
        text = body.get("size")
        if text is None:
            return DEFAULT_SIZE
        if not isinstance(text, str):
            return None
        if text.upper() in self.keywords:
            # The real model picks a ratio from the prompt; here it is a square.
            return SIDES[text.upper()], SIDES[text.upper()]
        found = PIXELS.fullmatch(text)
        if found is None:
            return None
        width, height = int(found[1]), int(found[2])
        short, long = sorted((width, height))
        least, most = self.area
        fits = least <= short * long <= most and long <= MAX_RATIO * short
        return (width, height) if fits else None

    def count(self, body: Body, group: int) -> int:
        """The number of outputs, if the model itself would choose *group*."""
        if body.get(GROUP) != "auto":
            return 1
        options = body.get(GROUP_OPTIONS)
        limit = options.get("max_images") if isinstance(options, Mapping) else None
        most = limit if is_int(limit) else MAX_GROUP
        return max(1, min(group, most, MAX_GROUP - len(images_of(body))))


def images_of(body: Body) -> list:
    """The reference pictures; a single one may be sent without a list."""
    found = body.get("image")
    if found is None:
        return []
    return found if isinstance(found, list) else [found]


def is_bool(value: object) -> bool:
    return isinstance(value, bool)


def is_options(value: object) -> bool:
    most = value.get("max_images", MAX_GROUP) if isinstance(value, Mapping) else None
    return is_int(most) and 1 <= most <= MAX_GROUP


CHECKS = {
    "watermark": is_bool,
    "stream": lambda value: value is False,  # the simulator does not stream events
    "response_format": lambda value: value in ("url", "b64_json"),
    GROUP: lambda value: value in ("disabled", "auto"),
    GROUP_OPTIONS: is_options,
    PROMPT_OPTIONS: lambda value: isinstance(value, Mapping),
    "output_format": lambda value: value in ("jpeg", "png"),
    "tools": lambda value: value == [{"type": "web_search"}],
    "layer_decomposition": is_bool,
}
V40 = ArkModel(
    takes=frozenset({GROUP, GROUP_OPTIONS, PROMPT_OPTIONS, "stream"}),
    keywords=("1K", "2K", "4K"),
    area=(921_600, 16_777_216),
    max_inputs=14,
    modes=("standard", "fast"),
)
V50_PRO = ArkModel(
    takes=frozenset({PROMPT_OPTIONS, "output_format", "layer_decomposition"}),
    keywords=("1K", "1.5K", "2K"),
    area=(921_600, 4_624_220),
    max_inputs=10,
    modes=("standard", "fast"),
)
V50_LITE = ArkModel(
    takes=V40.takes | {"output_format", "tools"},
    keywords=("2K", "3K", "4K"),
    area=(3_686_400, 16_777_216),
    max_inputs=14,
)
# Parameters that only some models support; the first two only retired ones.
OPTIONAL = {"seed", "guidance_scale"} | V50_PRO.takes | V50_LITE.takes
# https://www.volcengine.com/docs/82379: 1330310 (models), 1541523 (parameters).
MODELS = {
    "doubao-seedream-4-0-250828": V40,
    "doubao-seedream-4-5-251128": replace(
        V40, keywords=("2K", "4K"), area=(3_686_400, 16_777_216), modes=("standard",)
    ),
    "doubao-seedream-5-0-260128": V50_LITE,
    "doubao-seedream-5-0-lite-260128": V50_LITE,
    "doubao-seedream-5-0-pro-260628": V50_PRO,
    "doubao-seedream-5-0-flash-260915": replace(V50_PRO, modes=("standard",)),
}
