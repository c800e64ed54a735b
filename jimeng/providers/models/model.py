"""
A model as data: the sizes, inputs and parameters it takes, and its prices; and the
check of a request against it.

Source of prices: the price lists of Volcengine of July to September 2026. Prices
change, and differ between accounts: ``price`` in ``MODELS_FILE`` takes precedence.
"""

import re
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Literal

from jimeng.errors import Invalid
from jimeng.providers.models.video import VideoModel

VIDEO_TASKS = ("text-to-video", "image-to-video")
TASKS = (
    "text-to-image",
    "image-to-image",
    "inpainting",
    "outpainting",
    "upscaling",
    *VIDEO_TASKS,
)
# Tasks whose output has the size of the input, or a size derived from it.
FOLLOWS = frozenset({"inpainting", "outpainting", "upscaling"})
TRAVELS = ("base64", "data_url", "link")
PROMPTS = ("required", "optional", "none")
# Why inputs cannot be sent to a model: its service fetches them by link, and this
# server has no publicly reachable address, or no secret to sign links with.
LACKS_ADDRESS, LACKS_SECRET = "no_address", "no_secret"
MAX_OUTPUTS = 4  # pictures or videos of one task
SEED_RANGE = 2**31  # seeds are 0 to 2^31-1


def new_seed() -> int:
    return secrets.randbelow(SEED_RANGE)


@dataclass(frozen=True, kw_only=True)
class Takes:
    """
    The inputs that a model takes.

    Attributes:
        least: Minimum number of input pictures; 0 if it also does text to image.
        most: Maximum number of input pictures.
        mask: Whether a mask for the first picture is required; otherwise none is
            accepted.
        sides: Minimum and maximum of width and of height of each picture, in pixels.
        max_pixels: Maximum width times height of one picture; None for no limit.
        max_ratio: Maximum ratio of the longer side to the shorter.
        max_bytes: Maximum bytes of one encoded picture.
        exact: Whether the picture must not be shrunk to fit: each pixel matters.
        strength: The service's range for ``strength``, onto which 0 to 1 is mapped;
            integers if both ends are. None if the model has no strength.
        expand: The largest fraction of a side that may be added at an edge; None if
            the model does no outpainting.
        travels: The transfer format: ``base64`` or a ``data_url`` in the body, or a
            ``link`` that the service fetches.
        prompt: Whether a prompt is ``required``, ``optional``, or ``none`` is taken.
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


@dataclass(frozen=True, kw_only=True)
class Expansion:
    """Outpainting margins: for each edge a fraction of that side, 0 for none."""

    top: float = 0.0
    right: float = 0.0
    bottom: float = 0.0
    left: float = 0.0

    @property
    def shares(self) -> tuple[float, ...]:
        """Return the fractions of the four edges."""
        return astuple(self)

    def __bool__(self) -> bool:
        return any(self.shares)

    def applied(self, width: int, height: int) -> tuple[int, int]:
        """Return the expanded width and height, in pixels."""
        return (
            round(width * (1 + self.left + self.right)),
            round(height * (1 + self.top + self.bottom)),
        )


TAKES_NOTHING = Takes(least=0, most=0)
UNBOUNDED = 2**63  # pixels
PICTURE, SECOND, MILLION_TOKENS = "picture", "second", "million_tokens"
UNITS = (PICTURE, SECOND, MILLION_TOKENS)
AS_OF = date(2026, 9, 30)
FEN = 10_000  # micros: a fen is a hundredth of a yuan
RATIOS = ("1:1", "4:3", "3:4", "3:2", "2:3", "16:9", "9:16", "21:9")
OTHER_RATIO = "other"  # of a size near no named ratio
RATIO_TOLERANCE = 0.03  # of a ratio: the sizes of models are rounded
DEFAULT_MODEL = "doubao-seedream-3.0-t2i"
Size = tuple[int, int]
Makes = Literal["image", "video"]
Wrong = tuple[str, dict]  # message key, and its values
PIXELS = re.compile(r"([1-9]\d{0,4})[xX×]([1-9]\d{0,4})", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Usage:
    """
    What a video is billed by: as requested for its reservation, as generated for its
    cost.

    Attributes:
        seconds: Its length; the longest possible if the model decides.
        tokens: As the provider reports them, or `tokens_of` before.
        resolution: ``720p``; None if unknown.
        sound: None if unknown.
    """

    seconds: int = 0
    tokens: int = 0
    resolution: str | None = None
    sound: bool | None = None


@dataclass(frozen=True)
class Step:
    """
    Attributes:
        up_to: Largest width times height that this price covers; None for no limit.
        micros: Price of one unit in millionths of a yuan.
        resolution: The only one that this price covers; None for all.
        sound: Whether it covers videos with sound or without; None for both.
    """

    up_to: int | None = None
    micros: int = field(kw_only=True)
    resolution: str | None = field(default=None, kw_only=True)
    sound: bool | None = field(default=None, kw_only=True)

    def __str__(self) -> str:
        silent = {None: "", True: "sound:", False: "silent:"}[self.sound]
        named = f"{self.resolution}:" if self.resolution else ""
        return f"{f'{self.up_to}:' if self.up_to else ''}{named}{silent}{self.micros}"

    def may_cover(self, usage: Usage) -> bool:
        """Whether nothing that is known of the video contradicts its conditions."""
        return all(
            None in (wanted, found) or wanted == found
            for wanted, found in self._conditions(usage)
        )

    def covers(self, usage: Usage) -> bool:
        """Whether what is known of the video meets all of its conditions."""
        pairs = self._conditions(usage)
        return all(wanted in (None, found) for wanted, found in pairs)

    def _conditions(self, usage: Usage) -> tuple[tuple[object, object], ...]:
        return (self.resolution, usage.resolution), (self.sound, usage.sound)


@dataclass(frozen=True)
class PriceBySize:
    """
    The price of one unit of a model's output: of a picture, or of a second or a million
    tokens of a video.

    Attributes:
        steps: Of pictures: by size, ascending. Of videos: by resolution and sound; the
            first that covers one applies. The last step covers all.
        as_of: The date of the price list; None for an operator's own price.
        unit: One of `UNITS`.
    """

    steps: tuple[Step, ...]
    as_of: date | None = None
    unit: str = PICTURE

    def __str__(self) -> str:
        """
        ``220000``, or ``2610000:300000,600000``: pixels and micros; or
        ``million_tokens:1080p:51000000,46000000``.
        """
        unit = "" if self.unit == PICTURE else f"{self.unit}:"
        return unit + ",".join(map(str, self.steps))

    @property
    def range(self) -> tuple[int, ...]:
        """The lowest and highest price in micros; one value if they are equal."""
        known = sorted(step.micros for step in self.steps)
        return tuple(dict.fromkeys((known[0], known[-1])))

    @property
    def highest(self) -> int:
        return self.range[-1]

    def of(self, width: int, height: int) -> int:
        """The price in micros of a picture of this size in pixels."""
        area = width * height
        matching = (each for each in self.steps if each.up_to and area <= each.up_to)
        return next(matching, self.steps[-1]).micros

    def rate(self, usage: Usage) -> int:
        """
        The price in micros of one unit of a video; the highest that may apply if its
        resolution or sound is unknown.
        """
        found = []
        for step in self.steps:
            if step.may_cover(usage):
                found.append(step.micros)
            if step.covers(usage):
                break
        return max(found)

    def cost(self, usage: Usage) -> int:
        """The cost in micros of a video, rounded up once."""
        rate = self.rate(usage)
        if self.unit == MILLION_TOKENS:
            return -(-rate * usage.tokens // 1_000_000)
        return rate * (usage.seconds if self.unit == SECOND else 1)


def dearest(prices: Sequence[PriceBySize]) -> PriceBySize:
    """Combine prices of one unit into the highest one for each size or condition."""
    if len(prices) == 1:
        return prices[0]
    unit = prices[0].unit
    if unit == PICTURE:
        tops = {step.up_to for each in prices for step in each.steps if step.up_to}
        steps = [
            Step(top, micros=max(each.of(top or UNBOUNDED, 1) for each in prices))
            for top in [*sorted(tops), None]
        ]
        return PriceBySize(tuple(steps))
    known = [step for each in prices for step in each.steps]
    resolutions = dict.fromkeys([step.resolution for step in known] + [None])
    by_sound = any(step.sound is not None for step in known)
    steps = [
        Step(micros=max(each.rate(of) for each in prices), resolution=name, sound=sound)
        for name in sorted(resolutions, key=lambda name: name is None)
        for sound in ((True, False, None) if by_sound else (None,))
        for of in [Usage(resolution=name or "other", sound=sound)]
    ]
    return PriceBySize(tuple(steps), unit=unit)


def flat(fen: int) -> PriceBySize:
    return PriceBySize((Step(None, micros=fen * FEN),), AS_OF)


def per_second(fen: int) -> PriceBySize:
    return PriceBySize((Step(micros=fen * FEN),), AS_OF, SECOND)


def per_million_tokens(
    fen: int, *, of: Mapping[str, int] = MappingProxyType({}), silent: int | None = None
) -> PriceBySize:
    """
    Args:
        fen: The price of all videos that the others do not cover.
        of: Resolution -> price.
        silent: The price of videos without sound.
    """
    steps = [Step(micros=its * FEN, resolution=name) for name, its in of.items()]
    if silent is not None:
        steps.append(Step(micros=silent * FEN, sound=False))
    return PriceBySize((*steps, Step(micros=fen * FEN)), AS_OF, MILLION_TOKENS)


PRICES: Mapping[str, PriceBySize] = MappingProxyType(
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
        "doubao-seedream-5-0-pro-260628": PriceBySize(
            (Step(2_610_000, micros=30 * FEN), Step(None, micros=60 * FEN)), AS_OF
        ),
        "doubao-seedream-5-0-flash-260915": flat(12),
        "jimeng_t2v_v30": per_second(28),
        "jimeng_t2v_v30_1080p": per_second(63),
        "jimeng_ti2v_v30_pro": per_second(100),
        "doubao-seedance-1-0-pro-250528": per_million_tokens(1500),
        "doubao-seedance-1-0-pro-fast-251015": per_million_tokens(420),
        "doubao-seedance-1-5-pro-251215": per_million_tokens(1600, silent=800),
        "doubao-seedance-2-0-260128": per_million_tokens(
            4600, of={"1080p": 5100, "4k": 2600}
        ),
        "doubao-seedance-2-0-fast-260128": per_million_tokens(3700),
        "doubao-seedance-2-0-mini-260615": per_million_tokens(2300),
        # 1080p is not in the list: as its price abroad relates to the others.
        "doubao-seedance-2-5-260628": per_million_tokens(7000, of={"1080p": 7700}),
    }
)


def ratio_of(width: int, height: int) -> str:
    """The nearest named aspect ratio, or `OTHER_RATIO`."""

    def distance(name: str) -> float:
        across, down = name.split(":")
        return abs(width / height / (int(across) / int(down)) - 1)

    nearest = min(RATIOS, key=distance)
    return nearest if distance(nearest) <= RATIO_TOLERANCE else OTHER_RATIO


def parse_size(text: str) -> Size | None:
    """Parse ``WIDTHxHEIGHT``; None if *text* has another form."""
    found = PIXELS.fullmatch(text)
    return (int(found[1]), int(found[2])) if found else None


@dataclass(frozen=True, kw_only=True)
class Model:
    """
    A model's limits, parameters and durations.

    Either *sides* limits the output, or *area* with *max_ratio* does. A model whose
    output has the size of the input has neither, nor tables of sizes.

    Attributes:
        id: Our name of the model, as stored and listed.
        provider: Name of the provider that runs it.
        req_key: The provider's name of the model.
        aliases: Other names that clients may use.
        sizes: Ratio -> width and height for ``quality: standard``; 1:1 is the
            default.
        hd_sizes: The same for ``quality: hd``, its largest area.
        keywords: Named sizes, such as ``1K``.
        sides: Minimum and maximum of width and of height, in pixels.
        area: Minimum and maximum of width times height, in pixels.
        max_ratio: Maximum ratio of the longer side to the shorter.
        max_prompt: Maximum length of the prompt, in characters.
        max_images: Maximum number of pictures in one task.
        takes_seed: Whether the caller may choose the seed.
        task: The kind of task: one of `TASKS`.
        takes: The inputs that it takes; None for text to image only.
        lacks: Why inputs cannot be sent from here: ``no_address`` or ``no_secret``.
        rewrites_prompt: Whether a language model may rewrite short prompts
            (``use_pre_llm``, on Visual).
        draws_groups: Whether it generates a group of pictures unless that is disabled
            (``sequential_image_generation``, on Ark).
        extra: Additional fields of every submission.
        typical: Typical duration of a generation in seconds: an estimate, used until
            there are measurements.
        slow: 95th percentile of the duration, in seconds.
        own_price: The price set by the operator, see `price`.
        account_prices: Account -> its price, for accounts with a different one.
        deadline_s: Seconds from acceptance to the last regular poll; None for
            ``TASK_DEADLINE``.
        late_polls_s: Seconds from acceptance to each further poll, for as long as the
            service keeps its tasks.
        video: What it makes and takes if it makes videos; None if it makes pictures.
        unit: What its price is for: one of `UNITS`.
        is_synchronous: The response to a submission contains the picture, which cannot
            be fetched again.
        answer_within: Timeout in seconds for the response to a submission.
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
    max_images: int = MAX_OUTPUTS
    takes_seed: bool = True
    task: str = "text-to-image"
    takes: Takes | None = None
    lacks: str | None = None
    rewrites_prompt: bool = False
    draws_groups: bool = False
    extra: Mapping[str, object] = field(default_factory=dict)
    typical: float = 5.0
    slow: float = 40.0
    own_price: PriceBySize | None = None
    account_prices: Mapping[str, PriceBySize] = field(default_factory=dict)
    deadline_s: float | None = None
    late_polls_s: tuple[float, ...] = (3600.0, 39_600.0)
    video: VideoModel | None = None
    unit: str = PICTURE
    is_synchronous: bool = False
    answer_within: float = 10.0

    @property
    def lane(self) -> str:
        return f"{self.provider}:{self.req_key}"

    @property
    def req_keys(self) -> tuple[str, ...]:
        """The provider's names of the model: that of the row, then those of modes."""
        of_modes = self.video.req_keys.values() if self.video else ()
        return tuple(dict.fromkeys((self.req_key, *of_modes)))

    @property
    def makes(self) -> Makes:
        return "video" if self.video else "image"

    @property
    def takes_here(self) -> Takes | None:
        """The inputs that can be sent from this server; None if none can."""
        return self.takes if self.lacks is None else None

    @property
    def takes_images(self) -> bool:
        """Whether inputs can be sent from this server."""
        return self.takes_here is not None

    @property
    def needs_images(self) -> bool:
        """Whether it requires an input, so that text to image is impossible."""
        return self.takes is not None and self.takes.least > 0

    @property
    def follows(self) -> bool:
        """Whether the size of the output follows from the input."""
        return self.task in FOLLOWS

    @property
    def price(self) -> PriceBySize | None:
        """
        The price of ``MODELS_FILE``, else the built-in one; None if unknown. Operators'
        rows go before it, see `billing.costs`.
        """
        return self.own_price or PRICES.get(self.req_key)

    @property
    def names(self) -> frozenset[str]:
        """All names of the model: id, aliases and the provider's name."""
        return frozenset({self.id, self.req_key, *self.aliases})

    def fits(self, width: int, height: int) -> bool:
        """Whether the model can generate pictures of this size in pixels."""
        short, long = sorted((width, height))
        if self.sides and not self.sides[0] <= short <= long <= self.sides[1]:
            return False
        if self.area and not self.area[0] <= width * height <= self.area[1]:
            return False
        return self.max_ratio is None or long <= self.max_ratio * short


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """
    The parameters of a request, apart from its size.

    Attributes:
        prompt: As entered, without the text of a style; empty if there is none.
        pictures: Number of inputs.
        mask: Whether there is a mask.
        strength: 0 to 1; None if not set.
        expand: None if not set.
    """

    prompt: str = ""
    pictures: int = 0
    mask: bool = False
    strength: float | None = None
    expand: Expansion | None = None


def check_parameters(asked: Parameters, model: Model, offered: Iterable[Model]) -> None:
    """
    Compare the parameters with what *model* supports.

    Args:
        offered: All available models: errors name those that support the request.

    Raises:
        Invalid: with each field that the model does not support.
    """
    found = wrong(asked, model, list(offered))
    if found:
        raise Invalid(found)


def wrong(
    asked: Parameters, model: Model, others: list[Model]
) -> dict[str, list[Wrong]]:
    """Return the fields that the model does not support, with the reasons."""
    takes = model.takes or TAKES_NOTHING
    reasons = {
        "prompt": wrong_prompt(asked, takes),
        "images": wrong_pictures(asked, model, takes, others),
        "mask": wrong_mask(asked, takes, others),
        "strength": wrong_strength(asked, takes, others),
        "expand": wrong_edges(asked, takes, others),
    }
    return {field: [why] for field, why in reasons.items() if why}


def best_suited(asked: Parameters, offered: Iterable[Model]) -> Model | None:
    """
    Return the first model that supports all parameters; otherwise the one with the
    fewest errors, which best shows the user what to change.
    """
    models = list(offered)
    return min(models, key=lambda each: len(wrong(asked, each, models)), default=None)


def wrong_prompt(asked: Parameters, takes: Takes) -> Wrong | None:
    if asked.prompt and takes.prompt == "none":
        return "invalid.prompt_unsupported", {}
    if not asked.prompt and takes.prompt == "required":
        return "invalid.prompt_empty", {}
    return None


def wrong_pictures(
    asked: Parameters, model: Model, takes: Takes, others: list[Model]
) -> Wrong | None:
    if asked.pictures and model.lacks:
        return unsupported(f"images_{model.lacks}", others, lambda each: each.most)
    if asked.pictures and not takes.most:
        return unsupported("images_unsupported", others, lambda each: each.most)
    if asked.pictures > takes.most:
        return "invalid.images_many", {"max": takes.most}
    if asked.pictures < takes.least:
        return "invalid.images_few", {"min": takes.least}
    return None


def wrong_mask(asked: Parameters, takes: Takes, others: list[Model]) -> Wrong | None:
    if asked.mask and not takes.mask:
        return unsupported("mask_unsupported", others, lambda each: each.mask)
    if takes.mask and not asked.mask:
        return "invalid.mask_missing", {}
    return None


def wrong_strength(
    asked: Parameters, takes: Takes, others: list[Model]
) -> Wrong | None:
    if asked.strength is None or (takes.strength and asked.pictures):
        return None
    if takes.strength:
        return "invalid.strength_alone", {}
    return unsupported("strength_unsupported", others, lambda each: each.strength)


def wrong_edges(asked: Parameters, takes: Takes, others: list[Model]) -> Wrong | None:
    if takes.expand is None:
        if asked.expand is None:
            return None
        return unsupported("expand_unsupported", others, lambda each: each.expand)
    shares = asked.expand.shares if asked.expand else (0.0,)
    if min(shares) >= 0 and 0 < max(shares) <= takes.expand:
        return None
    return "invalid.expand_range", {"max": f"{takes.expand:g}"}


def unsupported(why: str, others: list[Model], has: Callable[[Takes], object]) -> Wrong:
    """Build the error for an unsupported input, with the models that support it."""
    found = {m.id for m in others if m.takes_here and has(m.takes_here)}
    if not found:
        return "invalid.taken_by_none", {}
    return f"invalid.{why}", {"known": ", ".join(sorted(found))}


def check_picture(model: Model, width: int, height: int, *, field: str) -> None:
    """
    Check that an input can be resized to fit *model*: it may be shrunk, but neither
    cropped nor enlarged.

    Args:
        field: Its field in the request, such as ``images[0]``.

    Raises:
        Invalid: it cannot be resized to fit.
    """
    takes = model.takes
    if takes is None:
        return
    short, long = sorted((width, height))
    if takes.max_ratio and long > takes.max_ratio * short:
        ratio = f"{takes.max_ratio:g}"
        raise Invalid.field(field, "invalid.image_ratio", ratio=ratio)
    least, most = takes.sides
    shrunk = short if takes.exact else short * min(1, most / long)
    if shrunk < least:
        raise Invalid.field(field, "invalid.image_small", min=least)
    if takes.exact and long > most:
        raise Invalid.field(field, "invalid.image_large", max=most)


def check_mask(picture: tuple[int, int], mask: tuple[int, int]) -> None:
    """
    Raises:
        Invalid: the size of the mask differs from the original size of its picture.
    """
    if picture != mask:
        wanted = f"{picture[0]}x{picture[1]}"
        raise Invalid.field("mask", "invalid.mask_size", wanted=wanted)


LANDSCAPES = ("1:1", "4:3", "3:2", "16:9", "21:9")


def sizes(text: str) -> Mapping[str, Size]:
    """
    Parse the sizes of `LANDSCAPES` in order and add their portrait forms, such as 3:4
    for 4:3; the API has no portrait form of 21:9.
    """
    found = dict(zip(LANDSCAPES, map(pixels, text.split()), strict=True))
    for ratio in ("4:3", "3:2", "16:9"):
        width, height = found[ratio]
        found[":".join(reversed(ratio.split(":")))] = (height, width)
    return MappingProxyType(found)


def keywords(**named: str) -> Mapping[str, Size]:
    """Build named sizes: ``k2="2048x2048"`` is 2K; ``k1_5`` is 1.5K."""
    pixels_by_size = {
        name[1:].replace("_", ".") + "K": text for name, text in named.items()
    }
    return MappingProxyType(
        {size: pixels(text) for size, text in pixels_by_size.items()}
    )


def pixels(text: str) -> Size:
    found = parse_size(text)
    if found is None:
        raise ValueError(f"{text} is no size")
    return found
