"""Generated districts: as crowded as a case asks for, and only crowded moments are timed."""

from bench.dispatch.generated import CASES, CROWDED, Case, build, district, lines, times
from bench.dispatch.policies.nearest_courier import Nearest
from bench.dispatch.simulator.strict import simulate

SMALL = Case(40, 80, 10)


def test_a_district_is_as_crowded_as_its_case() -> None:
    """Orders open at once reach the number asked for, and no call that counts has fewer than nine tenths of them."""
    calls = simulate(district(SMALL), Nearest).calls
    assert SMALL.orders <= max(call.open_orders for call in calls) < 2 * SMALL.orders
    (timed,) = times(Nearest, (SMALL,))
    assert timed.calls > 50
    assert timed.open_mean >= CROWDED * SMALL.orders
    assert 0 < timed.decide_ms.p50 <= timed.decide_ms.p99 <= timed.decide_ms.max


def test_a_district_is_the_same_each_time() -> None:
    """The seed decides all of it, and the riders are as many as the case asks for."""
    assert district(SMALL) == district(SMALL)
    assert district(SMALL) != district(SMALL, seed=1)
    assert len(district(SMALL).couriers) == SMALL.riders


def test_the_report_has_each_case() -> None:
    """By orders and riders, with what it took and what it must not exceed."""
    timed = list(times(Nearest, (SMALL,)))
    report = build(timed)
    assert list(report["40x80"]) == ["orders", "riders", "calls", "open_mean", "decide_ms", "cpu_ms", "p99_max_ms"]
    assert "40 open orders x 80 riders" in lines(timed)[0]
    assert [case.name for case in CASES] == ["117x211", "500x2000", "2000x2000"]
