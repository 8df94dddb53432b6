"""Standby advice: where a rider with nothing to do is most likely to be needed. Never an order."""

from typing import Final

from ....core.effects import Effects
from ....core.model import Now
from ..messages.down import Advice
from ..state.dispatch_state import DispatchState
from ..state.fit import pace_of
from ..state.sensor import Sensor
from ..state.standby import Waiting

ADVISED_MAX: Final = 8
"""Riders looked at in one round; the next one follows at once."""

STAY_S: Final = 900
"""Advice holds for so long after the ride, and only riders whose shift lasts that long get any, or count."""

SOON_FREE_S: Final = 1200
"""A busy rider who is free within this covers the shops around its last door."""


def advise(dispatch: DispatchState, now: Now, sensor: Sensor, out: Effects) -> None:
    """Look at riders whose shift has begun, or who have delivered their last order, once for each."""
    advice, riders, now_ms = dispatch.advice, dispatch.riders, dispatch.now_ms
    if not (dispatch.rules.standby and dispatch.orders.shops):
        advice.due = []
        return
    due, advice.due = advice.due[:ADVISED_MAX], advice.due[ADVISED_MAX:]
    planned = {order.plan for order in dispatch.orders.waiting.values()}
    due = [name for name in dict.fromkeys(due) if name not in planned and _stays(dispatch, name)]
    if not due:
        return
    advice.heading = {
        name: place
        for name, place in advice.heading.items()
        if place[2] > now_ms and (rider := riders.known.get(name)) is not None and not rider.orders
    }
    heading = {name: (lat, lon) for name, (lat, lon, _) in advice.heading.items()}
    doors = [
        (last.dropoff_lat, last.dropoff_lon)
        for rider in riders.soon_free(now_ms, SOON_FREE_S)
        if rider.id not in planned
        and not rider.moving
        and _lasts(rider.off_ms, now_ms)
        and (last := dispatch.orders.open[rider.orders[-1]])
    ]
    demand = dispatch.shops.demand(dispatch.rules)
    for place in sensor.standby(Waiting(due, heading, planned, doors), demand, now_ms):
        shop = demand.shops[place.shop]
        rider = riders.known[place.rider]
        there_ms = now_ms + round(place.travel_s * pace_of(rider, dispatch.rules) * 1000)
        until_ms = there_ms + STAY_S * 1000
        advice.heading[place.rider] = shop.lat, shop.lon, until_ms
        if not dispatch.rules.divert:
            riders.move(rider, shop.lat, shop.lon, there_ms)
        out.send(
            place.rider,
            Advice(
                at=now.wall_ms,
                shop=shop.id,
                lat=shop.lat,
                lon=shop.lon,
                until=until_ms + now.wall_ms - now_ms,
                reason=f"orders around {shop.id} are the least covered",
            ),
            until_ms / 1000,
        )
        out.count("rider.advised", now.wall_ms)


def _stays(dispatch: DispatchState, name: str) -> bool:
    """Whether the rider is on shift for a while, with nothing in hand."""
    rider = dispatch.riders.known.get(name)
    if rider is None or not rider.on or rider.silent or rider.paused or rider.orders or rider.moving:
        return False
    return _lasts(rider.off_ms, dispatch.now_ms)


def _lasts(until_ms: int | None, now_ms: int) -> bool:
    return until_ms is None or until_ms > now_ms + STAY_S * 1000
