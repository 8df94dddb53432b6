"""Riders, their sequences and their schedules."""

import pytest

from edge.messages.envelope import Place
from edge.scenarios.dispatch.lifecycle import PICKED_UP
from edge.scenarios.dispatch.messages.overrides import RiderPause
from edge.scenarios.dispatch.state.riders import same_pickup

NORTH = Place(52.52, 13.4)


def test_a_sequence_is_planned_stop_by_stop(district):
    """The second order begins at the first one's door, after its service; the rider is free after the last."""
    d = district(pickup_service_s=240, dropoff_service_s=120, soon_free_s=5000, silent_s=5000)
    d.begin("r1", capacity=2)
    d.round(d.place("o1", prep_s=170, dropoff=NORTH))
    d.round(d.reply("r1", "o1", 1))
    d.round(d.place("o2", prep_s=0, pickup=NORTH, dropoff=Place(52.5, 13.4)))
    one, two = (d.dispatch_state.orders.open[name] for name in ("o1", "o2"))
    d.later(300)
    d.round(d.step("r1", "o1", "picked_up"))
    assert one.dropoff_ms == one.pickup_ms + 120_000 + one.ride_s * 1000 + 60_000
    d.later(one.dropoff_ms // 1000 - d.seconds + 30)
    assert d.offer_of("o2")[0] == "r1"
    assert two.arrive_ms == one.dropoff_ms + 60_000
    assert two.pickup_ms == two.arrive_ms + 120_000
    assert d.dispatch_state.riders.known["r1"].free_ms == two.dropoff_ms + 60_000


def test_what_is_in_the_bag_comes_first(district):
    """A rider who picks up the second order first delivers it first."""
    d = district()
    d.begin("r1", capacity=2)
    d.round(d.place("o1"))
    d.round(d.reply("r1", "o1", 1))
    d.round(d.place("o2"))
    d.round(d.reply("r1", "o2", 2))
    assert d.dispatch_state.riders.known["r1"].orders == ["o1", "o2"]
    d.round(d.step("r1", "o2", "picked_up"))
    assert d.dispatch_state.riders.known["r1"].orders == ["o2", "o1"]
    one, two = (d.dispatch_state.orders.open[name] for name in ("o1", "o2"))
    assert one.arrive_ms > two.dropoff_ms
    d.round(d.step("r1", "o1", "picked_up"))
    assert d.dispatch_state.riders.known["r1"].orders == ["o2", "o1"]
    assert one.dropoff_ms > two.dropoff_ms


def test_progress_corrects_the_schedule(district):
    """A late arrival moves pickup and drop-off; nothing is ever expected in the past."""
    d = district()
    d.begin("r1")
    d.round(d.place("o1"))
    d.round(d.reply("r1", "o1", 1))
    before = d.dispatch_state.orders.open["o1"].dropoff_ms
    d.later(250)
    d.round(d.step("r1", "o1", "at_shop"))
    order = d.dispatch_state.orders.open["o1"]
    assert order.arrive_ms == round(d.seconds * 1000)
    assert order.dropoff_ms > before
    d.later(250)
    d.round(d.step("r1", "o1", "picked_up"))
    assert order.pickup_ms == round(d.seconds * 1000)
    assert order.dropoff_ms > order.pickup_ms


def test_soon_free_are_the_earliest(district):
    """Only who is free within the horizon is listed, the earliest first; the idle are not."""
    d = district()
    for name, dropoff in (("r1", Place(52.51, 13.4)), ("r2", Place(52.5, 13.4)), ("r3", NORTH)):
        d.begin(name)
        d.round(d.place(f"o-{name}", dropoff=dropoff))
    d.begin("r4", lat=52.6)
    riders = d.dispatch_state.riders
    now_ms = round(d.seconds * 1000)
    everybody = riders.soon_free(now_ms, 10_000)
    assert [rider.id for rider in everybody] == ["r2", "r1", "r3"]
    exact = (everybody[1].free_ms - now_ms) // 1000
    assert [rider.id for rider in riders.soon_free(now_ms, exact)] == ["r2", "r1"]
    assert [rider.id for rider in riders.soon_free(now_ms, exact - 1)] == ["r2"]


@pytest.mark.parametrize("order", [False, True])
def test_who_goes_home_is_forgotten(district, order):
    """Off shift with nothing to deliver, a rider leaves no trace: neither in memory nor in the table."""
    d = district()
    d.begin("r1")
    if order:
        d.round(d.place("o1"))
    d.round(d.shift("r1", on=False))
    assert d.dispatch_state.riders.known == {}
    assert d.dispatch_state.positions.place("r1") is None
    assert (d.dispatch_state.riders.idle, d.dispatch_state.riders.watched) == (0, 0)


def test_a_restore_keeps_positions_of_those_who_stay(district):
    """Restoring into a living scenario forgets who is gone and keeps where the others are."""
    d = district()
    d.begin("r1")
    body = d.dispatch.snapshot()
    d.begin("r2")
    place = d.dispatch_state.positions.place("r1")
    d.dispatch.restore(body)
    assert list(d.dispatch_state.riders.known) == ["r1"]
    assert d.dispatch_state.positions.place("r1") == place
    assert d.dispatch_state.positions.place("r2") is None


def test_only_what_waits_at_one_shop_is_fetched_at_once(district):
    """Two orders of one shop, of which neither is in the bag; the shop next door is another one."""
    d = district()
    d.begin("r1", capacity=3)
    for name, pickup in (("o1", Place(52.5, 13.4)), ("o2", Place(52.5, 13.4)), ("o3", Place(52.5001, 13.4))):
        d.round(d.place(name, pickup=pickup))
    one, two, three = (d.dispatch_state.orders.open[name] for name in ("o1", "o2", "o3"))
    assert same_pickup(one, two)
    assert not same_pickup(one, three)
    for bag in (one, two):
        held, bag.state = bag.state, PICKED_UP
        assert not same_pickup(one, two)
        bag.state = held


def test_a_share_is_what_all_had_in_the_same_time(district):
    """Orders held or delivered count, in proportion to the time on shift; what is taken away counts no more, and
    neither does a break. Who has just begun has its share exactly."""
    d = district(fair_s=0, silent_s=5000)
    d.begin("r1")
    d.begin("r2", lat=52.6)
    d.round(d.place("o1"))
    d.round(d.reply("r1", "o1", 1))
    d.later(600)
    riders, now_ms = d.dispatch_state.riders, d.dispatch_state.now_ms
    one, two = riders.known["r1"], riders.known["r2"]
    assert [*map(riders.fairness(600, now_ms), (one, two))] == [300, -300]
    riders.begin("r3", 1, None, now_ms)
    assert riders.fairness(600, now_ms)(riders.known["r3"]) == 0
    riders.end(riders.known["r3"], now_ms)
    riders.pause(two, "desk", now_ms)
    assert riders.fairness(600, now_ms + 600_000)(two) == 0
    riders.pause(two, "", now_ms + 600_000)
    assert riders.fairness(600, now_ms + 600_000)(two) == -200
    d.round(d.step("r1", "o1", "picked_up"))
    d.round(d.step("r1", "o1", "delivered"))
    assert one.paid == 1
    d.round(d.place("o2"))
    assert one.paid == 2
    d.round(d.cancel("customer", "o2"))
    assert one.paid == 1


def test_shares_survive_a_restart(district):
    """From a snapshot everybody is as far from its share as before."""
    d = district()
    for name in ("r1", "r2", "r3"):
        d.begin(name)
    d.round(d.place("o1"), d.place("o2", shop="s2"), d.event("desk", RiderPause, rider="r3"))
    d.later(100)
    now_ms = d.dispatch_state.now_ms
    before = [*map(d.dispatch_state.riders.fairness(600, now_ms), d.dispatch_state.riders.known.values())]
    assert any(before)
    d.dispatch.restore(d.dispatch.snapshot())
    riders = d.dispatch_state.riders
    assert [*map(riders.fairness(600, now_ms), riders.known.values())] == before
