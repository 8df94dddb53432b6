"""Deliveries that fail: the way back to the shop, and out again."""

import pytest

from edge.errors import Reason
from edge.messages.envelope import Place
from edge.scenarios.dispatch.assignments import ORDER_STALE_S
from edge.scenarios.dispatch.messages.codes import hashed
from edge.scenarios.dispatch.messages.down import Assignment, Update
from edge.scenarios.dispatch.messages.up import OrdersList
from edge.scenarios.dispatch.returns import CODE_TRIES_MAX, REDELIVERIES_MAX


def updates(d, client="customer"):
    """What a client got about the order."""
    return [body for to, body, _ in d.notes.sent if to == client and isinstance(body, Update)]


@pytest.mark.parametrize(
    ("cause", "number"),
    [("customer_absent", 304), ("wrong_address", 304), ("refused", 305), ("damaged", 305), ("other", 304)],
)
def test_everybody_learns_of_a_failed_delivery(district, cause, number):
    """Customer and shop get the state with its cause, the rider its way back; each cause is counted."""
    d = district()
    d.bring_to("at_customer")
    assert d.one(d.step("r1", "o1", "failed", cause=cause, reason="nobody opens")) is None
    for client in ("customer", "shop"):
        last = updates(d, client)[-1]
        assert (last.state, last.cause, last.reason, last.wx_status) == ("returning", cause, "nobody opens", number)
        assert last.expected_at > d.now.wall_ms
    (stop,) = d.notes.assignments("r1", "accepted")[-1].stops
    assert (stop.at, stop.order, stop.shop, stop.lat, stop.lon) == ("return", "o1", "shop", 52.5, 13.4)
    assert stop.expected_at == last.expected_at
    d.later(200)
    assert d.one(d.step("r1", "o1", "returned")) is None
    last = updates(d)[-1]
    assert (last.state, last.cause, last.expected_at, last.wx_status) == ("returned", cause, 0, 401)
    assert d.dispatch_state.riders.known["r1"].orders == []
    counts = d.notes.counts
    assert (counts["order.failed"], counts[f"failed.{cause}"], counts["order.returned"]) == (1, 1, 1)
    assert ("failed_to_returned_ms", 200_000) in d.notes.measures
    assert "promise.kept" not in counts
    assert "promise.broken" not in counts


def test_a_failure_needs_a_cause(district):
    """Without one it is malformed, and nothing changes."""
    d = district()
    d.bring_to("picked_up")
    (refusal,) = d.round(d.step("r1", "o1", "failed", cause=None))
    assert (refusal.reason, refusal.field) == (Reason.MALFORMED, "cause")
    assert "customer_absent" in refusal.detail
    assert d.state("o1") == "picked_up"


def test_the_way_back_is_in_the_plan(district):
    """The rider brings the rest of its bag first, then goes to the shop, and is free there: with a ride's time."""
    d = district()
    d.begin("r1", capacity=2)
    for name, door in (("o1", Place(52.51, 13.41)), ("o2", Place(52.515, 13.415))):
        d.round(d.place(name, dropoff=door))
        d.round(d.reply("r1", name, d.offer_of(name)[1]))
    d.round(d.step("r1", "o1", "picked_up"), d.step("r1", "o2", "picked_up"))
    d.later(300)
    d.round(d.step("r1", "o1", "failed"))
    rider, orders = d.dispatch_state.riders.known["r1"], d.dispatch_state.orders.open
    assert rider.orders == ["o2", "o1"]
    stops = d.notes.assignments("r1", "accepted")[-1].stops
    assert [(stop.at, stop.order) for stop in stops] == [("dropoff", "o2"), ("return", "o1")]
    assert stops[0].expected_at < stops[1].expected_at
    assert rider.free_ms == orders["o1"].dropoff_ms + d.dispatch_state.rules.dropoff_service_s * 500
    # Whoever plans its next trip starts from the shop.
    assert (orders["o1"].dropoff_lat, orders["o1"].dropoff_lon) == (52.5, 13.4)


def test_it_goes_out_again_with_its_rider(district):
    """The shop sends it to another door: the rider gets the door, customer and shop the new time; delivered there, it
    counts at that door."""
    d = district()
    d.bring_to("returning")
    d.later(60)
    door = Place(52.512, 13.412)
    assert d.one(d.redeliver("shop", "o1", dropoff=door)) is None
    assert d.state("o1") == "picked_up"
    (stop,) = d.notes.assignments("r1", "accepted")[-1].stops
    assert (stop.at, stop.lat, stop.lon) == ("dropoff", door.lat, door.lon)
    last = updates(d)[-1]
    assert (last.state, last.reason, last.cause, last.wx_status) == ("picked_up", "redelivery", "", 301)
    assert last.expected_at == stop.expected_at > d.now.wall_ms
    d.round(d.step("r1", "o1", "delivered"))
    assert d.state("o1") == "delivered"
    assert d.notes.located[-1][:3] == ("order.delivered", door.lat, door.lon)
    assert d.notes.counts["order.redelivered"] == 1


def test_who_opens_after_all_gets_it(district):
    """A rider that has turned round may deliver still: at the door where the order belongs."""
    d = district()
    d.bring_to("returning")
    assert d.one(d.step("r1", "o1", "delivered")) is None
    assert d.state("o1") == "delivered"
    assert d.notes.located[-1][:3] == ("order.delivered", 52.51, 13.41)


def test_it_goes_out_again_only_so_often(district):
    """Beyond the bound the shop places a new order; a door out of the area is refused as for any order."""
    d = district()
    d.bring_to("returning")
    assert d.one(d.redeliver("shop", "o1", dropoff=Place(53.5, 13.4))) == Reason.OUT_OF_AREA
    for _ in range(REDELIVERIES_MAX):
        assert d.one(d.redeliver("shop", "o1")) is None
        assert d.one(d.step("r1", "o1", "failed", cause="refused")) is None
    (refusal,) = d.round(d.redeliver("shop", "o1"))
    assert (refusal.reason, "new order" in refusal.detail) == (Reason.TOO_LATE, True)
    assert d.state("o1") == "returning"


def test_what_does_not_come_back_is_a_problem_and_ends(district):
    """The operator learns of it with the rider's name, also after a restart; after hours the order is given up."""
    d = district(silent_s=7200)
    d.bring_to("returning")
    assert d.dispatch.problems(d.now) == {}
    d.later(46 * 60)
    d.dispatch.restore(d.dispatch.snapshot())
    problem = d.dispatch.problems(d.now)["orders_returning"]
    assert "o1 with r1" in problem
    d.later(ORDER_STALE_S)
    last = updates(d)[-1]
    assert (last.state, last.reason, last.cancelled_by) == ("undeliverable", "not returned", "node")
    assert d.dispatch.problems(d.now) == {}


def test_a_return_teaches_nothing(district):
    """How long rides, handovers and promises take is learned from what was handed over at once."""
    d = district()
    d.bring_to("returning")
    before = d.dispatch_state.times.learned.rides.door.n
    d.round(d.redeliver("shop", "o1"))
    d.later(900)
    d.round(d.step("r1", "o1", "delivered"))
    assert d.dispatch_state.times.learned.rides.door.n == before
    assert d.dispatch_state.times.learned.node.late.n == 0


def test_its_rider_finds_the_way_back_after_a_restart(district):
    """What is listed for the rider has the return, before and after."""
    d = district()
    d.bring_to("returning")
    sent = d.notes.assignments("r1", "accepted")[-1]
    d.dispatch.restore(d.dispatch.snapshot())
    (listed,) = d.dispatch.observe("r1", OrdersList(), d.now).orders
    assert isinstance(listed.assignment, Assignment)
    assert (listed.state, listed.cause, listed.assignment.stops) == ("returning", "customer_absent", sent.stops)


def at_the_door(district):
    """An order with a code, whose rider is at its door."""
    d = district()
    d.begin("r1")
    d.round(d.place("o1", prep_s=0, handover_code=hashed("o1", "4711")))
    d.round(d.reply("r1", "o1", d.offer_of("o1")[1]))
    d.round(d.step("r1", "o1", "picked_up"), d.step("r1", "o1", "at_customer"))
    return d


def test_only_the_recipients_code_delivers(district):
    """Without it, or with another, the order stays at the door; with it, it is delivered, also after a restart."""
    d = at_the_door(district)
    assert d.one(d.step("r1", "o1", "delivered")) == Reason.WRONG_CODE
    assert d.one(d.step("r1", "o1", "delivered", code=hashed("o1", "1234"))) == Reason.WRONG_CODE
    d.dispatch.restore(d.dispatch.snapshot())
    assert d.state("o1") == "at_customer"
    assert d.one(d.step("r1", "o1", "delivered", code=hashed("o1", "4711"))) is None
    assert d.state("o1") == "delivered"


def test_nobody_finds_a_code_by_trying(district):
    """After five wrong ones the right one does not count either, also after a restart; out again, it does."""
    d = at_the_door(district)
    for _ in range(CODE_TRIES_MAX):
        assert d.one(d.step("r1", "o1", "delivered", code=hashed("o1", "1234"))) == Reason.WRONG_CODE
        d.dispatch.restore(d.dispatch.snapshot())
    (refusal,) = d.round(d.step("r1", "o1", "delivered", code=hashed("o1", "4711")))
    assert (refusal.reason, "order.redeliver" in refusal.detail) == (Reason.WRONG_CODE, True)
    assert d.one(d.step("r1", "o1", "failed", cause="other")) is None
    assert d.one(d.step("r1", "o1", "delivered", code=hashed("o1", "4711"))) == Reason.WRONG_CODE
    assert d.one(d.redeliver("shop", "o1")) is None
    assert d.one(d.step("r1", "o1", "delivered", code=hashed("o1", "4711"))) is None
