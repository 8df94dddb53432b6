"""Tests of edge.scenarios.dispatch.times.rides: the pace of rides, and handovers."""

import random

import pytest

from edge.scenarios.dispatch.times.learned import HOUR_MS, Rides, cell_of, hour_of
from edge.scenarios.dispatch.times.rides import CELLS_MAX, learn

DOOR = (52.511, 13.411)
SERVICE_S = 240


def ride(rides: Rides, pace: float, count: int, hour: int = 12, door: tuple[float, float] = DOOR, extra: float = 0.0):
    """So many rides of different lengths, on which all takes so much longer, and a handover `extra` seconds more."""
    lots = random.Random(1)
    for _ in range(count):
        ride_s = lots.randrange(200, 1_200)
        learn(rides, ride_s, SERVICE_S, pace * (ride_s + SERVICE_S) + extra, door, hour * HOUR_MS)


def test_nothing_learned_is_what_is_configured() -> None:
    """A factor of one, and no second more."""
    rides = Rides()
    assert rides.pace_at(0) == 1.0
    assert rides.shop_s() == rides.door_s() == rides.beyond_door_s(*DOOR) == 0.0


@pytest.mark.parametrize("pace", [0.7, 1.3, 2.0])
def test_the_pace_is_learned(pace: float) -> None:
    """After a hundred legs the next one is foreseen within a tenth, and the pace within a seventh."""
    rides = Rides()
    ride(rides, pace, 100)
    learned = rides.pace_at(12 * HOUR_MS)
    assert learned == pytest.approx(pace, rel=0.14)
    for ride_s in (300, 700, 1_100):
        foreseen_s = learned * ride_s + SERVICE_S + rides.door_s() + rides.beyond_door_s(*DOOR)
        assert foreseen_s == pytest.approx(pace * (ride_s + SERVICE_S), rel=0.1)


def test_a_slow_ride_alone_is_close() -> None:
    """Where only rides are slow, what a leg takes is foreseen within a tenth all the same."""
    rides, lots = Rides(), random.Random(1)
    for _ in range(200):
        ride_s = lots.randrange(200, 1_200)
        learn(rides, ride_s, SERVICE_S, 1.4 * ride_s + SERVICE_S, DOOR, 0)
    for ride_s in (300, 700, 1_100):
        foreseen_s = rides.pace_at(0) * ride_s + SERVICE_S + rides.door_s() + rides.beyond_door_s(*DOOR)
        assert foreseen_s == pytest.approx(1.4 * ride_s + SERVICE_S, rel=0.1)


def test_hours_have_their_own_pace() -> None:
    """The evening is slow, the morning is not."""
    rides = Rides()
    ride(rides, 1.0, 60, hour=9)
    ride(rides, 1.6, 60, hour=18)
    assert rides.pace_at(9 * HOUR_MS) < 1.2 < 1.4 < rides.pace_at(18 * HOUR_MS)
    assert hour_of(25 * HOUR_MS) == 1


def test_a_cell_of_slow_doors_is_learned() -> None:
    """Towers with lifts on one side, houses on the other."""
    rides, towers = Rides(), (52.541, 13.441)
    for _ in range(40):
        ride(rides, 1.0, 1)
        ride(rides, 1.0, 1, door=towers, extra=150.0)
    assert rides.beyond_door_s(*towers) - rides.beyond_door_s(*DOOR) > 60
    assert cell_of(*towers) != cell_of(*DOOR)


def test_what_is_no_ride_teaches_nothing() -> None:
    """A report that came late, and a rider who did something else."""
    rides = Rides()
    for took_s in (1.0, 100_000.0):
        learn(rides, 600, SERVICE_S, took_s, DOOR, 0)
    assert rides == Rides()


def test_cells_are_bounded() -> None:
    """The cell of the oldest delivery goes first."""
    rides = Rides()
    for number in range(CELLS_MAX + 5):
        learn(rides, 600, SERVICE_S, SERVICE_S + 600.0, ((number + 0.5) / 100, 0.0), 0)
    assert len(rides.doors) == CELLS_MAX
    assert cell_of(0.005, 0.0) not in rides.doors
