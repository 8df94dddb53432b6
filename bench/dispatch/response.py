"""Quality against response time: what waiting costs before an order is answered.

A policy receives an order at once, or only at the next multiple of one or of five minutes, while what is known already
is planned on as ever. The set's clock has whole minutes, so that what a policy takes below that costs nothing in it.
"""

from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct, structs, to_builtins

from .days import Job
from .report import Result

WAIT_MIN: Final = (0, 1, 5)
BASELINE_WAIT_MIN: Final = (1, 5)
"""The minutes between two rounds of the published method, as it is run beside."""

SCARCE_DAY: Final = "1o50t100s1p100"
CALM_DAY: Final = "0o50t100s1p100"


class Point(Struct, frozen=True):
    """A day at one response time."""

    waits_min: int
    undelivered_pct: float
    ctd_mean: float | None
    decide_cpu_ms: float
    decide_max_ms: float


class Line(Struct, frozen=True):
    """One day, by response time. `baseline` is the published method on it, in rounds of one and of five minutes."""

    name: str
    points: list[Point]
    baseline: list[Point] = []


def chosen(results: Sequence[Result]) -> list[int]:
    """The numbers of a scarce and of a calm day: the set's own examples where they are there, else the day on which the
    policy lost most, and least. One where there is only one."""
    names = [result.name for result in results]
    if SCARCE_DAY in names and CALM_DAY in names:
        return [names.index(SCARCE_DAY), names.index(CALM_DAY)]

    def scarcity(number: int) -> tuple[float, float]:
        score = results[number].score
        return score.undelivered_pct, score.ctd_penalised - score.lb_ctd

    sequence = sorted(range(len(results)), key=scarcity)
    return list(dict.fromkeys((sequence[-1], sequence[0])))


def jobs_of(job: Job) -> list[Job]:
    """The same day at each response time, in the sequence of WAIT_MIN."""
    return [structs.replace(job, held=minutes) for minutes in WAIT_MIN]


def line(done: Sequence[Result], baseline: Sequence[Result] = ()) -> Line:
    """The results of `jobs_of`, in their sequence, and of the baseline, in that of BASELINE_WAIT_MIN."""
    beside = [_point(minutes, result) for minutes, result in zip(BASELINE_WAIT_MIN, baseline, strict=False)]
    return Line(done[0].name, [_point(minutes, each) for minutes, each in zip(WAIT_MIN, done, strict=True)], beside)


def build(lines: Sequence[Line]) -> dict[str, Any]:
    """As it stands in the report."""
    return {"days": {each.name: to_builtins(each) for each in lines}}


def _point(waits_min: int, result: Result) -> Point:
    score = result.score
    return Point(waits_min, score.undelivered_pct, score.ctd_mean, result.decide_cpu_ms, result.decide_ms.max)
