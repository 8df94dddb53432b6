"""Tests of edge.scenarios.dispatch.times.means: bounded memory, bounded days, bounded tables."""

import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.scenarios.dispatch.times.means import QUANTILE_MAX, WINDOW, Mean, Quantile, clipped, touched

VALUES = st.floats(-10_000, 10_000)


def test_the_first_labels_are_averaged_and_then_fade() -> None:
    """A plain mean up to WINDOW labels; beyond it each new one weighs 1/WINDOW."""
    mean = Mean()
    for label in range(WINDOW):
        mean.add(float(label), 1)
    assert mean.value == pytest.approx((WINDOW - 1) / 2)
    before = mean.value
    mean.add(before + WINDOW, 1)
    assert mean.value == pytest.approx(before + 1)


def test_half_of_a_day_stays() -> None:
    """A wrong day counts half on the next one, before and after its first label; a right day halves that again."""
    mean = Mean()
    for _ in range(100):
        mean.add(10.0, 1)
    for _ in range(1_000):
        mean.add(1_000.0, 2)
    assert mean.at(2) == pytest.approx(1_000)
    assert mean.at(3) == pytest.approx(505)
    mean.add(505.0, 3)
    assert mean.value == pytest.approx(505)
    for _ in range(1_000):
        mean.add(10.0, 3)
    assert mean.at(4) == pytest.approx((505 + 10) / 2)


def test_the_first_day_stays_whole() -> None:
    """Nothing was known before it to go back to."""
    mean = Mean()
    mean.add(60.0, 7)
    assert mean.at(8) == 60.0
    quantile = Quantile(1.0)
    quantile.add(5.0, 0.9, 7)
    assert quantile.at(8) == quantile.value > 1.0


@given(st.lists(VALUES, min_size=1, max_size=80), st.lists(st.integers(0, 3), min_size=80, max_size=80))
def test_a_mean_stays_among_its_labels(labels: list[float], steps: list[int]) -> None:
    """Whatever days they come on, also where a clock goes back."""
    mean, day = Mean(), 5
    for label, step in zip(labels, steps, strict=False):
        day += step - 1
        mean.add(label, day)
    for asked in (day, day + 1):
        assert min(labels) - 1e-6 <= mean.at(asked) <= max(labels) + 1e-6


def test_few_labels_count_for_little() -> None:
    """Without any, the level above holds; with many, it does not."""
    assert Mean().towards(7.0, 3, 1) == 7.0
    mean = Mean(n=1, value=1.0)
    assert mean.towards(7.0, 3, 1) == pytest.approx((1 + 3 * 7) / 4)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_quantile_finds_its_share(share: float) -> None:
    """Of labels drawn from one distribution, the share lies below it."""
    lots = random.Random(1)
    quantile = Quantile(0.0)
    below = 0
    for number in range(20_000):
        label = lots.gauss(0, 1)
        below += number >= 1_000 and label <= quantile.value
        quantile.add(label, share, 1)
    assert below / 19_000 == pytest.approx(share, abs=0.01)


@given(st.lists(st.floats(-1e9, 1e9), max_size=300))
def test_a_quantile_has_a_bound(labels: list[float]) -> None:
    """However far off the labels are."""
    quantile = Quantile(0.0)
    for label in labels:
        quantile.add(label, 0.9, 1)
    assert abs(quantile.value) <= QUANTILE_MAX


@given(st.lists(VALUES, max_size=60))
def test_a_snapshot_continues_to_the_bit(labels: list[float]) -> None:
    """What is written and read again learns the same."""
    whole, parted = Mean(), Mean()
    for number, label in enumerate(labels):
        whole.add(label, number // 7)
        parted = msgspec.msgpack.decode(msgspec.msgpack.encode(parted), type=Mean)
        parted.add(label, number // 7)
    assert whole == parted


def test_the_oldest_goes_first() -> None:
    """Of a full table; what is used again is young."""
    table: dict[str, Mean] = {}
    for name in ("a", "b", "a", "c"):
        touched(table, name, Mean(), 2).add(1.0, 1)
    assert list(table) == ["a", "c"]
    assert table["a"].n == 2


@given(VALUES, st.floats(0, 100))
def test_clipped_stays_within(value: float, most: float) -> None:
    """On both sides, and what is within is as it was."""
    assert abs(clipped(value, most)) <= most
    assert clipped(value, 10_000) == value
