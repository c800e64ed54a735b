"""
What a picture costs at the provider, as far as it is known: dated, and replaceable.

Source: the price lists of Volcengine, as they were read in July to September 2026.
Prices change, and accounts have their own: ``price`` in ``MODELS_FILE`` goes first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

UNBOUNDED = 2**63  # pixels
AS_OF = date(2026, 9, 30)


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
