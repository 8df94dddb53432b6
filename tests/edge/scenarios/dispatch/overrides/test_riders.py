"""A paused rider: nothing new, and what it has stays."""

from edge.errors import Reason
from edge.scenarios.dispatch.messages.overrides import RiderPause, RiderResume


def test_a_paused_rider_keeps_what_it_has_and_gets_nothing_new(district):
    """What it was only offered goes to others; resumed, it is offered orders again."""
    d = district()
    d.begin("r1", capacity=2)
    d.round(d.place("o1"))
    d.round(d.reply("r1", "o1", d.offer_of("o1")[1]))
    d.round(d.place("o2"))
    assert d.offer_of("o2")[0] == "r1"
    assert d.one(d.by_hand(RiderPause, rider="r1", reason="flat tyre")) is None
    assert d.notes.assignments("r1", "withdrawn")[-1].reason == "rider paused"
    d.later(120)
    assert (d.offer_of("o1")[0], d.offer_of("o2")[0]) == ("r1", "")
    for step in ("picked_up", "delivered"):
        assert d.one(d.step("r1", "o1", step)) is None
    d.later(60)
    assert d.offer_of("o2")[0] == ""
    assert d.dispatch.gauges()["riders"] == {"paused": 1}
    d.dispatch.restore(d.dispatch.snapshot())
    d.report_position("r1")
    d.later(60)
    assert d.offer_of("o2")[0] == ""
    assert d.one(d.by_hand(RiderResume, rider="r1")) is None
    assert d.offer_of("o2")[0] == "r1"


def test_a_pause_ends_with_the_shift(district):
    """Who comes back tomorrow works again; other terms of the same shift change nothing."""
    d = district()
    d.begin("r1")
    d.round(d.by_hand(RiderPause, rider="r1"))
    d.begin("r1", capacity=3)
    d.round(d.place("o1"))
    assert d.state("o1") == "placed"
    d.round(d.shift("r1", on=False))
    d.begin("r1")
    d.later(30)
    assert d.state("o1") == "offered"


def test_who_paused_resumes(district):
    """A rider pauses itself, and nobody else; whom a dispatcher has paused, a dispatcher resumes."""
    d = district()
    d.begin("r1")
    d.begin("r2")
    assert d.one(d.event("r1", RiderPause, rider="r2")) == Reason.NOT_YOURS
    assert d.one(d.event("r1", RiderPause, rider="r1")) is None
    assert d.dispatch.gauges()["riders"] == {"paused": 1, "idle": 1}
    assert d.one(d.event("r1", RiderResume, rider="r1")) is None
    assert d.one(d.event("r1", RiderResume, rider="r1")) is None
    assert d.one(d.event("r1", RiderPause, rider="r1")) is None
    assert d.one(d.by_hand(RiderPause, rider="r1")) is None
    assert d.one(d.event("r1", RiderPause, rider="r1")) is None
    (refusal,) = d.round(d.event("r1", RiderResume, rider="r1"))
    assert (refusal.reason, "desk" in refusal.detail) == (Reason.NOT_YOURS, True)
    assert d.one(d.by_hand(RiderResume, rider="r1", client="desk-2")) is None
    assert d.dispatch_state.riders.idle == 2
    assert d.one(d.by_hand(RiderPause, rider="r9")) == Reason.UNKNOWN_RIDER
