"""What a person reads at the end."""

from typing import Any

from bench.load.screen import latency_lines, latency_tables, throughput_lines, throughput_tables
from tests.bench.pages.reports import REPORTS


def test_latency_has_each_subject_and_each_ratio_that_was_measured() -> None:
    """What a mode has not is left out, p99.9 where it was of too few, and a late generator is named."""
    report = {**REPORTS["latency"], "floor_ms": {"p50": 1.25, "p99": 2.5, "p999": None}}
    (table,) = latency_tables(report)
    assert table.rows[0] == ("bare echo, no decision, no disk", "1.250", "2.500", "")
    assert len(table.rows) == 5 + 3
    for name in ("packets_ms", "ratio_packets"):
        del report[name]
    assert len(latency_tables(report)[0].rows) == 4 + 2
    counts, late = latency_lines(report)
    assert counts == "sent 5,000, lost 0, refused 0, twice 0"
    assert "The load generator was late" in late


def test_a_rate_that_nobody_held_is_reported_as_such() -> None:
    """Where even the first rate failed there is only the bound; the ratio states whether both searches ended."""
    held: dict[str, Any] = {"best": {"rate": 800.0, "p99": 9.0, "cpu_us": 70.0}, "tried": []}
    none = {"best": None, "tried": [{"rate": 200.0}]}
    report = {"doorstep": none, "mosquitto": held, "floor": held, "packets": held, "mix": [], "positions": []}
    rates, with_positions = throughput_tables(report)
    assert [row[1] for row in rates.rows] == ["below 200", *["≥ 800, search ended"] * 3]
    assert with_positions.rows == []
    assert throughput_lines(report) == []
    ratios = {"ratio_packets": 0.5, "ratio_mosquitto": 0.25, "ratio_cpu": 3.0, "ratio_cpu_packets": 2.0}
    ratios |= {"durable_events_per_s": 2_400.0, "orders_per_day": 69_120_000}
    first = throughput_lines({**report, "doorstep": held, **ratios})[0]
    assert "= × 0.50 (not both searched to their end)" in first
    assert "200 over 200 = × 0.50 (both searched" in throughput_lines({**REPORTS["throughput"], **ratios})[0]
