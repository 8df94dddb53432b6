"""Trips to a shop that are under way: riders who ride there, or wait there, and could fetch one more order.

A trip can change until its pickup. What its rider has accepted stays with it; another order of the shop may join, at
the place in the sequence of doors where that costs least.
"""

from collections.abc import Iterable

from msgspec import Struct

from ..lifecycle import AT_SHOP, IN_BAG, OFFERED
from ..planner.trips import Load as Room
from ..state.fit import left
from ..state.orders import Order, Orders
from ..state.riders import Rider, Riders


class TripUnderWay(Struct, frozen=True):
    """What a rider fetches at one shop, in the sequence of doors. `room`: orders that it can carry from there, of
    no more than `left`."""

    rider: Rider
    orders: list[Order]
    arrive_ms: int
    room: int
    left: Room


def trips_under_way(
    shops: Iterable[tuple[float, float]], orders: Orders, riders: Riders, now_ms: int
) -> list[TripUnderWay]:
    """The trips to these shops that have room, each once."""
    found: list[TripUnderWay] = []
    for place in shops:
        there = orders.to_fetch.get(place)
        if there is None:
            continue
        for name in dict.fromkeys(order.rider for order in there.values()):
            rider = riders.known[name]
            if not rider.on or rider.silent or rider.paused or len(rider.orders) >= rider.capacity:
                continue
            held = [orders.open[one] for one in rider.orders]
            rest = [one for one in held if one.state not in IN_BAG]
            if all(one.id in there and one.state is not OFFERED for one in rest):
                arrived = [one.arrive_ms for one in rest if one.state is AT_SHOP]
                room = rider.capacity - (len(held) - len(rest))
                # Who should have been at a door before now comes to the shop later by that, too.
                late_ms = max(0, now_ms - held[0].dropoff_ms) if held[0].state in IN_BAG else 0
                arrive_ms = arrived[0] if arrived else rest[0].arrive_ms + late_ms
                load = left(rider, (one for one in held if one.state in IN_BAG))
                found.append(TripUnderWay(rider, rest, arrive_ms, room, load))
    return found
