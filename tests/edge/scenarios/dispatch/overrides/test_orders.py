"""A dispatcher's word about an order: the node plans around it, and never overrules it silently."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import Reason
from edge.messages.envelope import Place
from edge.scenarios.dispatch.messages.down import Update
from edge.scenarios.dispatch.messages.overrides import (
    OrderAssign,
    OrderHold,
    OrderPin,
    OrderRelease,
    RiderPause,
    RiderResume,
)
from edge.scenarios.dispatch.options import DispatchOptions

FAR = {"lat": 52.52, "lon": 13.43}


def updates(d, client="desk"):
    """The updates that a client got, as (order, state, reason)."""
    return [(b.order, b.state, b.reason) for to, b, _ in d.notes.sent if to == client and isinstance(b, Update)]


def test_an_assigned_order_is_its_riders_at_once(district):
    """Not the nearest rider's, who loses it: the other one has it accepted, with the exact door, and no offer."""
    d = district()
    d.begin("r1")
    d.begin("r2", **FAR)
    d.round(d.place("o1"))
    assert d.offer_of("o1")[0] == "r1"
    assert d.one(d.by_hand(OrderAssign, order="o1", rider="r2")) is None
    assert (d.state("o1"), d.offer_of("o1")[0]) == ("accepted", "r2")
    (gone,) = d.notes.assignments("r1", "withdrawn")
    assert gone.reason == "given to another rider by desk"
    (given_,) = d.notes.assignments("r2", "accepted")
    assert [(stop.at, stop.lat) for stop in given_.stops] == [("pickup", 52.5), ("dropoff", 52.51)]
    # The ride from where it is counts.
    assert given_.stops[0].expected_at > d.now.wall_ms + 300_000
    d.later(120)
    assert d.offer_of("o1")[0] == "r2"
    for step in ("at_shop", "picked_up", "delivered"):
        assert d.one(d.step("r2", "o1", step)) is None
    assert d.notes.updates("desk") == ["accepted", "at_shop", "picked_up", "delivered"]
    assert d.dispatch_state.orders.overridden == {}


def test_an_offer_is_accepted_by_assigning_it(district):
    """The rider who is asked has it: the offer keeps its number, and no second one goes out."""
    d = district()
    d.begin("r1")
    d.round(d.place("o1"))
    offer = d.offer_of("o1")
    assert d.one(d.by_hand(OrderAssign, order="o1", rider="r1")) is None
    assert (d.state("o1"), d.offer_of("o1")) == ("accepted", offer)
    assert d.notes.counts["order.assigned"] == d.notes.counts["override.assigned"] == 1


def test_an_order_is_inserted_into_a_route(district):
    """At its position among the rider's orders, behind what is in the bag; the receipt has what that costs."""
    d = district()
    d.begin("r1", capacity=3)
    for name in ("o1", "o2"):
        d.round(d.place(name, prep_s=60))
        d.round(d.by_hand(OrderAssign, order=name, rider="r1"))
    d.round(d.step("r1", "o1", "picked_up"))
    d.round(d.place("o3", shop="other", pickup=Place(52.49, 13.39), prep_s=0))
    expected = d.dispatch_state.orders.open["o2"].dropoff_ms
    assert d.one(d.by_hand(OrderAssign, order="o3", rider="r1", position=0)) is None
    assert d.dispatch_state.riders.known["r1"].orders == ["o1", "o3", "o2"]
    (delay,) = d.outcomes[0].receipt["delays"]
    later_s = (d.dispatch_state.orders.open["o2"].dropoff_ms - expected) / 1000
    assert (delay.order, delay.later_s) == ("o2", round(later_s))
    assert later_s > 300
    # And moved behind it again, which costs that one less.
    assert d.one(d.by_hand(OrderAssign, order="o3", rider="r1")) is None
    assert d.dispatch_state.riders.known["r1"].orders == ["o1", "o2", "o3"]
    (delay,) = d.outcomes[0].receipt["delays"]
    assert (delay.order, delay.later_s < -300) == ("o2", True)


@pytest.mark.parametrize(
    ("case", "reason", "word"),
    [
        ("unknown", "unknown_rider", "not on shift"),
        ("silent", "unknown_rider", "nothing came"),
        ("paused", "out_of_sequence", "rider.resume"),
        ("full", "over_capacity", "1 orders of at most 1"),
        ("later", "out_of_sequence", "order.pin"),
        ("picked_up", "too_late", "picked_up"),
        ("shop", "not_yours", "another shop"),
    ],
)
def test_a_refusal_has_its_reason_and_changes_nothing(district, case, reason, word):
    """Whatever stands in the way is named; the plan is as it was."""
    d = district()
    d.begin("r1")
    d.begin("r2", **FAR)
    d.round(d.place("o1", prep_s=7200 if case == "later" else 0))
    rider, sender = "r2", d.by_hand
    if case == "unknown":
        rider = "r9"
    elif case == "silent":
        d.later(200)
        d.report_position("r1")
        d.later(101)
    elif case == "paused":
        d.round(d.by_hand(RiderPause, rider="r2"))
    elif case == "full":
        d.round(d.place("o2"), d.by_hand(OrderAssign, order="o2", rider="r2"))
    elif case == "picked_up":
        d.round(d.reply("r1", "o1", d.offer_of("o1")[1]))
        d.round(d.step("r1", "o1", "picked_up"))
    elif case == "shop":
        sender = lambda kind, **fields: d.event("till", kind, **fields)
    before = d.dispatch.snapshot()
    (refusal,) = d.round(sender(OrderAssign, order="o1", rider=rider))
    assert (refusal.reason, word in refusal.detail) == (reason, True)
    assert d.dispatch.snapshot() == before


def test_a_pinned_order_goes_to_its_rider_alone(district):
    """Though others are nearer: it is planned for the rider it is pinned to, and offered in time."""
    d = district(standby=False)
    d.begin("r1")
    d.begin("r2", **FAR)
    d.round(d.place("o1", prep_s=900))
    assert d.one(d.by_hand(OrderPin, order="o1", rider="r2")) is None
    order = d.dispatch_state.orders.open["o1"]
    assert (order.plan, order.state) == ("r2", "placed")
    assert "desk has pinned it to r2" in d.decisions[0].why
    while order.state == "placed":
        d.report_position("r1")
        d.report_position("r2", **FAR)
        d.later(30)
    assert d.offer_of("o1")[0] == "r2"
    assert d.seconds < 2000


def test_a_pin_waits_for_its_rider(district):
    """While that one is busy for long nobody else is asked; once it has delivered, it gets the offer."""
    d = district(soon_free_s=0, reassign_gain_s=0)
    d.begin("r2", **FAR)
    d.round(d.place("o0"))
    d.round(d.reply("r2", "o0", d.offer_of("o0")[1]))
    d.round(d.place("o1"), d.by_hand(OrderPin, order="o1", rider="r2"))
    d.begin("r1")
    d.later(60)
    assert d.state("o1") == "placed"
    for step in ("picked_up", "delivered"):
        d.round(d.step("r2", "o0", step))
    assert d.offer_of("o1")[0] == "r2"


@pytest.mark.parametrize("end", ["declined", "no answer", "shift ended", "rider silent"])
def test_a_pin_ends_with_word(district, end):
    """Where its rider cannot keep it, the node decides again, and whoever pinned it gets the reason."""
    d = district(silent_s=120)
    d.begin("r2", **FAR)
    d.round(d.place("o1"), d.by_hand(OrderPin, order="o1", rider="r2"))
    d.begin("r1")
    assert d.offer_of("o1")[0] == "r2"
    if end == "declined":
        d.round(d.reply("r2", "o1", d.offer_of("o1")[1], accept=False))
    elif end == "shift ended":
        d.round(d.shift("r2", on=False))
    elif end == "rider silent":
        d.round(d.reply("r2", "o1", d.offer_of("o1")[1]))
        d.later(100)
        d.report_position("r1")
        d.later(30)
    else:
        d.later(61)
    assert ("o1", "placed", end) in updates(d)
    assert d.dispatch_state.orders.open["o1"].override is None
    assert d.offer_of("o1")[0] == "r1"


def test_a_pin_that_waits_ends_with_the_shift_of_its_rider(district):
    """And the order goes to others."""
    d = district()
    d.begin("r1")
    d.begin("r2", **FAR)
    d.round(d.place("o1", prep_s=900), d.by_hand(OrderPin, order="o1", rider="r2"))
    d.round(d.shift("r2", on=False))
    assert updates(d) == [("o1", "placed", "shift ended")]
    assert d.dispatch_state.orders.open["o1"].plan == "r1"


def test_a_pin_needs_a_rider(district):
    """Without a name it is whoever has the order, or is planned for it; another one's order has to be assigned."""
    d = district(silent_s=7200, position_age_s_max=7200)
    d.round(d.place("o1", prep_s=900))
    assert d.one(d.by_hand(OrderPin, order="o1")) == Reason.OUT_OF_SEQUENCE
    assert d.one(d.by_hand(OrderPin, order="o1", rider="r9")) == Reason.UNKNOWN_RIDER
    d.begin("r1")
    d.later(30)
    assert d.one(d.by_hand(OrderPin, order="o1")) is None
    assert d.dispatch_state.orders.open["o1"].override.rider == "r1"
    d.begin("r2")
    while d.state("o1") == "placed":
        d.later(30)
    (refusal,) = d.round(d.by_hand(OrderPin, order="o1", rider="r2"))
    assert (refusal.reason, "order.assign" in refusal.detail) == (Reason.OUT_OF_SEQUENCE, True)


@pytest.mark.parametrize("state", ["placed", "offered", "accepted", "at_shop"])
def test_what_is_on_hold_waits_for_a_person(district, state):
    """Nobody is asked, and who had it loses it; released, it goes out again."""
    d = district()
    d.bring_to(state)
    assert d.one(d.by_hand(OrderHold, order="o1", reason="wrong address?")) is None
    d.begin("r2")
    d.later(300)
    assert (d.state("o1"), d.offer_of("o1")) == ("placed", ("", 0))
    assert d.dispatch_state.orders.waiting == {}
    assert "on hold" in [reason for _, _, reason in updates(d, "shop")]
    (dot,) = d.dispatch.view(d.now)["orders"]
    assert dot.note == "on hold by desk"
    d.dispatch.restore(d.dispatch.snapshot())
    d.report_position("r2")
    d.later(60)
    assert d.state("o1") == "placed"
    assert d.one(d.by_hand(OrderRelease, order="o1")) is None
    assert d.offer_of("o1")[0] in ("r1", "r2")


def test_a_held_order_is_late_and_given_up_with_word(district):
    """Nobody is abandoned by a hold that somebody forgot: everybody gets word of it, the dispatcher too."""
    d = district()
    d.round(d.place("o1"), d.by_hand(OrderHold, order="o1"))
    d.later(3601)
    d.later(4 * 3600)
    assert updates(d) == [("o1", "placed", "late_but_coming"), ("o1", "undeliverable", "on hold")]
    assert d.dispatch_state.orders.overridden == {}


def test_a_release_undoes_an_assignment(district):
    """The node decides again; the rider gets word. Without anything to undo it is accepted."""
    d = district()
    d.begin("r2", **FAR)
    d.round(d.place("o1"), d.by_hand(OrderAssign, order="o1", rider="r2"))
    d.begin("r1")
    assert d.one(d.by_hand(OrderRelease, order="o1")) is None
    assert d.notes.assignments("r2", "withdrawn")[-1].reason == "released"
    assert d.offer_of("o1")[0] == "r1"
    assert d.one(d.by_hand(OrderRelease, order="o1")) is None
    assert d.offer_of("o1")[0] == "r1"


def test_a_pin_of_an_accepted_order_is_released_without_a_change(district):
    """The rider has accepted it: it stays."""
    d = district()
    d.bring_to("accepted")
    assert d.one(d.by_hand(OrderPin, order="o1")) is None
    assert d.one(d.by_hand(OrderRelease, order="o1")) is None
    assert (d.state("o1"), d.offer_of("o1")[0]) == ("accepted", "r1")


def test_who_comes_with_the_food_has_it(district):
    """A rider given up as silent picks up what is on hold since: the food has moved; the dispatcher gets word."""
    d = district(silent_s=120)
    d.bring_to("accepted")
    d.later(121)
    assert d.one(d.by_hand(OrderHold, order="o1")) is None
    assert d.one(d.step("r1", "o1", "picked_up")) is None
    assert updates(d)[-1] == ("o1", "picked_up", "")
    assert d.dispatch_state.orders.waiting == {}


HANDS = st.tuples(
    st.sampled_from(["assign", "pin", "hold", "release", "pause", "resume", "reply", "step", "shift", "time"]),
    st.integers(0, 5),
    st.integers(0, 3),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(HANDS, max_size=30))
def test_the_hand_of_a_person_holds_and_replays(district, mirror, steps):
    """Whatever dispatchers and riders do in turn: what is on hold is with nobody, a pinned order is with its rider or
    waits, a paused rider is offered nothing; and rows decide, and recover, to the same state."""
    d = district(DispatchOptions(silent_s=120))
    mirrors = [mirror(DispatchOptions(silent_s=120), decides) for decides in (True, False)]
    for number in range(3):
        d.begin(f"r{number}", lat=52.5 + number / 100, capacity=2)
    for number in range(6):
        d.round(d.place(f"o{number}", prep_s=200 * number, pickup=Place(52.5 + number % 2 / 100, 13.4)))
    for what, number, other in steps:
        order, rider = f"o{number}", f"r{other}"
        held = d.dispatch_state.orders.open.get(order)
        sent = len(d.notes.sent)
        paused = {one.id for one in d.dispatch_state.riders.known.values() if one.paused}
        if what == "assign":
            d.round(d.by_hand(OrderAssign, order=order, rider=rider, position=number % 3))
        elif what == "pin":
            d.round(d.by_hand(OrderPin, order=order, rider=rider))
        elif what == "hold":
            d.round(d.by_hand(OrderHold, order=order))
        elif what == "release":
            d.round(d.by_hand(OrderRelease, order=order))
        elif what == "pause":
            d.round(d.by_hand(RiderPause, rider=rider))
        elif what == "resume":
            d.round(d.by_hand(RiderResume, rider=rider))
            paused.discard(rider)
        elif what == "reply" and held is not None and held.rider:
            d.round(d.reply(held.rider, order, held.offer, accept=other > 0))
        elif what == "step" and held is not None and held.rider:
            d.round(d.step(held.rider, order, ("at_shop", "picked_up", "delivered")[other % 3]))
        elif what == "shift":
            d.round(d.shift(rider, on=number > 1, capacity=2))
            paused.discard(rider)
        else:
            for one in range(3):
                d.report_position(f"r{one}", 52.5 + one / 100, 13.4)
            d.later(40)
        state = d.dispatch_state
        for name, one in state.orders.open.items():
            assert (name in state.orders.waiting) == (one.state == "placed" and not one.on_hold)
            assert (name in state.orders.overridden) == (one.override is not None)
            if one.override is not None and one.override.rider:
                assert one.rider in ("", one.override.rider)
                assert one.plan in ("", one.override.rider)
        new = [(to, body.state) for to, body, _ in d.notes.sent[sent:] if hasattr(body, "offer")]
        assert not [to for to, status in new if status == "offered" and to in paused]
        idle = [one for one in state.riders.known.values() if one.on and not (one.orders or one.paused or one.moving)]
        assert state.riders.idle == len(idle)
    for row in d.rows:
        for one in mirrors:
            one.follow(row)
    assert {one.dispatch.snapshot() for one in mirrors} == {d.dispatch.snapshot()}
    d.dispatch.restore(d.dispatch.snapshot())
    assert d.dispatch.snapshot() == mirrors[0].dispatch.snapshot()
