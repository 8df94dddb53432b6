"""Costs are worked out on copies."""

from edge.scenarios.dispatch.messages.overrides import OrderAssign
from edge.scenarios.dispatch.overrides.cost import cost_of, dropoffs


def test_a_cost_changes_nothing_and_is_none_where_nothing_moves(district):
    """The state stays what it was; an order that stays where it is delays nobody."""
    d = district()
    d.begin("r1", capacity=2)
    for name in ("o1", "o2"):
        d.round(d.place(name, prep_s=60))
        d.round(d.by_hand(OrderAssign, order=name, rider="r1"))
    state = d.dispatch_state
    before = d.dispatch.snapshot()
    rider, order = state.riders.known["r1"], state.orders.open["o2"]
    cost = cost_of(state, order, rider, None, 0)
    assert (cost.delays, cost.before) == ([], "")
    assert dropoffs(state, rider, rider.orders) == {name: state.orders.open[name].dropoff_ms for name in ("o1", "o2")}
    first = cost_of(state, order, rider, 0, 0)
    assert first.before == "o1"
    assert first.dropoff_ms < cost.dropoff_ms
    assert [one.order for one in first.delays if one.later_s > 0] == ["o1"]
    assert dropoffs(state, rider, []) == {}
    assert d.dispatch.snapshot() == before
