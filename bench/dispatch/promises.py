"""Whether promises were kept: promised drop-offs against real ones.

An order that was promised and not delivered broke its promise, by however much: it counts in the shares, and has no
part in the errors.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from .simulator.solution import Solution

LATE_MIN: Final = 5
"""Minutes that most customers forgive."""

DECILES: Final = 10


class Decile(Struct, frozen=True):
    """Promises whose confidence is from `confidence_from` to the next tenth: how many, how confident, how many kept."""

    confidence_from: float
    promises: int
    confidence_mean: float
    kept_share: float


class Kept(Struct, frozen=True):
    """How well promises were kept. Errors in minutes, of delivered orders, positive where they came late; shares of all
    promises, late by anything and by more than LATE_MIN. None where there was none. `calibration`: a promise of
    confidence 0.8 should be kept 8 times of 10."""

    given: int
    mean_error_min: float | None
    mean_abs_error_min: float | None
    late_share: float | None
    late_5_share: float | None
    calibration: list[Decile]


class PromiseOutcome(Struct, frozen=True):
    """One promise, and how late the order came; None where it never did."""

    confidence: float
    error_min: int | None


def promise_outcomes(promises: Mapping[str, tuple[int, float]], solution: Solution) -> list[PromiseOutcome]:
    """What became of each promise of a day."""
    delivered_at = {each.order: each.dropoff for each in solution.deliveries}
    return [
        PromiseOutcome(confidence, delivered_at[order] - minute if order in delivered_at else None)
        for order, (minute, confidence) in promises.items()
    ]


def kept(promises: Sequence[PromiseOutcome]) -> Kept:
    """The figures of a day, or of several together."""
    errors = [each.error_min for each in promises if each.error_min is not None]
    return Kept(
        given=len(promises),
        mean_error_min=_mean(errors),
        mean_abs_error_min=_mean(map(abs, errors)),
        late_share=_mean(_late(each, 0) for each in promises),
        late_5_share=_mean(_late(each, LATE_MIN) for each in promises),
        calibration=_calibration(promises),
    )


def means(days: Sequence[Kept], everything: Sequence[PromiseOutcome]) -> Kept:
    """The unweighted mean over days, but for the calibration, which is that of all their promises together."""

    def over(values: Iterable[float | None]) -> float | None:
        return _mean(value for value in values if value is not None)

    return Kept(
        given=sum(day.given for day in days),
        mean_error_min=over(day.mean_error_min for day in days),
        mean_abs_error_min=over(day.mean_abs_error_min for day in days),
        late_share=over(day.late_share for day in days),
        late_5_share=over(day.late_5_share for day in days),
        calibration=_calibration(everything),
    )


def _late(promise: PromiseOutcome, forgiven: int) -> bool:
    return promise.error_min is None or promise.error_min > forgiven


def _calibration(promises: Sequence[PromiseOutcome]) -> list[Decile]:
    """The tenths of confidence that have promises, lowest first; 1 belongs to the highest."""
    tenths: dict[int, list[PromiseOutcome]] = {}
    for each in promises:
        # 0.3 * 10 is a hair below 3 in binary, and 0.7 * 10 above 7: round first.
        tenths.setdefault(min(int(round(each.confidence * DECILES, 9)), DECILES - 1), []).append(each)
    return [
        Decile(
            tenth / DECILES,
            len(here),
            sum(each.confidence for each in here) / len(here),
            sum(not _late(each, 0) for each in here) / len(here),
        )
        for tenth, here in sorted(tenths.items())
    ]


def _mean(values: Iterable[float]) -> float | None:
    held = list(values)
    return sum(held) / len(held) if held else None
