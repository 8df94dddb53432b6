"""Tests of bench.whatif.report: figures that can be worked out by hand."""

from bench.whatif.change import Change, changed
from bench.whatif.day import Outcome
from bench.whatif.report import compare, counted, figures, moved
from tests.bench.whatif.recorded_day import T0, day, order, shift

ORDERS = [order(number) for number in range(1, 6)]
OUTCOMES = {
    "o-1": Outcome("delivered", T0 + 1_000_000, T0 + 700_000),
    "o-2": Outcome("delivered", T0 + 2_000_000, T0 + 1_600_000),
    "o-3": Outcome("delivered", T0 + 3_000_000),
    "o-4": Outcome("cancelled", T0 + 10_000, T0 + 1_600_000),
    "o-5": Outcome("undeliverable", T0 + 9_000_000, T0 + 1_600_000),
}


def test_a_column_counts_what_there_is() -> None:
    """Delivered, cancelled, the rest; times by nearest rank; promises with the node's tolerance of five minutes."""
    found = figures(ORDERS, OUTCOMES, 2_400)
    assert (found.orders, found.delivered, found.cancelled, found.undelivered, found.late) == (5, 3, 1, 1, 1)
    assert (found.click_to_door_mean_s, found.click_to_door_p50_s, found.click_to_door_p90_s) == (2000, 2000, 3000)
    assert (found.promised, found.promises_kept) == (3, 1)


def test_an_order_without_an_outcome_is_undelivered() -> None:
    """Nothing is known of it: it did not come."""
    found = figures(ORDERS, {}, 2_400)
    assert (found.undelivered, found.delivered, found.click_to_door_mean_s) == (5, 0, None)


def test_orders_are_compared_one_by_one() -> None:
    """Only those delivered both times; a shift of up to a minute is none."""
    later = {
        name: Outcome(one.state, one.ended_ms + 60_000 * index) for index, (name, one) in enumerate(OUTCOMES.items())
    }
    found = moved(ORDERS, OUTCOMES, later)
    assert (found.earlier, found.same, found.later, found.median_s) == (0, 2, 1, 60)
    assert moved(ORDERS, later, OUTCOMES).earlier == 1
    assert moved(ORDERS, OUTCOMES, {}).median_s is None


def test_open_orders_are_not_counted() -> None:
    """Nobody knows how they ended."""
    made = day(ORDERS, [shift("r-1")], outcomes={**OUTCOMES, "o-2": Outcome()})
    assert [one.name for one in counted(made)] == ["o-1", "o-3", "o-4", "o-5"]
    report = compare(made, OUTCOMES, None, "planned", [], 2_400)
    assert (report.open_orders, report.recorded.orders, report.changed, report.change) == (1, 4, None, None)


def test_a_change_is_compared_with_the_simulation() -> None:
    """Not with the recorded day: the model's own error must not count as an effect."""
    made = day(ORDERS, [shift("r-1")], outcomes=OUTCOMES)
    simulated = {name: Outcome(one.state, one.ended_ms + 120_000) for name, one in OUTCOMES.items()}
    other = changed(made, [Change("riders", 1)])
    report = compare(made, simulated, (other, simulated), "nearest", ["riders=+1"], 2_400)
    assert report.change is not None
    assert (report.change.same, report.model.later) == (3, 3)
    assert (report.riders, report.riders_changed) == (1, 2)
    assert report.changed == report.simulated != report.recorded
