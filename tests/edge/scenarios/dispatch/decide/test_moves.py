"""Accepted orders that go to another rider."""

import pytest

from edge.messages.envelope import Place
from edge.scenarios.dispatch.decide.moves import held_up_from_ms
from edge.scenarios.dispatch.messages.overrides import OrderAssign

OPTIONS = {"silent_s": 7000, "divert": False}


def held_up(d):
    """The rider r1 is on its way to o2, more than 20 minutes away."""
    d.begin("r1", lat=52.56)
    d.round(d.place("o2"))
    d.round(d.reply("r1", "o2", 1))


def updates(d, order="o2"):
    return [(body.state, body.reason) for to, body, _ in d.notes.sent if to == "customer" and body.order == order]


def test_an_order_goes_to_who_is_far_sooner(district, mirror):
    """As soon as somebody is free near the shop. The first rider learns that it is withdrawn, the second has it with
    the exact door, and the customer sees the same state again. Replay and recovery agree; the record has the reason."""
    d = district(**OPTIONS)
    held_up(d)
    d.begin("r2")
    d.later(30)
    order = d.dispatch_state.orders.open["o2"]
    assert (order.rider, order.state, order.offers) == ("r2", "accepted", 2)
    assert [one.reason for one in d.notes.assignments("r1", "withdrawn")] == ["reassigned"]
    (mine,) = d.notes.assignments("r2", "accepted")
    assert mine.stops[-1].lat == order.dropoff_lat
    assert updates(d)[-2:] == [("accepted", ""), ("accepted", "reassigned")]
    why = [one.why for row in d.rows for one in row.decisions or [] if one.order == "o2"][-1]
    assert why.startswith("r2 can pick up in ")
    assert "r1, who has accepted it and is held up, would be at the door " in why
    assert d.notes.counts["order.reassigned"] == 1
    for decides in (True, False):
        other = mirror(d.dispatch_state.rules, decides)
        for row in d.rows:
            other.follow(row)
        assert other.dispatch.snapshot() == d.dispatch.snapshot()


@pytest.mark.parametrize("gain_s", [0, 7200])
def test_it_stays_where_too_little_is_gained(district, gain_s):
    """With `reassign_gain_s = 0` nothing moves, and neither for less than it."""
    d = district(**OPTIONS, reassign_gain_s=gain_s)
    held_up(d)
    d.begin("r2")
    d.later(30)
    assert d.offer_of("o2")[0] == "r1"


def test_who_was_chosen_by_a_person_keeps_it(district):
    """What a dispatcher has assigned moves to nobody."""
    d = district(**OPTIONS)
    held_up(d)
    d.round(d.by_hand(OrderAssign, order="o2", rider="r1"))
    d.begin("r2")
    d.later(30)
    assert d.offer_of("o2")[0] == "r1"


def test_who_is_nearly_there_keeps_it(district):
    """A rider who comes to the shop within minutes is not sent away, whoever stands there."""
    d = district(**OPTIONS)
    d.begin("r1", lat=52.507)
    d.round(d.place("o2"))
    d.round(d.reply("r1", "o2", 1))
    d.begin("r2", lat=52.5, lon=13.4)
    d.later(30)
    assert d.offer_of("o2")[0] == "r1"


def test_who_is_late_at_another_door_counts_as_late(district):
    """No message reports that the rider is held up: that it should have been at the door long before now is enough."""
    d = district(**OPTIONS)
    d.begin("r1", capacity=2)
    d.round(d.place("o1"))
    d.round(d.reply("r1", "o1", 1))
    d.round(d.step("r1", "o1", "picked_up"))
    d.round(d.place("o2", prep_s=1100))
    while not d.offer_of("o2")[0]:
        d.later(30)
    d.round(d.reply("r1", "o2", 2))
    d.begin("r2")
    assert d.offer_of("o2")[0] == "r1"
    d.later(1800)
    d.begin("r3")
    assert d.offer_of("o2")[0] != "r1"


def test_a_restart_changes_nothing_about_who_is_looked_at(district, mirror):
    """Two orders are held up, and were accepted in another sequence than they were placed: who decides again after a
    restart looks at them in the same sequence."""
    d = district(**OPTIONS)
    d.begin("r1", lat=52.56)
    d.begin("r2", lat=52.562)
    d.round(d.place("o1"), d.place("o2", shop="s2", pickup=Place(52.502, 13.4)))
    riders = {name: d.offer_of(name) for name in ("o1", "o2")}
    for name in ("o2", "o1"):
        rider, offer = riders[name]
        d.round(d.reply(rider, name, offer))
    other = mirror(d.dispatch_state.rules, True)
    other.dispatch.restore(d.dispatch.snapshot())
    seen = len(d.rows)
    d.begin("r3")
    d.later(30)
    assert any(one.order in riders for row in d.rows[seen:] for one in row.decisions or [])
    for row in d.rows[seen:]:
        other.follow(row)
    assert other.dispatch.snapshot() == d.dispatch.snapshot()


def test_nothing_is_looked_at_while_nothing_can_have_changed(district):
    """An order is to be fetched and somebody is idle, but nobody is held up: there is no round before something is
    due. Where somebody is held up, riders who come nearer are looked for every 30 s."""
    d = district(**OPTIONS)
    d.begin("r1", lat=52.503)
    d.round(d.place("o1"))
    d.round(d.reply("r1", "o1", 1))
    d.begin("r2", lat=52.6)
    d.later(31)
    rounds = len(d.rows)
    assert d.dispatch.next_deadline() > d.seconds + 3600
    d.later(600)
    assert len(d.rows) == rounds + 1
    held_up(d := district(**OPTIONS))
    d.begin("r2", lat=52.56)
    d.later(31)
    assert d.dispatch.next_deadline() <= d.seconds + 30


@pytest.mark.parametrize("prep_s", [1100, 1700])
def test_a_look_comes_when_time_alone_holds_somebody_up(district, prep_s):
    """Food is in a bag that should be at its door, and an order that its rider has accepted is not ready yet: from that
    time on the order is held up, not before, and there is a round then."""
    d = district(**OPTIONS, reassign_gain_s=60)
    d.begin("r1", capacity=2)
    d.round(d.place("o1"))
    d.round(d.reply("r1", "o1", 1))
    d.round(d.step("r1", "o1", "picked_up"))
    d.round(d.place("o2", prep_s=prep_s))
    while not d.offer_of("o2")[0]:
        d.later(30)
    d.round(d.reply("r1", "o2", 2))
    d.begin("r2", lat=52.56)
    orders, riders, rules = d.dispatch_state.orders, d.dispatch_state.riders, d.dispatch_state.rules
    now_ms = round(d.seconds * 1000)
    from_ms = held_up_from_ms(orders, riders, rules, now_ms)
    held = [at_ms for at_ms in range(now_ms, now_ms + 7_200_000, 1000) if _held(orders, riders, rules, at_ms)]
    assert held
    assert from_ms is not None
    assert from_ms <= held[0] <= max(now_ms, from_ms) + 1000


def _held(orders, riders, rules, at_ms):
    return held_up_from_ms(orders, riders, rules, at_ms) == at_ms
