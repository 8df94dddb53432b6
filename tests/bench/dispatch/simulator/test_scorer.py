"""The metrics, on days whose values are known by hand."""

from functools import partial

import pytest
from msgspec.structs import replace

from bench.demo.district.instance import Courier, Instance, read
from bench.dispatch.policies.policy import Assign, Decision
from bench.dispatch.published import CLAIRVOYANT_16, CLAIRVOYANT_NAMES
from bench.dispatch.simulator.scorer import Infeasible, Score, floors, score
from bench.dispatch.simulator.solution import Solution
from bench.dispatch.simulator.strict import simulate
from tests.bench.dispatch.days import ALONE, REAL, TOWN, Script


def scored(instance: Instance, lines: dict[int, list[Decision]]) -> Score:
    """A day by script, scored."""
    return score(instance, simulate(instance, partial(Script, lines=lines)).solution)


def test_one_order_served_best_reaches_its_floor() -> None:
    """Every metric of a day of one order is what paper and pencil give."""
    got = scored(ALONE, {10: [Assign("c1", ("o1",))]})
    assert got == Score(
        undelivered_pct=0.0,
        ctd_mean=24.0,
        ctd_p90=24.0,
        overage_mean=0.0,
        rtp_mean=0.0,
        rtp_p90=0.0,
        utilisation_mean=(2 + 10 + 4 + 4) / 120,
        cost_per_order=30.0,  # two hours at 15
        orders_per_bundle=1.0,
        n_over_90=0,
        n_over_90_avoidable=0,
        ctd_penalised=24.0,
        lb_ctd=24.0,
        spread=1.0,
    )


def test_means_count_what_they_should() -> None:
    """Delivered orders in click-to-door, all orders in the penalised one, all couriers in pay and use."""
    got = scored(TOWN, {13: [Assign("c1", ("o2", "o1"))]})
    # o1 waits 40 - 10 = 30 minutes, o2 31 - 12 = 19; o3 is lost. c1 is paid 30 for 2 hours, c2 13.75 for 55 minutes.
    assert got.undelivered_pct == pytest.approx(100 / 3)
    assert got.ctd_mean == 24.5
    assert got.ctd_p90 == pytest.approx(19 + 0.9 * 11)
    assert got.rtp_mean == 1.0
    assert got.utilisation_mean == pytest.approx((2 + 5 + 5 + 4 + 8) / 120 / 2)
    assert got.cost_per_order == pytest.approx((30 + 13.75) / 2)
    assert got.orders_per_bundle == 2.0
    assert got.ctd_penalised == pytest.approx((30 + 19 + 120) / 3)


def test_pay_by_the_order_counts_where_it_is_more() -> None:
    """A courier gets ten for each order or fifteen for each hour, whichever is more."""
    short = replace(ALONE, couriers=[Courier("c1", 0, 640, 0, 30)])
    assert scored(short, {10: [Assign("c1", ("o1",))]}).cost_per_order == 10.0


def test_late_orders_are_counted() -> None:
    """Beyond 40 minutes an order is over its target, beyond 90 it is counted."""
    got = scored(ALONE, {87: [Assign("c1", ("o1",))]})  # drop-off 87 + 2 + 2 + 2 + 10 + 2 = 105
    assert (got.ctd_mean, got.overage_mean, got.n_over_90) == (95.0, 55.0, 1)
    assert got.rtp_mean == 71.0


@pytest.mark.parametrize(("ready", "avoidable"), [(81, 1), (82, 0)])
def test_a_late_order_was_avoidable_where_its_floor_is_five_minutes_below(ready: int, avoidable: int) -> None:
    """Way and services take 14 minutes after it is ready: a floor of 85 counts, one of 86 does not."""
    day = replace(ALONE, orders=[replace(ALONE.orders[0], ready=ready)])
    got = scored(day, {87: [Assign("c1", ("o1",))]})
    assert floors(day) == {"o1": ready - 10 + 14}
    assert (got.n_over_90, got.n_over_90_avoidable) == (1, avoidable)


def test_a_day_without_deliveries_has_no_means() -> None:
    """Nothing delivered: no mean that would look like a good one, and the full penalty."""
    got = score(TOWN, Solution([], [], []))
    assert (got.undelivered_pct, got.ctd_mean, got.cost_per_order, got.ctd_penalised) == (100.0, None, None, 120.0)


def test_an_infeasible_solution_gets_no_score() -> None:
    """The refusal names the instance, the rules and the places."""
    solution = simulate(TOWN, partial(Script, lines={13: [Assign("c1", ("o2", "o1"))]})).solution
    early = replace(solution, trips=[replace(trip, assigned=5, pickup=9) for trip in solution.trips])
    with pytest.raises(
        Infeasible, match=r"town.*knowledge before placement.*early pickup|town.*early pickup"
    ) as refused:
        score(TOWN, early)
    assert refused.value.found


@pytest.mark.real_days
@pytest.mark.skipif(not REAL.is_dir(), reason="the published instances are not beside this clone")
def test_the_floor_is_the_published_one() -> None:
    """On the 16 instances with published values the floor agrees to the digit."""
    days = [floors(read(REAL / name)).values() for name in CLAIRVOYANT_NAMES]
    assert round(sum(sum(day) / len(day) for day in days) / len(days), 2) == CLAIRVOYANT_16["lb_ctd"]
