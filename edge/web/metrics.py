"""The status as Prometheus metrics. Imported, with `prometheus_client`, at the first scrape: many nodes see none."""

from collections.abc import Iterable
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from ..health.histogram import Histogram

OCTAVES = range(-14, 5)
"""Bucket bounds of the stage histograms: 61 us to 16 s, each twice the one before."""


def exposition(report: dict[str, Any], latencies: dict[str, Histogram]) -> bytes:
    """The text format 0.0.4 of one report and its stage histograms."""
    registry = CollectorRegistry()
    registry.register(_Snapshot(report, latencies))
    return generate_latest(registry)


class _Snapshot(Collector):
    def __init__(self, report: dict[str, Any], latencies: dict[str, Histogram]) -> None:
        self._report, self._latencies = report, latencies

    def collect(self) -> Iterable[Metric]:
        yield from _counters(self._report["counts"])
        yield _stages(self._latencies)
        yield from _states(self._report)
        yield from _sections(self._report)


def _counters(counts: dict[str, Any]) -> Iterable[Metric]:
    for name, label, text in (
        ("received", "kind", "Publishes that came in"),
        ("refused", "reason", "Events answered with a refusal"),
        ("dropped", "reason", "Messages not decided, with nobody to answer"),
    ):
        family = CounterMetricFamily(f"doorstep_{name}", text, labels=[label])
        for key, value in counts[name].items():
            family.add_metric([key], value)
        yield family
    for name, text in (
        ("accepted", "Events decided for the first time"),
        ("duplicate", "Events that came again"),
        ("decisions", "Dispatch decisions"),
        ("answers", "Answers made visible to clients"),
    ):
        yield CounterMetricFamily(f"doorstep_{name}", text, value=counts[name])


def _stages(latencies: dict[str, Histogram]) -> Metric:
    family = HistogramMetricFamily("doorstep_stage_seconds", "Time spent in each stage of the path", labels=["stage"])
    for stage, latency in latencies.items():
        buckets = [("+Inf" if bound == float("inf") else repr(bound), n) for bound, n in latency.cumulative(OCTAVES)]
        family.add_metric([stage], buckets, latency.sum_s)
    return family


def _states(report: dict[str, Any]) -> Iterable[Metric]:
    state = GaugeMetricFamily("doorstep_state", "1 for the state that the node is in", labels=["state"])
    for name in ("starting", "ok", "degraded", "draining"):
        state.add_metric([name], report["state"] == name)
    yield state
    serving = "1 while events are accepted, whatever else is wrong"
    yield GaugeMetricFamily("doorstep_serving", serving, value=report["serving"])
    problems = GaugeMetricFamily("doorstep_problem", "1 for each thing that is wrong now", labels=["name"])
    for problem in report["problems"]:
        problems.add_metric([problem["name"]], 1)
    yield problems
    yield GaugeMetricFamily("doorstep_uptime_seconds", "Real seconds since the node started", value=report["uptime_s"])
    for key, text in (("depth", "Waiting in a queue"), ("limit", "Bound of a queue")):
        family = GaugeMetricFamily(f"doorstep_queue_{key}", text, labels=["queue"])
        for name, queue in report["queues"].items():
            family.add_metric([name], queue[key])
        yield family


def _sections(report: dict[str, Any]) -> Iterable[Metric]:
    """Every registered number. What is counted by state has the state as a label; text is left out."""
    for section in ("orders", "riders"):
        family = GaugeMetricFamily(f"doorstep_{section}", f"Number of {section} by state", labels=["state"])
        for state, value in report[section].items():
            family.add_metric([state], value or 0)
        yield family
    known = {"counts", "latency_ms", "queues", "clock", "orders", "riders"}
    for section, values in report.items():
        if section in known or not isinstance(values, dict):
            continue
        for key, value in values.items():  # pyright: ignore[reportUnknownVariableType]
            if isinstance(value, int | float):
                yield GaugeMetricFamily(f"doorstep_{section}_{key}", f"{section}.{key} of /api/status", value=value)
