"""The line distinguishes growth from noise."""

import numpy as np
import pytest

from bench.soak.slope import blocks, slope

SECONDS = [float(second) for second in range(0, 1800, 15)]


def test_growth_is_measured_with_its_interval() -> None:
    """12 units an hour in noise are found, and the interval holds them."""
    noise = np.random.default_rng(1).normal(0, 0.5, len(SECONDS))
    line = slope(SECONDS, [100 + 12 * second / 3600 + n for second, n in zip(SECONDS, noise, strict=True)])
    assert line.low < 12 < line.high
    assert line.per_hour == pytest.approx(12, abs=1)
    assert [line.upward(tolerated) for tolerated in (0.0, 8.0, 14.0)] == [True, True, False]
    assert line.level == pytest.approx(103, abs=1)


def test_noise_is_rarely_called_growth() -> None:
    """Of 200 flat series, noise with memory included, hardly more than the interval's 2.5 % look upward."""
    upward = 0
    for seed in range(200):
        noise = np.random.default_rng(seed).normal(0, 1, len(SECONDS))
        for index in range(1, len(noise)):
            noise[index] += 0.3 * noise[index - 1]
        upward += slope(SECONDS, noise.tolist()).upward()
    assert upward <= 20


def test_a_leak_that_restarts_hide_is_found_within_lives() -> None:
    """A sawtooth has no slope over all, and its own within the lives."""
    lives = [int(second // 300) for second in SECONDS]
    dice = np.random.default_rng(2)
    values = [50 + (second % 300) / 3600 * 60 + dice.normal(0, 0.2) for second in SECONDS]
    assert abs(slope(SECONDS, values).per_hour) < 2
    within = slope(SECONDS, values, lives)
    assert within.upward()
    assert within.per_hour == pytest.approx(60, abs=10)


def test_too_little_shows_nothing() -> None:
    """A handful of points is no evidence of anything, not even a level's."""
    assert slope([0.0, 1.0], [1.0, 9.0]) == slope([0.0, 1.0], [9.0, 1.0])
    assert not slope([], []).upward()


def test_blocks_are_medians_of_one_life() -> None:
    """A block never mixes two lives, and an outlier does not count."""
    found = blocks([0.0, 1.0, 2.0, 3.0, 4.0], [1.0, 1.0, 99.0, 5.0, 5.0], [0, 0, 0, 1, 1], 15.0)
    assert (found.values, found.groups) == ([1.0, 5.0], [0, 1])
