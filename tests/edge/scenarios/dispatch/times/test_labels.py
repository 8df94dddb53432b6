"""Tests of edge.scenarios.dispatch.times.labels, through the scenario: which progress teaches what."""

import pytest

UNSTATED = {"promise": True}


def learned(d):
    """What the district's node has learned."""
    return d.dispatch_state.times.learned


def wait(d, seconds, rider="r1"):
    """Time passes, in which the rider shows that it is there."""
    while seconds > 0:
        d.later(min(seconds, 100))
        d.report_position(rider)
        seconds -= 100


def fetch(d, order="o1", rider="r1", ride_s=300, called_after_s=None, stands_s=200, report=True, **fields):
    """One order up to its pickup: `called_after_s` after the acceptance the kitchen calls it ready."""
    d.report_position(rider)
    d.round(d.place(order, **(fields or UNSTATED)))
    while not d.offer_of(order)[0]:
        wait(d, 10)
    d.round(d.reply(rider, order, d.offer_of(order)[1]))
    rest_s = ride_s
    if called_after_s is not None and called_after_s < ride_s:
        wait(d, called_after_s)
        d.round(d.ready("shop", order))
        rest_s -= called_after_s
    wait(d, rest_s)
    if report:
        d.round(d.step(rider, order, "at_shop"))
    if called_after_s is not None and called_after_s >= ride_s:
        wait(d, called_after_s - ride_s)
        d.round(d.ready("shop", order))
        stands_s -= called_after_s - ride_s
    wait(d, stands_s)
    d.round(d.step(rider, order, "picked_up"))


def test_ready_before_the_rider_is_exact(district) -> None:
    """It is the ready time, and the rest of the stay is the handover."""
    d = district()
    d.begin("r1")
    start = d.seconds
    fetch(d, called_after_s=100)
    shop = learned(d).shops["shop"]
    assert shop.unstated.size.n == 1
    assert shop.unstated.mean.value < 0  # ready long before the fifteen minutes that are assumed
    assert shop.handover.value == pytest.approx(80)
    assert d.seconds - start >= 500


def test_ready_at_the_riders_arrival_is_no_ready_time(district) -> None:
    """Else the ride would be learned as preparation: only that it was ready by the pickup counts."""
    d = district()
    d.begin("r1")
    fetch(d, called_after_s=301, stands_s=100)
    shop = learned(d).shops["shop"]
    assert shop.unstated.size.n == 0
    assert shop.unstated.mean.n == 1
    assert shop.handover.n == 0


def test_a_rider_who_waited_has_it_when_it_is_ready(district) -> None:
    """Twenty minutes at the counter: it was ready when it was picked up."""
    d = district()
    d.begin("r1")
    fetch(d, stands_s=1_200, prep_s=0)
    shop = learned(d).shops["shop"]
    assert shop.stated.size.n == 1
    assert shop.stated.mean.value > 0
    assert shop.unstated.mean.n == 0


def test_two_orders_at_once_teach_no_preparation(district) -> None:
    """Nobody knows for which of them the rider waited."""
    d = district()
    d.begin("r1", capacity=2)
    d.round(d.place("o1", prep_s=0), d.place("o2", prep_s=0))
    wait(d, 60)
    for order in ("o1", "o2"):
        d.round(d.reply("r1", order, d.offer_of(order)[1]))
    wait(d, 300)
    d.round(d.step("r1", "o1", "at_shop"), d.step("r1", "o2", "at_shop"))
    wait(d, 900)
    d.round(d.step("r1", "o1", "picked_up"), d.step("r1", "o2", "picked_up"))
    shop = learned(d).shops.get("shop")
    assert shop is None or shop.stated.mean.n <= 1


def test_a_ride_teaches_the_pace(district) -> None:
    """From the pickup to the door: twice as long as expected is a slower pace, and the error of the promise counts."""
    d = district()
    d.begin("r1")
    fetch(d, called_after_s=100)
    expected_s = d.dispatch_state.orders.open["o1"].dropoff_ms / 1000 - d.seconds
    wait(d, 2 * expected_s)
    d.round(d.step("r1", "o1", "delivered"))
    found = learned(d)
    assert found.rides.pace.value > 1.2
    assert found.shops["shop"].late.n == found.promises.size.n == 1
    assert d.dispatch_state.times.begin(d.now.wall_ms).speed_mps < d.dispatch_state.times.options.speed_mps


def test_reports_all_at_once_teach_no_pace(district) -> None:
    """A rider without a network delivers in a second."""
    d = district()
    d.begin("r1")
    fetch(d)
    d.round(d.step("r1", "o1", "delivered"))
    assert learned(d).rides.pace.n == 0


def test_nothing_is_learned_where_it_is_off(district) -> None:
    """And a promise has no interval."""
    d = district(learn_times=False)
    d.begin("r1")
    fetch(d, called_after_s=100)
    assert d.promise("o1").latest_at == 0
    wait(d, 600)
    d.round(d.step("r1", "o1", "delivered"))
    assert not learned(d).shops
    assert learned(d).rides.pace.n == 0


def test_a_reset_is_an_event(district) -> None:
    """It is accepted of shop and dispatcher; replay and recovery forget at the same place."""
    d = district()
    d.begin("r1")
    fetch(d, called_after_s=100)
    assert "shop" in learned(d).shops
    assert d.one(d.reset("dispatcher", "shop")) is None
    assert "shop" not in learned(d).shops
    assert d.one(d.reset("shop", "shop")) is None


@pytest.mark.parametrize("decides", [True, False])
def test_replay_and_recovery_learn_the_same(district, mirror, decides) -> None:
    """A scenario that sees only the rows has the same snapshot, to the byte."""
    d = district()
    d.begin("r1")
    for number in range(6):
        fetch(d, f"o{number}", called_after_s=50 * number, stands_s=250)
        wait(d, 700)
        d.round(d.step("r1", f"o{number}", "delivered"))
    d.round(d.reset("shop", "shop"))
    fetch(d, "o9", called_after_s=100)
    other = mirror(d.dispatch_state.times.options, decides)
    for row in d.rows:
        other.follow(row)
    assert other.dispatch.snapshot() == d.dispatch.snapshot()
