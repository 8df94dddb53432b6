"""Tests of edge.scenarios.dispatch.times.learned: bounded memory, bounded days, bounded tables."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.scenarios.dispatch.times.learned import (
    BAND_MS,
    HOUR_MS,
    KNOWN,
    WINDOW,
    Errors,
    Interval,
    Learned,
    Mean,
    Promises,
    Quantile,
    Rides,
    Shop,
    band_of,
    cell_of,
    clipped,
    correction,
    hour_of,
    scarcity,
    touched,
)

VALUES = st.floats(-10_000, 10_000)


def test_the_first_labels_are_averaged_and_then_fade() -> None:
    """A plain mean up to WINDOW labels; beyond it each new one weighs 1/WINDOW."""
    mean = Mean()
    for label in range(WINDOW):
        mean.add(float(label))
    assert mean.value == pytest.approx((WINDOW - 1) / 2)
    before = mean.value
    mean.add(before + WINDOW)
    assert mean.value == pytest.approx(before + 1)


def node(day: int = 1) -> tuple[Learned, Mean]:
    """What a node has learned, and one figure of it."""
    learned = Learned()
    learned.turn(day)
    return learned, learned.shop("s").handover


def test_half_of_a_day_stays() -> None:
    """A wrong day counts half on the next one; a right day halves that again; a day without labels changes nothing."""
    learned, mean = node()
    for _ in range(100):
        mean.add(10.0)
    learned.turn(2)
    for _ in range(1_000):
        mean.add(1_000.0)
    assert mean.value == pytest.approx(1_000)
    learned.turn(3)
    assert mean.value == pytest.approx(505)
    learned.turn(4)
    assert mean.value == pytest.approx(505)
    for _ in range(1_000):
        mean.add(10.0)
    learned.turn(5)
    assert mean.value == pytest.approx((505 + 10) / 2)


def test_the_first_day_stays_whole() -> None:
    """Nothing was known before it to go back to."""
    learned, mean = node()
    mean.add(60.0)
    learned.turn(2)
    assert mean.value == 60.0


def test_every_figure_turns() -> None:
    """No mean and no quantile of what was learned is left out."""
    learned, _ = node()
    shop, rides = learned.shop("s"), learned.rides
    for errors in (shop.stated, shop.unstated, learned.node.stated, learned.node.unstated):
        errors.bands[3] = Mean()
    rides.hours[7], rides.doors["1,1"] = Mean(), Mean()
    figures = _means(msgspec.to_builtins(learned))
    assert len(list(learned._figures())) == figures


def _means(built: object) -> int:
    """Arrays of a count, a value and what was kept, in either order, inside of anything."""
    if isinstance(built, dict):
        return sum(_means(each) for each in built.values())
    if not isinstance(built, list):
        return 0
    if len(built) == 3 and built[2] is None:
        return 1
    return sum(_means(each) for each in built)


@given(st.lists(VALUES, min_size=1, max_size=80), st.lists(st.integers(0, 3), min_size=80, max_size=80))
def test_a_mean_stays_among_its_labels(labels: list[float], steps: list[int]) -> None:
    """Whatever days they come on, also where a clock goes back."""
    day = 5
    learned, mean = node(day)
    for label, step in zip(labels, steps, strict=False):
        day += step - 1
        learned.turn(day)
        mean.add(label)
    for asked in (day, day + 1):
        learned.turn(asked)
        assert min(labels) - 1e-6 <= mean.value <= max(labels) + 1e-6


def test_each_level_is_shrunk_towards_the_one_above() -> None:
    """A band towards its shop, a shop towards the node, and the node towards what is stated; without labels the level
    above holds."""
    node = Errors(Mean(10, 90.0), Mean(), {2: Mean(9, 1e6)})
    shop = Errors(Mean(3, 40.0), Mean(), {2: Mean(1, 200.0)})
    assert correction(None, Errors(), False, 2) == correction(Errors(), Errors(), True, 2) == 0
    assert [correction(None, node, stated, 2) for stated in (True, False)] == [60, 90]
    assert [correction(shop, node, True, band) for band in (2, 3)] == [83.75, 45]
    rides = Rides(
        Mean(5, 2.0), {7: Mean(10, 3.0)}, Mean(5, 20.0), Mean(5, -10.0), {cell_of(52.519, -13.401): Mean(3, 25)}
    )
    assert [rides.pace_at((24 + hour) * HOUR_MS) for hour in (6, 7, 8)] == [1.5, 2.25, 1.5]
    assert (rides.shop_s(), rides.door_s()) == (10, -5)
    assert [rides.beyond_door_s(lat, -13.405) for lat in (52.509, 52.51, 52.519, 52.52)] == [0, 15, 15, 0]
    assert Rides().pace_at(0) == 1


@pytest.mark.parametrize(
    ("waiting", "idle", "squared"),
    [(0, 0, 2), (1, 0, 2), (2, 0, 4), (1, 1, 1), (3, 1, 3), (5, 1, 4), (0, 2, 0.5), (2, 6, 1 / 3), (1, 5, 0.25)],
)
def test_errors_grow_with_the_root_of_how_scarce_riders_are(waiting: int, idle: int, squared: float) -> None:
    """Up to twice and down to half; not where no time is stated."""
    assert scarcity(waiting, idle, True) == pytest.approx(squared**0.5)
    assert scarcity(waiting, idle, False) == 1


def test_a_promise_is_of_the_errors_of_its_shop() -> None:
    """Shrunk towards the node's, at least a second, times how scarce riders are; the quantiles are of shops that are as
    well known."""
    promises, shop = Promises(), Mean(10, 100.0)
    assert [promises.scale(None, stated, 2.0) for stated in (True, False)] == [300, 600]
    assert promises.scale(shop, True, 2.0) == 250
    promises.size = Mean(4, 50.0)
    assert (promises.scale(None, True, 1.0), promises.scale(shop, True, 1.0)) == (100, 100)
    assert promises.interval(None, True, 1.5) == Interval(-75, 690, 330)
    promises.size = Mean(10**6, 0.0)
    assert promises.scale(None, True, 2.0) == promises.scale(Mean(9, 0.0), True, 2.0) == 2
    for stated, groups in ((True, promises.groups), (False, promises.unstated)):
        found = [promises.group(Mean(n), stated) for n in (0, 1, KNOWN - 1, KNOWN)]
        assert [group is want for group, want in zip(found, (groups[0], groups[1], *groups[1:]), strict=True)] == [
            True
        ] * 4
        assert promises.group(None, stated) is groups[0]
    known = Shop()
    assert known.errors(True) is known.stated
    assert known.errors(False) is known.unstated


@given(st.lists(VALUES, max_size=60))
def test_a_snapshot_continues_to_the_bit(labels: list[float]) -> None:
    """What is written and read again learns the same."""
    whole, _ = node()
    parted, _ = node()
    for number, label in enumerate(labels):
        parted = msgspec.msgpack.decode(msgspec.msgpack.encode(parted), type=Learned)
        for each in (whole, parted):
            each.turn(number // 7)
            each.shop("s").handover.add(label)
    assert whole == parted


def test_the_oldest_goes_first() -> None:
    """Of a full table; what is used again is young."""
    table: dict[str, Mean] = {}
    for name in ("a", "b", "a", "c"):
        touched(table, name, Mean, 2).add(1.0)
    assert list(table) == ["a", "c"]
    assert table["a"].n == 2


@given(VALUES, st.floats(0, 100))
def test_clipped_stays_within(value: float, most: float) -> None:
    """On both sides, and what is within is as it was."""
    assert abs(clipped(value, most)) <= most
    assert clipped(value, 10_000) == value


def test_bands_are_two_hours_of_the_day() -> None:
    """The same on every day, as its hours are."""
    for hour in range(48):
        for ms in (hour * HOUR_MS, (hour + 1) * HOUR_MS - 1):
            assert (hour_of(ms), band_of(ms)) == (hour % 24, hour // 2 % 12)
    assert BAND_MS == 2 * HOUR_MS


def test_no_promise_ends_before_its_middle() -> None:
    """Where the quantiles that were learned cross, the interval still has its middle inside, and nothing is promised
    before that; the last one is the latest."""
    promises = Promises()
    promises.groups[0] = [Quantile(value) for value in (0.5, 0.2, 2.0, 0.3)]
    found, scale = promises.interval(None, True, 1.0), promises.scale(None, True, 1.0)
    assert scale > 10
    assert (found.earliest, found.promised, found.latest) == (round(0.2 * scale), round(0.2 * scale), round(2 * scale))
