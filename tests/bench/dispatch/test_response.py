"""The experiment behind the picture: which days, how much thinking, how much waiting."""

from msgspec.structs import replace

from bench.dispatch.days import Job, run
from bench.dispatch.response import CALM_DAY, SCARCE_DAY, THINK_MS, WAIT_MIN, Pace, build, chosen, jobs, line, pace
from tests.bench.dispatch.days import SMALL, result


def test_the_scarcest_and_the_calmest_day_are_drawn() -> None:
    """The set's own examples where both are there; else by what was lost; one day stands alone."""
    assert chosen([result("a", ctd=31), result("b", 30.0, 2.0), result("c", ctd=30)]) == [1, 2]
    assert chosen([result("a", 30.0, 9.0), result(CALM_DAY), result(SCARCE_DAY, 30.0, 3.0)]) == [
        2,
        1,
    ]
    assert chosen([result("a")]) == [0]


def test_thinking_time_becomes_passes() -> None:
    """What is left after the least that a decision takes, by what a pass takes; never below none."""
    measured = Pace(least_ms=2.0, pass_ms=4.0)
    assert [measured.passes(ms) for ms in (1, 10, 100)] == [0, 2, 24]
    assert Pace().passes(10) is None


def test_each_response_time_is_a_run() -> None:
    """More passes up to 8 seconds; then as many, and orders held back to a grid of one and of five minutes."""
    found = jobs(Job("day", "doorstep"), Pace(0.0, 1.0))
    assert [job.effort for job in found] == [*THINK_MS, THINK_MS[-1], THINK_MS[-1]]
    assert [job.held for job in found] == [0] * len(THINK_MS) + [1, 5]


def test_a_policy_that_does_not_think_longer_is_run_once_below_a_minute() -> None:
    """Its times up to 8 seconds are one and the same job."""
    job = Job(str(SMALL), "nearest")
    assert pace(job) == Pace()
    assert len(set(jobs(job, Pace()))) == 1 + len(WAIT_MIN)


def test_a_planner_is_timed_on_the_day_itself() -> None:
    """Its passes take some time, and its results are found at every response time."""
    job = Job(str(SMALL), "doorstep")
    measured = pace(job)
    assert measured.pass_ms > 0
    todo = [replace(each, effort=min(each.effort or 0, 3)) for each in jobs(job, measured)]
    done = {each: run(each) for each in dict.fromkeys(todo)}
    drawn = line([(each, done[each]) for each in todo], result("beside"))
    report = build(measured, [drawn])
    assert list(report) == ["least_ms", "pass_ms", "days"]
    points = report["days"][SMALL.name]["points"]
    assert [point["response_ms"] for point in points] == [1, 10, 100, 1_000, 8_000, 60_000, 300_000]
    assert [point["waits_min"] for point in points] == [0, 0, 0, 0, 0, 1, 5]
