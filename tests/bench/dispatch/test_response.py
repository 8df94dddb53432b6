"""The experiment behind the picture: which days, and how much waiting."""

from bench.dispatch.days import Job, run
from bench.dispatch.response import CALM_DAY, SCARCE_DAY, WAIT_MIN, build, chosen, jobs_of, line
from tests.bench.dispatch.days import SMALL, result


def test_the_scarcest_and_the_calmest_day_are_drawn() -> None:
    """The set's own examples where both are there; else by what was lost; one day stands alone."""
    assert chosen([result("a", ctd=31), result("b", 30.0, 2.0), result("c", ctd=30)]) == [1, 2]
    assert chosen([result("a", 30.0, 9.0), result(CALM_DAY), result(SCARCE_DAY, 30.0, 3.0)]) == [
        2,
        1,
    ]
    assert chosen([result("a")]) == [0]


def test_each_response_time_is_a_run() -> None:
    """Orders are held back to a grid of one and of five minutes, or not at all."""
    assert [job.held for job in jobs_of(Job("day", "doorstep"))] == list(WAIT_MIN)


def test_a_day_is_measured_at_each_response_time() -> None:
    """Its results are found at each, with the baseline's two rounds beside."""
    drawn = line([run(each) for each in jobs_of(Job(str(SMALL), "doorstep"))], [result("beside"), result("beside")])
    day = build([drawn])["days"][SMALL.name]
    assert [point["waits_min"] for point in day["points"]] == [0, 1, 5]
    assert [point["waits_min"] for point in day["baseline"]] == [1, 5]
    assert day["points"][0]["ctd_mean"] < day["points"][2]["ctd_mean"]
