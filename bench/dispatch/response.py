"""Quality against response time: what more thinking brings, and what waiting costs, before an order is answered.

The set's clock has whole minutes. Thinking for less than a minute therefore costs nothing in it and shows what more
thinking is worth; waiting for a minute or five shows what it costs. A day has about a thousand decisions, so nobody
can think 8 seconds over each for real: a pass of the search is timed once, a response time becomes so many passes, and
passes that find nothing are not repeated. Waiting means that the policy receives an order only at the next multiple of
one or of five minutes, while what is known already is planned on as ever; the thinking is then as at 8 seconds.
"""

from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct, structs, to_builtins

from .days import THINKING, Job, run
from .report import Result

THINK_MS: Final = (1, 10, 100, 1_000, 8_000)
WAIT_MIN: Final = (1, 5)
SCARCE_DAY: Final = "1o50t100s1p100"
CALM_DAY: Final = "0o50t100s1p100"
MINUTE_MS: Final = 60_000


class Pace(Struct, frozen=True):
    """What a decision takes without any pass, and what each pass adds, mean milliseconds of the processor; both 0 for a
    policy that does not think in passes."""

    least_ms: float = 0.0
    pass_ms: float = 0.0

    def passes(self, response_ms: float) -> int | None:
        """How many fit into a response time; None where the policy has none."""
        if not self.pass_ms:
            return None
        return max(0, int((response_ms - self.least_ms) / self.pass_ms))


class Point(Struct, frozen=True):
    """A day at one response time. `passes` is the most that a decision could have."""

    response_ms: int
    passes: int | None
    waits_min: int
    undelivered_pct: float
    ctd_mean: float | None
    decide_cpu_ms: float
    decide_max_ms: float


class Line(Struct, frozen=True):
    """One day, by response time. `baseline` is the published method on it, which answers every 5 minutes."""

    name: str
    points: list[Point]
    baseline: Point | None = None


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


def pace(job: Job) -> Pace:
    """Timed on the day itself, without a pass and with one."""
    if job.policy not in THINKING:
        return Pace()
    none, one = (run(structs.replace(job, effort=effort)).decide_cpu_ms for effort in (0, 1))
    return Pace(none, max(one - none, 1e-3))


def jobs(job: Job, measured: Pace) -> list[Job]:
    """The same day at each response time, in the sequence of THINK_MS and WAIT_MIN. Where more time is no other run,
    the same job stands again."""
    thinking = [structs.replace(job, effort=measured.passes(ms)) for ms in THINK_MS]
    return thinking + [structs.replace(thinking[-1], held=minutes) for minutes in WAIT_MIN]


def line(done: Sequence[tuple[Job, Result]], baseline: Result | None = None) -> Line:
    """The results of `jobs`, in their sequence."""
    times = [*THINK_MS, *(minutes * MINUTE_MS for minutes in WAIT_MIN)]
    points = [_point(ms, job.effort, job.held, result) for ms, (job, result) in zip(times, done, strict=True)]
    beside = None if baseline is None else _point(WAIT_MIN[-1] * MINUTE_MS, None, 0, baseline)
    return Line(done[0][1].name, points, beside)


def build(measured: Pace, lines: Sequence[Line]) -> dict[str, Any]:
    """As it stands in the report."""
    return {**to_builtins(measured), "days": {each.name: to_builtins(each) for each in lines}}


def _point(response_ms: int, passes: int | None, held: int, result: Result) -> Point:
    score, cpu_ms, max_ms = result.score, result.decide_cpu_ms, result.decide_ms.max
    return Point(response_ms, passes, held, score.undelivered_pct, score.ctd_mean, cpu_ms, max_ms)
