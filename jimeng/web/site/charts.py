"""
Bars as a server draws them: where each goes, in hundredths of the picture.

The template turns it into SVG whose numbers are all percentages, so that it fills any
width while its letters keep their size; colours come by class from the stylesheet.
"""

from collections.abc import Sequence
from dataclasses import dataclass

MAX_LABELS = 6  # under the bars: as many dates as fit on a phone
GAP = 0.25  # of the room of a bar
STEPS = (1, 2, 5)
EVEN = 2  # so that half of the top is whole: a line is drawn there


@dataclass(frozen=True)
class Point:
    """
    One place on the axis.

    Attributes:
        label: What stands under it.
        values: One for each series, the lowest part of the bar first; none below 0.
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
    """All of one point, and the room in which a pointer means it."""

    point: Point
    x: float
    width: float
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Label:
    """A text at *x* percent; *anchor* is SVG's, so that none leaves the picture."""

    text: str
    x: float
    anchor: str


@dataclass(frozen=True)
class Line:
    """A line across at *y* percent, and the number it stands for."""

    y: float
    value: int


@dataclass(frozen=True)
class Chart:
    """
    Attributes:
        top: The number at the upper edge; 0 where there is nothing to show.
    """

    bars: tuple[Bar, ...]
    labels: tuple[Label, ...]
    lines: tuple[Line, ...]
    top: int

    @property
    def is_empty(self) -> bool:
        return self.top == 0


def bars(points: Sequence[Point]) -> Chart:
    """Draw a bar for each point, its series stacked; 0 to some hundred points."""
    most = max((point.total for point in points), default=0)
    if most == 0:
        return Chart((), (), (), 0)
    top = round_up(most)
    room = 100 / len(points)
    drawn = [_bar(point, index, room, top) for index, point in enumerate(points)]
    lines = (Line(0.0, top), Line(50.0, top // 2))
    return Chart(tuple(drawn), _labels(points, room), lines, top)


def round_up(most: int) -> int:
    """The least of 2, 4, 10, 20, 40, 100, … that is not below *most*."""
    power = 1
    while True:
        for step in STEPS:
            if most <= step * EVEN * power:
                return step * EVEN * power
        power *= 10


def _bar(point: Point, index: int, room: float, top: int) -> Bar:
    x, width = index * room, room * (1 - GAP)
    parts, below = [], 0
    for series, value in enumerate(point.values):
        below += value
        if value:
            y, height = 100 - 100 * below / top, 100 * value / top
            parts.append(_part(x + room * GAP / 2, y, width, height, series))
    return Bar(point, _round(x), _round(room), tuple(parts))


def _part(x: float, y: float, width: float, height: float, series: int) -> Part:
    return Part(_round(x), _round(y), _round(width), _round(height), series)


def _labels(points: Sequence[Point], room: float) -> tuple[Label, ...]:
    """Evenly spread, the last point always among them: it is now."""
    step = -(-len(points) // MAX_LABELS)
    wanted = range(len(points) - 1, -1, -step)
    last = len(points) - 1

    def label(index: int) -> Label:
        if 0 < index < last or last == 0:
            return Label(points[index].label, _round((index + 0.5) * room), "middle")
        at_end = index == last
        return Label(points[index].label, 100.0 * at_end, "end" if at_end else "start")

    return tuple(label(index) for index in reversed(wanted))


def _round(number: float) -> float:
    return round(number, 3)
