"""Events, by whom and when."""

from typing import get_args

import msgspec
import pytest

from edge.errors import Reason
from edge.messages.envelope import Place
from edge.messages.grants import EVERY_SHOP
from edge.scenarios.dispatch import events
from edge.scenarios.dispatch.lifecycle import OrderState
from edge.scenarios.dispatch.messages.catalog import DURABLE_KINDS, OrderOverride, WithoutOrder
from edge.scenarios.dispatch.messages.down import Update
from edge.scenarios.dispatch.messages.overrides import OrderReschedule
from edge.scenarios.dispatch.options import DispatchOptions
from edge.scenarios.dispatch.overrides.windows import READY_AHEAD_S_MAX, READY_PAST_S_MAX
from edge.scenarios.dispatch.state import orders

STATES = [state.value for state in OrderState]
LATE, SKIP, NONE = Reason.TOO_LATE, Reason.OUT_OF_SEQUENCE, Reason.NOT_OFFERED

UP, CUST, RET, DEL, BACK = "picked_up", "at_customer", "returning", "delivered", "returned"

# The result of each event in each state: the reason, or the next state. In `placed` the rider had declined.
# fmt: off
EXPECTED = {
    # event:      placed, offered, accepted, at_shop, picked_up, at_customer, returning, delivered, returned, cancelled,
    #             undeliverable
    "place": (Reason.DUPLICATE_ORDER,) * 11,
    "cancel": (*("cancelled",) * 4, LATE, LATE, LATE, LATE, LATE, "cancelled", LATE),
    "ready": ("placed", "offered", "accepted", "at_shop", UP, CUST, RET, LATE, LATE, LATE, LATE),
    "delay": ("placed", "offered", "accepted", "at_shop", LATE, LATE, LATE, LATE, LATE, LATE, LATE),
    "redeliver": (SKIP, SKIP, SKIP, SKIP, SKIP, SKIP, UP, LATE, LATE, LATE, LATE),
    "accept": (LATE, "accepted", "accepted", "at_shop", UP, CUST, RET, DEL, BACK, LATE, LATE),
    "decline": ("placed", "placed", "placed", "placed", LATE, LATE, LATE, LATE, LATE, "cancelled", "undeliverable"),
    "at_shop": (NONE, SKIP, "at_shop", "at_shop", UP, CUST, RET, DEL, BACK, NONE, NONE),
    "picked_up": (NONE, SKIP, UP, UP, UP, CUST, RET, DEL, BACK, NONE, NONE),
    "at_customer": (NONE, SKIP, CUST, CUST, CUST, CUST, RET, DEL, BACK, NONE, NONE),
    "delivered": (NONE, SKIP, DEL, DEL, DEL, DEL, DEL, DEL, LATE, NONE, NONE),
    "failed": (NONE, SKIP, SKIP, SKIP, RET, RET, RET, LATE, BACK, NONE, NONE),
    "returned": (NONE, SKIP, SKIP, SKIP, SKIP, SKIP, BACK, LATE, BACK, NONE, NONE),
}
# fmt: on


def _event(d, name, order):
    match name:
        case "place":
            return d.place(order)
        case "cancel":
            return d.cancel("customer", order)
        case "ready":
            return d.ready("shop", order)
        case "delay":
            return d.delay("shop", order, 600)
        case "redeliver":
            return d.redeliver("shop", order)
        case "accept" | "decline":
            return d.reply("r1", order, 1, accept=name == "accept")
        case _:
            return d.step("r1", order, name)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("name", EXPECTED)
def test_every_event_in_every_state(district, state, name):
    """Each event has the expected result in each state, and the same again when it is sent again under another id."""
    d = district()
    d.bring_to(state)
    expected = EXPECTED[name][STATES.index(state)]
    for _ in range(2):
        refused = d.one(_event(d, name, "o1"))
        if isinstance(expected, Reason):
            assert refused == expected
            assert d.state("o1") == state
        else:
            assert refused is None
            assert d.state("o1") == expected
        if name == "decline" and state in ("offered", "accepted", "at_shop"):
            expected = "placed"
        if name == "cancel":
            break
        if name == "redeliver":  # once it goes out, there is nothing to send out again
            expected, state = (SKIP, UP) if state == RET else (expected, state)


def test_a_repeated_cancel_is_accepted(district):
    """A cancelled order stays cancelled, and a repeated cancel is accepted."""
    d = district()
    d.bring_to("accepted")
    assert d.one(d.cancel("shop", "o1")) is None
    assert d.one(d.cancel("customer", "o1")) is None
    assert d.state("o1") == "cancelled"
    assert d.notes.counts["order.cancelled"] == 1


@pytest.mark.parametrize("name", [name for name in EXPECTED if name != "place"])
def test_events_about_unknown_orders(district, name):
    """Nothing is known about an order that was never placed."""
    d = district()
    assert d.one(_event(d, name, "o9")) == Reason.UNKNOWN_ORDER


@pytest.mark.parametrize(
    ("client", "shop", "by"),
    [
        ("customer", "", "customer"),
        ("shop", "shop", "shop"),
        ("till-2", "shop", "shop"),
        ("desk-1", EVERY_SHOP, "dispatcher"),
    ],
)
def test_an_update_has_who_cancelled(district, client, shop, by):
    """The customer, the shop, whoever acts for it, or a dispatcher; no other update has it."""
    d = district()
    d.bring_to("accepted")
    assert d.one(msgspec.structs.replace(d.cancel(client, "o1"), shop=shop)) is None
    *before, last = [body for to, body, _ in d.notes.sent if to == "customer" and isinstance(body, Update)]
    assert (last.state, last.cancelled_by, last.reason) == ("cancelled", by, "cancelled")
    assert {update.cancelled_by for update in before} == {""}


def test_only_owners_cancel_and_only_the_shop_cooks(district):
    """A cancel from another client, and kitchen signals from anybody but the shop, are refused without effect."""
    d = district()
    d.bring_to("accepted")
    (refusal,) = d.round(d.cancel("stranger", "o1"))
    assert (refusal.reason, "a dispatcher" in refusal.detail) == (Reason.NOT_YOURS, True)
    assert d.one(d.cancel("r1", "o1")) == Reason.NOT_YOURS
    assert d.one(d.ready("customer", "o1")) == Reason.NOT_YOURS
    assert d.one(d.delay("r1", "o1", 60)) == Reason.NOT_YOURS
    assert d.state("o1") == "accepted"


PEOPLE = {
    "its customer": ("customer", ""),
    "another customer": ("customer-2", ""),
    "its shop": ("till-2", "shop"),
    "another shop": ("till-3", "shop-2"),
    "its rider": ("r1", ""),
    "another rider": ("r2", ""),
    "nobody": ("stranger", ""),
}
"""The client, and the shop that it acts for."""
MAY = {
    "order.cancel": {"its customer", "its shop"},
    "kitchen.ready": {"its shop"},
    "kitchen.delay": {"its shop"},
    "order.redeliver": {"its shop"},
    "order.reschedule": {"its shop"},
    "rider.reply": {"its rider"},
    "rider.progress": {"its rider"},
}


@pytest.mark.parametrize(
    "kind",
    [
        kind
        for kind, body in DURABLE_KINDS.items()
        if kind != "order.place" and not issubclass(body, get_args(WithoutOrder) + get_args(OrderOverride))
    ],
)
@pytest.mark.parametrize("who", PEOPLE)
def test_an_order_is_for_those_whose_own_it_is(district, kind, who):
    """Every kind about an order, with everybody: whoever is not named is refused, and nothing changes."""
    d = district()
    state = "returning" if kind == "order.redeliver" else "accepted"
    d.bring_to(state)
    d.begin("r2", lat=52.6)
    before = d.dispatch.snapshot()
    client, shop = PEOPLE[who]
    event = {
        "order.cancel": lambda: d.cancel(client, "o1"),
        "order.redeliver": lambda: d.redeliver(client, "o1"),
        "order.reschedule": lambda: d.event(client, OrderReschedule, order="o1", priority=1),
        "kitchen.ready": lambda: d.ready(client, "o1"),
        "kitchen.delay": lambda: d.delay(client, "o1", 60),
        "rider.reply": lambda: d.reply(client, "o1", d.offer_of("o1")[1]),
        "rider.progress": lambda: d.step(client, "o1", "at_shop"),
    }[kind]()
    reason = d.one(msgspec.structs.replace(event, shop=shop))
    assert (reason is None) is (who in MAY[kind])
    if reason is not None:
        assert reason in (Reason.NOT_YOURS, Reason.NOT_OFFERED, Reason.UNKNOWN_RIDER)
        assert d.state("o1") == state
        assert d.offer_of("o1") == ("r1", 1)
        assert len(d.dispatch.snapshot()) == len(before)


@pytest.mark.parametrize(("shop", "refused"), [("shop", False), ("shop-2", True), ("", True)])
def test_whoever_acts_for_the_shop_is_the_shop(district, shop, refused):
    """A till under another name than its shop; a shop of another name, and nobody's, are refused."""
    d = district()
    d.bring_to("accepted")
    for event in (d.ready("till-2", "o1"), d.cancel("till-2", "o1")):
        assert (d.one(msgspec.structs.replace(event, shop=shop)) == Reason.NOT_YOURS) is refused


def test_only_the_offered_rider_replies(district):
    """Another rider, and another number, get nothing."""
    d = district()
    d.bring_to("offered")
    d.begin("r2", lat=52.6)
    rider, offer = d.offer_of("o1")
    assert d.one(d.reply("r2", "o1", offer)) == Reason.NOT_OFFERED
    assert d.one(d.reply(rider, "o1", offer + 1)) == Reason.NOT_OFFERED
    assert d.one(d.reply(rider, "o1", offer)) is None


def test_only_the_holder_progresses(district):
    """Progress by another rider is not theirs to report; by nobody we know, unknown."""
    d = district()
    d.bring_to("accepted")
    d.begin("r2")
    assert d.one(d.step("r2", "o1", "picked_up")) == Reason.NOT_YOURS
    assert d.one(d.step("r3", "o1", "picked_up")) == Reason.UNKNOWN_RIDER


def test_a_lapsed_offer_is_too_late_to_accept(district):
    """After the answer's deadline an acceptance is refused as too late, a refusal changes nothing."""
    d = district()
    d.bring_to("offered")
    d.later(61)
    assert d.notes.counts["offer.timed_out"] == 1
    assert d.one(d.reply("r1", "o1", 1)) == Reason.TOO_LATE
    assert d.one(d.reply("r1", "o1", 1, accept=False)) is None
    assert d.one(d.step("r1", "o1", "picked_up")) == Reason.NOT_OFFERED


def test_who_comes_back_with_the_food_keeps_the_order(district):
    """A rider given up as silent reports the pickup: the offer to another is withdrawn and the order is its own."""
    d = district()
    d.bring_to("accepted")
    d.later(290)
    d.begin("r2")
    d.later(20)
    assert d.offer_of("o1") == ("r2", 2)
    assert d.one(d.step("r1", "o1", "picked_up")) is None
    assert d.offer_of("o1") == ("r1", 1)
    assert [one.offer for one in d.notes.assignments("r2", "withdrawn")] == [2]
    assert d.one(d.reply("r2", "o1", 2)) == Reason.TOO_LATE
    assert d.one(d.step("r1", "o1", "delivered")) is None


def test_who_comes_back_after_another_accepted_is_too_late(district):
    """Once another rider has accepted, the order is that rider's."""
    d = district()
    d.bring_to("accepted")
    d.later(290)
    d.begin("r2")
    d.later(20)
    d.round(d.reply("r2", "o1", 2))
    assert d.one(d.step("r1", "o1", "picked_up")) == Reason.TOO_LATE
    assert d.offer_of("o1") == ("r2", 2)


def test_who_comes_back_with_full_hands_is_too_late(district):
    """A rider who meanwhile holds as much as it can gets nothing back."""
    d = district()
    d.bring_to("accepted")
    d.later(310)
    d.begin("r1")
    d.round(d.place("o2", pickup=Place(52.502, 13.402)))
    held = "o2" if d.state("o2") == "offered" else "o1"
    other = "o1" if held == "o2" else "o2"
    d.round(d.reply("r1", held, d.offer_of(held)[1]))
    expected = Reason.TOO_LATE if other == "o1" else Reason.NOT_YOURS
    assert d.one(d.step("r1", other, "picked_up")) == expected


def test_orders_out_of_the_area(district):
    """A door too far from its shop is refused, with the distance."""
    d = district()
    (refusal,) = d.round(d.place("o1", dropoff=Place(53.5, 13.4)))
    assert refusal.reason == Reason.OUT_OF_AREA
    assert refusal.field == "dropoff"
    assert "111195 m" in refusal.detail


def test_whatever_an_order_asks_for_is_looked_at(district):
    """One wish alone is enough: what cannot be is refused, a code is kept for the door."""
    d = district()
    assert d.one(d.place("o1", dropoff_by=d.now.wall_ms - 25 * 3_600_000)) == Reason.MALFORMED
    assert d.one(d.place("o2", dropoff_from=d.now.wall_ms + 49 * 3_600_000)) == Reason.MALFORMED
    for order, wish in (("o3", {"handover_code": "4711"}), ("o4", {"priority": 1}), ("o5", {"max_bag_s": 600})):
        assert d.one(d.place(order, **wish)) is None
        assert d.dispatch_state.orders.open[order].terms is not None


def test_ready_times_beyond_reason(district):
    """An order, or a delay, for next week names the field."""
    d = district()
    ahead = d.now.wall_ms + READY_AHEAD_S_MAX * 1000 + 1
    (refusal,) = d.round(d.place("o1", ready_at=ahead))
    assert (refusal.reason, refusal.field) == (Reason.MALFORMED, "ready_at")
    d.round(d.place("o1"))
    (refusal,) = d.round(d.delay("shop", "o1", READY_AHEAD_S_MAX + 1))
    assert (refusal.reason, refusal.field) == (Reason.MALFORMED, "ready_at")
    past = d.now.wall_ms - READY_PAST_S_MAX * 1000
    (refusal,) = d.round(d.place("o2", ready_at=past - 1))
    assert (refusal.reason, refusal.field) == (Reason.MALFORMED, "ready_at")
    assert d.one(d.delay("shop", "o1", -READY_PAST_S_MAX - 1)) == Reason.MALFORMED
    assert d.one(d.place("o2", ready_at=past)) is None


def test_open_orders_are_bounded(district, monkeypatch):
    """Beyond the bound orders are refused as over capacity; one that ends makes room."""
    assert orders.ORDERS_OPEN_MAX == 10_000
    monkeypatch.setattr(orders, "ORDERS_OPEN_MAX", 2)
    d = district()
    assert d.round(d.place("o1"), d.place("o2"), d.place("o3"))[2].reason == Reason.OVER_CAPACITY
    d.round(d.cancel("customer", "o1"))
    assert d.one(d.place("o3")) is None


@pytest.mark.parametrize(
    ("option", "mine", "others"),
    [
        ("orders_per_customer_max", {"client": "ann", "shop": "s-9"}, {"client": "bob", "shop": "s-1"}),
        ("orders_per_shop_max", {"client": "cem", "shop": "s-1"}, {"client": "ann", "shop": "s-9"}),
        ("orders_per_shop_max", {"client": "s-1", "shop": "s-1"}, {"client": "s-9", "shop": "s-9"}),
    ],
)
def test_nobody_takes_the_room_of_the_others(district, option, mine, others):
    """Beyond its share of open orders a customer, or a shop, is refused with the option's name; the others go on, and
    an order that ends makes room. Both hold after a restart."""
    d = district(**{option: 2})
    d.round(d.place("o1", client="ann", shop="s-1"), d.place("o2", client="ann", shop="s-1"))
    d.dispatch.restore(d.dispatch.snapshot())
    (refusal,) = d.round(d.place("o3", **mine))
    assert (refusal.reason, option in refusal.detail) == (Reason.OVER_CAPACITY, True)
    assert d.one(d.place("o4", **others)) is None
    d.round(d.cancel("ann", "o1"))
    assert d.one(d.place("o3", **mine)) is None


def test_a_shop_that_orders_for_its_guests_is_no_customer(district):
    """Its own share counts, not that of a customer."""
    d = district(orders_per_customer_max=1)
    assert d.round(*(d.place(f"o{each}", client="shop") for each in range(3))) == [None] * 3
    assert d.one(d.place("o9", client="shop", shop="another")) == Reason.OVER_CAPACITY


def test_riders_are_bounded(district, monkeypatch):
    """Beyond the bound a shift is refused; riders who are known may change theirs."""
    monkeypatch.setattr(events, "RIDERS_MAX", 1)
    d = district()
    assert d.one(d.shift("r1")) is None
    assert d.one(d.shift("r2")) == Reason.OVER_CAPACITY
    assert d.one(d.shift("r1", capacity=2)) is None


def test_a_shift_that_is_over_does_not_begin(district):
    """`until` in the past is too late; going home without a shift is accepted and changes nothing."""
    d = district()
    assert d.one(d.shift("r1", until=d.now.wall_ms)) == Reason.TOO_LATE
    assert d.one(d.shift("r1", on=False)) is None
    assert d.notes.counts == {}


def test_the_kitchen_moves_the_times(district):
    """A delay moves ready, pickup and drop-off for customer, shop and rider; ready ends the wait; twice is once."""
    d = district()
    d.bring_to("accepted")
    before = d.dispatch_state.orders.open["o1"].dropoff_ms
    d.round(d.delay("shop", "o1", 3600))
    order = d.dispatch_state.orders.open["o1"]
    assert order.pickup_ms == order.ready_ms == round(d.seconds * 1000) + 3_600_000
    assert order.dropoff_ms > before + 3_000_000
    assert d.notes.updates("r1") == ["accepted"]
    sent = len(d.notes.sent)
    d.seconds += 100
    d.round(d.ready("shop", "o1"))
    assert order.dropoff_ms < before + 200_000
    assert order.ready_ms == round(d.seconds * 1000)
    assert len(d.notes.sent) == sent + 3
    d.seconds += 10
    d.round(d.ready("shop", "o1"))
    assert order.ready_ms == round(d.seconds * 1000) - 10_000
    assert len(d.notes.sent) == sent + 3


def test_at_the_door_the_drop_off_is_close(district):
    """Who stands at the door delivers soon, whatever the ride was expected to take, and goes on with that order first;
    a pickup that was left out is taken for granted."""
    d = district()
    d.begin("r1", capacity=2)
    for name in ("o1", "o2"):
        d.round(d.place(name))
        d.round(d.reply("r1", name, d.offer_of(name)[1]))
    d.round(d.step("r1", "o1", "picked_up"), d.step("r1", "o2", "picked_up"))
    d.round(d.step("r1", "o2", "at_customer"))
    assert d.dispatch_state.riders.known["r1"].orders == ["o2", "o1"]
    order = d.dispatch_state.orders.open["o2"]
    assert order.dropoff_ms == round(d.seconds * 1000) + d.dispatch_state.rules.dropoff_service_s * 500
    assert d.notes.counts["order.at_customer"] == 1
    assert d.dispatch_state.positions.place("r1")[:2] == (order.dropoff_lat, order.dropoff_lon)


@pytest.mark.parametrize("riders", [[], [(53.5, 13.4)], [(52.501, 13.401)]])
def test_an_order_out_of_reach_can_be_refused(district, mirror, riders):
    """Where the option has it so, and nobody on shift could fetch it, now or later; an order for tonight is taken. What
    replays and what recovers refuses the same."""
    rules = DispatchOptions(unreachable="refuse")
    d = district(rules)
    for number, place in enumerate(riders):
        d.begin(f"r{number}", *place)
    reachable = riders == [(52.501, 13.401)]
    assert d.one(d.place("o1")) == (None if reachable else Reason.UNREACHABLE)
    assert ("o1" in d.dispatch_state.orders.open) is reachable
    assert d.one(d.place("o2", prep_s=2 * 3600)) is None
    for decides in (True, False):
        again = mirror(rules, decides=decides)
        for row in d.rows:
            again.follow(row)
