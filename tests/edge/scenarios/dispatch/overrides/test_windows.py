"""Orders that are wanted at a time, or before others."""

import pytest

from edge.errors import Reason
from edge.messages.envelope import Place
from edge.scenarios.dispatch.messages.down import Update
from edge.scenarios.dispatch.messages.overrides import OrderReschedule


def placed(d, name="o1", **fields):
    """An order with terms; the reason of its refusal."""
    return d.one(d.place(name, **{"prep_s": 0, **fields}))


def test_an_order_for_later_reaches_its_window(district):
    """It is offered in time for the beginning of the window, and expected in it."""
    d = district(standby=False)
    d.begin("r1")
    start = d.now.wall_ms + 1_800_000
    assert placed(d, dropoff_from=start, dropoff_by=start + 900_000) is None
    assert start <= d.outcomes[0].receipt["promise"].latest_at
    order = d.dispatch_state.orders.open["o1"]
    while order.state == "placed":
        d.report_position("r1")
        d.later(30)
    expected = order.dropoff_ms + d.now.wall_ms - round(d.seconds * 1000)
    assert start <= expected <= start + 900_000
    assert d.now.wall_ms < start


def test_a_kitchen_moves_no_window(district):
    """Food that is ready early waits for its window; food that is late comes late."""
    d = district()
    start = d.now.wall_ms + 1_800_000
    assert placed(d, dropoff_from=start) is None
    ready_ms = d.dispatch_state.orders.open["o1"].ready_ms
    assert ready_ms > d.seconds * 1000
    d.round(d.ready("shop", "o1"))
    assert d.dispatch_state.orders.open["o1"].ready_ms == ready_ms
    d.round(d.delay("shop", "o1", 3600))
    assert d.dispatch_state.orders.open["o1"].ready_ms == 1000 * (d.seconds + 3600)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"dropoff_from": 60, "dropoff_by": 30}, "dropoff_by"),
        ({"dropoff_from": 49 * 3600}, "dropoff_from"),
        ({"dropoff_by": -25 * 3600}, "dropoff_by"),
        ({"ready_at": 49 * 3600}, "ready_at"),
    ],
)
def test_a_window_that_cannot_be_is_refused_by_name(district, fields, field):
    """When it is placed, and when it is moved; then nothing changes."""
    d = district()
    at = {name: d.now.wall_ms + seconds * 1000 for name, seconds in fields.items()}
    (refusal,) = d.round(d.place("o1", **at))
    assert (refusal.reason, refusal.field) == (Reason.MALFORMED, field)
    d.round(d.place("o2"))
    before = d.dispatch.snapshot()
    (refusal,) = d.round(d.by_hand(OrderReschedule, order="o2", **at))
    assert (refusal.reason, refusal.field) == (Reason.MALFORMED, field)
    assert d.dispatch.snapshot() == before


def test_who_has_priority_goes_first(district):
    """With one rider for two doors in opposite directions the second order goes first if it is, or becomes, urgent."""
    doors = {"o1": Place(52.53, 13.4), "o2": Place(52.47, 13.4)}
    for urgent, later in ((False, False), (True, False), (True, True)):
        d = district(standby=False)
        d.begin("r1", capacity=1)
        d.round(
            d.place("o1", prep_s=300, dropoff=doors["o1"]),
            d.place("o2", prep_s=320, dropoff=doors["o2"], priority=100 if urgent and not later else 0),
        )
        if later:
            assert d.one(d.by_hand(OrderReschedule, order="o2", priority=100)) is None
            last = [body for to, body, _ in d.notes.sent if to == "customer" and isinstance(body, Update)]
            assert last[-1].reason == "rescheduled"
        orders = d.dispatch_state.orders.open
        assert (orders["o2"].pickup_ms <= 1_000_000 + 320_000) == urgent


def test_a_rescheduled_order_moves_with_its_rider(district):
    """Until the pickup, by its shop or a dispatcher; what is not given stays."""
    d = district()
    d.bring_to("accepted")
    expected = d.dispatch_state.orders.open["o1"].dropoff_ms
    at = d.now.wall_ms + 1_200_000
    assert d.one(d.event("shop", OrderReschedule, order="o1", dropoff_from=at, priority=50)) is None
    order = d.dispatch_state.orders.open["o1"]
    assert order.dropoff_ms > expected + 450_000
    assert d.one(d.by_hand(OrderReschedule, order="o1", dropoff_by=at + 60_000)) is None
    assert (order.terms.priority, order.terms.from_ms > 0, order.terms.by_ms > 0) == (50, True, True)
    d.dispatch.restore(d.dispatch.snapshot())
    d.round(d.step("r1", "o1", "picked_up"))
    assert d.one(d.by_hand(OrderReschedule, order="o1", priority=1)) == Reason.TOO_LATE
    (refusal,) = d.round(d.event("other", OrderReschedule, order="o1", priority=1))
    assert (refusal.reason, "a dispatcher" in refusal.detail) == (Reason.NOT_YOURS, True)


@pytest.mark.parametrize(("max_bag_s", "together"), [(0, True), (3600, True), (660, False)])
def test_the_time_in_the_bag_has_a_limit(district, max_bag_s, together):
    """Two orders of a shop share a trip unless one of them would be under way for too long."""
    d = district(standby=False)
    d.begin("r1", capacity=2)
    near, far = Place(52.51, 13.4), Place(52.515, 13.4)
    d.round(d.place("o1", prep_s=600, dropoff=near, max_bag_s=max_bag_s))
    d.round(d.place("o2", prep_s=600, dropoff=far, max_bag_s=max_bag_s))
    orders = d.dispatch_state.orders.open
    assert (orders["o1"].pickup_ms == orders["o2"].pickup_ms) == together
    if max_bag_s:
        assert all(order.dropoff_ms - order.pickup_ms <= max_bag_s * 1000 for order in orders.values())
