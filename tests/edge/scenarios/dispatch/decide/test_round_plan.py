"""Rounds in which several orders want the same rider, or some have none."""

import pytest

from edge.messages.envelope import Place

FAR = Place(52.53, 13.44)


def test_the_second_order_follows_the_first(district):
    """One rider, two orders, no room for both: one is offered, the other planned behind it, from its door."""
    d = district()
    d.begin("r1")
    d.round(d.place("o1"), d.place("o2", pickup=FAR))
    one, two = d.decisions
    assert (one.order, one.rider, one.offer) == ("o1", "r1", True)
    assert (two.order, two.rider, two.offer) == ("o2", "r1", False)
    first, second = one.candidates[0], two.candidates[0]
    assert second.free_in_s == (first.dropoff_at - d.now.wall_ms) // 1000 + 120
    assert second.pickup_at >= first.dropoff_at + second.travel_s * 1000
    assert d.dispatch_state.orders.open["o2"].plan == "r1"


@pytest.mark.parametrize(("capacity", "together"), [(1, False), (2, True), (3, True)])
def test_what_is_fetched_together_is_offered_together(district, capacity, together):
    """Two orders of one shop and one rider with room: both are offered, picked up at once, dropped off in turn."""
    d = district()
    d.begin("r1", capacity=capacity)
    d.round(d.place("o1"), d.place("o2", dropoff=Place(52.512, 13.412)))
    assert [one.offer for one in d.decisions] == [True, together]
    one, two = (decision.candidates[0] for decision in d.decisions)
    assert (one.pickup_at == two.pickup_at) is together
    assert one.dropoff_at != two.dropoff_at
    if together:
        held = [d.dispatch_state.orders.open[order] for order in d.dispatch_state.riders.known["r1"].orders]
        assert held[0].pickup_ms == held[1].pickup_ms
        assert held[0].dropoff_ms < held[1].dropoff_ms


def test_two_orders_and_two_riders(district):
    """Each order gets a rider, though both would have the same one, and the sum of their waits is the smaller one."""
    d = district()
    d.begin("near", lat=52.501)
    d.begin("far", lat=52.515)
    d.round(d.place("o1"), d.place("o2", pickup=Place(52.502, 13.4)))
    offered = {decision.order: decision.rider for decision in d.decisions}
    assert sorted(offered.values()) == ["far", "near"]
    assert offered["o1"] == "near"  # the other way round both would wait longer in all


def test_who_declined_is_not_planned(district):
    """A rider who will not take an order is neither offered it nor planned for it behind another."""
    d = district()
    d.begin("r1")
    d.round(d.place("o1"))
    d.round(d.reply("r1", "o1", 1, accept=False))
    d.round(d.place("o2"))
    assert d.offer_of("o2")[0] == "r1"
    assert d.dispatch_state.orders.open["o1"].plan == ""


def test_a_plan_stays_where_nothing_changes(district):
    """Deciding again on the same orders and riders changes nothing and records nothing."""
    d = district(silent_s=5000)
    for name, lat in (("r1", 52.501), ("r2", 52.503)):
        d.begin(name, lat=lat)
    d.round(*(d.place(f"o{index}", prep_s=1200) for index in range(4)))
    plans = {order.id: order.plan for order in d.dispatch_state.orders.open.values()}
    assert sorted(plans.values()) == ["r1", "r1", "r2", "r2"]
    d.later(60)
    assert {order.id: order.plan for order in d.dispatch_state.orders.open.values()} == plans


def test_a_shift_that_ends_is_planned_for_no_more(district):
    """Behind a first order, a rider whose shift ends before the second pickup is not planned."""
    d = district()
    d.begin("r1", until=d.now.wall_ms + 600_000)
    d.round(d.place("o1"), d.place("o2", pickup=FAR))
    assert sorted(decision.rider for decision in d.decisions) == ["", "r1"]
