"""The assignment problem."""

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.scenarios.dispatch.matching import COST_MAX, SERVED, match

ROWS = st.lists(
    st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 300), max_size=6).map(lambda row: sorted(row.items())),
    max_size=5,
)


def _gain(rows, waited, chosen):
    costs = [dict(row) for row in rows]
    return sum(SERVED + waited[index] - costs[index][rider] for index, rider in enumerate(chosen) if rider)


def _trials(rows, taken):
    """Every way to give each order a rider or none."""
    if not rows:
        yield []
        return
    for rider, _ in [("", 0), *rows[0]]:
        if rider not in taken:
            for rest in _trials(rows[1:], taken | {rider} - {""}):
                yield [rider, *rest]


@settings(max_examples=200)
@given(ROWS, st.lists(st.integers(0, 200), min_size=5, max_size=5))
def test_agrees_with_trying_everything(rows, waited):
    """No choice of riders, nobody twice, gains more than the found one."""
    chosen = match(rows, waited[: len(rows)])
    taken = [rider for rider in chosen if rider]
    assert len(set(taken)) == len(taken)
    assert all(not rider or rider in dict(row) for rider, row in zip(chosen, rows, strict=True))
    assert _gain(rows, waited, chosen) == max(_gain(rows, waited, trial) for trial in _trials(rows, frozenset()))


def test_two_orders_share_two_riders():
    """Where both prefer the same rider, the sum decides."""
    rows = [[("a", 10), ("b", 11)], [("a", 10), ("b", 100)]]
    assert match(rows, [0, 0]) == ["b", "a"]


def test_the_older_order_goes_first():
    """One rider and two orders: the one that has waited longer is served."""
    assert match([[("a", 5)], [("a", 500)]], [0, 600]) == ["", "a"]


def test_ties_are_broken_by_row_and_name():
    """Equal costs: the first rows, the first names, whatever the sequence of the edges."""
    assert match([[("b", 7), ("a", 7)]] * 3, [0, 0, 0])[2] == ""
    assert match([[("b", 7), ("a", 7)]], [0]) == ["a"]
    once = match([[("b", 7), ("a", 7)], [("a", 7), ("b", 7)]], [0, 0])
    assert once == match([[("a", 7), ("b", 7)], [("b", 7), ("a", 7)]], [0, 0])


def test_huge_costs_still_serve():
    """However dear, an order that can be served is."""
    assert match([[("a", COST_MAX * 10)]], [0]) == ["a"]
    assert match([[("a", COST_MAX * 10)], [("a", 1), ("b", COST_MAX * 10)]], [0, 0]) == ["a", "b"]


def test_nothing_to_match():
    """No orders, or no riders."""
    assert match([], []) == []
    assert match([[], []], [0, 0]) == ["", ""]
