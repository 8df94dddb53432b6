"""Rounds in which several orders want the same rider, or some have none."""

from itertools import groupby
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.messages.envelope import Place
from edge.scenarios.dispatch.decide.round_plan import RoundPlan

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


FEW = st.integers(0, 2)
ORDER = st.tuples(st.sampled_from(["", "r1", "gone"]), FEW, FEW, FEW, FEW, FEW)


class Laid:
    """A round of orders (plan, pickup, drop-off, ready, placed, shop) for the route of r1, of which nothing is
    looked at but what was planned before. `under_way` are orders at shop 0 that it has, with a seat more each."""

    def __init__(self, orders: list[tuple[str, int, int, int, int, int]], under_way: int = 0, room: int = 0) -> None:
        names = ("plan", "pickup_ms", "dropoff_ms", "ready_ms", "placed_ms", "shop")
        made = [
            SimpleNamespace(id=f"o{9 - at}", **dict(zip(names, each, strict=True))) for at, each in enumerate(orders)
        ]
        accepted = list(range(len(orders) - under_way, len(orders)))
        trip = SimpleNamespace(orders=accepted, shop=0, count=under_way)
        self.route: Any = SimpleNamespace(
            bound=bool(under_way), trips=[trip][:under_way], frees=[0.002], room=room + under_way
        )
        self.route.cost, self.route.holds = 0, lambda trip: True
        self.trips: list[Any] = []
        plan = SimpleNamespace(barred={}, routes=[self.route], evict=lambda _: [], where=set(), set=self._set)
        self.made = RoundPlan.__new__(RoundPlan)
        self.made.__dict__.update(
            orders=made,
            decided=len(orders) - under_way,
            number={"r1": 0},
            plan=plan,
            now_ms=0,
            column=[each.shop for each in made],
            jobs=SimpleNamespace(trip=list, alone=lambda order: [order]),
        )

    def _set(self, _: object, trips: list[Any]) -> None:
        self.trips = [getattr(each, "orders", each) for each in trips]
        self.made.plan.where.update(order for trip in self.trips for order in trip)


@given(st.lists(ORDER, max_size=8))
def test_what_was_planned_is_planned_again(orders):
    """In the sequence of its pickups, then of its doors; what is fetched at once at one shop as one trip. The others
    come in the sequence in which they are ready, the longest waiting first."""
    laid = Laid(orders)
    rest = laid.made._resume()
    planned = sorted((pickup, dropoff, at) for at, (plan, pickup, dropoff, *_) in enumerate(orders) if plan == "r1")
    found = [[at for *_, at in trip] for _, trip in groupby(planned, key=lambda each: (each[0], orders[each[2]][5]))]
    assert laid.trips == found
    new = [
        (ready, placed, f"o{9 - at}", at) for at, (plan, _, _, ready, placed, _) in enumerate(orders) if plan != "r1"
    ]
    assert rest == [at for *_, at in sorted(new)]


@given(st.lists(ORDER, max_size=5), st.integers(1, 2), FEW)
def test_what_was_to_join_a_trip_joins_it_again(orders, under_way, room):
    """What is fetched at its shop before its end, as far as there is room, in the sequence of the doors."""
    orders += [("", 0, dropoff, 0, 0, 0) for dropoff in range(1, under_way + 1)]
    laid = Laid(orders, under_way, room)
    mine = [at for at in range(len(orders) - under_way) if orders[at][0] == "r1"]
    mine.sort(key=lambda at: orders[at][1:3])
    accepted = list(range(len(orders) - under_way, len(orders)))
    joining = [at for at in mine if orders[at][5] == 0 and orders[at][1] < 2][:room]
    assert laid.made._rejoin(laid.route, mine) == [at for at in mine if at not in joining]
    assert laid.trips == ([sorted(accepted + joining, key=lambda at: orders[at][2])] if joining else [])
