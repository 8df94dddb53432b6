"""What a person reads at the end."""

from typing import Any

import pytest

from bench.load.screen import latency_table, throughput_table

QUANTILES = {"p50": 1.25, "p99": 2.5, "p999": 5.0}


@pytest.mark.parametrize("late", [True, False])
def test_a_late_generator_is_reported_beside_the_figures(late: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """Only where it was late, and with how much."""
    ratio = {"p50": 3.0, "p99": 4.0}
    report: dict[str, Any] = {
        **dict.fromkeys(("floor_ms", "fsync_ms", "mosquitto_ms", "doorstep_ms"), QUANTILES),
        "ratio": ratio,
        "ratio_mosquitto": ratio,
        "rate": 500.0,
        "plan": {"mode": "endpoint"},
        "sent": 7,
        "answered": 6,
        "lost": 1,
        "refused": 0,
        "duplicates": 0,
        "generator_late": {"over_ms": 1.0, "share": 0.25, "p99_ms": 8.0, "too_late": late},
    }
    latency_table(report)
    output = capsys.readouterr().out
    assert "1.250" in output
    assert "lost 1" in output
    assert ("The load generator was late" in output) is late


def test_a_rate_that_nobody_held_is_reported_as_such(capsys: pytest.CaptureFixture[str]) -> None:
    """Where even the first rate failed there is no figure, only the bound."""
    held = {"best": {"rate": 800.0, "p99": 9.0, "cpu_us": 70.0}, "tried": []}
    report: dict[str, Any] = {
        "doorstep": {"best": None, "tried": [{"rate": 200.0}]},
        "mosquitto": held,
        "floor": held,
        "packets": held,
        "mix": [],
        "positions": [],
    }
    throughput_table(report)
    output = capsys.readouterr().out
    assert "below 200" in output
    assert "800" in output
