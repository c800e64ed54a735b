"""What the form's button asks for: how many pictures, and for how much, if known."""

from collections.abc import Iterable

from jimeng.providers import Model
from jimeng.web import composer_options as options

Fen = dict[str, dict[str, int]]


def fen_of(model: Model | None, sizes: Iterable[options.SizeOption]) -> Fen:
    """
    Size -> resolution -> hundredths of a yuan for one picture; a size in pixels has one
    price, whatever the resolution. Empty where nobody knows.
    """
    price = model.dearest if model else None
    if model is None or price is None:
        return {}
    found: Fen = {}
    for each in sizes:
        if each.value in model.sizes:
            found[each.value] = {
                one.value: price.of(*options.size_of(model, each.value, one))
                for one in options.resolutions(model)
            }
        else:
            found[each.value] = {"": price.of(each.width, each.height)}
    return found


def each_of(fen: Fen) -> str:
    """What one picture costs, from the least to the most; empty if nobody knows."""
    known = sorted({one for row in fen.values() for one in row.values()})
    return (
        "–".join(map(options.yuan, dict.fromkeys([known[0], known[-1]])))
        if known
        else ""
    )


def words(n: int, each: int | None) -> str:
    """
    As ``×4 · ¥0.80``, which choices.js writes alike; one picture is not counted.

    Args:
        each: Fen for one picture, None if nobody knows.
    """
    count = [f"×{n}"] if n > 1 else []
    return " · ".join(count + ([] if each is None else [options.yuan(each * n)]))
