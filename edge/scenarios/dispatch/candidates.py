"""Who could take an order, when, and at what cost.

Two kinds of riders: idle ones, whom the sight shows (seconds of travel, nothing of the place), and busy ones who expect
to be free soon at a door that the node knows from their orders. The parts of the cost, in whole seconds:

    food_waits    between the time when the order could be picked up at the earliest and the pickup
    travel        a quarter of the rider's way to the shop: unpaid, and gone for other orders
    rider_waits   an eighth of the rider's wait at the shop
    uncertain     a tenth of the age of the position, or of the time until the rider is free
    change        what it takes to overturn a plan, so that plans do not flicker

For an order that is fetched together with others (`joins`), only three count:

    food_waits    what the order arrives later than it could, the doors before its own included
    others_wait   what the others lose in all
    change        as above
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from ...limits import CANDIDATES_MAX, OFFER_SLACK_S
from ...model import Candidate, DispatchRules, Now, Seen
from .lifecycle import State
from .orders import Order, Orders
from .positions import milliseconds
from .riders import Rider, Riders
from .travel import METRES_PER_DEG, Service, ride_s

CHANGE_S: Final = 60


class Option(Struct):
    """One rider for one order. `room`: how many orders it can still be given. `leave_ms`: when it must leave for the
    shop, so that nothing is picked up later than said. `offer`: it goes out now; otherwise it is a plan. `mates` are
    orders that the rider has accepted already and fetches at the same time, `others_wait` is what they lose."""

    rider: str
    travel_s: int
    age_s: int
    free_in_s: int
    pickup_ms: int
    dropoff_ms: int
    food_waits: int
    rider_waits: int
    change: int
    total: int
    room: int
    leave_ms: int
    offer: bool
    mates: tuple[str, ...] = ()
    others_wait: int = 0

    def candidate(self, now: Now) -> Candidate:
        """For the record."""
        behind_ms = now.wall_ms - milliseconds(now)
        cost = {
            "food_waits": self.food_waits,
            "travel": 0 if self.mates else self.travel_s // 4,
            "rider_waits": self.rider_waits // 8,
            "others_wait": self.others_wait,
            "uncertain": (self.age_s + self.free_in_s) // 10,
            "change": self.change,
        }
        return Candidate(
            self.rider,
            self.travel_s,
            self.age_s,
            self.free_in_s,
            self.pickup_ms + behind_ms,
            self.dropoff_ms + behind_ms,
            {part: seconds for part, seconds in cost.items() if seconds},
        )


class Doors:
    """The busy riders of a round: when each is free, and at which door."""

    def __init__(self, riders: Riders, orders: Orders, rules: DispatchRules, now_ms: int) -> None:
        self._riders: list[Rider] = []
        places: list[tuple[float, float]] = []
        free: list[int] = []
        for rider in riders.soon_free(now_ms, rules.soon_free_s):
            held = [orders.open[name] for name in rider.orders]
            if not rider.on or rider.silent or any(order.state is State.OFFERED for order in held):
                continue
            self._riders.append(rider)
            places.append((held[-1].dropoff_lat, held[-1].dropoff_lon))
            free.append(max(0, -(-(rider.free_ms - now_ms) // 1000)))
        self._places: NDArray[np.float64] = np.array(places, np.float64).reshape(-1, 2)
        self._free: NDArray[np.int64] = np.array(free, np.int64)
        self._rules = rules

    def __len__(self) -> int:
        return len(self._riders)

    def nearest(self, order: Order) -> list[tuple[Rider, int, int]]:
        """The riders who can be at the shop first, with seconds of travel from their last door and until free."""
        count = len(self._riders)
        picks: Sequence[int] = range(count)
        if count > CANDIDATES_MAX:
            up = self._places[:, 0] - order.pickup_lat
            across = (self._places[:, 1] - order.pickup_lon) * np.cos(np.radians(order.pickup_lat))
            metres_per_s = self._rules.speed_mps / self._rules.detour_factor
            at = self._free + np.sqrt(up * up + across * across) * (METRES_PER_DEG / metres_per_s)
            picks = sorted(int(index) for index in np.argsort(at, kind="stable")[:CANDIDATES_MAX])
        found: list[tuple[Rider, int, int]] = []
        for index in picks:
            lat, lon = float(self._places[index, 0]), float(self._places[index, 1])
            travel_s = ride_s(lat, lon, order.pickup_lat, order.pickup_lon, self._rules)
            found.append((self._riders[index], travel_s, int(self._free[index])))
        return found


def options(
    order: Order, seen: Sequence[Seen], doors: Doors, riders: Riders, service: Service, now_ms: int
) -> list[Option]:
    """Everybody who can take the order, the cheapest first, at most CANDIDATES_MAX."""
    found: list[Option] = []
    for sight in seen:
        rider = riders.get(sight.rider)
        if rider is not None and rider.on and not rider.orders:
            _weigh(found, order, rider, sight.travel_s, sight.age_s, 0, now_ms, service)
    if len(doors):
        for rider, travel_s, free_in_s in doors.nearest(order):
            _weigh(found, order, rider, travel_s, 0, free_in_s, now_ms, service)
    found.sort(key=_rank)
    return found[:CANDIDATES_MAX]


def _rank(option: Option) -> tuple[int, str]:
    return option.total, option.rider


def _weigh(
    found: list[Option],
    order: Order,
    rider: Rider,
    travel_s: int,
    age_s: int,
    free_in_s: int,
    now_ms: int,
    service: Service,
) -> None:
    """Adds the rider to `found`, with its times and cost, unless it declined or its shift is over by the pickup."""
    if order.excluded and order.excluded.get(rider.id, 0) > now_ms:
        return
    arrive_ms = now_ms + (free_in_s + travel_s) * 1000
    pickup_ms = service.pickup_ms(arrive_ms, order.ready_ms)
    if rider.until_ms is not None and pickup_ms > rider.until_ms:
        return
    food_waits = (pickup_ms - max(order.ready_ms, now_ms)) // 1000
    rider_waits = (pickup_ms - service.before_pickup - arrive_ms) // 1000
    room = rider.capacity - len(rider.orders)
    leave_ms = pickup_ms - service.before_pickup - travel_s * 1000
    change = CHANGE_S if order.plan and order.plan != rider.id else 0
    total = food_waits + travel_s // 4 + rider_waits // 8 + (age_s + free_in_s) // 10 + change
    found.append(
        Option(
            rider.id,
            travel_s,
            age_s,
            free_in_s,
            pickup_ms,
            service.dropoff_ms(pickup_ms, order.ride_s),
            food_waits,
            rider_waits,
            change,
            total,
            room,
            leave_ms,
            room > 0 and must_leave(leave_ms, now_ms),
        )
    )


def must_leave(leave_ms: int, now_ms: int) -> bool:
    """Whether the rider should hear of it now: it needs a moment to read and to answer. Until then the plan can still
    get better, and the rider is free for whatever comes in between."""
    return leave_ms <= now_ms + OFFER_SLACK_S * 1000
