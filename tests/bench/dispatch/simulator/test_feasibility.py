"""The checker refuses a solution broken in each way, and nothing else."""

from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bench.dispatch.policies.policy import Assign, Decision, Reposition
from bench.dispatch.simulator.feasibility import Breach, minutes, violations
from bench.dispatch.simulator.solution import Move, Solution, Trip
from bench.dispatch.simulator.strict import simulate
from tests.bench.dispatch.days import TOWN, Script

LINES: dict[int, list[Decision]] = {
    5: [Reposition("c2", "r2")],
    13: [Assign("c1", ("o2", "o1"))],
    16: [Assign("c2", ("o3",))],
}
GOOD = simulate(TOWN, partial(Script, lines=LINES)).solution
# c1 leaves for r1 at 13, o2 at 24, o1 at 33; pickup 22, drop-offs 31 and 40.
# c2 leaves for r2 at 5, from there to r2 at 16, o3 at 32; pickup 30, drop-off 39.


def trips(*changed: Trip) -> Solution:
    """The good day with these bundles in place of the couriers' own."""
    by_courier = {trip.courier: trip for trip in GOOD.trips} | {trip.courier: trip for trip in changed}
    return replace(GOOD, trips=list(by_courier.values()))


def moves(courier: str, *changed: tuple[int, str, str]) -> Solution:
    """The good day with these moves in place of the courier's own."""
    others = [move for move in GOOD.moves if move.courier != courier]
    return replace(GOOD, moves=[*others, *(Move(courier, *each) for each in changed)])


def shifted(solution: Solution, courier: str, pickup: int, drop_by: int) -> Solution:
    """The courier's bundle and deliveries at other times, consistently in both files."""
    moved = [replace(trip, pickup=pickup) if trip.courier == courier else trip for trip in solution.trips]
    done = [
        replace(each, pickup=pickup, dropoff=each.dropoff + drop_by) if each.courier == courier else each
        for each in solution.deliveries
    ]
    return replace(solution, trips=moved, deliveries=done)


def delivered(name: str, **changes: object) -> Solution:
    """The good day with one delivery written differently."""
    done = [replace(each, **changes) if each.order == name else each for each in GOOD.deliveries]
    return replace(GOOD, deliveries=done)


C1 = ((13, "0", "r1"), (24, "r1", "o2"), (33, "o2", "o1"))

BROKEN: list[tuple[str, Breach, Callable[[], Solution]]] = [
    ("an order nobody placed", Breach.UNKNOWN_NAME, lambda: trips(Trip(13, 22, "c1", ("o2", "o9")))),
    ("a courier nobody hired", Breach.UNKNOWN_NAME, lambda: moves("c9", (13, "0", "r1"))),
    ("an empty bundle", Breach.UNKNOWN_NAME, lambda: trips(Trip(13, 22, "c1", ()))),
    ("an order in two bundles", Breach.DOUBLE_ASSIGNMENT, lambda: trips(Trip(16, 30, "c2", ("o3", "o1")))),
    (
        "an order delivered twice",
        Breach.DOUBLE_ASSIGNMENT,
        lambda: replace(GOOD, deliveries=[*GOOD.deliveries, GOOD.deliveries[0]]),
    ),
    ("two restaurants in a bundle", Breach.MIXED_RESTAURANTS, lambda: trips(Trip(16, 30, "c1", ("o2", "o1", "o3")))),
    ("a bundle with an order not yet placed", Breach.KNOWLEDGE, lambda: trips(Trip(11, 22, "c1", ("o2", "o1")))),
    ("another placement time", Breach.WRONG_ORDER_DATA, lambda: delivered("o1", placed=20)),
    ("another ready time", Breach.WRONG_ORDER_DATA, lambda: delivered("o1", ready=15)),
    ("a delivery without a bundle", Breach.UNMATCHED, lambda: trips(Trip(13, 22, "c1", ("o2",)))),
    (
        "a bundle without its delivery",
        Breach.UNMATCHED,
        lambda: replace(GOOD, deliveries=[each for each in GOOD.deliveries if each.order != "o3"]),
    ),
    ("another pickup in the orders", Breach.UNMATCHED, lambda: delivered("o3", pickup=31)),
    ("another courier in the orders", Breach.UNMATCHED, lambda: delivered("o3", courier="c1")),
    ("a pickup before an order is ready", Breach.EARLY_PICKUP, lambda: shifted(GOOD, "c1", 21, -1)),
    ("a bundle decided after its pickup", Breach.LATE_DECISION, lambda: trips(Trip(23, 22, "c1", ("o2", "o1")))),
    ("a pickup after the shift", Breach.AFTER_SHIFT, lambda: shifted(GOOD, "c2", 61, 31)),
    (
        "a move before the shift",
        Breach.BEFORE_SHIFT,
        lambda: moves("c2", (4, "0", "r2"), (16, "r2", "r2"), (32, "r2", "o3")),
    ),
    ("a departure from where it is not", Breach.TELEPORT, lambda: moves("c1", C1[0], C1[1], (33, "r1", "o1"))),
    ("a first move from elsewhere", Breach.TELEPORT, lambda: moves("c1", (13, "r2", "r1"), *C1[1:])),
    ("a departure before the arrival", Breach.TELEPORT, lambda: moves("c1", C1[0], C1[1], (28, "o2", "o1"))),
    ("a bundle without its moves", Breach.TELEPORT, lambda: moves("c1", *C1[:2])),
    (
        "another restaurant on the way",
        Breach.DIVERSION,
        lambda: moves("c1", (0, "0", "r1"), (3, "r1", "r2"), (13, "r2", "r1"), C1[1], C1[2]),
    ),
    ("another sequence of drop-offs", Breach.DIVERSION, lambda: moves("c1", C1[0], (24, "r1", "o1"), (40, "o1", "o2"))),
    ("a drop-off of nobody's order", Breach.DIVERSION, lambda: moves("c1", *C1, (44, "o1", "o3"))),
    ("a pickup before the courier is parked", Breach.PICKUP_SERVICE, lambda: moves("c1", (19, "0", "r1"), *C1[1:])),
    ("a departure right at the pickup", Breach.PICKUP_SERVICE, lambda: moves("c1", C1[0], (22, "r1", "o2"), C1[2])),
    ("a departure right at the drop-off", Breach.DROPOFF_SERVICE, lambda: moves("c1", C1[0], C1[1], (31, "o2", "o1"))),
    ("a drop-off on arrival", Breach.DROPOFF_SERVICE, lambda: delivered("o1", dropoff=38)),
    (
        "a repositioning later in the shift",
        Breach.REPOSITIONING,
        lambda: moves("c2", (6, "0", "r2"), (16, "r2", "r2"), (32, "r2", "o3")),
    ),
    (
        "a way begun before any order of the restaurant was placed",
        Breach.PHANTOM,
        lambda: moves("c1", (9, "0", "r1"), *C1[1:]),
    ),
]


def test_the_good_day_is_feasible() -> None:
    """What the list below breaks is whole before."""
    assert violations(TOWN, GOOD) == []


@pytest.mark.parametrize(("breach", "broken"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_each_broken_solution_is_refused(breach: Breach, broken: Callable[[], Solution]) -> None:
    """Each way of breaking the day is found, by its name."""
    assert breach in {violation.breach for violation in violations(TOWN, broken())}


def test_every_breach_is_tried() -> None:
    """The list above forgets no rule."""
    assert {breach for _, breach, _ in BROKEN} == set(Breach)


def test_a_second_courier_needs_a_second_order() -> None:
    """Two couriers under way to where one order is known: the second goes for what nobody could know."""
    lines: dict[int, list[Decision]] = {12: [Assign("c1", ("o1",)), Assign("c2", ("o2",))]}
    solution = simulate(TOWN, partial(Script, lines=lines)).solution
    assert violations(TOWN, solution) == []
    early = [replace(move, departure=11) if move.departure == 12 else move for move in solution.moves]
    assert {each.breach for each in violations(TOWN, replace(solution, moves=early))} == {Breach.PHANTOM}


def test_undelivered_orders_and_idle_couriers_are_no_breach() -> None:
    """An empty day is feasible, if poor."""
    assert violations(TOWN, Solution([], [], [])) == []


@given(st.integers(-20_000, 20_000), st.integers(-20_000, 20_000), st.integers(1, 1_000))
def test_travel_is_rounded_up_exactly(x: int, y: int, metres_per_minute: int) -> None:
    """The fewest whole minutes in which the distance can be covered."""
    found = minutes((0, 0), (x, y), metres_per_minute)
    assert (found * metres_per_minute) ** 2 >= x * x + y * y
    assert found == 0 or ((found - 1) * metres_per_minute) ** 2 < x * x + y * y
