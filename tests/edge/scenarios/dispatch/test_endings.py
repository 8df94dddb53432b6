"""What runs out, and how orders lose their riders, come to be late, and end."""

import pytest

from edge.messages.envelope import Place
from edge.scenarios.dispatch import Dispatch, endings
from edge.scenarios.dispatch.assignments import ORDER_STALE_S
from edge.scenarios.dispatch.endings import EXCLUDED_S
from edge.scenarios.dispatch.lifecycle import OrderState
from edge.scenarios.dispatch.state.positions import AWAY_S
from edge.scenarios.dispatch.times.learned import PROMISE_TOLERANCE_S

CHANGES = {
    "release": lambda d, order, _: endings.release(d.dispatch_state, order, d.now, d.notes, "x"),
    "end": lambda d, order, _: endings.end(d.dispatch_state, order, OrderState.CANCELLED, d.now, d.notes, 0),
    "end_override": lambda d, order, _: endings.end_override(d.dispatch_state, order),
    "pause": lambda d, _, rider: endings.pause(d.dispatch_state, rider, "desk", 0, d.now, d.notes),
    "resume": lambda d, _, rider: endings.resume(d.dispatch_state, rider),
    "end_shift": lambda d, _, rider: endings.end_shift(d.dispatch_state, rider, d.now, d.notes, 0),
}


@pytest.mark.parametrize("how", CHANGES)
def test_every_ending_is_a_reason_to_decide_again(district, how):
    """What it changes may let another order go."""
    d = district()
    d.bring_to("accepted")
    d.dispatch_state.changed = False
    CHANGES[how](d, d.dispatch_state.orders.open["o1"], d.dispatch_state.riders.known["r1"])
    assert d.dispatch_state.changed


def test_who_is_not_asked_again_and_until_when(district):
    """Each for EXCLUDED_S; those whose time is over are forgotten."""
    d = district()
    d.round(d.place("o1"))
    order = d.dispatch_state.orders.open["o1"]
    order.excluded = {"over": 7, "not yet": 8}
    endings.exclude(order, "r1", 7)
    assert order.excluded == {"not yet": 8, "r1": 7 + EXCLUDED_S * 1000}


@pytest.mark.parametrize(("covered", "divert", "advised"), [(1, True, True), (0, True, False), (1, False, False)])
@pytest.mark.parametrize("state", [OrderState.DELIVERED, OrderState.CANCELLED])
def test_who_has_delivered_is_advised_where_riders_are_few(district, monkeypatch, covered, divert, advised, state):
    """Up to IDLE_COVERED idle riders, and where advice is wanted; who still has an order is not."""
    monkeypatch.setattr(endings, "IDLE_COVERED", covered)
    d = district(divert=divert)
    d.bring_to("picked_up")
    rider = d.dispatch_state.riders.known["r1"]
    d.dispatch_state.advice.due.clear()
    endings.end(d.dispatch_state, d.dispatch_state.orders.open["o1"], state, d.now, d.notes, 0)
    assert rider.orders == []
    assert (rider.id in d.dispatch_state.advice.due) is advised


@pytest.mark.parametrize("how", ["decline", "time out"])
def test_who_will_not_is_not_asked_again(district, how):
    """The order goes to the next rider at once, back to the first only after a while."""
    d = district(give_up_s=4 * EXCLUDED_S, silent_s=10 * EXCLUDED_S, position_age_s_max=10 * EXCLUDED_S)
    d.begin("r1")
    d.begin("r2", lat=52.51)
    d.round(d.place("o1"))
    assert d.offer_of("o1") == ("r1", 1)
    if how == "decline":
        d.round(d.reply("r1", "o1", 1, accept=False))
        assert d.notes.assignments("r1", "withdrawn") == []
    else:
        d.later(60)
        assert [one.reason for one in d.notes.assignments("r1", "withdrawn")] == ["no answer"]
    assert d.offer_of("o1") == ("r2", 2)
    d.round(d.reply("r2", "o1", 2, accept=False))
    assert d.state("o1") == "placed"
    d.later(EXCLUDED_S - 100)
    assert d.state("o1") == "placed"
    d.later(135)
    assert d.offer_of("o1")[0] in ("r1", "r2")


@pytest.mark.parametrize("how", ["off", "until", "silent", "gone"])
@pytest.mark.parametrize("state", ["offered", "accepted", "at_shop"])
def test_a_rider_who_leaves_gives_back_what_is_not_picked_up(district, how, state):
    """End of shift, its planned end, silence and a lost connection: the order waits again, the offer is withdrawn."""
    d = district(reply_s=1000)
    d.round(d.shift("r1", until=d.now.wall_ms + 2_000_000) if how == "until" else d.shift("r1"))
    d.report_position("r1")
    d.round(d.place("o1"))
    if state != "offered":
        d.round(d.reply("r1", "o1", 1))
    if state == "at_shop":
        d.round(d.step("r1", "o1", "at_shop"))
    assert d.state("o1") == state
    match how:
        case "off":
            d.round(d.shift("r1", on=False))
        case "until":
            for _ in range(20):
                d.later(100)
                d.report_position("r1")
        case "silent":
            d.later(299)
            assert d.state("o1") == state
            d.later(1)
        case "gone":
            d.presence("r1", False)
            d.later(119)
            assert d.state("o1") == state
            d.later(1)
    if how == "until" and state == "offered":
        return  # the offer has lapsed long before
    assert d.state("o1") == "placed"
    assert len(d.notes.assignments("r1", "withdrawn")) == 1
    assert d.notes.counts.get("order.reassigned", 0) == (state != "offered")
    assert d.notes.counts.get("rider.silent", 0) == (how in ("silent", "gone"))


def test_what_is_picked_up_is_delivered_after_the_shift(district):
    """A rider off shift keeps the order in its bag until the door, and is forgotten then."""
    d = district()
    d.bring_to("picked_up")
    d.round(d.shift("r1", on=False))
    assert d.state("o1") == "picked_up"
    assert d.one(d.step("r1", "o1", "delivered")) is None
    assert d.dispatch_state.riders.known == {}


def test_nobody_is_abandoned(district):
    """An order that nobody could take by late_s stays planned: customer and shop learn that it comes late, the operator
    that it waits, and the rider who is free then brings it; with a rider there is a new promise, which stays."""
    d = district(late_s=1000, give_up_s=5000)
    d.round(d.place("o1", prep_s=500))
    d.later(1499)
    assert d.notes.updates("customer") == []
    assert "orders_late" not in d.dispatch.problems(d.now)
    d.later(1)
    late = [body for to, body, _ in d.notes.sent if to == "customer"][-1]
    assert (late.state, late.reason, late.promised_at) == ("placed", "late_but_coming", 0)
    assert "o1 the longest" in d.dispatch.problems(d.now)["orders_late"]
    d.dispatch.restore(d.dispatch.snapshot())
    d.later(2000)
    d.begin("r1")
    d.later(30)
    assert d.state("o1") == "offered"
    d.round(d.reply("r1", "o1", d.offer_of("o1")[1]))
    promised = [body.promised_at for to, body, _ in d.notes.sent if to == "customer" and body.promised_at]
    assert len(promised) == 2
    assert promised[0] == promised[1] > d.now.wall_ms
    d.round(d.step("r1", "o1", "delivered"))
    assert d.dispatch.problems(d.now) == {}
    assert (d.notes.counts["order.late"], d.notes.counts["order.delivered"]) == (1, 1)


def test_a_late_order_is_given_up_at_its_limit(district):
    """Every queue has a bound; the update has it that the node ended it. Until then a person may cancel it."""
    d = district(late_s=1000, give_up_s=5000)
    d.round(d.place("o1"), d.place("o2"))
    d.later(4999)
    assert (d.state("o1"), d.state("o2")) == ("placed", "placed")
    assert d.one(d.cancel("shop", "o2")) is None
    d.later(1)
    last = [body for to, body, _ in d.notes.sent if to == "customer"][-1]
    assert (last.order, last.state, last.reason, last.cancelled_by) == ("o1", "undeliverable", "no rider", "node")
    assert d.dispatch.problems(d.now) == {}


def test_an_order_nobody_takes_is_given_up(district):
    """give_up_s after the ready time the order is undeliverable, and customer and shop get an update."""
    d = district(give_up_s=1000)
    d.round(d.place("o1", prep_s=500))
    d.later(1499)
    assert d.state("o1") == "placed"
    d.later(1)
    assert d.state("o1") == "undeliverable"
    assert d.notes.updates("customer") == ["undeliverable"]
    assert d.notes.updates("shop") == ["placed", "undeliverable"]


@pytest.mark.parametrize("state", ["accepted", "at_shop", "picked_up"])
def test_an_order_that_stands_still_ends(district, state):
    """An accepted order without progress for hours is given up, though its rider is there."""
    d = district()
    d.bring_to(state)
    for _ in range(ORDER_STALE_S // 200 + 1):
        d.later(200)
        d.report_position("r1")
    assert d.state("o1") == "undeliverable"
    assert d.dispatch_state.riders.known["r1"].orders == []
    assert [one.reason for one in d.notes.assignments("r1", "withdrawn")] == ["no contact"]


def test_a_cancelled_order_is_withdrawn_from_the_rider(district):
    """The offer is withdrawn with the reason, and the rider can take another order at once."""
    d = district()
    d.bring_to("at_shop")
    d.round(d.cancel("customer", "o1"), d.place("o2"))
    assert [one.reason for one in d.notes.assignments("r1", "withdrawn")] == ["cancelled"]
    assert d.offer_of("o2") == ("r1", 2)


def test_promises_are_learned_from(district):
    """The first promise has the prior's confidence; kept ones raise it, broken ones lower it."""
    d = district(learn_times=False)
    d.begin("r1")
    confidences = []
    for index in range(4):
        name = f"o{index}"
        d.report_position("r1")
        d.round(d.place(name))
        promise = d.promise(name)
        confidences.append(promise.confidence)
        assert promise.dropoff_at == d.now.wall_ms + d.dispatch_state.orders.open[name].dropoff_ms - round(
            d.seconds * 1000
        )
        d.round(d.reply("r1", name, d.offer_of(name)[1]))
        if index >= 2:
            d.round(d.delay("shop", name, 7200))
        for _ in range(40 if index >= 2 else 1):
            d.later(100)
            d.report_position("r1")
        d.round(d.step("r1", name, "delivered"))
    assert confidences == [0.8, 0.82, 0.83, 0.77]
    assert (d.notes.counts["promise.kept"], d.notes.counts["promise.broken"]) == (2, 2)


@pytest.mark.parametrize(("late_s", "name"), [(0, "promise.kept"), (1, "promise.broken")])
def test_a_promise_is_kept_within_its_tolerance(district, late_s, name):
    """Up to the tolerance after the promised drop-off, and not a second longer."""
    d = district(silent_s=40_000)
    d.begin("r1")
    d.round(d.place("o1"))
    d.round(d.reply("r1", "o1", 1))
    promised_s = d.dispatch_state.orders.open["o1"].promised_ms / 1000
    d.later(promised_s + PROMISE_TOLERANCE_S + late_s - d.seconds)
    d.round(d.step("r1", "o1", "delivered"))
    assert d.notes.counts[name] == 1


def test_no_promise_without_a_rider_or_a_wish(district):
    """Nothing is promised where nobody is in sight, nor to who does not want it."""
    d = district()
    d.round(d.place("o1"))
    assert d.promise("o1") is None
    d.begin("r1")
    d.round(d.place("o2", promise=False, pickup=Place(52.501, 13.4)))
    assert d.promise("o2") is None
    assert d.promise("o9") is None


def test_what_is_measured(district):
    """The stages of an order's life, in milliseconds; the door's place goes to the spatial counts by its customer."""
    d = district()
    d.begin("r1")
    d.round(d.place("o1", prep_s=100))
    d.later(10)
    d.round(d.reply("r1", "o1", 1))
    d.later(200)
    d.round(d.step("r1", "o1", "picked_up"))
    d.later(60)
    d.round(d.step("r1", "o1", "delivered"))
    measured = dict(d.notes.measures)
    assert measured["placed_to_offered_ms"] == 0
    assert measured["placed_to_accepted_ms"] == 10_000
    assert measured["ready_to_pickup_ms"] == 110_000
    assert measured["click_to_door_ms"] == 270_000
    assert [(name, person) for name, _, _, person in d.notes.located] == [
        ("order.placed", "customer"),
        ("order.delivered", "customer"),
    ]


def test_who_is_silent_for_a_day_is_off_shift(district, mirror):
    """A shift without a planned end does not last for ever: a day after the rider was given up it is over, and counted.
    A restart does not begin the day anew, replay and recovery agree, and who comes back begins a shift."""
    d = district()
    d.begin("r1")
    d.later(300 + AWAY_S // 2)
    assert d.dispatch_state.riders.known["r1"].silent
    body = d.dispatch.snapshot()
    d.dispatch = Dispatch(d.dispatch_state.rules)
    d.dispatch.restore(body)
    d.round()
    d.later(AWAY_S // 2 - 1)
    assert "r1" in d.dispatch_state.riders.known
    d.later(1)
    assert d.dispatch_state.riders.known == {}
    assert (d.notes.counts["rider.silent"], d.notes.counts["rider.gone"], d.notes.counts["shift.ended"]) == (1, 1, 1)
    assert d.dispatch.next_deadline() is None
    d.begin("r1")
    d.round(d.place("o1"))
    assert d.offer_of("o1") == ("r1", 1)
    for decides in (True, False):
        other = mirror(d.dispatch_state.rules, decides)
        for row in d.rows:
            other.follow(row)
        assert other.dispatch.snapshot() == d.dispatch.snapshot()
