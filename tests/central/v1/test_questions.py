"""Pages of a stretch of time follow one another without a gap, and each begins with a whole period."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.figures.span import STEP_MS
from central.store.tiers import Calendar
from central.v1.answers import Refused
from central.v1.questions import identifier, number, only, stretch

NOW = 1_767_225_600_000
ZONES = ("UTC", "Asia/Shanghai", "Europe/Berlin")


@given(
    st.sampled_from(ZONES),
    st.sampled_from(list(STEP_MS)),
    st.integers(0, 10**10),
    st.integers(1, 10**9),
    st.integers(1, 90),
)
def test_pages_follow_one_another(zone: str, period: str, back: int, length: int, limit: int) -> None:
    """Also over days of 23 and 25 hours; a page has a period more than asked for at most."""
    calendar = Calendar(zone)
    begin, end = NOW - back, min(NOW - back + length, NOW)
    if begin >= end:
        begin = end - 1
    query = {"from": str(begin), "to": str(end), "period": period}
    page = stretch(query, calendar, NOW, limit)
    assert page.span.start == calendar.start(period, begin)
    for _ in range(5):
        assert page.span.start < page.span.end <= end
        assert (page.span.end - page.span.start) / STEP_MS[period] <= limit + 1
        if not page.next:
            assert page.span.end == end
            break
        following = stretch(query | {"from": str(page.next)}, calendar, NOW, limit)
        assert following.span.start == page.next == page.span.end
        page = following


@pytest.mark.parametrize("text", ["", "-1", "0", "11", "1.5", "²", "9" * 30, "a"])
def test_a_number_has_its_bounds(text: str) -> None:
    """What is outside of them is refused with them."""
    with pytest.raises(Refused, match="from 1 to 10"):
        number({"n": text}, "n", 5, 10)
    assert number({"n": "10"}, "n", 5, 10) == 10
    assert number({}, "n", 5, 10) == 5


def test_other_parameters_are_refused() -> None:
    """With those that there are."""
    with pytest.raises(Refused, match="There are a, b"):
        only({"c": ""}, "a", "b")
    with pytest.raises(Refused, match="lower-case"):
        identifier({"node": "A"}, "node")
    assert identifier({"node": "a-1"}, "node") == "a-1"
