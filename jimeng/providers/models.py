"""The models as data: what can be asked of each, and what it is sent."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from jimeng.errors import Invalid

RATIOS = ("1:1", "4:3", "3:4", "3:2", "2:3", "16:9", "9:16", "21:9")
DEFAULT_MODEL = "doubao-seedream-3.0-t2i"

Size = tuple[int, int]


def with_portraits(sizes: Mapping[str, Size]) -> Mapping[str, Size]:
    """Add 3:4 to 4:3, and so on; 21:9 has no portrait in the contract."""
    turned = {
        ratio: (sizes[":".join(reversed(ratio.split(":")))][1::-1])
        for ratio in ("3:4", "2:3", "9:16")
    }
    return MappingProxyType({**sizes, **turned})


@dataclass(frozen=True, kw_only=True)
class Model:
    """
    What a model takes and how long it needs.

    Attributes:
        id: The name that clients use.
        provider: Who runs it.
        req_key: The provider's name for it.
        min_side: Pixels, of width and of height.
        max_side: Pixels, of width and of height.
        sizes: Ratio -> width and height for ``quality: standard``.
        hd_sizes: The same for ``quality: hd``: its largest area.
        keywords: Sizes with a name, such as ``1K``.
        max_prompt: Characters.
        max_images: Pictures in one task.
        takes_seed: Whether the caller may choose the seed.
        takes_images: Whether it takes reference pictures.
        typical: Seconds that a picture usually takes: a guess until there are
            measurements.
        slow: Seconds that 95 of 100 pictures stay below.
        is_synchronous: The answer to a submission is the picture; nobody can be
            asked for it again.
        answer_within: Seconds that the answer to a submission may take.
    """

    id: str
    provider: str
    req_key: str
    min_side: int
    max_side: int
    sizes: Mapping[str, Size]
    hd_sizes: Mapping[str, Size]
    keywords: Mapping[str, Size]
    max_prompt: int = 800
    max_images: int = 4
    takes_seed: bool = True
    takes_images: bool = False
    typical: float = 5.0
    slow: float = 40.0
    is_synchronous: bool = False
    answer_within: float = 10.0

    @property
    def lane(self) -> str:
        return f"{self.provider}:{self.req_key}"

    def resolve_size(self, size: str | None, quality: str = "standard") -> Size:
        """
        Turn what the caller wrote into width and height in pixels.

        Args:
            size: ``WIDTHxHEIGHT``, a ratio, a keyword of the model, or None.
            quality: ``hd`` takes the largest area, where *size* leaves it open.

        Raises:
            Invalid: the model does not draw it; the words say what it takes.
        """
        table = self.hd_sizes if quality == "hd" else self.sizes
        if size is None:
            return table["1:1"]
        if size in table:
            return table[size]
        if size.upper() in self.keywords:
            return self.keywords[size.upper()]
        pixels = re.fullmatch(r"([1-9]\d{0,4})[xX×]([1-9]\d{0,4})", size, re.ASCII)
        if pixels:
            width, height = int(pixels[1]), int(pixels[2])
            if self.min_side <= min(width, height) and (
                max(width, height) <= self.max_side
            ):
                return width, height
        raise Invalid.field(
            "size",
            "invalid.size",
            min=self.min_side,
            max=self.max_side,
            ratios=" ".join(self.sizes),
            keywords=" ".join(self.keywords),
        )


# Sizes: what Volcengine recommends for the 3.x family at 1K, and the largest of
# each exact ratio with no side over 2048.
# Source: https://www.volcengine.com/docs/85621/1616429 and /1756900.
MODELS = (
    Model(
        id=DEFAULT_MODEL,
        provider="volcengine_jimeng",
        req_key="jimeng_t2i_v30",
        min_side=512,
        max_side=2048,
        sizes=with_portraits(
            {
                "1:1": (1328, 1328),
                "4:3": (1472, 1104),
                "3:2": (1584, 1056),
                "16:9": (1664, 936),
                "21:9": (2016, 864),
            }
        ),
        hd_sizes=with_portraits(
            {
                "1:1": (2048, 2048),
                "4:3": (2048, 1536),
                "3:2": (2046, 1364),
                "16:9": (2048, 1152),
                "21:9": (2044, 876),
            }
        ),
        keywords=MappingProxyType({"1K": (1328, 1328), "2K": (2048, 2048)}),
    ),
)
