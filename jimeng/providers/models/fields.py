"""How each field of a row of ``MODELS_FILE`` is read, and what is refused."""

import math
from collections.abc import Callable, Mapping
from dataclasses import fields as fields_of
from types import MappingProxyType

from jimeng.providers.models.model import RATIOS, Price, Size, Step, parse_size
from jimeng.providers.models.takes import PROMPTS, TASKS, TRAVELS, Takes

LONGEST_NAME = 100  # characters
# What is sent by itself. A row that could set these could buy a group of pictures.
RESERVED = frozenset(
    {
        *("model", "req_key", "prompt", "width", "height", "size", "seed", "image"),
        *("image_urls", "binary_data_base64", "use_pre_llm", "force_single"),
        *("sequential_image_generation", "sequential_image_generation_options"),
        *("stream", "n", "watermark", "logo_info", "aigc_meta", "return_url"),
        *("response_format", "callback_url", "resolution"),
        *("top", "bottom", "left", "right"),
    }
)


def name(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_NAME:
        raise ValueError(f"must be text of 1 to {LONGEST_NAME} characters")
    if any(letter.isspace() for letter in value):
        raise ValueError("must have no spaces")
    return value


def names(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError("must be a list of names")
    return tuple(map(name, value))


def flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def number(low: float, high: float, *, whole: bool = False) -> Callable:
    def read(value: object) -> float:
        kinds = {int} if whole else {int, float}
        if type(value) not in kinds or not math.isfinite(value):  # type: ignore[arg-type]
            raise ValueError("must be a whole number" if whole else "must be a number")
        if not low <= value <= high:  # type: ignore[operator]
            raise ValueError(f"must be {low:g} to {high:g}")
        return value  # type: ignore[return-value]

    return read


def one_of(*words: str) -> Callable:
    def read(value: object) -> str:
        if value not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return str(value)

    return read


def span(value: object) -> tuple[int, int] | None:
    if value is None:
        return None
    wanted = "must be [least, most], in pixels"
    if not isinstance(value, list) or [type(each) for each in value] != [int, int]:
        raise ValueError(wanted)
    low, high = value
    if not 0 < low <= high:
        raise ValueError(wanted)
    return low, high


def ratio_limit(value: object) -> float | None:
    return None if value is None else number(1, 100)(value)


def by_ratio(value: object) -> Mapping[str, Size]:
    found = sized(value)
    if not found:
        return found  # what comes out follows from the picture, see `file.checked`
    if strange := set(found) - set(RATIOS):
        raise ValueError(f"has {min(strange)}, which is none of {' '.join(RATIOS)}")
    if "1:1" not in found:
        raise ValueError("must have 1:1, the default")
    return found


def by_keyword(value: object) -> Mapping[str, Size]:
    found = {word.upper(): size for word, size in sized(value).items()}
    for word in found:
        if parse_size(word) or ":" in word or not 0 < len(word) <= 20:
            raise ValueError(f"has {word!r}, which is no name for a size")
    return MappingProxyType(found)


def sized(value: object) -> Mapping[str, Size]:
    if not isinstance(value, dict):
        raise ValueError('must be an object such as {"1:1": "2048x2048"}')
    found = {}
    for word, text in value.items():
        size = parse_size(text) if isinstance(text, str) else None
        if size is None:
            raise ValueError(f'has {word!r}, which must be text such as "2048x2048"')
        found[word] = size
    return MappingProxyType(found)


def extra(value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise ValueError("must be an object")
    if taken := RESERVED & set(value):
        raise ValueError(f"must not have {min(taken)}, which is sent anyway or never")
    return MappingProxyType(value)


def optional(read: Callable) -> Callable:
    return lambda value: None if value is None else read(value)


def strength(value: object) -> tuple[float, float]:
    """The service's own range; whole numbers stay whole."""
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError("must be [least, most]")
    low, high = map(number(0, 1000), value)
    if low >= high:
        raise ValueError("must be [least, most]")
    return low, high


def takes(value: object) -> Takes | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise ValueError('must be an object such as {"most": 1}')
    known = {each.name for each in fields_of(Takes)}
    if unknown := set(value) - known:
        raise ValueError(f"has {min(unknown)!r}, which is none of {sorted(known)}")
    found = {}
    for name, each in value.items():
        try:
            found[name] = TAKES[name](each)
        except ValueError as error:
            raise ValueError(f"has {name!r}, which {error}") from None
    made = Takes(**found)
    if made.least > made.most:
        raise ValueError("has 'least' above 'most'")
    return made


def price(value: object) -> Price | None:
    """Fen, or steps of pixels and fen: ``[[2610000, 30], [null, 60]]``."""
    if value is None:
        return None
    rows = value if isinstance(value, list) else [[None, value]]
    wanted = "must be fen, or such as [[2610000, 30], [null, 60]]"
    if not rows or any(not isinstance(row, list) or len(row) != 2 for row in rows):
        raise ValueError(wanted)
    pixels, fen = number(1, 10**9, whole=True), number(0, 1_000_000, whole=True)
    steps = [
        Step(None if top is None else pixels(top), fen(each)) for top, each in rows
    ]
    tops = [each.up_to or 0 for each in steps[:-1]]
    if steps[-1].up_to is not None or 0 in tops or tops != sorted(tops):
        raise ValueError(wanted)
    return Price(tuple(steps))


def account_prices(value: object) -> dict[str, Price]:
    if not isinstance(value, dict) or not all(map(price, value.values())):
        raise ValueError('must be an object such as {"studio": 18}')
    return {account: found for account, each in value.items() if (found := price(each))}


TAKES: dict[str, Callable] = {
    "least": number(0, 20, whole=True),
    "most": number(1, 20, whole=True),
    "mask": flag,
    "sides": span,
    "max_pixels": optional(number(1, 10**9, whole=True)),
    "max_ratio": ratio_limit,
    "max_bytes": number(10_000, 12 * 1024 * 1024, whole=True),
    "exact": flag,
    "strength": optional(strength),
    "expand": optional(number(0.01, 10)),
    "travels": one_of(*TRAVELS),
    "prompt": one_of(*PROMPTS),
}
READ: dict[str, Callable] = {
    "id": name,
    "provider": name,
    "req_key": name,
    "aliases": names,
    "sizes": by_ratio,
    "hd_sizes": by_ratio,
    "keywords": by_keyword,
    "sides": span,
    "area": span,
    "max_ratio": ratio_limit,
    "max_prompt": number(1, 10_000, whole=True),
    "max_images": number(1, 4, whole=True),
    "takes_seed": flag,
    "task": one_of(*TASKS),
    "takes": takes,
    "rewrites_prompt": flag,
    "draws_groups": flag,
    "extra": extra,
    "price": price,
    "account_prices": account_prices,
    "typical": number(0.1, 3600),
    "slow": number(0.1, 3600),
    "is_synchronous": flag,
    "answer_within": number(1, 600),
}
