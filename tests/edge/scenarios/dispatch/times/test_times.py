"""Tests of edge.scenarios.dispatch.times.times: the rules of a round, corrections, bounds, snapshots."""

import msgspec
import pytest
from msgspec import structs

from edge.scenarios.dispatch.options import DispatchOptions
from edge.scenarios.dispatch.times import kitchens, promises, rides
from edge.scenarios.dispatch.times.learned import BANDS, SHOPS_MAX, Learned, band_of
from edge.scenarios.dispatch.times.times import DAY_MS, Times

WALL_MS = 1_790_000_000_000


def begun(**options) -> Times:
    """Times in a round."""
    times = Times(DispatchOptions(**options))
    times.begin(WALL_MS)
    return times


def slow(times: Times, pace: float = 1.5, count: int = 60) -> None:
    """So many slow rides."""
    for number in range(count):
        ride_s = 300 + 10 * number
        rides.learn(times.learned.rides, ride_s, 240, pace * (ride_s + 240), (52.5, 13.4), times.wall_ms)
    times.rides_changed()


def test_the_rules_are_the_configured_ones_at_first() -> None:
    """The same values; and the same object where nothing is learned."""
    times = begun()
    assert times.rules == times.options
    off = begun(learn_times=False)
    slow(off)
    assert off.begin(WALL_MS) is off.options


def test_rides_and_stops_are_those_that_were_learned() -> None:
    """A slower speed, a longer stop, the other options as they were."""
    times = begun()
    slow(times)
    rules = times.begin(WALL_MS)
    assert rules.speed_mps < times.options.speed_mps / 1.2
    assert rules.dropoff_service_s > times.options.dropoff_service_s
    same = structs.replace(
        rules,
        speed_mps=times.options.speed_mps,
        pickup_service_s=times.options.pickup_service_s,
        dropoff_service_s=times.options.dropoff_service_s,
    )
    assert same == times.options
    assert times.begin(WALL_MS) is rules


def test_other_options_begin_anew() -> None:
    """Who corrects the speed does not want the old pace on top of it; other options change nothing."""
    times = begun()
    slow(times)
    times.learned.shop("s").handover.add(60.0)
    times.configure(structs.replace(times.options, reply_s=30))
    times.begin(WALL_MS)
    assert times.learned.rides.pace.n > 0
    times.configure(structs.replace(times.options, speed_mps=4.0))
    assert times.begin(WALL_MS) == times.options
    assert times.learned.rides.pace.n == times.learned.shops["s"].handover.n == 0


def test_readiness_is_corrected_where_it_was_learned() -> None:
    """By shop; never into the past; not at all where learning is off."""
    times = begun()
    shop, node = times.learned.shop("s"), times.learned.node
    for _ in range(40):
        kitchens.learn(shop.unstated, node.unstated, False, -600.0, True, band_of(WALL_MS))
    now_ms = 5_000_000
    assumed_ms = now_ms + 900_000
    assert times.ready_ms("s", False, assumed_ms, now_ms, 13.4) == pytest.approx(now_ms + 300_000, abs=30_000)
    assert times.ready_ms("s", False, now_ms + 60_000, now_ms, 13.4) == now_ms
    assert times.ready_ms("s", True, assumed_ms, now_ms, 13.4) == assumed_ms
    times.configure(structs.replace(times.options, learn_times=False))
    assert times.ready_ms("s", False, assumed_ms, now_ms, 13.4) == assumed_ms


def test_a_shop_can_be_forgotten() -> None:
    """It is like an unknown one; the others stay."""
    times = begun()
    times.learned.shop("a").late.add(1.0)
    times.learned.shop("b").late.add(1.0)
    times.forget("a")
    times.forget("never seen")
    assert list(times.learned.shops) == ["b"]


def test_shops_are_bounded() -> None:
    """The one without a label for the longest time goes first."""
    times = begun()
    for number in range(SHOPS_MAX + 3):
        times.learned.shop(f"s{number}")
    assert len(times.learned.shops) == SHOPS_MAX
    assert "s2" not in times.learned.shops


def test_a_full_memory_is_small() -> None:
    """Every shop in every band, both ways: some megabytes."""
    times = begun()
    shop = times.learned.shop("a-shop-with-a-long-name")
    for errors in (shop.stated, shop.unstated):
        for band in range(BANDS):
            kitchens.learn(errors, times.learned.node.stated, False, 1_234.567, True, band)
    times.learned.turn(20_001)
    assert SHOPS_MAX * len(msgspec.msgpack.encode(shop)) < 2_500_000


def test_a_day_begins_at_night() -> None:
    """By the sun over the first shop: not in the dinner of another continent."""
    times = begun()
    times.ready_ms("s", True, 0, 0, 121.5)
    assert times.learned.lon == 122
    times.begin(WALL_MS)
    east = times.learned.day
    midnight_ms = (east + 1) * DAY_MS - 122 * DAY_MS // 360
    for wall_ms, day in ((midnight_ms - 1, east), (midnight_ms, east + 1), (midnight_ms - 1, east)):
        times.begin(wall_ms)
        assert times.learned.day == day


def test_hours_have_their_own_rules() -> None:
    """A round in another hour has another pace, and one a moment later the same rules."""
    times = begun()
    slow(times)
    hour_ms = 3_600_000
    other = times.begin(WALL_MS + hour_ms)
    rides.learn(times.learned.rides, 600, 240, 840 * 0.5, (52.5, 13.4), WALL_MS + hour_ms)
    times.rides_changed()
    assert times.begin(WALL_MS + hour_ms).speed_mps > other.speed_mps
    assert times.begin(WALL_MS).speed_mps < times.begin(WALL_MS + hour_ms).speed_mps
    assert times.begin(WALL_MS + hour_ms) is times.begin(WALL_MS + hour_ms + 1)


def test_a_snapshot_has_everything() -> None:
    """What was learned is the same after it, to the byte."""
    times = begun()
    slow(times)
    times.learned.shop("s").late.add(3.0)
    promises.learn(times.learned.promises, times.learned.shop("s").late, True, 1.0, 77.0)
    body = msgspec.msgpack.encode(times.learned)
    again = msgspec.msgpack.decode(body, type=Learned)
    assert msgspec.msgpack.encode(again) == body
    other = Times(times.options)
    other.restore(again)
    assert other.begin(WALL_MS) == times.begin(WALL_MS)
