"""What a feasible solution is worth: the metrics of the published comparison, and the floor below which none can be.

Percentiles by linear interpolation; courier metrics over all couriers, idle ones too.
"""

from typing import Final

import numpy as np
from msgspec import Struct

from edge.errors import DoorstepError

from ...demo.district.instance import Instance
from .feasibility import Violation, minutes, violations
from .solution import Solution

UNDELIVERED_MIN: Final = 120
"""What an order that was not delivered counts in `ctd_penalised`, so that dropping one never pays."""

AVOIDABLE_MIN: Final = 5
"""Minutes before the maximum by which an order's own floor must end for a delivery beyond it to count as avoidable."""

SHOWN: Final = 5
"""Violations that an error names; it counts the others."""


class Infeasible(DoorstepError):
    """A solution that breaks the rules. `found` is everything that is wrong with it."""

    def __init__(self, name: str, found: list[Violation]) -> None:
        listed = "; ".join(map(str, found[:SHOWN]))
        more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        super().__init__(f"{name}: the solution is infeasible and gets no score. {listed}{more}.")
        self.found = found


class Score(Struct, frozen=True):
    """One day. Times in minutes; None where nothing was delivered. `n_over_90_avoidable` are those of `n_over_90` whose
    own floor is at most 85. `spread` is the orders by hour of shift of the courier who had most, over those of the one
    who had fewest; None where somebody had none."""

    undelivered_pct: float
    ctd_mean: float | None
    ctd_p90: float | None
    overage_mean: float | None
    rtp_mean: float | None
    rtp_p90: float | None
    utilisation_mean: float
    cost_per_order: float | None
    orders_per_bundle: float | None
    n_over_90: int
    n_over_90_avoidable: int
    ctd_penalised: float
    lb_ctd: float
    spread: float | None


def score(instance: Instance, solution: Solution) -> Score:
    """The metrics of `solution`. Raises Infeasible with the reason."""
    found = violations(instance, solution)
    if found:
        raise Infeasible(instance.name, found)
    parameters, done, total = instance.parameters, solution.deliveries, len(instance.orders)
    waits = [each.dropoff - each.placed for each in done]
    pickups = [each.pickup - each.ready for each in done]
    undelivered = total - len(done)
    late = [max(0, wait - parameters.click_to_door_target) for wait in waits]
    count = {courier.name: 0 for courier in instance.couriers}
    for each in done:
        count[each.courier] += 1
    least, longest = floors(instance), parameters.click_to_door_max
    avoidable = [each for each in done if least[each.order] <= longest - AVOIDABLE_MIN]
    pay = sum(
        max(parameters.pay_per_order * count[each.name], parameters.pay_per_hour * (each.off - each.on) / 60)
        for each in instance.couriers
    )
    hourly = [count[each.name] / (each.off - each.on) for each in instance.couriers if each.off > each.on]
    return Score(
        undelivered_pct=100 * undelivered / total,
        ctd_mean=_mean(waits),
        ctd_p90=_p90(waits),
        overage_mean=_mean(late),
        rtp_mean=_mean(pickups),
        rtp_p90=_p90(pickups),
        utilisation_mean=_utilisation(instance, solution),
        cost_per_order=pay / len(done) if done else None,
        orders_per_bundle=_mean([len(trip.orders) for trip in solution.trips]),
        n_over_90=sum(wait > longest for wait in waits),
        n_over_90_avoidable=sum(each.dropoff - each.placed > longest for each in avoidable),
        ctd_penalised=(sum(waits) + UNDELIVERED_MIN * undelivered) / total,
        lb_ctd=sum(least.values()) / len(least),
        spread=max(hourly) / min(hourly) if hourly and min(hourly) else None,
    )


def floors(instance: Instance) -> dict[str, int]:
    """The click-to-door time of each order that no policy can go below: prepared, picked up the moment it is ready,
    driven straight to the door, minutes."""
    sites = {restaurant.name: (restaurant.x, restaurant.y) for restaurant in instance.restaurants}
    parameters = instance.parameters
    service = parameters.pickup_service - parameters.pickup_service // 2 + parameters.dropoff_service // 2
    return {
        order.name: order.ready
        - order.placed
        + service
        + minutes(sites[order.restaurant], (order.x, order.y), parameters.metres_per_minute)
        for order in instance.orders
    }


def _utilisation(instance: Instance, solution: Solution) -> float:
    parameters = instance.parameters
    sites = {each.name: (each.x, each.y) for each in (*instance.restaurants, *instance.orders)}
    starts = {courier.name: (courier.x, courier.y) for courier in instance.couriers}
    busy = dict.fromkeys(starts, 0)
    for move in solution.moves:
        origin = sites.get(move.origin, starts[move.courier])
        busy[move.courier] += minutes(origin, sites[move.destination], parameters.metres_per_minute)
    for trip in solution.trips:
        busy[trip.courier] += parameters.pickup_service + parameters.dropoff_service * len(trip.orders)
    # A shift of no length has nothing to be used.
    parts = [busy[each.name] / (each.off - each.on) if each.off > each.on else 0.0 for each in instance.couriers]
    return sum(parts) / len(parts)


def _mean(values: list[int]) -> float | None:
    return sum(values) / len(values) if values else None


def _p90(values: list[int]) -> float | None:
    return float(np.percentile(values, 90, method="linear")) if values else None
