"""A ledger against a record: each kind of difference is found, counted on its day, and nothing else."""

from datetime import UTC, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from edge.ledger.compare import TOLERANCE_S, Comparison, compare
from edge.ledger.entries import Line
from edge.ledger.record import Order, Record

DAY_MS = 86_400_000
START = 1_767_225_600_000
"""2026-01-01T00:00:00Z."""
HOUR = 3_600_000


def record(**orders: Order) -> Record:
    """With a journal from the day before on."""
    return Record({name.replace("_", "-"): order for name, order in orders.items()}, START - DAY_MS)


def against(ledger: list[Line], known: Record, tolerance_s: float = TOLERANCE_S) -> Comparison:
    return compare(ledger, known, "s", UTC, START + DAY_MS, tolerance_s)


KNOWN = record(
    a=Order("s", START + HOUR, 100),
    b=Order("s", START + 2 * HOUR, 200),
    c=Order("s", START + 3 * HOUR, 300, is_cancelled=True),
    d=Order("other", START + 4 * HOUR, 400),
)


def test_each_difference_has_its_name() -> None:
    """An amount, an order that one side does not have, one of another shop, one that was cancelled, one twice."""
    ledger = [
        Line(2, "a", START + HOUR, 101),
        Line(3, "a", START + HOUR, 101),
        Line(4, "c", START + 3 * HOUR, 300),
        Line(5, "d", START + 4 * HOUR, 400),
        Line(6, "x", START + 5 * HOUR, 500),
    ]
    found = against(ledger, KNOWN)
    assert [(each.kind, each.order, each.line) for each in found.differences] == [
        ("other_amount", "a", 2),
        ("repeated", "a", 3),
        ("cancelled_here", "c", 4),
        ("missing_here", "d", 5),
        ("missing_here", "x", 6),
        ("missing_there", "b", 0),
    ]
    (day,) = found.days
    assert (day.shop, day.date, day.here, day.there) == ("s", "2026-01-01", 3, 5)
    assert (day.missing_here, day.missing_there, day.other_amount, day.cancelled_here, day.repeated) == (2, 1, 1, 1, 1)


def test_times_may_differ_by_so_much() -> None:
    """And no more."""
    for apart_s, kinds in ((TOLERANCE_S, []), (TOLERANCE_S + 1, ["other_time"])):
        ledger = [Line(2, "a", START + HOUR + int(apart_s * 1000), 100), Line(3, "b", START + 2 * HOUR, 200)]
        found = against(ledger, KNOWN)
        assert [each.kind for each in found.differences] == kinds
        assert found.days[0].other_time == len(kinds)


def test_days_are_those_of_the_ledger() -> None:
    """What the record has on other days is not missing; a day in Shanghai begins eight hours earlier."""
    ledger = [Line(2, "a", START + HOUR, 100)]
    known = record(a=Order("s", START + HOUR, 100), late=Order("s", START + 17 * HOUR, 1))
    assert [each.order for each in against(ledger, known).differences] == ["late"]
    shanghai = timezone(timedelta(hours=8))
    assert compare(ledger, known, "s", shanghai, START + DAY_MS).differences == []


def test_what_is_older_than_the_journal_is_unknown() -> None:
    """And what has an amount on one side only is no difference."""
    ledger = [Line(2, "old", START - 2 * DAY_MS, 1), Line(3, "a", None, None), Line(4, "b", None, 200)]
    found = against(ledger, KNOWN)
    assert (found.differences, found.before, found.unpriced) == ([], 1, 1)


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 9), max_size=8), st.data())
def test_the_same_on_both_sides_is_no_difference(amounts: dict[str, int], data: st.DataObject) -> None:
    """In whatever sequence; and each order that is left out is missing, and nothing else is."""
    known = record(**{name: Order("s", START + HOUR, amount) for name, amount in amounts.items()})
    lines = [Line(2, name, START + HOUR, amount) for name, amount in amounts.items()]
    lines = data.draw(st.permutations(lines))
    assert against(lines, known).differences == []
    if len(lines) > 1:
        gone, *rest = lines
        assert [(each.kind, each.order) for each in against(rest, known).differences] == [("missing_there", gone.order)]
