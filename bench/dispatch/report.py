"""From scores to what people read: means, intervals, and the table beside the published numbers."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from msgspec import Struct, to_builtins
from rich.table import Table

from .published import ALL_240, CLAIRVOYANT_16, CLAIRVOYANT_NAMES, EXACT_16, SCARCE, UNCERTAIN_240, Values
from .scorer import Score

RESAMPLES: Final = 10_000
"""Of the bootstrap: the ends of the interval settle to about 1 % of its width."""

COLUMNS: Final = {
    "undelivered_pct": ("lost %", 2),
    "ctd_mean": ("CtD", 2),
    "ctd_p90": ("CtD90", 1),
    "overage_mean": ("overage", 2),
    "rtp_mean": ("RtP", 2),
    "utilisation_mean": ("used", 2),
    "cost_per_order": ("cost", 2),
    "orders_per_bundle": ("bundle", 2),
    "n_over_90": ("over 90", 1),
    "ctd_penalised": ("CtD+120", 2),
    "lb_ctd": ("floor", 2),
}
"""Of the table: heading and decimals by field. CtD+120 counts 120 minutes for each order that was not delivered."""


class DecideMs(Struct, frozen=True):
    """How long the policy thought about one call, milliseconds."""

    p50: float
    p99: float
    max: float


class Result(Struct, frozen=True):
    """One instance, scored."""

    name: str
    score: Score
    decide_ms: DecideMs

    def row(self) -> dict[str, Any]:
        """As it stands in the report."""
        return {**to_builtins(self.score), "decide_ms": to_builtins(self.decide_ms)}


def timing_of(calls: Sequence[float]) -> DecideMs:
    """Quantiles of the calls of one day, all zero where there was none."""
    if not calls:
        return DecideMs(0.0, 0.0, 0.0)
    p50, p99 = np.percentile(calls, [50, 99], method="linear").tolist()
    return DecideMs(p50, p99, max(calls))


def build(results: Sequence[Result]) -> dict[str, Any]:
    """The report: `instances` by name, and the unweighted `mean` over them (of `decide_ms.max` the largest)."""
    rows = {result.name: result.row() for result in results}
    decide = [result.decide_ms for result in results]
    times = {
        "p50": sum(each.p50 for each in decide) / len(decide),
        "p99": sum(each.p99 for each in decide) / len(decide),
        "max": max(each.max for each in decide),
    }
    return {"instances": rows, "mean": {**means(results), "decide_ms": times}}


def means(results: Sequence[Result]) -> dict[str, float | None]:
    """The unweighted mean over instances of each field, over those that have a value."""
    found: dict[str, float | None] = {}
    for field in Score.__struct_fields__:
        values = [value for result in results if (value := getattr(result.score, field)) is not None]
        found[field] = sum(values) / len(values) if values else None
    return found


def interval(values: Mapping[str, float], level: float = 0.95) -> tuple[float, float]:
    """A percentile bootstrap interval for the mean of `values` by instance, resampled by seed: variants of one seed
    share their orders and are no independent days. The same values give the same interval."""
    groups: dict[str, list[float]] = {}
    for name in sorted(values):
        groups.setdefault(seed_of(name), []).append(values[name])
    sums = np.array([sum(group) for group in groups.values()])
    counts = np.array([len(group) for group in groups.values()])
    drawn = np.random.default_rng(0).integers(0, len(groups), (RESAMPLES, len(groups)))
    resampled = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.percentile(resampled, [50 * (1 - level), 50 * (1 + level)]).tolist()
    return low, high


def seed_of(name: str) -> str:
    """The seed that an instance's name begins with; any other name is a seed of its own."""
    match = re.match(r"(\d+)[or]\d", name)
    return match.group(1) if match else name


def table(results: Sequence[Result], policy: str, uncertain: bool) -> Table:
    """The means of this run and of the sets that it holds whole, each above the published numbers for it."""
    shown = Table(title=f"{policy}{', mean preparation times only' if uncertain else ''}: strict track", box=None)
    shown.add_column("", no_wrap=True)
    for heading, _ in COLUMNS.values():
        shown.add_column(heading, justify="right", no_wrap=True)
    _add(shown, f"mean of {len(results)}", means(results))
    low, high = _intervals(results)
    _add(shown, "  95 % from", low)
    _add(shown, "  95 % to", high)
    _add(shown, "  published, mean of 240", UNCERTAIN_240 if uncertain else ALL_240)
    if uncertain:
        return shown  # nothing else is published for it
    by_name = {result.name: result for result in results}
    if all(name in by_name for name in CLAIRVOYANT_NAMES):
        _add(shown, "the 16 of Table 4", means([by_name[name] for name in CLAIRVOYANT_NAMES]))
        _add(shown, "  published", CLAIRVOYANT_16)
        _add(shown, "  exact with hindsight", EXACT_16)
    for name, values in SCARCE.items():
        if name in by_name:
            _add(shown, name, means([by_name[name]]))
            _add(shown, "  published", values)
    return shown


def _intervals(results: Sequence[Result]) -> tuple[Values, Values]:
    low: Values = {}
    high: Values = {}
    for field in COLUMNS:
        values = {each.name: value for each in results if (value := getattr(each.score, field)) is not None}
        if values:
            low[field], high[field] = interval(values)
    return low, high


def _add(shown: Table, title: str, values: Mapping[str, float | None]) -> None:
    cells: list[str] = []
    for field, (_, decimals) in COLUMNS.items():
        value = values.get(field)
        cells.append("" if value is None else f"{value:.{decimals}f}")
    shown.add_row(title, *cells)
