"""Bundling: an order joins the trip of a rider who is on the way to its shop, or waits there.

The rider makes the trip in any case, so only delays count as cost: that of the new order, whose door comes last, and
that of the others, where its food is ready later than theirs. A trip can change until its pickup only, so a bundled
order is offered at once.
"""

from typing import Final

from msgspec import Struct

from ..lifecycle import AT_SHOP, PICKED_UP
from ..options import DispatchOptions
from ..state.orders import Order, Orders
from ..state.riders import Rider, Riders
from ..state.travel import Service, ride_s
from .candidates import CANDIDATES_MAX, CHANGE_S, RANK, CandidateCost

JOIN_TARGET_S: Final = 40 * 60
"""No order joins a trip that brings another one to its door later than this after it was placed, unless that one is
late anyway: the target click-to-door of the public instances."""


class _JoinableTrip(Struct, frozen=True):
    """What a rider fetches at one shop, with the times expected now. `latest_ms` is the latest pickup at which every
    order that can meet its target does. `free_ms` is when the rider can leave the last door."""

    rider: Rider
    orders: list[Order]
    arrive_ms: int
    pickup_ms: int
    free_ms: int
    latest_ms: int | None


class Bundling:
    """The trips of one round by shop, each shop computed at its first use."""

    def __init__(self, riders: Riders, orders: Orders, rules: DispatchOptions, now_ms: int) -> None:
        self._riders = riders
        self._orders = orders
        self._rules = rules
        self._service = Service(rules)
        self._now_ms = now_ms
        self._trips: dict[tuple[float, float], list[_JoinableTrip]] = {}

    def options(self, order: Order) -> list[CandidateCost]:
        """The trips that the order can join, the cheapest first, at most CANDIDATES_MAX."""
        place = order.pickup_lat, order.pickup_lon
        if place not in self._orders.to_fetch:
            return []
        if place not in self._trips:
            self._trips[place] = self._at(place)
        found = [option for trip in self._trips[place] if (option := self._weigh(order, trip)) is not None]
        found.sort(key=RANK)
        return found[:CANDIDATES_MAX]

    def _at(self, place: tuple[float, float]) -> list[_JoinableTrip]:
        """The trips to a shop that have room."""
        names = dict.fromkeys(order.rider for order in self._orders.to_fetch[place].values())
        trips: list[_JoinableTrip] = []
        for name in names:
            rider = self._riders.known[name]
            if not rider.on or rider.silent or len(rider.orders) >= rider.capacity:
                continue
            held = [self._orders.open[one] for one in rider.orders]
            rest = [one for one in held if one.state is not PICKED_UP]
            if all(one.id in self._orders.to_fetch[place] for one in rest):
                trips.append(self._trip(rider, rest))
        return trips

    def _trip(self, rider: Rider, orders: list[Order]) -> _JoinableTrip:
        service, first, last = self._service, orders[0], orders[-1]
        arrive_ms = first.arrive_ms if first.state is AT_SHOP else max(first.arrive_ms, self._now_ms)
        pickup_ms = max(arrive_ms + service.before_pickup, *(one.ready_ms for one in orders), self._now_ms)
        late_ms = pickup_ms - first.pickup_ms  # than when the sequence was worked out
        slack_ms = [one.placed_ms + JOIN_TARGET_S * 1000 - one.dropoff_ms - late_ms for one in orders]
        kept_ms = [slack for slack in slack_ms if slack >= 0]
        return _JoinableTrip(
            rider,
            orders,
            arrive_ms,
            pickup_ms,
            last.dropoff_ms + late_ms + service.after_dropoff,
            pickup_ms + min(kept_ms) if kept_ms else None,
        )

    def _weigh(self, order: Order, trip: _JoinableTrip) -> CandidateCost | None:
        """The order at the end of the trip; None where the rider declined it, ends its shift before, or another order
        would become late."""
        rider, service, now_ms = trip.rider, self._service, self._now_ms
        if order.excluded and order.excluded.get(rider.id, 0) > now_ms:
            return None
        pickup_ms = max(trip.pickup_ms, order.ready_ms)
        if rider.until_ms is not None and pickup_ms > rider.until_ms:
            return None
        if trip.latest_ms is not None and pickup_ms > trip.latest_ms:
            return None
        last, delay_ms = trip.orders[-1], pickup_ms - trip.pickup_ms
        hop_s = ride_s(last.dropoff_lat, last.dropoff_lon, order.dropoff_lat, order.dropoff_lon, self._rules)
        dropoff_ms = trip.free_ms + delay_ms + hop_s * 1000 + service.before_dropoff
        soonest_ms = service.dropoff_ms(max(order.ready_ms, now_ms), order.ride_s)
        food_waits = max(0, dropoff_ms - soonest_ms) // 1000
        others_wait = len(trip.orders) * delay_ms // 1000
        change = CHANGE_S if order.plan and order.plan != rider.id else 0
        return CandidateCost(
            rider.id,
            travel_s=max(0, -(-(trip.arrive_ms - now_ms) // 1000)),
            age_s=0,
            free_in_s=0,
            pickup_ms=pickup_ms,
            dropoff_ms=dropoff_ms,
            food_waits=food_waits,
            rider_waits=0,
            change=change,
            total=food_waits + others_wait + change,
            offer=True,
            bundle=tuple(one.id for one in trip.orders),
            others_wait=others_wait,
        )
