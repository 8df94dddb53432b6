"""A measured trend can fail."""

from bench.soak.figures import check_trend, thinned
from bench.soak.sampler import Series


def series(leak_mb_per_h: float) -> Series:
    """Twenty minutes, a sample a second, one life."""
    seconds = [float(second) for second in range(1200)]
    rss = [60 + leak_mb_per_h * second / 3600 + (second % 7) * 0.01 for second in seconds]
    still = [1.0 + (second % 5) * 0.01 for second in seconds]
    return Series(seconds, [0] * 1200, seconds, rss, still, still)


def test_a_leak_is_upward_and_calm_is_not() -> None:
    """30 MB an hour (2.5 in a day of the node's clock) are seen; jitter is not, nor is what is tolerated."""
    assert not check_trend(series(5.0), "rss_mb", 1200.0, 288.0)["within_lives"]["upward"]
    assert check_trend(series(30.0), "rss_mb", 1200.0, 288.0)["over_all"]["upward"]
    assert check_trend(series(30.0), "rss_mb", 1200.0, 288.0)["within_lives"]["upward"]
    assert not check_trend(series(0.0), "rss_mb", 1200.0, 288.0)["over_all"]["upward"]
    assert not check_trend(series(0.0), "fds", 1200.0, 288.0)["within_lives"]["upward"]


def test_the_warm_up_does_not_count() -> None:
    """What grew in the first quarter and then stood still has no slope."""
    grown = series(0.0)
    grown.rss_mb = [min(second, 290.0) + (second % 7) * 0.01 for second in grown.seconds]
    assert not check_trend(grown, "rss_mb", 1200.0, 288.0)["over_all"]["upward"]


def test_the_youth_of_a_life_does_not_count() -> None:
    """What a process gains in its first five minutes is no leak."""
    grown = series(0.0)
    grown.life = [int(second >= 500) for second in grown.seconds]
    grown.age_s = [second - 500 * life for second, life in zip(grown.seconds, grown.life, strict=True)]
    grown.rss_mb = [60 + min(age, 290.0) / 20 + (age % 7) * 0.01 for age in grown.age_s]
    assert not check_trend(grown, "rss_mb", 1200.0, 288.0)["within_lives"]["upward"]


def test_cuts_of_the_uplink_are_no_slope_of_descriptors() -> None:
    """A descriptor less for half a minute here and there does not count, wherever it falls; one more a minute does."""
    for early in (320, 900):
        cut = series(0.0)
        cut.fds = [104.0 - (early <= second < early + 30) for second in cut.seconds]
        assert not check_trend(cut, "fds", 1200.0, 288.0)["within_lives"]["upward"]
        cut.fds = [fds + second // 60 for fds, second in zip(cut.fds, cut.seconds, strict=True)]
        assert check_trend(cut, "fds", 1200.0, 288.0)["within_lives"]["upward"]


def test_the_plot_gets_a_sample_each_five_seconds() -> None:
    """All columns stay in step."""
    columns = thinned(series(1.0))
    assert {len(values) for values in columns.values()} == {240}
