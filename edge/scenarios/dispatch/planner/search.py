"""All routes at once: each is cut at the same place, and the ends are matched anew with the beginnings.

One assignment problem, solved exactly: with the cut before the first trip, which courier takes which route; after it,
which trips follow which. Each cost is that of the whole end from the beginning on, with every delay passed on.

`improve` is the search: passes over the whole plan until one finds nothing, or the effort is spent. Effort is counted
in passes, not in time, so that the same input gives the same plan on every machine.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import lap
import numpy as np
import numpy.typing as npt

from .insertion import CELLS_MAX, GAIN_MIN, relocate
from .routes import Floats, Plan, Route
from .trips import FORBIDDEN, Trip

NEAREST: Final = 8
"""Heads that each end may compete for, the soonest at its first shop, beside its own. The solver takes longer for more:
90 ends x 330 heads took it 1.9 ms."""

ENDS_MAX: Final = 128
"""Ends that are matched at once, those that cost most: more than the published days ever have."""

EFFORT: Final = 2
EFFORT_ORDERS: Final = 32
"""Passes for each decision, while a pass finds something; one, where the plan has more orders. The plan is kept from
decision to decision, so that the search goes on."""

TRIED_MAX: Final = 12
"""Orders that one pass tries to move, those that cost most: what keeps a decision within 10 ms on the largest published
days. On twelve scarce development days 16, 40 and 400 came out within 0.1 minutes of each other."""

assign = lap.lapjvc  # looked up here, because lap loads its solvers at first use: not in the middle of an order


class Head(NamedTuple):
    """The trips of a route before its cut: where and when its courier is free after them."""

    route: Route
    place: int
    since: float
    row: int


def exchange(plan: Plan, cut: int) -> int:
    """Cut each route after `cut` trips (a bound courier's after one at least). Returns how many routes changed."""
    cuts = [(route, min(len(route.trips), max(cut, 1) if route.bound else cut)) for route in plan.open]
    ended = [(route, place) for route, place in cuts if place < len(route.trips)]
    if not ended:
        return 0
    most = min(ENDS_MAX, CELLS_MAX // len(cuts))
    if len(ended) > most:
        ended = sorted(ended, key=_cost_of_end)[: max(2, most)]
        chosen = {route.courier for route, _ in ended}
        cuts = [(route, place) for route, place in cuts if place == len(route.trips) or route.courier in chosen]
    ended.sort(key=lambda end: end[1] - len(end[0].trips))  # stable; those with a k-th trip come first
    ends = [route.trips[place:] for route, place in ended]
    heads = _heads(plan, cuts, ended, ends)
    cost = _costs(plan, heads, ends)
    number = {head.route.courier: index for index, head in enumerate(heads)}
    own = [number[route.courier] for route, _ in ended]
    now = float(cost[range(len(ends)), own].sum())
    if now - float(cost.min(axis=1).sum()) <= GAIN_MIN:
        return 0  # each end has its cheapest head
    rows, columns = assign(cost, return_cost=False)
    if cost[rows, columns].sum() > now - GAIN_MIN:
        return 0
    matched: list[tuple[int, int]] = list(zip(rows.tolist(), columns.tolist(), strict=True))
    after = {head: ends[row] for row, head in matched}
    before = dict(zip(own, ends, strict=True))
    changed = 0
    for index, head in enumerate(heads):
        trips = after.get(index, [])
        if trips is not before.get(index) and (trips or index in before):
            plan.set(head.route, [*head.route.trips[: head.place], *trips])
            changed += 1
    return changed


def _heads(
    plan: Plan, cuts: Sequence[tuple[Route, int]], ended: Sequence[tuple[Route, int]], ends: Sequence[Sequence[Trip]]
) -> list[Head]:
    """For each end the NEAREST heads that are soonest at its first shop, and its own."""
    heads = [
        Head(route, place, route.frees[place - 1], plan.doors + route.trips[place - 1].last)
        if place
        else Head(route, place, route.since, route.origin)
        for route, place in cuts
    ]
    if len(heads) <= NEAREST:
        return heads
    since = np.array([head.since for head in heads])
    shops: npt.NDArray[np.int64] = np.array([trips[0].shop for trips in ends])
    rows: npt.NDArray[np.int64] = np.array([head.row for head in heads])
    there = plan.travel[rows[None, :], shops[:, None]] + since
    there[:, since > np.array([head.route.off for head in heads])] = np.inf
    wanted: npt.NDArray[np.bool_] = np.zeros(len(heads), np.bool_)
    wanted[np.argpartition(there, NEAREST, axis=1)[:, :NEAREST].ravel()] = True
    owners = {route.courier for route, _ in ended}
    return [head for head, near in zip(heads, wanted.tolist(), strict=True) if near or head.route.courier in owners]


def _cost_of_end(cut: tuple[Route, int]) -> tuple[float, int]:
    route, place = cut
    return (route.costs[place - 1] if place else 0.0) - route.cost, route.courier


def _costs(plan: Plan, heads: Sequence[Head], ends: Sequence[Sequence[Trip]]) -> Floats:
    """(ends x heads) What each end costs behind each head. The longest ends come first."""
    weights, before = plan.jobs.weights, plan.jobs.service.before_pickup
    since = np.array([head.since for head in heads])
    origin: npt.NDArray[np.int64] = np.array([head.row for head in heads])
    routes = [head.route for head in heads]
    off = np.array([route.off for route in routes])
    handicap = np.array([route.handicap for route in routes])
    cost: Floats = np.zeros((len(ends), len(heads)))
    pickup: Floats = cost
    free: Floats = cost
    for depth in range(len(ends[0])):
        trips = [end[depth] for end in ends if len(end) > depth]
        count, offset, ready, lateness, limit, work, spent, _ = plan.fields(trips, routes)
        if depth:
            rides = [plan.rows[plan.doors + end[depth - 1].last][end[depth].shop] for end in ends[: len(trips)]]
            ride: Floats = np.array(rides)[:, None]
            since = pickup[: len(trips)] + free[: len(trips)]
        else:
            shops: npt.NDArray[np.int64] = np.array([trip.shop for trip in trips])
            ride = plan.travel[origin[None, :], shops[:, None]]
        if plan.paces:
            ride = ride * [route.pace for route in routes]
        pickup = np.maximum(ready, since + (ride + before))
        free = spent
        part = count * (pickup + handicap) + offset + plan.minute * (ride + work)
        over = pickup + (free - off)
        if over.max() > 0:
            part -= plan.minute * np.clip(over, 0, work)
        late = pickup + lateness
        if late.max() > 0:
            np.maximum(late, 0, out=late)
            part += weights.overdue * late * late
        part += FORBIDDEN * ((pickup > off) | (pickup > limit))
        cost[: len(trips)] += part
    most = max(trip.count for trips in ends for trip in trips)
    if most > 1:
        carried = np.array([max(trip.count for trip in trips) for trips in ends])
        cost += FORBIDDEN * (carried[:, None] > np.array([route.room for route in routes]))
    if plan.jobs.load:
        for index in range(2):
            carried = np.array([max(trip.load[index] for trip in trips) for trips in ends])
            cost += FORBIDDEN * (carried[:, None] > np.array([route.limit[index] for route in routes]))
    if plan.barred or plan.only:
        _bar(plan, heads, ends, cost)
    return cost


def _bar(plan: Plan, heads: Sequence[Head], ends: Sequence[Sequence[Trip]], cost: Floats) -> None:
    column = {head.route.courier: index for index, head in enumerate(heads)}
    for row, trips in enumerate(ends):
        for trip in trips:
            for order in trip.orders:
                for courier in plan.barred.get(order, ()):
                    if courier in column:
                        cost[row, column[courier]] = FORBIDDEN
                if order in plan.only:
                    own = column.get(plan.only[order], len(heads))
                    cost[row, :own] = cost[row, own + 1 :] = FORBIDDEN


def improve(plan: Plan, effort: int = EFFORT) -> int:
    """Improve the plan. Returns the number of passes that found something."""
    if len(plan.where) > EFFORT_ORDERS:
        effort = min(effort, 1)
    for done in range(effort):
        changes = exchange(plan, 0) + exchange(plan, 1) + relocate(plan, TRIED_MAX)
        if not changes:
            return done
    return effort
