"""
A model as data: sizes, inputs and parameters it takes, and what a picture costs.

Source of prices: the price lists of Volcengine of July to September 2026. They change,
and accounts have their own: ``price`` in ``MODELS_FILE`` goes first.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Literal

from jimeng.errors import Invalid

TASKS = (
    "text-to-image",
    "image-to-image",
    "inpainting",
    "outpainting",
    "upscaling",
)
# What comes out has the size of what goes in, or follows from it.
FOLLOWS = frozenset({"inpainting", "outpainting", "upscaling"})
TRAVELS = ("base64", "data_url", "link")
PROMPTS = ("required", "optional", "none")
# Why a model's pictures cannot be sent from here: the service fetches them, and this
# server has no address that can be reached from outside, or no key to sign links with.
LACKS_ADDRESS, LACKS_SECRET = "no_address", "no_secret"


@dataclass(frozen=True, kw_only=True)
class Takes:
    """
    The pictures that a model takes in.

    Attributes:
        least: Pictures that it must be given; 0 where it also draws from words alone.
        most: Pictures that it may be given.
        mask: Whether it must be given a mask for the first of them; else it takes
            none.
        sides: Fewest and most pixels of width and of height, of each picture.
        max_pixels: Of one picture, width times height; None for no limit of its own.
        max_ratio: Longer side through the shorter.
        max_bytes: Of one picture, encoded.
        exact: Whether it must not be made smaller to fit: its pixels are the point.
        strength: What the service calls the range of ``strength``, whose 0 to 1 is
            mapped onto it; whole where both ends are. None where it takes none.
        expand: The largest share of a side that may be added at an edge; None where
            it does not expand.
        travels: How the bytes get there: ``base64`` in the body, a ``data_url`` in the
            body, or a ``link`` that the service fetches.
        prompt: Whether words are ``required``, ``optional``, or there are ``none``.
    """

    least: int = 1
    most: int = 1
    mask: bool = False
    sides: tuple[int, int] = (1, 4096)
    max_pixels: int | None = None
    max_ratio: float | None = None
    max_bytes: int = 10_000_000
    exact: bool = False
    strength: tuple[float, float] | None = None
    expand: float | None = None
    travels: Literal["base64", "data_url", "link"] = "base64"
    prompt: Literal["required", "optional", "none"] = "required"


UNBOUNDED = 2**63  # pixels
AS_OF = date(2026, 9, 30)
RATIOS = ("1:1", "4:3", "3:4", "3:2", "2:3", "16:9", "9:16", "21:9")
DEFAULT_MODEL = "doubao-seedream-3.0-t2i"
Size = tuple[int, int]
PIXELS = re.compile(r"([1-9]\d{0,4})[xX×]([1-9]\d{0,4})", re.ASCII)


@dataclass(frozen=True)
class Step:
    """
    Attributes:
        up_to: Pixels, width times height, up to which it holds; None for any number.
        fen: Of one picture: hundredths of a yuan.
    """

    up_to: int | None
    fen: int


@dataclass(frozen=True)
class Price:
    """
    What one picture costs once it is drawn.

    Attributes:
        steps: By the size of the picture, the smallest first; the last holds for all.
        as_of: The day on which it was read; None for an operator's own.
    """

    steps: tuple[Step, ...]
    as_of: date | None = None

    @property
    def range(self) -> tuple[int, ...]:
        """The least and the most that a picture costs, in fen; once if it is one."""
        known = sorted(step.fen for step in self.steps)
        return tuple(dict.fromkeys((known[0], known[-1])))

    def of(self, width: int, height: int) -> int:
        """Fen for a picture of these sides, in pixels."""
        area = width * height
        held = (each for each in self.steps if each.up_to and area <= each.up_to)
        return next(held, self.steps[-1]).fen


def dearest(prices: Sequence[Price]) -> Price:
    """For each size what the dearest of them costs."""
    if len(prices) == 1:
        return prices[0]
    tops = {step.up_to for each in prices for step in each.steps if step.up_to}
    steps = [
        Step(top, max(each.of(top or UNBOUNDED, 1) for each in prices))
        for top in [*sorted(tops), None]
    ]
    return Price(tuple(steps))


def flat(fen: int) -> Price:
    return Price((Step(None, fen),), AS_OF)


PRICES: Mapping[str, Price] = MappingProxyType(
    {
        "jimeng_t2i_v30": flat(20),
        "jimeng_t2i_v31": flat(20),
        "jimeng_t2i_v40": flat(22),
        "jimeng_seedream46_cvtob": flat(22),
        "jimeng_i2i_v30": flat(20),
        "jimeng_image2image_dream_inpaint": flat(20),
        "jimeng_i2i_seed3_tilesr_cvtob": flat(40),
        "doubao-seedream-4-0-250828": flat(20),
        "doubao-seedream-4-5-251128": flat(25),
        "doubao-seedream-5-0-260128": flat(22),
        "doubao-seedream-5-0-pro-260628": Price(
            (Step(2_610_000, 30), Step(None, 60)), AS_OF
        ),
        "doubao-seedream-5-0-flash-260915": flat(12),
    }
)


def parse_size(text: str) -> Size | None:
    """Read ``WIDTHxHEIGHT``; None if it is something else."""
    found = PIXELS.fullmatch(text)
    return (int(found[1]), int(found[2])) if found else None


@dataclass(frozen=True, kw_only=True)
class Model:
    """
    What a model takes and how long it needs.

    Either *sides* limits the pictures, or *area* with *max_ratio* does; what comes out
    as large as what goes in has neither, nor tables of sizes.

    Attributes:
        id: The name that is stored and listed.
        provider: Who runs it.
        req_key: The provider's name for it.
        aliases: Other names that clients may send.
        sizes: Ratio -> width and height for ``quality: standard``; 1:1 is the
            default.
        hd_sizes: The same for ``quality: hd``: its largest area.
        keywords: Sizes with a name, such as ``1K``.
        sides: Fewest and most pixels of width and of height.
        area: Fewest and most pixels of width times height.
        max_ratio: Longer side through the shorter.
        max_prompt: Characters.
        max_images: Pictures in one task.
        takes_seed: Whether the caller may choose the seed.
        task: What it does: one of `TASKS`.
        takes: The pictures that it takes in; None if it takes none.
        lacks: Why they cannot be sent from here: ``no_address`` or ``no_secret``.
        rewrites_prompt: Whether it has a language model rewrite short prompts
            (``use_pre_llm``, on Visual).
        draws_groups: Whether it must be told to draw only one picture
            (``sequential_image_generation``, on Ark).
        extra: Further fields that each submission has.
        typical: Seconds that a picture usually takes: a guess until there are
            measurements.
        slow: Seconds that 95 of 100 pictures stay below.
        own_price: What a picture costs where the operator says so, see `price`.
        account_prices: Account -> what it costs there, where that is another price.
        is_synchronous: The answer to a submission is the picture; nobody can be
            asked for it again.
        answer_within: Seconds that the answer to a submission may take.
    """

    id: str
    provider: str
    req_key: str
    aliases: tuple[str, ...] = ()
    sizes: Mapping[str, Size]
    hd_sizes: Mapping[str, Size]
    keywords: Mapping[str, Size] = field(default_factory=dict)
    sides: tuple[int, int] | None = None
    area: tuple[int, int] | None = None
    max_ratio: float | None = None
    max_prompt: int = 800
    max_images: int = 4
    takes_seed: bool = True
    task: str = "text-to-image"
    takes: Takes | None = None
    lacks: str | None = None
    rewrites_prompt: bool = False
    draws_groups: bool = False
    extra: Mapping[str, object] = field(default_factory=dict)
    typical: float = 5.0
    slow: float = 40.0
    own_price: Price | None = None
    account_prices: Mapping[str, Price] = field(default_factory=dict)
    is_synchronous: bool = False
    answer_within: float = 10.0

    @property
    def lane(self) -> str:
        return f"{self.provider}:{self.req_key}"

    @property
    def takes_here(self) -> Takes | None:
        """What can go in, from here; None where nothing can."""
        return self.takes if self.lacks is None else None

    @property
    def takes_images(self) -> bool:
        """Whether pictures can go in, from here."""
        return self.takes_here is not None

    @property
    def needs_images(self) -> bool:
        """Whether it draws nothing from words alone."""
        return self.takes is not None and self.takes.least > 0

    @property
    def follows(self) -> bool:
        """Whether the size of what comes out follows from what goes in."""
        return self.task in FOLLOWS

    @property
    def price(self) -> Price | None:
        """The operator's own, else that of the table; None where nobody knows."""
        return self.own_price or PRICES.get(self.req_key)

    def price_for(self, account: str) -> Price | None:
        return self.account_prices.get(account, self.price)

    @property
    def dearest(self) -> Price | None:
        """
        What a picture costs at the most, whichever account draws it; None where nobody
        knows.
        """
        own = [*self.account_prices.values(), *([self.price] if self.price else [])]
        return dearest(own) if own else None

    @property
    def names(self) -> frozenset[str]:
        """All that it answers to, the provider's own name for it included."""
        return frozenset({self.id, self.req_key, *self.aliases})

    def fits(self, width: int, height: int) -> bool:
        """Whether it draws pictures of so many pixels."""
        short, long = sorted((width, height))
        if self.sides and not self.sides[0] <= short <= long <= self.sides[1]:
            return False
        if self.area and not self.area[0] <= width * height <= self.area[1]:
            return False
        return self.max_ratio is None or long <= self.max_ratio * short

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
        pixels = parse_size(size)
        if pixels and self.fits(*pixels):
            return pixels
        raise self._refusal()

    def _refusal(self) -> Invalid:
        named = " ".join([*self.sizes, *self.keywords])
        if self.sides:
            low, high = self.sides
            return Invalid.field("size", "invalid.size", min=low, max=high, named=named)
        low, high = self.area or (1, 99_999**2)
        ratio = f"{self.max_ratio or 99_999:g}"
        return Invalid.field(
            "size", "invalid.size_area", min=low, max=high, ratio=ratio, named=named
        )


LANDSCAPES = ("1:1", "4:3", "3:2", "16:9", "21:9")


def sizes(text: str) -> Mapping[str, Size]:
    """
    Read the sizes of `LANDSCAPES` in turn, and turn 4:3 into 3:4 and so on; 21:9 has
    no portrait in the contract.
    """
    found = dict(zip(LANDSCAPES, map(pixels, text.split()), strict=True))
    for ratio in ("4:3", "3:2", "16:9"):
        width, height = found[ratio]
        found[":".join(reversed(ratio.split(":")))] = (height, width)
    return MappingProxyType(found)


def keywords(**named: str) -> Mapping[str, Size]:
    """``k2="2048x2048"`` is 2K; ``k1_5`` is 1.5K."""
    words = {name[1:].replace("_", ".") + "K": text for name, text in named.items()}
    return MappingProxyType({word: pixels(text) for word, text in words.items()})


def pixels(text: str) -> Size:
    found = parse_size(text)
    if found is None:
        raise ValueError(f"{text} is no size")
    return found
