"""Who could ever fetch an order."""

import pytest

from edge.messages.envelope import Place
from edge.scenarios.dispatch.decide.reach import OFFER_AHEAD_S, out_of_reach
from edge.scenarios.dispatch.records import RiderDistance

SHOP = (52.5, 13.4)
NEAR = [RiderDistance("r1", 60, 0)]


def test_nobody_on_shift(district):
    """There is nobody to ask; about an order for later nothing is known."""
    d = district()
    d.round()
    now_ms = d.dispatch_state.now_ms
    assert out_of_reach(d.dispatch_state, SHOP, now_ms, ()) == "no rider is on shift"
    assert out_of_reach(d.dispatch_state, SHOP, now_ms + OFFER_AHEAD_S * 1000 + 1, ()) == ""


@pytest.mark.parametrize(("until_s", "reached"), [(None, True), (1200, True), (600, False)])
def test_an_idle_rider_counts_while_its_shift_lasts(district, until_s, reached):
    """A shift that ends before the food is ready is of no use."""
    d = district()
    d.begin("r1", until=None if until_s is None else d.now.wall_ms + until_s * 1000)
    ready_ms = d.dispatch_state.now_ms + 900_000
    assert (not out_of_reach(d.dispatch_state, SHOP, ready_ms, NEAR)) is reached


@pytest.mark.parametrize(("door", "reached"), [((52.51, 13.41), True), ((52.55, 13.4), False)])
def test_a_busy_rider_is_as_near_as_its_last_stop(district, door, reached):
    """However long it is busy."""
    d = district(radius_m_max=5_600)
    d.begin("r1")
    d.round(d.place("o1", dropoff=Place(*door)))
    assert d.state("o1") == "offered"
    other = (52.505, 13.4) if reached else (52.44, 13.4)
    assert (not out_of_reach(d.dispatch_state, other, d.dispatch_state.now_ms, ())) is reached


def test_a_silent_rider_reaches_nothing(district):
    """Nobody knows where it is, or whether it rides at all."""
    d = district()
    d.begin("r1")
    d.later(400)
    assert "no rider on shift" in out_of_reach(d.dispatch_state, SHOP, d.dispatch_state.now_ms, NEAR)
