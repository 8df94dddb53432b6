"""The picture of the district as it is now. It leaves the process for the operator's page only, and is never stored."""

from typing import NotRequired, TypedDict

from ..limits import MAP_POINTS_MAX


class Dot(TypedDict):
    """One thing on the map. Degrees in the node's coordinate system; `age_s` is how old the place or, for an order, the
    order is; `heading` is degrees clockwise from north, where it is known."""

    id: str
    lat: float
    lon: float
    state: str
    age_s: float | None
    heading: NotRequired[float | None]


class LiveView(TypedDict):
    """Shops, riders on shift, open orders (at their drop-off). `at` is wall ms."""

    at: int
    shops: list[Dot]
    riders: list[Dot]
    orders: list[Dot]


class Bounded(LiveView):
    """A view cut to MAP_POINTS_MAX points, and how many of each it leaves out."""

    left_out: dict[str, int]


def bounded(view: LiveView) -> Bounded:
    """At most MAP_POINTS_MAX points: orders first, since they are what waits, then riders, then shops."""
    room = MAP_POINTS_MAX
    orders = view["orders"][:room]
    room -= len(orders)
    riders = view["riders"][:room]
    room -= len(riders)
    shops = view["shops"][:room]
    left_out = {
        "orders": len(view["orders"]) - len(orders),
        "riders": len(view["riders"]) - len(riders),
        "shops": len(view["shops"]) - len(shops),
    }
    return {"at": view["at"], "shops": shops, "riders": riders, "orders": orders, "left_out": left_out}
