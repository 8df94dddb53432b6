"""Choices that become true, and what riders, customers and shops receive about an order."""

import pytest

from edge.messages.envelope import Place
from edge.scenarios.dispatch.messages.down import Update


def test_an_offer_has_its_stops_and_its_deadline(district):
    """Shop and door in sequence with expected times, the ready time, and the deadline, which is also its expiry."""
    d = district(reply_s=45)
    d.begin("r1")
    d.round(d.place("o1", prep_s=170))
    (offer,) = d.notes.assignments("r1")
    pickup, dropoff = offer.stops
    assert (pickup.at, pickup.shop, dropoff.at) == ("pickup", "shop", "dropoff")
    assert (pickup.lat, pickup.lon) == (52.5, 13.4)
    assert pickup.expected_at == offer.ready_at == d.now.wall_ms + 170_000
    assert dropoff.expected_at > pickup.expected_at
    assert offer.answer_by == d.now.wall_ms + 45_000
    assert [expires for to, body, expires in d.notes.sent if body is offer] == [d.seconds + 45]


def test_an_offer_counts_how_far_it_misses_the_earliest_possible(district):
    """Nothing where the rider is there before the food; else how long its way takes after that. Another offer of the
    same order counts no more."""
    d = district(reply_s=45)
    d.begin("r1")
    d.round(d.place("o1", prep_s=170))
    assert (len(d.notes.assignments("r1")), d.notes.counts["order.over_bound_s"]) == (1, 0)
    d = district(reply_s=45)
    d.begin("r1")
    d.round(d.place("o1", pickup=Place(52.52, 13.42)))
    (decision,) = d.decisions
    assert decision.candidates[0].travel_s > 300
    assert d.notes.counts["order.over_bound_s"] == decision.candidates[0].travel_s
    d.begin("r2")
    d.round(d.reply("r1", "o1", 1, accept=False))
    assert len(d.notes.assignments("r2")) == 1
    assert d.notes.counts["order.over_bound_s"] == decision.candidates[0].travel_s


def test_what_becomes_of_an_order_belongs_to_its_shop(district):
    """An order that is placed or refused, its offers, how they end, and what was promised: through its customer."""
    d = district(reply_s=45, give_up_s=600)
    for rider in ("r1", "r2", "r3"):
        d.begin(rider)
    d.round(d.place("o1", promise=True, prep_s=0))
    assert d.one(d.place("o1", "other")) == "duplicate_order"
    d.round(d.reply("r1", "o1", 1, accept=False))
    d.later(60)
    d.later(3_600)
    whose = {(shop, person) for shop, name, person in d.notes.shops if name != "order.refused"}
    assert whose == {("shop", "customer")}
    assert ("shop", "order.refused", "other") in d.notes.shops
    names = {name for _, name, _ in d.notes.shops}
    assert names == {
        "order.placed",
        "order.refused",
        "order.offered",
        "placed_to_offered_ms",
        "order.over_bound_s",
        "offer.declined",
        "offer.timed_out",
        "promise.broken",
    }


def test_an_offer_shows_the_whole_trip(district):
    """What is fetched together comes first, then all doors in sequence, each stop with its order; a trip to another
    shop is not shown."""
    d = district(soon_free_s=5000, silent_s=40_000)
    d.begin("r1", capacity=4)
    d.round(d.place("o1", prep_s=100))
    d.round(d.reply("r1", "o1", 1))
    d.round(d.place("o2", prep_s=150, dropoff=Place(52.511, 13.411)))
    d.round(d.reply("r1", "o2", 2))
    alone, trip = d.notes.assignments("r1")
    assert [(stop.at, stop.order) for stop in alone.stops] == [("pickup", "o1"), ("dropoff", "o1")]
    assert [(stop.at, stop.order) for stop in trip.stops] == [
        ("pickup", "o1"),
        ("pickup", "o2"),
        ("dropoff", "o1"),
        ("dropoff", "o2"),
    ]
    expected = [stop.expected_at for stop in trip.stops]
    assert expected == sorted(expected)
    assert expected[0] == expected[1]
    assert trip.stops[-1].expected_at == d.now.wall_ms + d.dispatch_state.orders.open["o2"].dropoff_ms - round(
        d.seconds * 1000
    )
    for step in ("picked_up", "delivered"):
        d.round(d.step("r1", "o1", step))
    d.round(d.place("o3", pickup=Place(52.511, 13.411), dropoff=Place(52.5, 13.4)))
    d.round(d.step("r1", "o2", "picked_up"))
    d.later((d.dispatch_state.riders.known["r1"].free_ms - round(d.seconds * 1000)) // 1000)
    assert [(stop.at, stop.order) for stop in d.notes.assignments("r1")[-1].stops] == [
        ("pickup", "o3"),
        ("dropoff", "o3"),
    ]


def test_a_rider_sees_a_door_only_while_the_order_is_its_own(district):
    """An offer has the exact shop and a rounded door; the confirmation has the door, also of an order taken before. A
    withdrawal has no stops, and cancels what waits for the rider; the next rider begins with the rounded door."""
    d = district()
    door, next_door = Place(52.51234, 13.41234), Place(52.51321, 13.41321)
    d.begin("r1", capacity=2)
    d.round(d.place("o1", dropoff=door))
    (offer,) = d.notes.assignments("r1")
    assert doors(offer) == {"o1": (52.51, 13.41)}
    assert (offer.stops[0].lat, offer.stops[0].lon) == (52.5, 13.4)
    d.round(d.reply("r1", "o1", offer.offer))
    d.round(d.reply("r1", "o1", offer.offer))
    (mine,) = d.notes.assignments("r1", "accepted")
    assert (mine.offer, mine.order, doors(mine)) == (offer.offer, "o1", {"o1": (door.lat, door.lon)})
    d.round(d.place("o2", dropoff=next_door))
    second = d.notes.assignments("r1")[-1]
    assert doors(second) == {"o1": (door.lat, door.lon), "o2": (52.51, 13.41)}
    d.round(d.reply("r1", "o2", second.offer))
    both = d.notes.assignments("r1", "accepted")[-1]
    assert doors(both) == {"o1": (door.lat, door.lon), "o2": (next_door.lat, next_door.lon)}
    d.begin("r2")
    d.round(d.shift("r1", on=False))
    assert [one.stops for one in d.notes.assignments("r1", "withdrawn")] == [[], []]
    assert {("r1", "assignment", "o1"), ("r1", "assignment", "o2")} <= set(d.notes.cancelled)
    assert {point for one in d.notes.assignments("r2") for point in doors(one).values()} == {(52.51, 13.41)}


def test_no_door_is_sent_for_an_order_that_ended_in_its_round(district):
    """Accepted and delivered at once, or cancelled: nothing is confirmed any more."""
    d = district()
    for order, last in (("o1", lambda: d.step("r1", "o1", "delivered")), ("o2", lambda: d.cancel("customer", "o2"))):
        d.begin("r1")
        d.round(d.place(order))
        d.round(d.reply("r1", order, d.offer_of(order)[1]), last())
    assert d.notes.assignments("r1", "accepted") == []


def doors(assignment):
    """The places of its drop-offs, by order."""
    return {stop.order: (stop.lat, stop.lon) for stop in assignment.stops if stop.at == "dropoff"}


def test_offers_of_one_round_show_the_same_trip(district):
    """A rider who gets two orders at once sees both in each assignment, and visits the doors in their sequence."""
    d = district()
    d.begin("r1", lat=52.5, lon=13.4, capacity=2)
    d.round(d.place("o1", dropoff=Place(52.53, 13.4)), d.place("o2", dropoff=Place(52.515, 13.4)))
    one, two = d.notes.assignments("r1")
    assert one.stops == two.stops
    assert [(stop.at, stop.order) for stop in one.stops] == [
        ("pickup", "o2"),
        ("pickup", "o1"),
        ("dropoff", "o2"),
        ("dropoff", "o1"),
    ]


def test_customer_and_shop_get_every_state(district):
    """Placement goes to the shop (the customer has the receipt), everything after it to both."""
    d = district()
    d.bring_to("delivered")
    assert d.notes.updates("shop") == ["placed", "offered", "accepted", "at_shop", "picked_up", "delivered"]
    assert d.notes.updates("customer") == d.notes.updates("shop")[1:]


@pytest.mark.parametrize(("state", "number"), [("placed", 103), ("offered", 103), ("accepted", 103), ("at_shop", 203)])
def test_a_state_has_wechats_number(district, state, number):
    """Each update has that of its state; a cancellation another one with the rider at the shop."""
    d = district()
    d.bring_to(state)
    d.one(d.cancel("customer", "o1"))
    numbers = {
        body.state: body.wx_status for to, body, _ in d.notes.sent if to == "customer" and isinstance(body, Update)
    }
    assert numbers.pop("cancelled") == number
    assert numbers.items() <= {"placed": 101, "offered": 101, "accepted": 102, "at_shop": 201}.items()


def test_a_shop_that_orders_for_its_customer_gets_one_update(district):
    """Where customer and shop are one client, each update is sent once."""
    d = district()
    d.begin("r1")
    d.round(d.place("o1", client="shop"))
    assert d.notes.updates("shop") == ["offered"]
