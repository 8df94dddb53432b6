"""What a courier does at one shop."""

import math
import random

import pytest

from edge.scenarios.dispatch.planner.trips import FORBIDDEN, Weights


@pytest.mark.parametrize("seed", range(20))
def test_a_trip_is_what_driving_it_gives(world, seed):
    """Times, lateness and work of a trip are those of a courier who fetches and drops off one thing after the other."""
    w = world(seed, shops=1, until=80)
    orders = random.Random(seed).sample(w.orders, 3)
    trip, jobs = w.jobs.trip(orders), w.jobs
    pickup = trip.ready + seed
    assert trip.ready == max(jobs.ready[order] for order in orders)
    at, place, lost, riding, dropoffs = pickup + 2, None, 0.0, 0.0, []
    for order in orders:
        ride = jobs.direct[order] if place is None else w.hop(place, order)
        at += ride + 2
        riding += ride
        dropoffs.append(at - jobs.placed[order])
        lost += at - (jobs.ready[order] + 2 + jobs.direct[order] + 2)
        at, place = at + 2, order
    assert trip.count * pickup + trip.offset == pytest.approx(lost)
    assert pickup + trip.free == at
    assert trip.work == riding + 4 + 4 * len(orders)
    assert pickup + trip.lateness == max(dropoffs) - jobs.weights.target
    assert trip.limit - pickup == pytest.approx(min(80 - late for late in dropoffs))
    assert trip.last == orders[-1]


@pytest.mark.parametrize("seed", range(30))
def test_a_trip_with_wishes_costs_what_is_reckoned(world, seed):
    """Loads add up, and slow couriers, small bags, wished pickups and the end of a shift cost, or forbid, what they do
    order by order."""
    w = world(seed, couriers=2, shops=1, until=60, mixed=True)
    orders = random.Random(seed).sample(w.orders, 1 + seed % 3)
    w.plan.minute = 0.3
    for number, route in enumerate(w.plan.routes):
        route.off = route.since + 30 * (1 + number)
        trip = w.jobs.trip(orders, route.pace)
        assert trip.load == tuple(sum(w.jobs.load.get(order, (0, 0))[part] for order in orders) for part in (0, 1))
        w.plan.set(route, [trip])
        assert route.cost == pytest.approx(w.reckoned(route, [orders])[2])
        if len(orders) == 1:
            assert w.jobs.alone(orders[0], route.pace).free == trip.free


def test_who_is_alone_is_reckoned_once(world):
    """The trip of one order is kept until its ready time changes."""
    w = world(1)
    trip = w.jobs.alone(0)
    assert w.jobs.alone(0) is trip
    w.jobs.change(0, 99.0)
    assert w.jobs.alone(0).ready == 99.0


def test_no_limit_is_infinite(world):
    """An order that may be late forever never forbids a trip."""
    assert world(1).jobs.alone(0).limit == math.inf


@pytest.mark.parametrize("per_minute", [1.0, 60.0])
def test_the_unit_of_time_does_not_matter(per_minute):
    """An hour late weighs the same share of its minutes, whatever the unit, and never as much as what is forbidden."""
    weights = Weights(per_minute=per_minute)
    late = 60 * per_minute
    assert weights.overdue * late * late / late == pytest.approx(weights.steepness * 60)
    assert weights.dropped * per_minute < FORBIDDEN
