"""What the node's own map shows. It stays on the node: positions leave it in no other way."""

from collections import Counter

from msgspec import Struct

from .lifecycle import OFFERED
from .state.dispatch_state import DispatchState
from .state.riders import Rider


class LiveOrder(Struct, frozen=True):
    """An open order. Times are milliseconds of the monotonic clock; `dropoff_ms` is 0 where nothing is expected."""

    order: str
    state: str
    shop: str
    rider: str
    pickup: tuple[float, float]
    dropoff: tuple[float, float]
    placed_ms: int
    ready_ms: int
    dropoff_ms: int


class LiveRider(Struct, frozen=True):
    """A rider: idle, offered, busy, silent or off shift. `place` is None before the first position."""

    rider: str
    state: str
    orders: tuple[str, ...]
    place: tuple[float, float] | None
    seen_ms: int


class LiveShop(Struct, frozen=True):
    """A shop with open orders."""

    shop: str
    place: tuple[float, float]
    orders: int


class Live(Struct, frozen=True):
    """Everything at this moment."""

    orders: list[LiveOrder]
    riders: list[LiveRider]
    shops: list[LiveShop]


def live(dispatch: DispatchState) -> Live:
    """A picture of all open orders, their shops, and all riders."""
    orders: list[LiveOrder] = []
    shops: dict[str, LiveShop] = {}
    for order in dispatch.orders.open.values():
        place = order.pickup_lat, order.pickup_lon
        orders.append(
            LiveOrder(
                order.id,
                order.state,
                order.shop,
                order.rider,
                place,
                (order.dropoff_lat, order.dropoff_lon),
                order.placed_ms,
                order.ready_ms,
                order.dropoff_ms,
            )
        )
        before = shops.get(order.shop)
        shops[order.shop] = LiveShop(order.shop, place, 1 if before is None else before.orders + 1)
    return Live(orders, [_rider(dispatch, name) for name in dispatch.riders.known], list(shops.values()))


def order_states(dispatch: DispatchState) -> dict[str, int]:
    """How many open orders are in each state."""
    return dict(Counter(str(order.state) for order in dispatch.orders.open.values()))


def rider_states(dispatch: DispatchState) -> dict[str, int]:
    """How many riders are in each state."""
    return dict(Counter(_state(dispatch, rider) for rider in dispatch.riders.known.values()))


def _rider(dispatch: DispatchState, name: str) -> LiveRider:
    rider = dispatch.riders.known[name]
    seen = dispatch.positions.place(name)
    place = None if seen is None else (seen[0], seen[1])
    return LiveRider(name, _state(dispatch, rider), tuple(rider.orders), place, 0 if seen is None else seen[2])


def _state(dispatch: DispatchState, rider: Rider) -> str:
    if rider.silent:
        return "silent"
    if not rider.orders:
        return "idle"
    offered = all(dispatch.orders.open[order].state is OFFERED for order in rider.orders)
    return "offered" if offered else "busy"
