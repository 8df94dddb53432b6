"""What the status page shows of dispatch. It stays on the node: positions leave it in no other way."""

from collections import Counter
from collections.abc import Mapping

from ...core.model import Now
from ...core.scenario import Dot, Value
from ..rounds import milliseconds
from .lifecycle import OFFERED
from .state.dispatch_state import DispatchState
from .state.riders import Rider


def layers(dispatch: DispatchState, now: Now) -> dict[str, list[Dot]]:
    """Shops with open orders, riders whose place is known, and open orders at their drop-off."""
    now_ms = milliseconds(now)
    orders: list[Dot] = []
    shops: dict[str, tuple[float, float, int]] = {}
    for order in dispatch.orders.open.values():
        age_s = max(now_ms - order.placed_ms, 0) / 1000
        orders.append(Dot(order.id, order.dropoff_lat, order.dropoff_lon, order.state, age_s))
        waiting = shops[order.shop][2] if order.shop in shops else 0
        shops[order.shop] = (order.pickup_lat, order.pickup_lon, waiting + 1)
    return {
        "shops": [Dot(shop, lat, lon, f"{waiting} open") for shop, (lat, lon, waiting) in shops.items()],
        "riders": [dot for rider in dispatch.riders.known.values() if (dot := _rider(dispatch, rider, now_ms))],
        "orders": orders,
    }


def order_states(dispatch: DispatchState) -> Mapping[str, Value]:
    """How many open orders are in each state."""
    return dict(Counter(str(order.state) for order in dispatch.orders.open.values()))


def rider_states(dispatch: DispatchState) -> Mapping[str, Value]:
    """How many riders are in each state."""
    return dict(Counter(_state(dispatch, rider) for rider in dispatch.riders.known.values()))


def _rider(dispatch: DispatchState, rider: Rider, now_ms: int) -> Dot | None:
    """None before the first position."""
    place = dispatch.positions.place(rider.id)
    if place is None:
        return None
    lat, lon, at_ms = place
    return Dot(rider.id, lat, lon, _state(dispatch, rider), max(now_ms - at_ms, 0) / 1000)


def _state(dispatch: DispatchState, rider: Rider) -> str:
    """Idle, offered, busy or silent."""
    if rider.silent:
        return "silent"
    if not rider.orders:
        return "idle"
    offered = all(dispatch.orders.open[order].state is OFFERED for order in rider.orders)
    return "offered" if offered else "busy"
