"""
Stacked bar charts, laid out on the server in percent of the chart's size.

The template renders them as SVG with percentages only, so that a chart fills any
width while its text keeps its size; the stylesheet has the colours.
"""

from collections.abc import Sequence
from dataclasses import dataclass

MAX_LABELS = 6  # dates that fit below the bars on a phone
GAP = 0.25  # of a bar's slot
STEPS = (1, 2, 5)
EVEN = 2  # keeps half of the maximum whole, the position of a grid line


@dataclass(frozen=True)
class Point:
    """
    The data of one bar.

    Attributes:
        label: The text below it.
        values: One for each series, from the bottom up; never negative.
    """

    label: str
    values: tuple[int, ...]

    @property
    def total(self) -> int:
        return sum(self.values)


@dataclass(frozen=True)
class Part:
    """A rectangle, in percent from the left and the top; *series* from 0."""

    x: float
    y: float
    width: float
    height: float
    series: int


@dataclass(frozen=True)
class Bar:
    """A bar with all its parts, and the extent in which a pointer selects it."""

    point: Point
    x: float
    width: float
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Label:
    """A text at *x* percent; *anchor* is SVG's, so that no label is clipped."""

    text: str
    x: float
    anchor: str


@dataclass(frozen=True)
class GridLine:
    """A horizontal grid line at *y* percent, and its value."""

    y: float
    value: int


@dataclass(frozen=True)
class Chart:
    """
    Attributes:
        top: The value at the upper edge; 0 if there is nothing to show.
    """

    bars: tuple[Bar, ...]
    labels: tuple[Label, ...]
    lines: tuple[GridLine, ...]
    top: int

    @property
    def is_empty(self) -> bool:
        return self.top == 0


def bars(points: Sequence[Point]) -> Chart:
    """Lay out a stacked bar for each point; 0 to some hundred points."""
    most = max((point.total for point in points), default=0)
    if most == 0:
        return Chart((), (), (), 0)
    top = round_up(most)
    slot_width = 100 / len(points)
    shapes = [_bar(point, index, slot_width, top) for index, point in enumerate(points)]
    lines = (GridLine(0.0, top), GridLine(50.0, top // 2))
    return Chart(tuple(shapes), _labels(points, slot_width), lines, top)


def round_up(most: int) -> int:
    """The smallest of 2, 4, 10, 20, 40, 100, … that is not below *most*."""
    power = 1
    while True:
        for step in STEPS:
            if most <= step * EVEN * power:
                return step * EVEN * power
        power *= 10


def _bar(point: Point, index: int, slot_width: float, top: int) -> Bar:
    x, width = index * slot_width, slot_width * (1 - GAP)
    parts, below = [], 0
    for series, value in enumerate(point.values):
        below += value
        if value:
            y, height = 100 - 100 * below / top, 100 * value / top
            parts.append(_part(x + slot_width * GAP / 2, y, width, height, series))
    return Bar(point, _round(x), _round(slot_width), tuple(parts))


def _part(x: float, y: float, width: float, height: float, series: int) -> Part:
    return Part(_round(x), _round(y), _round(width), _round(height), series)


def _labels(points: Sequence[Point], slot_width: float) -> tuple[Label, ...]:
    """Evenly spaced labels; the last point, the present, always has one."""
    step = -(-len(points) // MAX_LABELS)
    wanted = range(len(points) - 1, -1, -step)
    last = len(points) - 1

    def label(index: int) -> Label:
        if 0 < index < last or last == 0:
            return Label(
                points[index].label, _round((index + 0.5) * slot_width), "middle"
            )
        at_end = index == last
        return Label(points[index].label, 100.0 * at_end, "end" if at_end else "start")

    return tuple(label(index) for index in reversed(wanted))


def _round(number: float) -> float:
    return round(number, 3)
