"""Who could ever fetch an order."""

import pytest

from edge.messages.envelope import Place
from edge.scenarios.dispatch.decide.reach import OFFER_AHEAD_S, out_of_reach
from edge.scenarios.dispatch.messages.up import Load
from edge.scenarios.dispatch.records import RiderDistance
from edge.scenarios.dispatch.state.orders import Order
from edge.scenarios.dispatch.state.terms import Terms

SHOP = (52.5, 13.4)
NEAR = [RiderDistance("r1", 60, 0)]


def order(ready_ms, shop=SHOP, **terms):
    """One that nobody has placed."""
    asks = Terms(**terms) if terms else None
    return Order("o", "customer", "shop", shop[0], shop[1], shop[0], shop[1], 0, 0, ready_ms, True, terms=asks)


def test_nobody_on_shift(district):
    """There is nobody to ask; about an order for later nothing is known."""
    d = district()
    d.round()
    now_ms = d.dispatch_state.now_ms
    assert out_of_reach(d.dispatch_state, order(now_ms), ()) == "no rider is on shift"
    assert out_of_reach(d.dispatch_state, order(now_ms + OFFER_AHEAD_S * 1000 + 1), ()) == ""


@pytest.mark.parametrize(("until_s", "reached"), [(None, True), (1200, True), (600, False)])
def test_an_idle_rider_counts_while_its_shift_lasts(district, until_s, reached):
    """A shift that ends before the food is ready is of no use."""
    d = district()
    d.begin("r1", until=None if until_s is None else d.now.wall_ms + until_s * 1000)
    ready_ms = d.dispatch_state.now_ms + 900_000
    assert (not out_of_reach(d.dispatch_state, order(ready_ms), NEAR)) is reached


@pytest.mark.parametrize(("door", "reached"), [((52.51, 13.41), True), ((52.55, 13.4), False)])
def test_a_busy_rider_is_as_near_as_its_last_stop(district, door, reached):
    """However long it is busy."""
    d = district(radius_m_max=5_600)
    d.begin("r1")
    d.round(d.place("o1", dropoff=Place(*door)))
    assert d.state("o1") == "offered"
    other = (52.505, 13.4) if reached else (52.44, 13.4)
    assert (not out_of_reach(d.dispatch_state, order(d.dispatch_state.now_ms, other), ())) is reached


def test_a_silent_rider_reaches_nothing(district):
    """Nobody knows where it is, or whether it rides at all."""
    d = district()
    d.begin("r1")
    d.later(400)
    assert "no rider on shift" in out_of_reach(d.dispatch_state, order(d.dispatch_state.now_ms), NEAR)


def test_what_is_too_heavy_for_everybody_has_a_reason_of_its_own(district):
    """One rider who carries as much is enough, however many do not."""
    d = district()
    d.begin("r1", load_limit=Load(weight_g=5_000))
    heavy = order(d.dispatch_state.now_ms, load=(6_000, 0))
    nobody = "no rider on shift can take the order: it is too heavy or too large for 1 of them"
    assert out_of_reach(d.dispatch_state, heavy, ()) == nobody
    d.begin("r2", load_limit=Load(volume_ml=5_000))
    assert "within reach" in out_of_reach(d.dispatch_state, heavy, ())
    assert out_of_reach(d.dispatch_state, heavy, [RiderDistance("r2", 60, 0)]) == ""
