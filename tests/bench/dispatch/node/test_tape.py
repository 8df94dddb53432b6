"""The rounds of a day on the strict track."""

from itertools import pairwise

from msgspec.structs import replace

from bench.dispatch.node.tape import kind_of, record
from bench.dispatch.policies.doorstep import ZERO_MS, Doorstep
from bench.dispatch.simulator.strict import simulate
from edge.scenarios.dispatch.messages.up import OrderPlace, RiderProgress
from tests.bench.dispatch.days import TOWN


def test_a_tape_has_the_whole_day() -> None:
    """Every placement and every delivery is an event of a round, at its minute, and rounds go forward."""
    rounds, rules = record(TOWN)
    events = [(each.now.wall_ms, event.body) for each in rounds for event in each.events]
    placed = {body.order: at for at, body in events if isinstance(body, OrderPlace)}
    assert placed == {order.name: ZERO_MS + order.placed * 60_000 for order in TOWN.orders}
    delivered = [body.order for _, body in events if isinstance(body, RiderProgress) and body.step == "delivered"]
    assert sorted(delivered) == sorted(placed)
    assert all(before.now.mono <= after.now.mono for before, after in pairwise(rounds))
    assert not rules.learn_times


def test_recording_changes_nothing() -> None:
    """A day that is written down has the solution of one that is not, and a receipt for each of its events."""
    rounds, _ = record(TOWN)
    accepted = [body for each in rounds for _, kind, body in each.messages() if kind == "assignment"]
    trips = simulate(TOWN, Doorstep).solution.trips
    assert {(each.order) for each in accepted} == {name for trip in trips for name in trip.orders}
    for each in rounds:
        receipts = [body for _, kind, body in each.messages() if kind == "receipt"]
        assert [(body.id, body.of) for body in receipts] == [(one.body.id, kind_of(one.body)) for one in each.events]


def test_a_tape_is_of_the_node_that_was_asked_for() -> None:
    """A changed option is among the rules of the day, which a node process gets, too; the rest is the track's."""
    (_, rules), (_, other) = record(TOWN), record(TOWN, {"fair_s": 0})
    assert (rules.fair_s, other.fair_s) == (60, 0)
    assert replace(other, fair_s=60) == rules
