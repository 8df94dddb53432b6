"""The report: what stands in it, and where."""

import json

import pytest

from bench.dispatch.promises import PromiseOutcome
from bench.dispatch.report import Beside, DecideMs, build, timing_of
from bench.dispatch.simulator.refusals import Refused, Unwilling
from tests.bench.dispatch.days import result

FIELDS = (
    "undelivered_pct ctd_mean ctd_p90 overage_mean rtp_mean rtp_p90 utilisation_mean cost_per_order orders_per_bundle "
    "n_over_90 n_over_90_avoidable ctd_penalised lb_ctd spread decide_ms"
).split()


def test_the_report_has_its_shape() -> None:
    """`instances` by name and `mean`, each with exactly the fields that were promised."""
    report = json.loads(json.dumps(build([result("a", 30.0), result("b", 32.0)])))
    assert list(report) == ["instances", "mean"]
    assert list(report["instances"]) == ["a", "b"]
    assert list(report["instances"]["a"]) == FIELDS
    assert list(report["mean"]) == FIELDS
    assert report["mean"]["ctd_mean"] == 31.0
    assert report["mean"]["decide_ms"] == {"p50": 1.0, "p99": 2.0, "max": 3.0}


def test_a_policy_that_promises_is_held_to_it() -> None:
    """Per instance and in the mean: error, absolute error, shares late, and the calibration of all together."""
    days = [
        result("a", promises=[PromiseOutcome(0.9, -2), PromiseOutcome(0.9, 6)]),
        result("b", promises=[PromiseOutcome(0.9, 0)]),
        result("c"),
    ]
    report = build(days)
    assert report["instances"]["a"]["promise"]["mean_error_min"] == 2.0
    assert "promise" not in report["instances"]["c"]
    mean = report["mean"]["promise"]
    assert (mean["mean_error_min"], mean["mean_abs_error_min"]) == (1.0, 2.0)
    assert (mean["late_share"], mean["late_5_share"], mean["given"]) == (0.25, 0.25, 3)
    assert mean["calibration"][0]["kept_share"] == pytest.approx(2 / 3)


def test_what_was_run_beside_stands_beside() -> None:
    """The baseline with the paired differences to it, and refusals with their effect."""
    beside = Beside(
        "rolling-horizon",
        [result("1o50", 32.0), result("2o50", 34.0)],
        [result("1o50", 31.0), result("2o50", 33.0)],
        Unwilling(0.1, 0.05),
        [result("1o50", 35.0, refused=Refused(10, 2, 1)), result("2o50", 35.0, refused=Refused(20, 1, 0))],
    )
    report = json.loads(json.dumps(build([result("1o50", 30.0), result("2o50", 31.0)], beside)))
    assert list(report) == ["instances", "mean", "baseline", "baseline_each_minute", "refusals"]
    baseline, refusals = report["baseline"], report["refusals"]
    assert (baseline["policy"], baseline["mean"]["ctd_mean"]) == ("rolling-horizon", 33.0)
    assert baseline["difference"]["ctd_mean"] == {"mean": -2.5, "low": -3.0, "high": -2.0, "n": 2}
    assert report["baseline_each_minute"]["difference"]["ctd_mean"]["mean"] == -1.5
    assert "after seeing the published figures" in baseline["note"]
    assert (refusals["decline"], refusals["silent"], refusals["offers"], refusals["offers_declined"]) == (
        0.1, 0.05, 30, 3,
    )  # fmt: skip
    assert refusals["difference"]["ctd_mean"]["mean"] == 4.5


def test_thinking_times_are_quantiles_of_calls() -> None:
    """Interpolated, and nothing where nobody was asked."""
    assert timing_of([1.0, 2.0, 3.0]) == DecideMs(2.0, 2.98, 3.0)
    assert timing_of([]) == DecideMs(0.0, 0.0, 0.0)
