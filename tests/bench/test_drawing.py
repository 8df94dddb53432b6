"""Axes and marks."""

import xml.etree.ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from bench.drawing import Axis, Scale, across, bar, dot, line, page, text, up

VALUES = st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=20)


@given(VALUES)
def test_values_lie_between_the_ends_of_a_logarithmic_axis(values: list[float]) -> None:
    """Each value lies on the axis, larger ones further on, and the ticks are the axis's own powers of ten."""
    axis = Axis(values, 10, 110)
    places = [axis.at(value) for value in sorted(values)]
    assert places == sorted(places)
    assert all(10 <= place <= 110 for place in places)
    assert axis.at(axis.ticks()[0]) == 10
    assert axis.at(axis.ticks()[-1]) == 110
    assert axis.at(0.0) == 10  # zero has no logarithm


@given(st.floats(0, 1e9))
def test_a_linear_axis_has_few_round_ticks(high: float) -> None:
    """It begins at zero, holds the highest value, and has between two and seven ticks."""
    scale = Scale(high, 0, 100)
    assert scale.at(0) == 0
    assert scale.at(high) <= 100
    assert 2 <= len(scale.ticks()) <= 7
    assert scale.ticks()[0] == 0


def test_marks_show_what_they_are_and_words_cannot_break_the_drawing() -> None:
    """Titles and texts with special characters stay text."""
    axis, scale = Axis([1, 10], 0, 100), Scale(5, 100, 0)
    marks = [bar(0, 0, 0, 7, "#000000", "a < b"), dot(1, 1, "#000000", '"&"', filled=False), text(0, 0, "</svg>")]
    root = ET.fromstring(page(100, [*marks, line(0, 0, 1, 1), *across(axis, 0, 90), *up(scale, 10, 90)]))
    assert [each.text for each in root.iter() if each.tag.endswith("title")] == ["a < b", '"&"']
    assert "</svg>" in [each.text for each in root.iter() if each.tag.endswith("text")]
