"""The models of Ark as data: which parameters each takes, and which sizes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from jimeng.local.simulator.req_keys import is_int, is_number

Body = Mapping[str, object]
SIDES = {"1K": 1024, "1.5K": 1536, "2K": 2048, "3K": 3072, "4K": 4096}
PIXELS = re.compile(r"([1-9]\d{0,4})x([1-9]\d{0,4})", re.ASCII)
MAX_SEED = 2**31 - 1
MAX_GROUP = 15  # reference pictures and outputs together
SEEDED = frozenset({"seed", "guidance_scale"})
GROUPS = frozenset(
    {
        "sequential_image_generation",
        "sequential_image_generation_options",
        "stream",
        "optimize_prompt_options",
    }
)
FORMATS = frozenset({"output_format"})
MODES = frozenset({"optimize_prompt_options"})
TOOLS = frozenset({"tools"})
LAYERS = frozenset({"layer_decomposition"})
# What some models take and others refuse.
OPTIONAL = SEEDED | GROUPS | FORMATS | MODES | TOOLS | LAYERS | {"image"}


@dataclass(frozen=True, kw_only=True)
class ArkModel:
    """
    Attributes:
        takes: Optional parameters; those of others are refused.
        keywords: Sizes with a name.
        sides: Smallest and largest width and height, in pixels; None: any.
        area: Smallest and largest width times height, in pixels; None: any.
        max_ratio: Longer side through the shorter.
        default_size: Width and height when no size was sent.
        max_inputs: Reference pictures; 0: none.
        needs_input: Draws nothing without one.
        modes: Values of ``optimize_prompt_options.mode``.
        says_size: Whether the answer names the size of a picture.
        is_retired: Was shut down.
    """

    takes: frozenset[str]
    keywords: tuple[str, ...] = ()
    sides: tuple[int, int] | None = None
    area: tuple[int, int] | None = None
    max_ratio: float = 16
    default_size: tuple[int, int] = (2048, 2048)
    max_inputs: int = 0
    needs_input: bool = False
    modes: tuple[str, ...] = ("standard",)
    says_size: bool = True
    is_retired: bool = False

    def complaint(self, body: Body) -> str:
        """The parameter that is wrong, or that the model does not take; or nothing."""
        for name in sorted(OPTIONAL - self.takes):
            if body.get(name) is not None:
                return name
        for name, check in CHECKS.items():
            if (value := body.get(name)) is not None and not check(value):
                return name
        if self._wrong_mode(body.get("optimize_prompt_options")):
            return "optimize_prompt_options.mode"
        if not self._good_images(images_of(body)):
            return "image"
        return "" if self.size(body) else "size"

    def size(self, body: Body) -> tuple[int, int] | None:
        """Width and height of the pictures; None for what the model does not draw."""
        text = body.get("size")
        if text is None or (text == "adaptive" and self.needs_input):
            return self.default_size
        if not isinstance(text, str):
            return None
        if text.upper() in self.keywords:
            # The real model picks a ratio from the prompt; here it is a square.
            return SIDES[text.upper()], SIDES[text.upper()]
        found = PIXELS.fullmatch(text)
        if found is None or self.needs_input:
            return None
        width, height = int(found[1]), int(found[2])
        return (width, height) if self._draws(width, height) else None

    def count(self, body: Body, group: int) -> int:
        """How many pictures are drawn, where the model would like *group* of them."""
        if body.get("sequential_image_generation") != "auto":
            return 1
        options = body.get("sequential_image_generation_options")
        limit = options.get("max_images") if isinstance(options, Mapping) else None
        most = limit if is_int(limit) else MAX_GROUP
        return max(1, min(group, most, MAX_GROUP - len(images_of(body))))

    def _draws(self, width: int, height: int) -> bool:
        low, high = self.sides or (1, 1 << 30)
        least, most = self.area or (1, 1 << 60)
        return (
            low <= min(width, height)
            and max(width, height) <= high
            and least <= width * height <= most
            and max(width, height) <= self.max_ratio * min(width, height)
        )

    def _wrong_mode(self, options: object) -> bool:
        mode = options.get("mode") if isinstance(options, Mapping) else None
        return mode is not None and mode not in self.modes

    def _good_images(self, images: list) -> bool:
        good = all(isinstance(each, str) and is_image(each) for each in images)
        return good and self.needs_input <= len(images) <= self.max_inputs


def images_of(body: Body) -> list:
    """The reference pictures: one may stand without a list."""
    found = body.get("image")
    if found is None:
        return []
    return found if isinstance(found, list) else [found]


def is_image(text: str) -> bool:
    return text.startswith(("http://", "https://")) or bool(
        re.match(r"data:image/[a-z]+;base64,", text)
    )


def is_bool(value: object) -> bool:
    return isinstance(value, bool)


def is_options(value: object) -> bool:
    if not isinstance(value, Mapping):
        return False
    most = value.get("max_images", MAX_GROUP)
    return is_int(most) and 1 <= most <= MAX_GROUP


CHECKS = {
    "seed": lambda value: is_int(value) and -1 <= value <= MAX_SEED,
    "guidance_scale": lambda value: is_number(value) and 1 <= value <= 10,
    "watermark": is_bool,
    "stream": is_bool,
    "response_format": lambda value: value in ("url", "b64_json"),
    "sequential_image_generation": lambda value: value in ("disabled", "auto"),
    "sequential_image_generation_options": is_options,
    "optimize_prompt_options": lambda value: isinstance(value, Mapping),
    "output_format": lambda value: value in ("jpeg", "png"),
    "tools": lambda value: value == [{"type": "web_search"}],
    "layer_decomposition": is_bool,
}
IMAGE = frozenset({"image"})
V30 = ArkModel(
    takes=SEEDED,
    sides=(512, 2048),
    default_size=(1024, 1024),
    says_size=False,
    is_retired=True,
)
V40 = ArkModel(
    takes=IMAGE | GROUPS,
    keywords=("1K", "2K", "4K"),
    area=(921_600, 16_777_216),
    max_inputs=14,
    modes=("standard", "fast"),
)
V50_PRO = ArkModel(
    takes=IMAGE | FORMATS | MODES | LAYERS,
    keywords=("1K", "1.5K", "2K"),
    area=(921_600, 4_624_220),
    max_inputs=10,
    modes=("standard", "fast"),
)
V50_LITE = ArkModel(
    takes=IMAGE | GROUPS | FORMATS | TOOLS,
    keywords=("2K", "3K", "4K"),
    area=(3_686_400, 16_777_216),
    max_inputs=14,
)
# https://www.volcengine.com/docs/82379: 1330310 (models), 1541523 (parameters).
MODELS = {
    "doubao-seedream-3-0-t2i-250415": V30,
    "doubao-seededit-3-0-i2i-250628": replace(
        V30, takes=SEEDED | IMAGE, sides=None, max_inputs=1, needs_input=True
    ),
    "doubao-seedream-4-0-250828": V40,
    "doubao-seedream-4-5-251128": replace(
        V40, keywords=("2K", "4K"), area=(3_686_400, 16_777_216), modes=("standard",)
    ),
    "doubao-seedream-5-0-260128": V50_LITE,
    "doubao-seedream-5-0-lite-260128": V50_LITE,
    "doubao-seedream-5-0-pro-260628": V50_PRO,
    "doubao-seedream-5-0-flash-260915": replace(V50_PRO, modes=("standard",)),
}
