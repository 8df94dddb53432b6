"""Compares a recorded day, its simulation, and the simulation of the changed day, in figures.

The effect of a change is the difference between the two simulations, which share the model and its errors. The error of
the model is the difference between the recorded day and its own simulation.
"""

import math
from collections.abc import Mapping, Sequence
from statistics import fmean, median
from typing import Final

from msgspec import Struct

from edge.scenarios.dispatch.times.learned import PROMISE_TOLERANCE_S

from .day import Day, Order, Outcome

SAME_S: Final = 60
"""A drop-off that moves by less counts as the same: people hardly notice it."""

NOTES: Final = (
    "Where riders were is in no journal: a shift begins as far from its first shop as it did, but where is guessed.",
    "Who has nothing to do waits at the last door.",
    "Rides take what the node expects of them times the day's pace; messages take no time.",
    "Riders answer offers as they answered on the day, in turn; kitchens and cancellations are as they were.",
    "Orders that were still open where the journal ends are simulated, but not counted.",
)
"""The assumptions of the model. Part of every report."""


class Figures(Struct, frozen=True):
    """One column. Times are seconds from click to door of what was delivered (None: nothing was); `late` took longer
    than the limit asked for. A promise is kept up to PROMISE_TOLERANCE_S after its time; cancelled orders have none."""

    orders: int
    delivered: int
    cancelled: int
    undelivered: int
    late: int
    click_to_door_mean_s: float | None
    click_to_door_p50_s: float | None
    click_to_door_p90_s: float | None
    promised: int
    promises_kept: int


class Moved(Struct, frozen=True):
    """Orders that are delivered in both of two columns: how many come earlier, about the same and later, and by how
    much the median one moves, in seconds, whatever the direction."""

    earlier: int
    same: int
    later: int
    median_s: float | None


class Report(Struct, frozen=True):
    """The comparison. `changed` is None where no change was asked for. `model` compares the recorded day with its
    simulation, `change` the two simulations."""

    policy: str
    changes: list[str]
    late_after_s: int
    riders: int
    riders_changed: int
    open_orders: int
    begun_before: int
    pace: float
    rides_measured: int
    recorded: Figures
    simulated: Figures
    changed: Figures | None
    model: Moved
    change: Moved | None
    notes: list[str]


def counted(day: Day) -> list[Order]:
    """The orders whose end is in the journal: only those can be compared."""
    return [order for order in day.orders if day.outcomes[order.name].state != "open"]


def door_s(order: Order, outcome: Outcome | None) -> float | None:
    """Click to door; None where it was not delivered."""
    if outcome is None or outcome.state != "delivered":
        return None
    return (outcome.ended_ms - order.placed_ms) / 1000


def figures(orders: Sequence[Order], outcomes: Mapping[str, Outcome], late_after_s: int) -> Figures:
    """One column of the report."""
    found = [outcomes.get(order.name, Outcome()) for order in orders]
    times = sorted(time for pair in zip(orders, found, strict=True) if (time := door_s(*pair)) is not None)
    cancelled = sum(outcome.state == "cancelled" for outcome in found)
    promised = [outcome for outcome in found if outcome.promised_ms and outcome.state != "cancelled"]
    kept = [
        outcome.state == "delivered" and outcome.ended_ms <= outcome.promised_ms + PROMISE_TOLERANCE_S * 1000
        for outcome in promised
    ]
    return Figures(
        len(orders),
        len(times),
        cancelled,
        len(orders) - len(times) - cancelled,
        sum(time > late_after_s for time in times),
        round(fmean(times), 1) if times else None,
        _quantile(times, 0.5),
        _quantile(times, 0.9),
        len(promised),
        sum(kept),
    )


def moved(orders: Sequence[Order], before: Mapping[str, Outcome], after: Mapping[str, Outcome]) -> Moved:
    """Compare two columns, order by order."""
    shifts: list[float] = []
    for order in orders:
        here, there = door_s(order, before.get(order.name)), door_s(order, after.get(order.name))
        if here is not None and there is not None:
            shifts.append(there - here)
    earlier, later = sum(shift < -SAME_S for shift in shifts), sum(shift > SAME_S for shift in shifts)
    middle = round(median(abs(shift) for shift in shifts), 1) if shifts else None
    return Moved(earlier, len(shifts) - earlier - later, later, middle)


def compare(
    day: Day,
    simulated: Mapping[str, Outcome],
    other: tuple[Day, Mapping[str, Outcome]] | None,
    policy: str,
    changes: Sequence[str],
    late_after_s: int,
) -> Report:
    """The whole report. `other` is the changed day and what became of it; None where nothing was changed."""
    orders = counted(day)
    return Report(
        policy,
        list(changes),
        late_after_s,
        len(day.riders()),
        len(day.riders() if other is None else other[0].riders()),
        len(day.orders) - len(orders),
        day.begun_before,
        round(day.pace, 3),
        day.paced,
        figures(orders, day.outcomes, late_after_s),
        figures(orders, simulated, late_after_s),
        None if other is None else figures(orders, other[1], late_after_s),
        moved(orders, day.outcomes, simulated),
        None if other is None else moved(orders, simulated, other[1]),
        list(NOTES),
    )


def _quantile(times: Sequence[float], share: float) -> float | None:
    """The nearest rank."""
    return round(times[max(0, math.ceil(share * len(times)) - 1)], 1) if times else None
