"""A trip: the orders that a courier fetches at one shop at once, and drops off in sequence.

Service times lie around their moment as in the public instances: `before` ends when the food changes hands, `after`
begins there.

`Weights` are what makes one plan better than another. The unit of cost is one unit of time that one order arrives
later than it could. They were chosen on the development seeds (0, 1, 5, 7) of the public instances, checked on 2, 3 and
6, one set for all.
"""

import math
from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct

FORBIDDEN: Final = 1e6
"""The cost of what is forbidden: a pickup after the shift, a delivery after its limit. Finite, so that sums stay
finite."""


Load = tuple[float, float]
"""What an order, or a trip, weighs and measures; or what a courier can carry. In any units."""

NO_LOAD: Final = (0.0, 0.0)
NO_LIMIT: Final = (math.inf, math.inf)


class Weights(Struct, frozen=True):
    """`per_minute` is how many units of time a minute has; the other fields are in minutes or in pure numbers."""

    per_minute: float = 1.0
    travel: float = 0.05
    """Cost of a minute of a courier's work. Small: it breaks ties, and keeps couriers available for other orders."""
    scarcity: float = 0.5
    """Added to `travel` for each order per courier: where couriers are scarce, a saved minute serves later orders."""
    target: float = 45.0
    """Minutes from click to door beyond which a quadratic penalty is added."""
    steepness: float = 0.02
    """The penalty's factor: cost for each squared minute beyond `target`."""
    dropped: float = 2_000.0
    """An order whose cheapest place costs more than this stays without one."""

    @property
    def overdue(self) -> float:
        """`steepness` for squared units of time."""
        return self.steepness / self.per_minute


class ServiceTimes(Struct, frozen=True):
    """The halves of the service at a shop and at a door, units of time."""

    before_pickup: float
    after_pickup: float
    before_dropoff: float
    after_dropoff: float


class Trip:
    """What planning needs to know of a trip. Times are relative to its pickup, except `ready` (the last order's).

    `pickup + lateness` is by how much the latest order exceeds the target, and costs more where it is positive. A
    pickup after `limit` is forbidden. `load` is what it weighs and measures, `pace` how many times as long as usual its
    courier rides. `count * pickup + offset` is the time that its orders lose in all.
    """

    __slots__ = (
        "count",
        "free",
        "last",
        "lateness",
        "limit",
        "load",
        "offset",
        "orders",
        "pace",
        "ready",
        "shop",
        "work",
    )

    def __init__(self, shop: int, orders: Sequence[int]) -> None:
        self.shop = shop
        self.orders = list(orders)
        self.count = len(self.orders)
        self.last = self.orders[-1]
        self.ready = self.lateness = self.offset = self.free = self.work = 0.0
        self.limit = 0.0
        self.load = NO_LOAD
        self.pace = 1.0


class Jobs:
    """All orders that may be planned, by number: when placed and ready, at which shop, the ride straight to the door,
    the latest delivery (infinite: no limit). `hop` is the ride from one order's door to another's."""

    def __init__(self, weights: Weights, service: ServiceTimes, hop: Callable[[int, int], float]) -> None:
        self.weights = weights
        self.service = service
        self.hop = hop
        self.placed: list[float] = []
        self.ready: list[float] = []
        self.shop: list[int] = []
        self.direct: list[float] = []
        self.until: list[float] = []
        self.in_bag: dict[int, float] = {}
        """Of orders with a limit: from the pickup to the door at most. A ride straight to the door is always within."""
        self.pickup_by: dict[int, float] = {}
        """Of orders that are to be fetched by a time: that time. A wish, like the target."""
        self.load: dict[int, Load] = {}
        """Of orders that are heavy or large: how much so."""
        self._target = weights.target * weights.per_minute
        self._alone: dict[int, Trip] = {}
        self._alone_at: dict[tuple[int, float], Trip] = {}

    def add(self, placed: float, ready: float, shop: int, direct: float, until: float) -> int:
        """One more order; its number."""
        self.placed.append(placed)
        self.ready.append(ready)
        self.shop.append(shop)
        self.direct.append(direct)
        self.until.append(until)
        return len(self.placed) - 1

    def change(self, order: int, ready: float) -> None:
        """The order will be ready at another time. Trips made before do not know it."""
        self.ready[order] = ready
        self._alone.pop(order, None)
        self._alone_at = {}

    def alone(self, order: int, pace: float = 1.0) -> Trip:
        """The trip of one order."""
        if pace != 1.0:
            at_pace = self._alone_at.get((order, pace))
            if at_pace is None:
                at_pace = self._alone_at[order, pace] = self.trip([order], pace)
            return at_pace
        trip = self._alone.get(order)
        if trip is None:
            trip = self._alone[order] = self.trip([order])
        return trip

    def trip(self, orders: Sequence[int], pace: float = 1.0) -> Trip:
        """The trip that fetches `orders`, all of one shop, and drops them off in this sequence, by a courier who rides
        `pace` times as long as usual."""
        service = self.service
        before, after, between = service.before_dropoff, service.after_pickup, service.after_dropoff
        first = orders[0]
        trip = Trip(self.shop[first], orders)
        ride = self.direct[first] * pace
        at = after + ride + before  # the drop-off, from the pickup on
        ready, offset = self.ready[first], ride - self.direct[first] - self.ready[first]
        least, limit = at - self.placed[first], self.until[first] - at
        previous = first
        in_bag, pickup_by = self.in_bag, self.pickup_by
        target = self._target
        if pickup_by and first in pickup_by:
            least = max(least, target - pickup_by[first])
        for order in orders[1:]:
            hop = self.hop(previous, order) * pace
            ride += hop
            at += between + hop + before
            ready = max(ready, self.ready[order])
            offset += at - after - before - self.direct[order] - self.ready[order]
            least = max(least, at - self.placed[order])
            limit = min(limit, self.until[order] - at)
            if in_bag and at > max(in_bag.get(order, math.inf), after + self.direct[order] * pace + before):
                limit = -math.inf
            if pickup_by and order in pickup_by:
                least = max(least, target - pickup_by[order])
            previous = order
        trip.ready, trip.offset, trip.limit = ready, offset, limit
        trip.lateness, trip.pace = least - target, pace
        if self.load:
            loads = [self.load[order] for order in orders if order in self.load]
            trip.load = sum(load[0] for load in loads), sum(load[1] for load in loads)
        trip.free = at + between
        trip.work = ride + service.before_pickup + after + trip.count * (before + between)
        return trip
