"""Days in sequence through a node's dispatch, and what became of each promise."""

from collections.abc import Callable, Sequence
from statistics import fmean
from typing import Final

from msgspec import Struct, structs

from edge.scenarios.dispatch.times.times import Times

from ..demo.district.instance import Instance
from ..whatif.day import Day
from ..whatif.simulation import Simulation
from .days import day_of, halves

LATE_MS: Final = 5 * 60_000

LEARNED_AFTER: Final = 200
"""Deliveries from which on a node that met slow rides should know them."""


class Kept(Struct, frozen=True):
    """One delivered order with a promise: when it was delivered; how late, how wide its interval, and whether it came
    within it, ms; and whether the node had learned of its shop before."""

    at_ms: int
    late_ms: int
    wide_ms: int
    inside: bool
    seen: bool
    click_to_door_ms: int


def run(days: Sequence[Day], learn: bool) -> list[list[Kept]]:
    """The days in sequence on one node, which remembers."""
    times: Times | None = None
    done: list[list[Kept]] = []
    for day in days:
        rules = structs.replace(day.rules, learn_times=learn)
        simulation = Simulation(structs.replace(day, rules=rules), "planned", times)
        while not simulation.over:
            simulation.step()
        times = simulation.times
        kept: list[Kept] = []
        for order in day.orders:
            found = simulation.outcomes[order.name]
            promise = found.promise
            if found.state == "delivered" and promise is not None:
                at_ms, latest_ms = found.ended_ms, promise.latest_at
                inside = promise.earliest_at <= at_ms <= latest_ms
                wide_ms = latest_ms - promise.earliest_at
                late_ms = at_ms - promise.dropoff_at
                kept.append(Kept(at_ms, late_ms, wide_ms, inside, found.shop_seen, at_ms - order.placed_ms))
        done.append(sorted(kept, key=lambda one: one.at_ms))
    return done


class Figures(Struct, frozen=True):
    """Of promises: how many, per cent late by more than five minutes, per cent inside the interval, its mean width and
    the mean click-to-door, minutes."""

    promises: int
    late_percent: float
    inside_percent: float
    width_min: float
    click_to_door_min: float


def figures(kept: Sequence[Kept]) -> Figures:
    """Over some promises; of none all are 0."""
    mean: Callable[[list[float]], float] = lambda values: round(fmean(values), 2) if values else 0.0
    return Figures(
        len(kept),
        mean([100.0 * (one.late_ms > LATE_MS) for one in kept]),
        mean([100.0 * one.inside for one in kept]),
        mean([one.wide_ms / 60_000 for one in kept]),
        mean([one.click_to_door_ms / 60_000 for one in kept]),
    )


def slow_rides(instances: Sequence[Instance], learn: bool, pace: float = 1.3) -> dict[str, Figures]:
    """Rides and handovers take longer than configured; orders state the truth."""
    before: list[Kept] = []
    after: list[Kept] = []
    for number, instance in enumerate(instances):
        parts = halves(instance, number)
        (first, second) = run([day_of(instance, part, n, True, pace, number) for n, part in enumerate(parts)], learn)
        before += first[:LEARNED_AFTER]
        after += first[LEARNED_AFTER:] + second
    return {"first 200 deliveries": figures(before), "after 200 deliveries": figures(after)}


def stated_early(instances: Sequence[Instance], learn: bool, early_s: int = 360) -> dict[str, Figures]:
    """Every second shop states a ready time that is too early by so much; the others state the truth."""
    days: list[list[Kept]] = [[], []]
    for number, instance in enumerate(instances):
        wrong = {shop.name: early_s * 1000 * (place % 2) for place, shop in enumerate(instance.restaurants)}
        made = [day_of(instance, p, n, True, 1.0, number) for n, p in enumerate(halves(instance, number))]
        made = [
            structs.replace(
                day,
                orders=tuple(structs.replace(one, expected_ms=one.expected_ms - wrong[one.shop]) for one in day.orders),
            )
            for day in made
        ]
        for day, kept in zip(days, run(made, learn), strict=True):
            day += kept
    return {"first day": figures(days[0]), "second day": figures(days[1])}


def unstated(instances: Sequence[Instance], learn: bool, announced: float = 0.0) -> dict[str, Figures]:
    """No order states its preparation time."""
    days: list[list[Kept]] = [[], []]
    for number, instance in enumerate(instances):
        parts = halves(instance, number)
        found = run([day_of(instance, p, n, False, 1.0, number, announced) for n, p in enumerate(parts)], learn)
        for day, kept in zip(days, found, strict=True):
            day += kept
    seen = [one for one in days[1] if one.seen]
    unseen = [one for day in days for one in day if not one.seen]
    return {
        "first day": figures(days[0]),
        "second day": figures(days[1]),
        "second day, shops seen": figures(seen),
        "shops unseen": figures(unseen),
    }


CASES: Final[dict[str, Callable[[Sequence[Instance], bool], dict[str, Figures]]]] = {
    "rides 30 % slower": slow_rides,
    "nothing stated": unstated,
    "nothing stated, 7 of 10 called ready": lambda instances, learn: unstated(instances, learn, 0.7),
    "every second shop 6 min late": stated_early,
    "all as stated": lambda instances, learn: stated_early(instances, learn, 0),
}
