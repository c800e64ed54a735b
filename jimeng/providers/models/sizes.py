"""How the sizes of a built-in model are written."""

from collections.abc import Mapping
from types import MappingProxyType

from jimeng.providers.models.model import Size, parse_size

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
