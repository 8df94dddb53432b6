"""Drawings by hand."""

import xml.etree.ElementTree as ET
from typing import Any

from bench.load.load_plot import latency_plot, throughput_plot

QUANTILES = {"p50": 0.3, "p99": 2.0, "p999": 40.0}


def titles(svg: str) -> list[str]:
    """The texts of a drawing's marks; that it is well-formed goes with it."""
    return [element.text or "" for element in ET.fromstring(svg).iter() if element.tag.endswith("title")]


def test_each_quantile_has_its_bar() -> None:
    """Three for each subject, and two for a stage, which has no p99.9."""
    stages = {"commit": {"p50": 0.5, "p99": 1.0, "max": 9.0, "count": 3}}
    fields = ("floor_ms", "fsync_ms", "mosquitto_ms", "packets_ms", "doorstep_ms")
    report: dict[str, Any] = {"rate": 500.0, "stages_ms": stages, **dict.fromkeys(fields, QUANTILES)}
    found = titles(latency_plot(report))
    assert len(found) == 3 * len(fields) + 2
    assert "Doorstep p999: 40 ms" in found


def test_each_rate_has_its_point_with_the_reason() -> None:
    """A rate that was not held states why, with its special characters escaped; zeros do not break a logarithm."""
    good = {"rate": 100.0, "p99": 3.0, "held": True, "why": ""}
    bad = {"rate": 200.0, "p99": 0.0, "held": False, "why": "5 < 6 & lost"}
    report = {name: {"tried": [good, bad]} for name in ("doorstep", "mosquitto", "floor", "packets")}
    found = titles(throughput_plot(report))
    assert len(found) == 8
    assert "Doorstep: 200/s, p99 0 ms 5 < 6 & lost" in found
