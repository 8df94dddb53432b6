"""Each planned order may move to a better place: the local part of the search."""

from typing import Final

from .insertion import Gaps, best, bounds
from .routes import Plan
from .weights import FORBIDDEN

GAIN_MIN: Final = 0.01
"""Units of cost that a move must save: less is rounding."""


CELLS_MAX: Final = 65_536
"""Orders x places that a pass weighs up at once, so that a decision stays quick in a district of any size. The
published days stay below it."""

LOOKED_AT: Final = 4
"""How many orders are looked at for each that is tried."""


def relocate(plan: Plan, most: int) -> int:
    """One pass over all orders, those that cost most first; at most `most` are tried. The number of moves.

    A route changes at most once in a pass, because the gaps are listed once; whatever else there is to gain, the next
    pass finds.
    """
    orders = [order for route in plan.open for trip in route.trips for order in trip.orders]
    gains = [(gain, order) for order in orders if (gain := _gain(plan, order)) > GAIN_MIN]
    gains.sort(key=lambda each: (-each[0], each[1]))
    gaps = Gaps(plan)
    del gains[min(most * LOOKED_AT, max(1, CELLS_MAX // max(1, len(gaps.routes)))) :]
    if not gains:
        return 0
    bound = bounds(plan, gaps, [order for _, order in gains])
    stop = plan.jobs.service.before_dropoff + plan.jobs.service.after_dropoff
    tried: list[tuple[float, int, int]] = []
    for index, (gain, order) in enumerate(gains):
        start, end = gaps.spans[plan.where[order].courier]
        bound[index, start:end] = FORBIDDEN
        # Two kinds of places exist: alone in a gap, or together with another order of its shop, at a stop more.
        shared = gain > stop and len(plan.by_shop[plan.jobs.shop[order]]) > 1
        if shared or bound[index].min() < gain:
            tried.append((gain, order, index))
    stale: set[int] = set()
    moved = 0
    for gain, order, index in tried[:most]:
        route = plan.where[order]
        if route.courier in stale:
            continue
        # An order that is forbidden where it is may be forbidden elsewhere too: such a move gains nothing.
        below = min(gain - GAIN_MIN, FORBIDDEN / 2)
        _, to, trips = best(plan, gaps, bound[index], order, below, stale, route.courier)
        left = plan.without(route, order)
        if to is None or left is None:
            continue
        plan.set(route, [*route.trips[: left[0]], *left[1]])
        plan.set(to, trips)
        stale |= {route.courier, to.courier}
        moved += 1
    return moved


def _gain(plan: Plan, order: int) -> float:
    """The cost that its route saves without the order; 0 where the route may not lose it."""
    route = plan.where[order]
    left = plan.without(route, order)
    if left is None:
        return 0.0
    first, trips = left
    if not trips:
        return route.cost - (route.costs[first - 1] if first else 0.0)
    return route.cost - plan.changed(route, first, trips)
