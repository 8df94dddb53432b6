"""Riders on their way to a shop, and the orders that they fetch there as well."""

import pytest

from edge.messages.envelope import Place
from edge.scenarios.dispatch.decide import choice

WALL_MS = 1_700_000_000_000
"""Of the district's clock, whose day begins a thousand seconds later."""

NEXT_DOOR = Place(52.511, 13.411)
AWAY = Place(52.6, 13.4)
SHOP = Place(52.5, 13.4)


@pytest.fixture
def under_way(district):
    """A rider with room who has accepted o1 and rides to its shop; there is nobody else."""

    def make(prep_s=100, capacity=2, **fields):
        d = district(silent_s=40_000, position_age_s_max=40_000)
        d.begin("r1", capacity=capacity, **fields)
        d.round(d.place("o1", prep_s=prep_s))
        d.round(d.reply("r1", "o1", 1))
        return d

    return make


def joined(d, order):
    """Whether the last round made the order join a trip."""
    return any(one.order == order and "fetches it together" in one.why for one in d.decisions)


def join_of(d, order):
    """The decision that did it."""
    assert joined(d, order)
    return next(one for one in d.decisions if one.order == order)


@pytest.mark.parametrize("step", ["accepted", "at_shop"])
def test_an_order_of_the_same_shop_joins_at_once(under_way, step):
    """On the way to the shop or at it: the rider is offered the order at once, and `why` names the other orders."""
    d = under_way()
    if step == "at_shop":
        d.later(60)
        d.round(d.step("r1", "o1", "at_shop"))
    d.round(d.place("o2", dropoff=NEXT_DOOR, prep_s=150))
    decision = join_of(d, "o2")
    assert decision.why.startswith("r1 fetches it together with o1: it can pick up in ")
    assert d.offer_of("o2") == ("r1", 2)
    one, two = (d.dispatch_state.orders.open[name] for name in ("o1", "o2"))
    assert one.pickup_ms == two.pickup_ms >= two.ready_ms
    assert two.dropoff_ms > one.dropoff_ms


def test_the_cost_is_what_people_wait(under_way):
    """The new order's detour past the first door, and the time that the first order waits for the second's food."""
    d = under_way(capacity=3)
    before = d.dispatch_state.orders.open["o1"].dropoff_ms
    d.round(d.place("o2", dropoff=NEXT_DOOR, prep_s=200))
    decision = join_of(d, "o2")
    chosen = decision.candidates[0]
    one, two = (d.dispatch_state.orders.open[name] for name in ("o1", "o2"))
    late_ms = one.dropoff_ms - before
    assert late_ms > 0
    possible_ms = two.ready_ms + (120 + two.ride_s + 120) * 1000
    assert chosen.cost == {
        "food_waits": (two.dropoff_ms - possible_ms) // 1000,
        "others_wait": late_ms // 1000,
    }
    assert chosen.dropoff_at == d.now.wall_ms + two.dropoff_ms - round(d.seconds * 1000)
    assert f"at a cost of {sum(chosen.cost.values())} s" in decision.why


@pytest.mark.parametrize(
    "why_not",
    ["other shop", "no room", "picked up", "offered", "declined", "off by then", "silent", "other trip"],
)
def test_who_cannot_be_joined(under_way, why_not):
    """Another shop, a full bag, food that has left, an open offer, a refusal, the end of the shift, silence, a second
    shop on the way: no join."""
    capacity = {"no room": 1, "other trip": 3, "offered": 3}.get(why_not, 2)
    until = {"until": WALL_MS + 1_400_000} if why_not == "off by then" else {}
    d = under_way(capacity=capacity, **until)
    place = {"dropoff": NEXT_DOOR, "prep_s": 200}
    match why_not:
        case "other shop":
            place["pickup"] = Place(52.5005, 13.4)
        case "picked up":
            d.round(d.step("r1", "o1", "picked_up"))
        case "offered":
            d.round(d.place("o3", dropoff=NEXT_DOOR, prep_s=150))
            assert d.state("o3") == "offered"
        case "declined":
            d.round(d.place("o2", **place))
            d.round(d.reply("r1", "o2", 2, accept=False))
        case "off by then":
            place["prep_s"] = 500
        case "silent":
            d.dispatch_state.riders.mark_silent(d.dispatch_state.riders.known["r1"], round(d.seconds * 1000))
        case "other trip":
            d.round(d.place("o3", pickup=NEXT_DOOR, dropoff=NEXT_DOOR, prep_s=0))
            d.dispatch_state.riders.take(d.dispatch_state.riders.known["r1"], "o3")
        case _:
            pass
    if why_not == "declined":
        assert d.dispatch_state.orders.open["o2"].excluded
        d.later(40)
    else:
        d.round(d.place("o2", **place))
    assert not joined(d, "o2")
    assert d.offer_of("o2") == ("", 0)


def test_food_that_is_ready_far_too_late_joins_nothing(under_way):
    """Nobody at the other door waits for most of an hour: the order is planned behind the trip."""
    d = under_way()
    d.round(d.place("o2", dropoff=NEXT_DOOR, prep_s=2_500))
    assert not joined(d, "o2")
    assert d.offer_of("o2") == ("", 0)


def test_a_join_is_offered_late_and_may_change_until_then(under_way):
    """Where the pickup is long from now it is a plan, which later rounds keep; five minutes before, it is offered."""
    d = under_way()
    d.round(d.delay("shop", "o1", 1_500))
    d.round(d.place("o2", dropoff=NEXT_DOOR, prep_s=1_500))
    assert joined(d, "o2")
    assert (d.offer_of("o2"), d.dispatch_state.orders.open["o2"].plan) == (("", 0), "r1")
    d.later(1_100)
    assert (d.offer_of("o2"), d.dispatch_state.orders.open["o2"].plan) == (("", 0), "r1")
    d.later(140)
    assert d.offer_of("o2") == ("r1", 2)


def test_an_order_is_dropped_off_where_its_door_lies(under_way):
    """A door on the way to the other one comes before it, in the rider's sequence and in the trip that it is shown."""
    d = under_way(capacity=3)
    on_the_way = Place(52.5005, 13.4005)
    d.round(d.place("o2", dropoff=on_the_way, prep_s=100))
    assert join_of(d, "o2").before == "o1"
    assert d.dispatch_state.riders.known["r1"].orders == ["o2", "o1"]
    one, two = (d.dispatch_state.orders.open[name] for name in ("o1", "o2"))
    assert two.dropoff_ms < one.dropoff_ms
    assert one.pickup_ms == two.pickup_ms
    stops = d.notes.assignments("r1")[-1].stops
    assert [(stop.at, stop.order) for stop in stops[2:]] == [("dropoff", "o2"), ("dropoff", "o1")]


def test_a_rider_at_the_counter_is_not_expected_again(under_way):
    """Where the new order's door comes first and the rider is at the shop, the trip keeps the time of its arrival."""
    d = under_way(prep_s=200)
    d.later(60)
    d.round(d.step("r1", "o1", "at_shop"))
    there_ms = d.dispatch_state.orders.open["o1"].arrive_ms
    d.later(100)
    d.round(d.place("o2", dropoff=Place(52.5005, 13.4005), prep_s=0))
    assert d.dispatch_state.riders.known["r1"].orders == ["o2", "o1"]
    assert d.dispatch_state.orders.open["o2"].arrive_ms == there_ms


def test_two_join_in_one_round(under_way):
    """Two orders of the shop in one round both join, where there is room for both."""
    d = under_way(capacity=3)
    d.round(*(d.place(name, dropoff=NEXT_DOOR, prep_s=150) for name in ("o2", "o3")))
    assert [d.offer_of(name)[0] for name in ("o2", "o3")] == ["r1", "r1"]
    assert sorted(d.dispatch_state.riders.known["r1"].orders) == ["o1", "o2", "o3"]


def test_a_join_has_to_be_the_cheapest(under_way):
    """An idle rider beside the shop takes an order whose door is far from the other one's."""
    d = under_way()
    d.begin("r2", lat=52.5, lon=13.4)
    d.round(d.place("o2", dropoff=Place(52.48, 13.38), prep_s=0))
    assert d.offer_of("o2")[0] == "r2"
    assert not joined(d, "o2")


def test_a_join_overturns_a_plan(district):
    """An order planned for a rider who will be free at the shop joins another one's trip once that has room."""
    d = district(soon_free_s=5000, silent_s=40_000, position_age_s_max=40_000)
    d.begin("r2", lat=52.52)
    d.round(d.place("o0", pickup=Place(52.52, 13.4), dropoff=SHOP))
    d.round(d.reply("r2", "o0", 1))
    d.begin("r1", lat=52.5, capacity=1)
    d.round(d.place("o1", prep_s=100))
    d.round(d.reply("r1", "o1", 2))
    d.round(d.place("o2", dropoff=NEXT_DOOR, prep_s=100))
    assert d.dispatch_state.orders.open["o2"].plan == "r2"
    d.begin("r1", lat=52.5, capacity=2)
    assert d.offer_of("o2") == ("r1", 3)
    assert joined(d, "o2")


def test_joins_do_not_look_at_orders_elsewhere(under_way, monkeypatch):
    """Only the riders of the order's own shop are looked at, however many orders are open."""
    d = under_way()
    for n in range(30):
        d.round(d.place(f"far{n}", pickup=AWAY, dropoff=AWAY))
    looked = []
    found = choice.trips_under_way

    def spy(shops, *rest):
        looked.append([trip.rider.id for trip in found(shops, *rest)])
        return found(shops, *rest)

    monkeypatch.setattr(choice, "trips_under_way", spy)
    d.round(d.place("o2", dropoff=NEXT_DOOR))
    assert looked == [["r1"]]


def test_of_two_trips_the_cheaper_one_is_joined(district):
    """Two riders wait at the shop for food of their own; the order goes with the one who passes its door."""
    d = district(silent_s=40_000, position_age_s_max=40_000)
    for name, order, door in (("r1", "o1", AWAY), ("r2", "o2", NEXT_DOOR)):
        d.begin(name, capacity=2)
        d.round(d.place(order, prep_s=100, dropoff=door))
        d.round(d.reply(d.offer_of(order)[0], order, d.offer_of(order)[1]))
    d.round(d.place("o3", dropoff=NEXT_DOOR, prep_s=150))
    assert join_of(d, "o3").rider == d.dispatch_state.orders.open["o2"].rider


def test_a_shift_that_lasts_forbids_no_join(under_way):
    """Only who is off before the pickup cannot be joined."""
    d = under_way(until=WALL_MS + 30_000_000)
    d.round(d.place("o2", dropoff=NEXT_DOOR, prep_s=150))
    assert joined(d, "o2")


def test_who_is_late_for_the_end_of_its_shift_is_not_joined(under_way):
    """A shift that was shortened while its rider waits for food ends before the pickup: nothing else joins it."""
    d = under_way()
    d.round(d.delay("shop", "o1", 600))
    d.round(d.shift("r1", capacity=2, until=d.now.wall_ms + 300_000))
    d.round(d.place("o2", dropoff=NEXT_DOOR, prep_s=600))
    assert d.offer_of("o2") == ("", 0)
    assert not joined(d, "o2")


@pytest.mark.parametrize("late_s", [0, 600, 1200])
def test_who_is_late_at_a_door_comes_to_the_shop_later(district, late_s):
    """A rider has food in its bag, and fetches the next order after that. Where it should have been at the door long
    before, it is at the shop as much later: an order that could join it there is picked up after the ride from the
    door, not at once."""
    d = district(silent_s=7000, reassign_gain_s=0)
    d.begin("r1", capacity=3)
    d.round(d.place("o1"))
    d.round(d.reply("r1", "o1", 1))
    d.round(d.step("r1", "o1", "picked_up"))
    beside = {"shop": "s2", "pickup": Place(52.512, 13.412), "dropoff": Place(52.52, 13.42), "prep_s": 0}
    d.round(d.place("o3", **beside))
    while not d.offer_of("o3")[0]:
        d.later(10)
    d.round(d.reply("r1", "o3", 2))
    due_ms = d.dispatch_state.orders.open["o1"].dropoff_ms
    ride_ms = d.dispatch_state.orders.open["o3"].pickup_ms - due_ms
    d.later(due_ms / 1000 - d.seconds + late_s)
    d.round(d.place("o2", **beside))
    (option,) = (one for decision in d.decisions if decision.order == "o2" for one in decision.candidates)
    assert option.pickup_at - d.now.wall_ms == pytest.approx(ride_ms, abs=1000)
