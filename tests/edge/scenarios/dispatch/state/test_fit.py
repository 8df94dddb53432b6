"""What a rider can carry, and how fast it is."""

import h3
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edge.errors import Reason
from edge.messages.envelope import Place
from edge.scenarios.dispatch.messages.overrides import OrderAssign, OrderPin, OrderPreview
from edge.scenarios.dispatch.messages.up import Load
from edge.scenarios.dispatch.options import VEHICLE_PACE, DispatchOptions
from edge.scenarios.dispatch.planner.trips import NO_LIMIT
from edge.scenarios.dispatch.state.fit import (
    Employers,
    Limits,
    carries,
    has_room,
    in_words,
    left,
    load_of,
    misfit,
    pace_of,
)
from edge.scenarios.dispatch.state.orders import Order
from edge.scenarios.dispatch.state.riders import Rider
from edge.scenarios.dispatch.state.terms import Terms

SHOP = Place(52.5, 13.4)
DOORS = [Place(52.505, 13.4), Place(52.507, 13.403), Place(52.509, 13.406)]


NOBODYS = Employers({})


def order(*load, shop="shop"):
    """An order with nothing but a load."""
    terms = Terms(load=load) if load else None
    return Order("o", "customer", shop, SHOP.lat, SHOP.lon, 52.51, 13.41, 0, 0, 0, True, terms=terms)


def rider(limits=None, orders=(), capacity=3, name="r"):
    """A rider with nothing but its limits."""
    return Rider(name, capacity, None, limits=limits, orders=list(orders))


def test_a_limit_counts_by_dimension():
    """Grams and millilitres each; 0 is no limit, and who reports nothing has none."""
    assert left(rider(), [order(9, 9)]) == left(rider(Limits(vehicle="bike")), ()) == NO_LIMIT
    weight_only = rider(Limits((100, 0)))
    assert left(weight_only, [order(30, 1_000), order()])[0] == 70
    assert carries(left(weight_only, ()), (100, 10**9))
    assert misfit(order(101, 0), weight_only, NOBODYS) == "load"
    assert misfit(order(), weight_only, NOBODYS) == misfit(order(101, 0), rider(), NOBODYS) == ""
    assert load_of(order()) == (0, 0)


def test_room_is_beside_what_the_rider_has():
    """By number and by load."""
    opened = {"a": order(60, 0), "b": order(30, 0)}
    assert has_room(rider(Limits((100, 0)), ["b"]), order(70, 0), opened)
    assert not has_room(rider(Limits((100, 0)), ["a"]), order(41, 0), opened)
    assert not has_room(rider(orders=["a", "b"], capacity=2), order(), opened)


def test_a_pace_is_that_of_the_vehicle():
    """As the options have it; 1 for who has named none."""
    rules = DispatchOptions(vehicle_pace={"bike": 2.0})
    assert pace_of(rider(Limits(vehicle="foot")), rules) == VEHICLE_PACE["foot"]
    assert pace_of(rider(Limits(vehicle="bike")), rules) == 2.0
    assert pace_of(rider(Limits((5, 5))), rules) == pace_of(rider(), rules) == 1.0


def test_why_in_words():
    """How many riders for each reason; nothing where there is none."""
    assert in_words(["load", "", "load"]) == "too heavy or too large for 2"
    assert in_words([""]) == ""


def test_whose_riders_are_whose():
    """Own riders are for their shops only, and their shops for them; a rider may restrict itself."""
    mine = Employers({"a": ["r"], "b": ["r", "s"]})
    serves = {
        (name, shop): misfit(order(shop=shop), rider(name=name), mine) == ""
        for name in "rst"
        for shop in ("a", "b", "c")
    }
    assert [key for key, fits in serves.items() if fits] == [("r", "a"), ("r", "b"), ("s", "b"), ("t", "c")]
    own_choice = rider(Limits(shops=("c",)))
    assert [misfit(order(shop=shop), own_choice, NOBODYS) for shop in ("a", "c")] == ["shop", ""]


def test_a_zone_has_shop_and_door():
    """Both, in cells of any resolution; nothing else is a cell."""
    whole = int(h3.latlng_to_cell(52.505, 13.405, 4), 16)
    parts = [int(h3.latlng_to_cell(lat, lon, 9), 16) for lat, lon in ((52.5, 13.4), (52.51, 13.41))]
    found = [misfit(order(), rider(Limits(zone=zone)), NOBODYS) for zone in ((whole,), tuple(parts), (parts[0],))]
    assert found == ["", "", "zone"]


def test_own_riders_and_zones_hold_in_a_round(district):
    """As configured, also after a reload; what lies outside is unreachable, and is given to nobody by hand."""
    d = district(standby=False, own_riders={"shop": ["mine"]})
    d.begin("near")
    d.begin("mine", 52.53, 13.43)
    d.round(d.place("o1", prep_s=0))
    assert d.offer_of("o1")[0] == "mine"
    assert d.one(d.by_hand(OrderAssign, order="o1", rider="near")) == Reason.UNREACHABLE
    d.dispatch.configure(DispatchOptions(standby=False))
    d.round(d.place("o2", prep_s=0))
    assert d.offer_of("o2")[0] == "near"
    d = district(standby=False)
    assert d.one(d.shift("r1", zone=["8" + "0" * 14])) == Reason.MALFORMED
    d.begin("r1", zone=[h3.latlng_to_cell(52.6, 13.4, 7)])
    d.round(d.place("o1", prep_s=0))
    assert (
        d.outcomes[0]
        .receipt["detail"]
        .startswith("no rider on shift can take the order: it is outside of the zone of 1")
    )
    assert d.one(d.by_hand(OrderAssign, order="o1", rider="r1")) == Reason.OUT_OF_AREA


def test_an_order_goes_past_riders_who_cannot_carry_it(district):
    """However many of them are nearer; a person cannot give it to them either, and sees who can have it."""
    d = district(standby=False)
    for number in range(15):
        d.begin(f"r{number:02}", load_limit=Load(weight_g=1_000))
    d.begin("strong", 52.53, 13.43, load_limit=Load(weight_g=9_000))
    d.round(d.place("o1", prep_s=0, load=Load(weight_g=5_000)))
    assert d.offer_of("o1")[0] == "strong"
    for kind in (OrderAssign, OrderPin):
        (refusal,) = d.round(d.by_hand(kind, order="o1", rider="r00"))
        assert refusal.reason in (Reason.OVER_CAPACITY, Reason.OUT_OF_SEQUENCE)
    shown = d.dispatch.observe("desk", OrderPreview(order="o1"), d.now)
    assert {one.rider for one in shown.choices} <= {"strong"}
    shown = d.dispatch.observe("desk", OrderPreview(order="o1", rider="r00"), d.now)
    assert (shown.reason, shown.choices) == (Reason.OVER_CAPACITY, [])


@pytest.mark.parametrize("unreachable", ["accept", "refuse"])
def test_what_nobody_can_carry_is_unreachable_at_placement(district, unreachable):
    """With a reason of its own, flagged or refused."""
    d = district(unreachable=unreachable)
    d.begin("r1", load_limit=Load(volume_ml=40_000))
    (refusal,) = d.round(d.place("o1", prep_s=0, load=Load(volume_ml=50_000)))
    nobody = "no rider on shift can take the order: it is too heavy or too large for 1 of them"
    if unreachable == "refuse":
        assert (refusal.reason, refusal.detail) == (Reason.UNREACHABLE, nobody)
    else:
        assert d.outcomes[0].receipt["unreachable"]
        assert d.outcomes[0].receipt["detail"].startswith(nobody)
        (decision,) = d.decisions
        assert decision.why.endswith(" It is too heavy or too large for 1 of the riders on shift.")


@pytest.mark.parametrize(("vehicle", "times"), [("foot", 4.0), ("bike", 1.3), (None, 1.0)])
def test_a_slower_rider_arrives_later(district, vehicle, times):
    """To the shop and on to the door, as offered and as expected; streets are learned to be the same for all."""
    d = district(standby=False)
    d.begin("r1", vehicle=vehicle)
    d.round(d.place("o1"))
    (decision,) = d.decisions
    chosen, found = decision.candidates[0], d.dispatch_state.orders.open["o1"]
    assert chosen.travel_s == pytest.approx(31 * times, abs=1)
    straight_s = found.ride_s * times + 240
    assert (found.dropoff_ms - found.pickup_ms) / 1000 == pytest.approx(straight_s, abs=1)
    d.round(d.reply("r1", "o1", found.offer))
    d.seconds = found.pickup_ms / 1000
    d.round(d.step("r1", "o1", "picked_up"))
    d.seconds = found.dropoff_ms / 1000
    d.round(d.step("r1", "o1", "delivered"))
    assert d.dispatch_state.times.learned.rides.pace_at(d.now.wall_ms) == pytest.approx(1.0, abs=0.02)


def check(d):
    """Nobody has, or is planned for, more than it can carry; and no trip keeps an order for too long."""
    state, paces = d.dispatch_state, d.dispatch_state.rules
    for held in state.riders.known.values():
        assert carries(left(held, ()), (0, 0))
        room = left(held, [state.orders.open[name] for name in held.orders])
        assert min(room) >= 0, (held, room)
        assert len(held.orders) <= held.capacity
    for one in state.orders.open.values():
        name = one.rider or one.plan
        if name:
            who = state.riders.known[name]
            assert state.riders.misfit(one, who) == ""
            if one.terms is not None and one.terms.max_bag_s and not one.rider:
                straight_s = one.ride_s * pace_of(who, paces) + 241
                assert one.dropoff_ms - one.pickup_ms <= max(one.terms.max_bag_s, straight_s) * 1000


LOADS = st.builds(Load, weight_g=st.sampled_from((0, 2_000, 5_000, 8_000)), volume_ml=st.sampled_from((0, 0, 30_000)))
LIMITS = st.builds(
    Load, weight_g=st.sampled_from((0, 4_000, 9_000, 12_000)), volume_ml=st.sampled_from((0, 20_000, 60_000))
)
ZONES = st.sampled_from([[], [], [h3.latlng_to_cell(52.5, 13.4, 6)], [h3.latlng_to_cell(52.51, 13.4, 8)]])
RIDERS = st.lists(
    st.tuples(LIMITS, st.sampled_from((None, "foot", "bike", "car")), st.integers(1, 4), ZONES), min_size=1, max_size=4
)
ORDERS = st.lists(
    st.tuples(LOADS, st.sampled_from(DOORS), st.sampled_from((0, 300, 900)), st.integers(0, 600), st.booleans()),
    min_size=2,
    max_size=9,
)


NONE, AT_ONCE = Load(), (Load(), Place(52.505, 13.4), 0, 0, False)
ONE_EACH = [(NONE, None, 2, []), *[(NONE, None, 1, [])] * 3]
"""Of shop s1 two riders, one of whom carries one order: what comes later than first planned is no trip of two."""


@settings(max_examples=40, deadline=None)
@given(RIDERS, ORDERS, st.sampled_from([{}, {}, {"s1": ["r0", "r2"]}]))
@example(ONE_EACH, [(Load(), Place(52.507, 13.403), 0, 238, False), *[AT_ONCE] * 5], {"s1": ["r0", "r2"]})
def test_no_plan_and_no_offer_breaks_a_limit(district, mirror, riders, orders, own):
    """Whatever riders carry and ride, whatever orders weigh; and a replay decides the same."""
    rules = DispatchOptions(standby=False, own_riders=own)
    d = district(rules)
    for number, (limit, vehicle, capacity, zone) in enumerate(riders):
        lat = 52.5 + number / 1_000
        d.begin(f"r{number}", lat, 13.4, load_limit=limit, vehicle=vehicle, capacity=capacity, zone=zone)
    for number, (load, door, bag, prep_s, late) in enumerate(orders):
        pickup = Place(52.5 + number % 2 / 100, 13.4)
        by = {"pickup_by": d.now.wall_ms + 300_000} if late else {}
        d.round(
            d.place(
                f"o{number}",
                shop=f"s{number % 2}",
                pickup=pickup,
                dropoff=door,
                prep_s=prep_s,
                max_bag_s=bag,
                load=load,
                **by,
            ),
            *(
                d.reply(one.rider, one.id, one.offer)
                for one in d.dispatch_state.orders.open.values()
                if one.state == "offered"
            ),
        )
        check(d)
        d.later(20)
        check(d)
    again = mirror(rules, True)
    for row in d.rows:
        again.follow(row)
    d.dispatch.restore(d.dispatch.snapshot())
    d.round()
    check(d)
