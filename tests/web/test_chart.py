"""Bars that a server draws."""

import pytest

from jimeng.web.site.charts import Point, bars, round_up
from tests.each import for_each


def days(*totals: int) -> list[Point]:
    return [Point(f"day {n}", (total,)) for n, total in enumerate(totals, start=1)]


def test_one_point_fills_the_width():
    """Without a number above zero there is nothing to draw, whatever the span."""
    for points in ([], days(0), days(*[0] * 90)):
        chart = bars(points)
        assert chart.is_empty
        assert not chart.bars and not chart.labels and not chart.lines
    chart = bars(days(2))

    (bar,) = chart.bars
    (part,) = bar.parts
    assert (bar.x, bar.width) == (0, 100)
    assert part.x + part.width / 2 == pytest.approx(50)
    assert (part.y, part.height) == (0, 100)
    assert [(each.text, each.x, each.anchor) for each in chart.labels] == [
        ("day 1", 50, "middle")
    ]


@for_each("n", [2, 7, 30, 90])
def test_many_points_stay_inside_and_apart(n):
    """No bar leaves the picture or touches the next, and few are named."""
    chart = bars(days(*range(1, n + 1)))

    parts = [bar.parts[0] for bar in chart.bars]
    assert len(parts) == n
    assert parts[0].x >= 0 and parts[-1].x + parts[-1].width <= 100
    pairs = zip(parts, parts[1:], strict=False)
    assert all(left.x + left.width < right.x for left, right in pairs)
    assert min(part.y for part in parts) >= 0
    assert len(chart.labels) <= 6
    assert chart.labels[-1].text == f"day {n}"
    assert chart.labels[-1].anchor == "end"


def test_series_are_stacked_from_below():
    """Each part begins where the one under it ends; none is drawn for zero."""
    chart = bars([Point("a", (3, 0, 1)), Point("b", (0, 0, 0))])

    first, second = chart.bars
    low, high = first.parts
    assert (low.series, high.series) == (0, 2)
    assert low.y + low.height == 100
    assert high.y + high.height == low.y
    assert second.parts == ()


@for_each(
    ("most", "top"),
    [(1, 2), (2, 2), (3, 4), (5, 10), (11, 20), (41, 100), (100, 100), (101, 200)],
)
def test_top_is_a_round_even_number(most, top):
    """The axis ends at a number that is read at a glance, and so does its half."""
    assert round_up(most) == top
    assert [line.value for line in bars(days(most)).lines] == [top, top // 2]
