"""From scores to the report: each instance, the means, and what was run beside."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from msgspec import Struct, to_builtins

from .intervals import differences, means
from .promises import Kept, PromiseOutcome, kept
from .promises import means as promise_means
from .simulator.refusals import Refused, Unwilling
from .simulator.scorer import Score

BASELINE_NOTE: Final = (
    "The baseline is the published method re-implemented from its description. Two settings of it (a horizon of 20 "
    "minutes, and matching all bundles at once) were chosen after seeing the published figures. Where only mean "
    "preparation times are known it is 1.2 minutes weaker than the published 34.03."
)


class DecideMs(Struct, frozen=True):
    """How long the policy thought about one call, milliseconds."""

    p50: float
    p99: float
    max: float


class Result(Struct, frozen=True):
    """One instance, scored. `promises` is None for a policy that makes none; `decide_cpu_ms` is the
    processor's time for a call in the mean, but for calls that only report pickups."""

    name: str
    score: Score
    decide_ms: DecideMs
    decide_cpu_ms: float = 0.0
    promises: list[PromiseOutcome] | None = None
    refused: Refused = Refused()

    def row(self) -> dict[str, Any]:
        """As it stands in the report."""
        found = {**to_builtins(self.score), "decide_ms": to_builtins(self.decide_ms)}
        return found if self.promises is None else {**found, "promise": to_builtins(kept(self.promises))}


class Beside(Struct, frozen=True):
    """What was run beside the policy on the same instances: a baseline, the same asked every minute as the policy is,
    and the policy with couriers who refuse."""

    baseline: str = ""
    baseline_results: Sequence[Result] = ()
    each_minute_results: Sequence[Result] = ()
    unwilling: Unwilling = Unwilling()
    refused_results: Sequence[Result] = ()


ALONE: Final = Beside()


def timing_of(calls: Sequence[float]) -> DecideMs:
    """Quantiles of the calls of one day, all zero where there was none."""
    if not calls:
        return DecideMs(0.0, 0.0, 0.0)
    p50, p99 = np.percentile(calls, [50, 99], method="linear").tolist()
    return DecideMs(p50, p99, max(calls))


def build(results: Sequence[Result], beside: Beside = ALONE) -> dict[str, Any]:
    """The report: `instances` by name, and the unweighted `mean` over them (of `decide_ms.max` the largest); then what
    was run beside, and how far it is apart."""
    report = _rows(results)
    if beside.baseline_results:
        report["baseline"] = {
            "policy": beside.baseline,
            "note": BASELINE_NOTE,
            **_rows(beside.baseline_results),
            "difference": to_builtins(differences(scores(results), scores(beside.baseline_results))),
        }
    if beside.each_minute_results:
        report["baseline_each_minute"] = {
            "policy": beside.baseline,
            **_rows(beside.each_minute_results),
            "difference": to_builtins(differences(scores(results), scores(beside.each_minute_results))),
        }
    if beside.refused_results:
        report["refusals"] = {
            **to_builtins(beside.unwilling),
            **counts(beside.refused_results),
            **_rows(beside.refused_results),
            "difference": to_builtins(differences(scores(beside.refused_results), scores(results))),
        }
    return report


def scores(results: Sequence[Result]) -> dict[str, Score]:
    """By instance."""
    return {result.name: result.score for result in results}


def promises(results: Sequence[Result]) -> Kept | None:
    """How well promises were kept over all instances; None for a policy that makes none."""
    days = [result.promises for result in results if result.promises is not None]
    return promise_means([kept(day) for day in days], [each for day in days for each in day]) if days else None


def decide(results: Sequence[Result]) -> DecideMs:
    """The mean quantiles, and the longest call of all."""
    times = [result.decide_ms for result in results]
    p50, p99 = (sum(getattr(each, name) for each in times) / len(times) for name in ("p50", "p99"))
    return DecideMs(p50, p99, max(each.max for each in times))


def counts(results: Sequence[Result]) -> Mapping[str, int]:
    """How often couriers were asked and refused, over all instances."""
    return {
        "offers": sum(result.refused.offers for result in results),
        "offers_declined": sum(result.refused.declined for result in results),
        "offers_unanswered": sum(result.refused.silent for result in results),
    }


def _rows(results: Sequence[Result]) -> dict[str, Any]:
    mean = {**means(scores(results)), "decide_ms": to_builtins(decide(results))}
    promise = promises(results)
    if promise is not None:
        mean["promise"] = to_builtins(promise)
    return {"instances": {result.name: result.row() for result in results}, "mean": mean}
