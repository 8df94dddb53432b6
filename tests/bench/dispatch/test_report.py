"""Means, intervals and the table."""

import json

from rich.console import Console

from bench.dispatch.published import CLAIRVOYANT_NAMES
from bench.dispatch.report import DecideMs, Result, build, interval, seed_of, table, timing_of
from bench.dispatch.scorer import Score

FIELDS = (
    "undelivered_pct ctd_mean ctd_p90 overage_mean rtp_mean rtp_p90 utilisation_mean cost_per_order orders_per_bundle "
    "n_over_90 ctd_penalised lb_ctd decide_ms"
).split()


def result(name: str, ctd: float | None = 30.0) -> Result:
    """A result with one value that matters."""
    return Result(name, Score(0.0, ctd, 40.0, 1.0, 1.0, 2.0, 0.5, 11.0, 1.1, 0, ctd or 120.0, 29.0), DecideMs(1, 2, 3))


def shown(results: list[Result], uncertain: bool = False) -> str:
    """The table as text."""
    console = Console(width=140)
    with console.capture() as capture:
        console.print(table(results, "some policy", uncertain))
    return capture.get()


def test_the_report_has_its_shape() -> None:
    """`instances` by name and `mean`, each with exactly the fields that were promised."""
    report = json.loads(json.dumps(build([result("a", 30.0), result("b", 32.0)])))
    assert list(report) == ["instances", "mean"]
    assert list(report["instances"]) == ["a", "b"]
    assert list(report["instances"]["a"]) == FIELDS
    assert list(report["mean"]) == FIELDS
    assert report["mean"]["ctd_mean"] == 31.0
    assert report["mean"]["decide_ms"] == {"p50": 1.0, "p99": 2.0, "max": 3.0}


def test_a_day_without_a_value_does_not_count_in_its_mean() -> None:
    """None is left out of means, not counted as nothing."""
    assert build([result("a", 30.0), result("b", None)])["mean"]["ctd_mean"] == 30.0
    assert build([result("b", None)])["mean"]["ctd_mean"] is None


def test_the_interval_is_clustered_by_seed() -> None:
    """Twenty variants of two seeds are two days, not twenty: the interval is as wide as the seeds are apart."""
    values = {f"{seed}o50t100s{n}p100": float(10 * seed) for seed in (1, 2) for n in range(10)}
    assert interval(values) == (10.0, 20.0)
    assert interval(values) == interval(dict(reversed(values.items())))
    assert interval({"3o50": 7.0}) == (7.0, 7.0)


def test_seeds_are_read_from_names() -> None:
    """The digits before the size are the seed; another name is its own."""
    assert [seed_of(name) for name in ("0o50t100s1p100", "12r50t75", "small-district")] == ["0", "12", "small-district"]


def test_the_table_stands_beside_the_published_numbers() -> None:
    """Sets that are there whole are shown with their published values; others are not."""
    some = shown([result("1o50t100s1p100")])
    assert "3.35" in some
    assert "Table 4" not in some
    assert "31.88" in shown([result(name) for name in CLAIRVOYANT_NAMES])
    uncertain = shown([result("1o50t100s1p100")], uncertain=True)
    assert "34.03" in uncertain
    assert "3.35" not in uncertain


def test_thinking_times_are_quantiles_of_calls() -> None:
    """Interpolated, and nothing where nobody was asked."""
    assert timing_of([1.0, 2.0, 3.0]) == DecideMs(2.0, 2.98, 3.0)
    assert timing_of([]) == DecideMs(0.0, 0.0, 0.0)
