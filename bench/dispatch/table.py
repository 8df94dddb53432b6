"""What a person reads at the end: the means of this run, what was run beside it, and the published numbers."""

from collections.abc import Mapping, Sequence
from typing import Final

from rich.table import Table

from .intervals import Scores, differences, interval, means, seed_of, values
from .published import ALL_240, CLAIRVOYANT_16, CLAIRVOYANT_NAMES, EXACT_16, SCARCE, UNCERTAIN_240, Values
from .report import ALONE, BASELINE_NOTE, Beside, Result, counts, decide, promises, scores

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
    "n_over_90_avoidable": ("avoidable", 1),
    "ctd_penalised": ("CtD+120", 2),
    "lb_ctd": ("floor", 2),
    "spread": ("spread", 2),
}
"""Heading and decimals by field. CtD+120 counts 120 minutes for each order that was not delivered."""


def table(results: Sequence[Result], policy: str, uncertain: bool, beside: Beside = ALONE) -> Table:
    """The means of this run and of the sets that it holds whole, each above the published numbers for it."""
    shown = Table(title=f"{policy}{', mean preparation times only' if uncertain else ''}: strict track", box=None)
    shown.add_column("", no_wrap=True)
    for heading, _ in COLUMNS.values():
        shown.add_column(heading, justify="right", no_wrap=True)
    ours, theirs = scores(results), scores(beside.baseline_results)
    quicker = scores(beside.each_minute_results)
    _add(shown, f"mean of {len(results)}", means(ours))
    _interval(shown, ours)
    if theirs:
        _add(shown, f"{beside.baseline} beside it", means(theirs))
        _difference(shown, f"{policy} less {beside.baseline}", ours, theirs)
    if quicker:
        _add(shown, f"{beside.baseline}, each minute", means(quicker))
        _difference(shown, f"{policy} less that", ours, quicker)
    _add(shown, "published, mean of 240", UNCERTAIN_240 if uncertain else ALL_240)
    if beside.refused_results:
        refused = scores(beside.refused_results)
        _add(shown, f"{policy}, couriers refuse", means(refused))
        _difference(shown, "  their effect", refused, ours)
    if uncertain:
        return shown  # nothing else is published for it
    if all(name in ours for name in CLAIRVOYANT_NAMES):
        _group(shown, "the 16 of Table 4", CLAIRVOYANT_NAMES, ours, theirs, beside.baseline)
        _add(shown, "  published", CLAIRVOYANT_16)
        _add(shown, "  exact with hindsight", EXACT_16)
    for name, published in SCARCE.items():
        if name in ours:
            _group(shown, name, [name], ours, theirs, beside.baseline)
            _add(shown, "  published", published)
    return shown


def remarks(results: Sequence[Result], beside: Beside = ALONE) -> list[str]:
    """What does not fit into the table: time to decide, promises, refusals, and what to know about the baseline."""
    times = decide(results)
    sentences = [
        f"Time to decide: p50 {times.p50:.2f} ms, p99 {times.p99:.2f} ms (means of days), max {times.max:.1f} ms."
    ]
    promise = promises(results)
    if promise is not None and promise.mean_error_min is not None and promise.mean_abs_error_min is not None:
        sentences.append(
            f"Promises: {promise.given} given; the drop-off came {promise.mean_error_min:+.1f} min from them in the "
            f"mean, {promise.mean_abs_error_min:.1f} either way; {promise.late_share or 0:.0%} late, "
            f"{promise.late_5_share or 0:.0%} by more than 5 min. Kept, by confidence: "
            + ", ".join(f"{each.confidence_mean:.2f}: {each.kept_share:.2f}" for each in promise.calibration)
            + "."
        )
    if beside.refused_results:
        asked = counts(beside.refused_results)
        sentences.append(
            f"Refusals, a mode of its own and not the strict track: of {asked['offers']} offers "
            f"{asked['offers_declined']} declined, {asked['offers_unanswered']} not answered."
        )
    if beside.baseline_results:
        sentences.append(BASELINE_NOTE)
    return sentences


def _group(shown: Table, title: str, names: Sequence[str], ours: Scores, theirs: Scores, baseline: str) -> None:
    """Some of the instances, with the baseline on the same ones."""
    _add(shown, title, means({name: ours[name] for name in names}))
    if theirs:
        _add(shown, f"  {baseline}", means({name: theirs[name] for name in names}))


def _interval(shown: Table, ours: Scores) -> None:
    if len(set(map(seed_of, ours))) < 2:
        return  # one seed gives no interval
    low: Values = {}
    high: Values = {}
    for field in COLUMNS:
        held = values(ours, field)
        if held:
            low[field], high[field] = interval(held)
    _add(shown, "  95 % from", low)
    _add(shown, "  95 % to", high)


def _difference(shown: Table, title: str, ours: Scores, theirs: Scores) -> None:
    """Signed, with the interval of the paired difference."""
    apart = differences(ours, theirs)
    _add(shown, title, {field: each.mean for field, each in apart.items()}, signed=True)
    if any(each.low is not None for each in apart.values()):
        _add(shown, "  95 % from", {field: each.low for field, each in apart.items()}, signed=True)
        _add(shown, "  95 % to", {field: each.high for field, each in apart.items()}, signed=True)


def _add(shown: Table, title: str, numbers: Mapping[str, float | None], signed: bool = False) -> None:
    cells: list[str] = []
    for field, (_, decimals) in COLUMNS.items():
        value = numbers.get(field)
        cells.append("" if value is None else f"{value:{'+' if signed else ''}.{decimals}f}")
    shown.add_row(title, *cells)
