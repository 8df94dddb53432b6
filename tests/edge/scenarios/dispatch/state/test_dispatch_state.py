"""The durable state and its snapshot."""

from edge.scenarios.dispatch.state.dispatch_state import PROMISES_COUNTED
from edge.scenarios.dispatch.state.orders import Order


def test_positions_are_not_in_the_snapshot(district):
    """A snapshot is the same wherever the riders are."""
    bodies = []
    for lat in (52.501, 52.567):
        d = district()
        d.begin("r1", lat=lat)
        d.round(d.place("o1", prep_s=5000, pickup=d.place("x").body.pickup))
        d.round(d.cancel("customer", "o1"))
        bodies.append(d.dispatch.snapshot())
    assert bodies[0] == bodies[1]


def test_old_promises_fade(district):
    """However many promises end, the counters stay bounded and the confidence a share."""
    dispatch = district().dispatch
    dispatch_state = dispatch.state
    order = Order("o1", "customer", "shop", 0.0, 0.0, 0.0, 0.0, 60, 0, 0, True, promised_by="plan")
    for _ in range(3 * PROMISES_COUNTED):
        dispatch_state.learn(order, False)
        assert dispatch_state.promises["plan"].ended <= PROMISES_COUNTED
    assert dispatch.promise(order).confidence <= 0.01
    for _ in range(3 * PROMISES_COUNTED):
        dispatch_state.learn(order, True)
    assert dispatch.promise(order).confidence >= 0.9
