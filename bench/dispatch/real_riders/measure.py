"""Days in sequence through a node's dispatch among real people, and what became of each promise."""

from collections.abc import Callable, Iterator, Sequence
from statistics import fmean
from typing import Final

from msgspec import Struct

from edge.scenarios.dispatch.times.times import Times

from ...demo.district.instance import Instance
from ...whatif.day import Day
from ...whatif.simulation import Simulation
from ..published import SCARCE
from .days import Conditions, day_of, halves

LATE_MS: Final = 5 * 60_000

LEARNED_AFTER: Final = 200
"""Deliveries from which on a node that met slow rides should know them."""


class Kept(Struct, frozen=True):
    """What became of one promise: when the order was delivered; how late, how wide its interval, and whether it came
    within it, ms; and whether the node had learned of its shop before. An order that was never delivered broke its
    promise: it has no time."""

    at_ms: int
    late_ms: int | None
    wide_ms: int
    inside: bool
    seen: bool
    click_to_door_ms: int | None


def run(days: Sequence[Day]) -> list[list[Kept]]:
    """The days in sequence on one node, which remembers."""
    times: Times | None = None
    done: list[list[Kept]] = []
    for day in days:
        simulation = Simulation(day, "planned", times)
        while not simulation.over:
            simulation.step()
        times = simulation.times
        kept: list[Kept] = []
        for order in day.orders:
            found = simulation.outcomes[order.name]
            promise = found.promise
            if promise is None:
                continue
            at_ms, wide_ms = found.ended_ms, promise.latest_at - promise.earliest_at
            if found.state == "delivered":
                inside = promise.earliest_at <= at_ms <= promise.latest_at
                late_ms = at_ms - promise.dropoff_at
                kept.append(Kept(at_ms, late_ms, wide_ms, inside, found.shop_seen, at_ms - order.placed_ms))
            else:
                kept.append(Kept(at_ms, None, wide_ms, False, found.shop_seen, None))
        done.append(sorted(kept, key=lambda one: one.at_ms))
    return done


class Figures(Struct, frozen=True):
    """Of promises: how many, per cent late by more than five minutes or never kept, per cent inside the interval, its
    mean width, and the mean click-to-door of what was delivered, minutes."""

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
        mean([100.0 * (one.late_ms is None or one.late_ms > LATE_MS) for one in kept]),
        mean([100.0 * one.inside for one in kept]),
        mean([one.wide_ms / 60_000 for one in kept]),
        mean([one.click_to_door_ms / 60_000 for one in kept if one.click_to_door_ms is not None]),
    )


class Must(Struct, frozen=True):
    """What a row has to reach, per cent and minutes; 0: nothing."""

    late_percent: float = 0.0
    inside_percent: tuple[float, float] = (0.0, 0.0)
    width_min: float = 0.0


class Row(Struct, frozen=True):
    """One line of the table."""

    name: str
    figures: Figures
    must: Must


NO_MUST: Final = Must()
WIDTH_MIN: Final = 18.0
SEEN: Final = (77.0, 83.0)
UNSEEN: Final = (65.0, 100.0)

Part = tuple[str, Must, list[Kept]]


def known(instances: Sequence[Instance], keep: bool) -> list[Part]:
    """Whole days; everything is as stated and as configured, but for the people."""
    calm: list[Kept] = []
    scarce: list[Kept] = []
    for instance, (kept, *_) in _in_sequence(instances, Conditions(), keep, whole=True):
        (scarce if instance.name in SCARCE else calm).extend(kept)
    return [("calm days", Must(3.0), calm), ("scarce days", Must(10.0), scarce)]


def slow(instances: Sequence[Instance], keep: bool) -> list[Part]:
    """Rides and handovers take 1.3 times as long as configured; orders state the truth."""
    before: list[Kept] = []
    after: list[Kept] = []
    for _, days in _in_sequence(instances, Conditions(pace=1.3), keep):
        together = [one for day in days for one in day]
        before += together[:LEARNED_AFTER]
        after += together[LEARNED_AFTER:]
    return [("first 200 deliveries", NO_MUST, before), ("after 200 deliveries", Must(12.0, SEEN, WIDTH_MIN), after)]


def unstated(instances: Sequence[Instance], keep: bool, announced: float = 0.0, queues: bool = False) -> list[Part]:
    """No order states its preparation time. Kitchens that are queues, or that call some orders ready, are not what the
    targets are about."""
    first: list[Kept] = []
    later: list[Kept] = []
    conditions = Conditions(stated=False, announced=announced, queues=queues)
    for _, days in _in_sequence(instances, conditions, keep):
        first += days[0]
        later += [one for day in days[1:] for one in day]
    parts = [
        ("first day", Must(10.0, (0.0, 0.0), WIDTH_MIN), first),
        ("second day", Must(6.0, (0.0, 0.0), WIDTH_MIN), later),
        ("second day, shops seen", Must(0.0, SEEN, WIDTH_MIN), [one for one in later if one.seen]),
        ("shops not seen", Must(0.0, UNSEEN), [one for one in (*first, *later) if not one.seen]),
    ]
    return [(name, NO_MUST if announced or queues else must, kept) for name, must, kept in parts]


def early(instances: Sequence[Instance], keep: bool) -> list[Part]:
    """Every second shop states a ready time that is six minutes too early; the others state the truth."""
    days = [days for _, days in _in_sequence(instances, Conditions(early_s=360), keep)]
    later = [one for each in days for day in each[1:] for one in day]
    return [("first day", NO_MUST, [one for each in days for one in each[0]]), ("second day", NO_MUST, later)]


CASES: Final[dict[str, Callable[[Sequence[Instance], bool], list[Part]]]] = {
    "all known": known,
    "rides 30 % slower": slow,
    "no time stated": unstated,
    "no time stated, 7 of 10 called ready": lambda instances, keep: unstated(instances, keep, 0.7),
    "no time stated, kitchens are queues": lambda instances, keep: unstated(instances, keep, queues=True),
    "every second shop 6 min late": early,
}


def rows(name: str, instances: Sequence[Instance], keep: bool) -> list[Row]:
    """A case. Parts without a promise are left out."""
    return [Row(f"{name}: {part}", figures(kept), must) for part, must, kept in CASES[name](instances, keep) if kept]


def _in_sequence(
    instances: Sequence[Instance], conditions: Conditions, keep: bool, whole: bool = False
) -> Iterator[tuple[Instance, list[list[Kept]]]]:
    """Each instance with the days that one node has of it. With `keep` one node has all instances, one after the other,
    and each of the others begins with what it has learned; else each has a node of its own, for the whole day or for
    its two halves."""
    if keep:
        days = run([day_of(each, each.orders, number, conditions, number) for number, each in enumerate(instances)])
        if whole:
            yield from ((instance, [day]) for instance, day in zip(instances, days, strict=True))
        else:
            yield instances[0], days
        return
    for number, instance in enumerate(instances):
        parts = [instance.orders] if whole else [*halves(instance, number)]
        yield instance, run([day_of(instance, part, day, conditions, number) for day, part in enumerate(parts)])
