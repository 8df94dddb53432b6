"""What the node's own map shows."""

import pytest


@pytest.mark.parametrize(
    ("state", "rider"),
    [("placed", "idle"), ("offered", "offered"), ("accepted", "busy"), ("picked_up", "busy"), ("delivered", "idle")],
)
def test_orders_shops_and_riders(district, state, rider):
    """Open orders with their shops, riders with what they do and where they were last."""
    d = district()
    d.bring_to(state)
    live = d.dispatch.live()
    assert [order.state for order in live.orders] == ([] if state == "delivered" else [state])
    assert [(shop.shop, shop.orders) for shop in live.shops] == ([] if state == "delivered" else [("shop", 1)])
    (shown,) = live.riders
    assert shown.state == rider
    assert d.dispatch.order_states == ({} if state == "delivered" else {state: 1})
    assert d.dispatch.rider_states == {rider: 1}
    assert shown.place is not None


def test_a_silent_rider_is_shown_as_such(district):
    """Silence is visible, and so is a rider without a position."""
    d = district()
    d.round(d.shift("r1"))
    assert d.dispatch.live().riders[0].place is None
    d.later(301)
    assert d.dispatch.live().riders[0].state == "silent"
