"""The node's own dispatch as a policy."""

import re
import subprocess
import sys
from itertools import pairwise

import pytest
from msgspec.structs import replace

from bench.demo.district.instance import Courier, Instance, Order, Restaurant, read
from bench.dispatch.policies.doorstep import Doorstep, options, point
from bench.dispatch.policies.policy import PickedUp
from bench.dispatch.published import CLAIRVOYANT_16, CLAIRVOYANT_NAMES
from bench.dispatch.simulator.refusals import Unwilling
from bench.dispatch.simulator.scorer import score
from bench.dispatch.simulator.strict import day_of, simulate
from edge.scenarios.dispatch.travel.ride_times import metres, ride_s
from tests.bench.dispatch.days import ALONE, REAL, TOWN
from tests.repo.project import ROOT

FAR = [(0, 0), (3_200, 640), (-12_000, 9_000), (20_000, -20_000)]


def test_nothing_here_decides():
    """No file of the benchmark imports the planner or the decision: what is measured is the scenario as it runs. Only
    this policy loads the scenario; simulator, scorer and baselines run without it."""
    sources = {path.relative_to(ROOT): path.read_text() for path in (ROOT / "bench/dispatch").rglob("*.py")}
    assert len(sources) > 10
    inside = re.compile(r"dispatch\.(planner|decide)|dispatch import .*\b(planner|decide)\b")
    assert [str(path) for path, text in sources.items() if inside.search(text)] == []
    others = [".".join(path.with_suffix("").parts) for path in sources if path.parent.name in ("simulator", "policies")]
    others.remove("bench.dispatch.policies.doorstep")
    script = f"import sys, {', '.join(others)}; print([name for name in sys.modules if 'scenarios.dispatch' in name])"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("place", FAR)
def test_a_place_is_as_far_as_in_the_instance(place):
    """Metres are those of the instance's straight lines, and rides its whole minutes."""
    day = day_of(TOWN, False)
    here, there = point((0, 0)), point(place)
    straight = (place[0] ** 2 + place[1] ** 2) ** 0.5
    assert metres(here.lat, here.lon, there.lat, there.lon) == pytest.approx(straight, rel=1e-5, abs=1)
    assert ride_s(here.lat, here.lon, there.lat, there.lon, options(day)) == day.travel((0, 0), place) * 60


def test_it_is_the_scenario_that_decides():
    """What couriers are sent for is what the node has for them, at each pickup; everything is delivered."""
    seen: list[tuple[str, tuple[str, ...]]] = []

    class Watched(Doorstep):
        def decide(self, now, news):
            for item in news:
                if isinstance(item, PickedUp):
                    held = self.dispatch.state.riders.known[item.courier].orders
                    seen.append((item.courier, tuple(held[: len(item.orders)])))
            return super().decide(now, news)

    outcome = simulate(TOWN, Watched)
    assert seen == [(trip.courier, trip.orders) for trip in outcome.solution.trips]
    assert score(TOWN, outcome.solution).undelivered_pct == 0
    assert set(outcome.promises) == {order.name for order in TOWN.orders}


def test_a_late_kitchen_is_waited_for():
    """Where only the mean preparation time is known, the node knows of each minute that an order is late."""
    orders = [replace(TOWN.orders[0], name=f"o{number}", ready=ready) for number, ready in enumerate((12, 40))]
    outcome = simulate(replace(ALONE, orders=orders), Doorstep, uncertain=True)
    assert [delivery.pickup for delivery in outcome.solution.deliveries][-1] >= 40


def test_who_refuses_is_not_asked_again():
    """A courier that declines is asked once in ten minutes for the same order; the order goes to another."""
    outcome = simulate(TOWN, Doorstep, unwilling=Unwilling(0.5, 0.3))
    assert outcome.refused.offers > len(outcome.solution.trips)


def test_a_node_asked_less_often_decides_less_often():
    """With `every`, orders leave at its multiples, or when a courier has reported."""
    trips = simulate(TOWN, lambda day: Doorstep(day, every=5)).solution.trips
    pickups = {trip.pickup for trip in trips}
    assert all(trip.assigned % 5 == 0 or trip.assigned in pickups for trip in trips)
    assert all(first.assigned <= second.assigned for first, second in pairwise(trips))


def test_nobody_leaves_before_it_must():
    """A courier ten minutes from the restaurant stays until ten minutes and a service before the food is ready, and
    so is still there for an order that comes in between."""
    orders = [Order("late", 3_200, 0, 10, "far", 50), Order("soon", 320, 0, 12, "near", 16)]
    places = [Restaurant("far", 3_200, 0), Restaurant("near", 0, 0)]
    day = Instance("waiting", orders, [Courier("c1", 0, 0, 5, 120)], places)
    first, second = simulate(day, Doorstep).solution.trips
    assert (first.orders, first.pickup) == (("soon",), 16)
    assert (second.orders, second.pickup) == (("late",), 50)


def test_an_order_goes_along_with_a_courier_that_is_on_its_way():
    """What is placed while a courier drives to the restaurant goes along, if it is ready by then."""
    orders = [Order("o1", 6_400, 0, 5, "r1", 20), Order("o2", 6_400, 0, 15, "r1", 20)]
    day = Instance("together", orders, [Courier("c1", 3_200, 0, 9, 60)], [Restaurant("r1", 0, 0)])
    (trip,) = simulate(day, Doorstep).solution.trips
    assert (trip.pickup, sorted(trip.orders)) == (21, ["o1", "o2"])


def test_a_shift_begins_where_it_is_of_use():
    """A courier whose shift begins far from where orders come from moves there, once."""
    orders = [Order("o1", 0, 0, 0, "r1", 2), Order("o2", 0, 0, 60, "r1", 62)]
    day = Instance(
        "moved", orders, [Courier("c1", 0, 0, 0, 50), Courier("c2", 9_600, 0, 5, 120)], [Restaurant("r1", 0, 0)]
    )
    outcome = simulate(day, Doorstep)
    assert [(move.courier, move.departure) for move in outcome.solution.moves][-3:-2] == [("c2", 5)]
    assert outcome.solution.deliveries[-1].dropoff == 66


@pytest.mark.real_days
@pytest.mark.skipif(not REAL.is_dir(), reason="the published instances are not beside this clone")
def test_it_is_better_than_published_on_the_calm_days():
    """On the 16 instances with clairvoyant values nothing is undelivered, and click-to-door is what was measured."""
    days = [read(REAL / name) for name in CLAIRVOYANT_NAMES]
    found = [score(day, simulate(day, Doorstep).solution) for day in days]
    assert sum(each.undelivered_pct for each in found) == 0
    assert sum(each.ctd_mean or 0 for each in found) / len(found) <= 31.2 < CLAIRVOYANT_16["ctd_mean"]
