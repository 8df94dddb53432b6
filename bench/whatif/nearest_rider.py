"""The baseline policy of `doorstep whatif`: each order, the oldest first, goes to the nearest idle rider.

It makes no plans and no bundles, and offers at once. No node uses it.
"""

import math
from typing import Final

from edge.core.model import Now
from edge.scenarios.dispatch.decide.candidates import CANDIDATES_MAX, why_nobody
from edge.scenarios.dispatch.options import DispatchOptions
from edge.scenarios.dispatch.records import Candidate, Decision, RiderDistance
from edge.scenarios.dispatch.state.fit import pace_of
from edge.scenarios.dispatch.state.orders import Order, Orders
from edge.scenarios.dispatch.state.riders import Riders
from edge.scenarios.dispatch.state.sensor import Sensor
from edge.scenarios.dispatch.travel.ride_times import Service
from edge.scenarios.rounds import milliseconds

RULE: Final = "nearest-1"


def nearest_rider(orders: Orders, riders: Riders, rules: DispatchOptions, now: Now, sensor: Sensor) -> list[Decision]:
    """An offer for each waiting order that some idle rider can pick up within its shift."""
    decisions: list[Decision] = []
    given: dict[str, None] = {}
    service = Service(rules)
    for order in sorted(orders.waiting.values(), key=lambda order: (order.placed_ms, order.id)):
        left = riders.idle - len(given)
        # The sensor still returns riders who were given an order in this round.
        limit = CANDIDATES_MAX + len(given)
        seen = (
            sensor.nearest(order.id, order.pickup_lat, order.pickup_lon, limit, milliseconds(now), riders.fits(order))
            if left > 0
            else []
        )
        chosen = next((one for one in seen if one.rider not in given and _can(one, order, riders, rules, now)), None)
        if chosen is not None:
            given[chosen.rider] = None
            pace = pace_of(riders.known[chosen.rider], rules)
            pickup_ms = _pickup_ms(chosen, order, service, now, pace)
            behind_ms = now.wall_ms - milliseconds(now)
            dropoff_ms = service.dropoff_ms(pickup_ms, math.ceil(order.ride_s * pace))
            candidate = Candidate(
                chosen.rider, chosen.travel_s, chosen.age_s, 0, pickup_ms + behind_ms, dropoff_ms + behind_ms, {}
            )
            why = f"{chosen.rider} is the nearest, {chosen.travel_s} s away."
            decisions.append(Decision(order.id, chosen.rider, True, RULE, why, [candidate]))
        elif not order.considered:
            decisions.append(Decision(order.id, "", False, RULE, why_nobody([], {}, max(left, 0), 0), []))
    return decisions


def _pickup_ms(seen: RiderDistance, order: Order, service: Service, now: Now, pace: float) -> int:
    return max(milliseconds(now) + math.ceil(seen.travel_s * pace) * 1000 + service.before_pickup, order.ready_ms)


def _can(seen: RiderDistance, order: Order, riders: Riders, rules: DispatchOptions, now: Now) -> bool:
    rider = riders.known.get(seen.rider)
    if rider is None or not rider.on or rider.orders or order.excluded.get(rider.id, 0) > milliseconds(now):
        return False
    pickup_ms = _pickup_ms(seen, order, Service(rules), now, pace_of(rider, rules))
    return rider.off_ms is None or pickup_ms <= rider.off_ms
