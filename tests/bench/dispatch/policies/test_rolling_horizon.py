"""The published method: feasible everywhere, best where that is plain, and as good as published on the real days."""

import pytest

from bench.demo.district.instance import Courier, Instance, Order, Restaurant, read
from bench.dispatch.policies.rolling_horizon import RollingHorizon
from bench.dispatch.published import CLAIRVOYANT_16, CLAIRVOYANT_NAMES, SCARCE
from bench.dispatch.simulator.scorer import score
from bench.dispatch.simulator.strict import simulate
from tests.bench.dispatch.days import REAL

real_days = pytest.mark.skipif(not REAL.is_dir(), reason="the published instances are not beside this clone")


def test_an_order_joins_a_courier_that_is_on_its_way() -> None:
    """Who is sent early waits at the restaurant, and takes along what comes until its pickup."""
    orders = [Order("o1", 3_200, 0, 10, "r1", 29), Order("o2", 3_200, 0, 14, "r1", 29)]
    day = Instance("joined", orders, [Courier("c1", 0, 0, 0, 60)], [Restaurant("r1", 0, 0)])
    (trip,) = simulate(day, RollingHorizon).solution.trips
    assert (trip.assigned, trip.pickup, sorted(trip.orders)) == (15, 29, ["o1", "o2"])


@pytest.mark.real_days
@real_days
def test_it_is_as_good_as_published() -> None:
    """On the 16 instances with clairvoyant values its click-to-door is within 0.3 minutes of the paper's."""
    days = [read(REAL / name) for name in CLAIRVOYANT_NAMES]
    found = [score(day, simulate(day, RollingHorizon).solution) for day in days]
    assert sum(each.undelivered_pct for each in found) == 0
    mean = sum(each.ctd_mean or 0 for each in found) / len(found)
    assert abs(mean - CLAIRVOYANT_16["ctd_mean"]) <= 0.3


@pytest.mark.real_days
@real_days
def test_it_is_no_straw_man_when_couriers_are_scarce() -> None:
    """On the eight scarce days its mean click-to-door is not above the paper's by more than 0.3 minutes either."""
    days = {name: read(REAL / name) for name in SCARCE}
    found = [score(day, simulate(day, RollingHorizon).solution) for day in days.values()]
    published = sum(values["ctd_mean"] for values in SCARCE.values()) / len(SCARCE)
    assert sum(each.ctd_mean or 0 for each in found) / len(found) <= published + 0.3
