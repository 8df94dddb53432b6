"""Means and intervals over instances."""

from bench.dispatch.intervals import COMPARED, Difference, differences, interval, means, seed_of
from tests.bench.dispatch.days import scored


def test_a_day_without_a_value_does_not_count_in_its_mean() -> None:
    """None is left out of means, not counted as nothing."""
    assert means({"a": scored(30.0), "b": scored(None)})["ctd_mean"] == 30.0
    assert means({"b": scored(None)})["ctd_mean"] is None


def test_the_interval_is_clustered_by_seed() -> None:
    """Twenty variants of two seeds are two days, not twenty: the interval is as wide as the seeds are apart."""
    values = {f"{seed}o50t100s{n}p100": float(10 * seed) for seed in (1, 2) for n in range(10)}
    assert interval(values) == (10.0, 20.0)
    assert interval(values) == interval(dict(reversed(values.items())))
    assert interval({"3o50": 7.0}) == (7.0, 7.0)


def test_differences_are_paired() -> None:
    """Two runs that are a minute apart on every day differ by a minute for sure, however the days differ."""
    ours = {"1o50": scored(20.0), "2o50": scored(50.0), "3o50": scored(None)}
    theirs = {"1o50": scored(21.0), "2o50": scored(51.0), "3o50": scored(30.0)}
    found = differences(ours, theirs)
    assert list(found) == list(COMPARED)
    assert found["ctd_mean"] == Difference(-1.0, -1.0, -1.0, 2)
    assert found["undelivered_pct"] == Difference(0.0, 0.0, 0.0, 3)


def test_one_seed_shows_nothing_about_others() -> None:
    """Its difference has no interval."""
    found = differences({"1o50": scored(20.0), "1r50": scored(20.0)}, {"1o50": scored(21.0), "1r50": scored(23.0)})
    assert found["ctd_mean"] == Difference(-2.0, None, None, 2)


def test_seeds_are_read_from_names() -> None:
    """The digits before the size are the seed; another name is its own."""
    assert [seed_of(name) for name in ("0o50t100s1p100", "12r50t75", "small-district")] == ["0", "12", "small-district"]
