"""Which orders a rider can take: the one place that knows what is too much for it, and how fast it is.

Whoever compares riders asks here: the candidates of an order, the plan (as couriers who are barred from an order), a
dispatcher's assignment and preview, and the look at placement whether anybody could take the order at all.
"""

import math
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from ....core.scenario import Refusal
from ....errors import Reason
from ....messages.envelope import Client
from ..messages.up import NO_LOAD, RiderShift
from ..options import DispatchOptions, Vehicle
from ..planner.trips import NO_LIMIT
from ..planner.trips import Load as Room
from ..travel.cells import cell_at, is_cell, resolution_of
from .orders import Order

if TYPE_CHECKING:
    from .riders import Rider

Load = tuple[int, int]
"""Grams and millilitres; in a limit, 0 is none."""

ZONES_KEPT: Final = 256
"""Zones that are not worked out anew: those of the riders of a round."""

NOTHING: Final = (0, 0)

MISFITS: Final = {
    "load": "too heavy or too large for",
    "shop": "not of a shop of",
    "zone": "outside of the zone of",
}
"""Why a rider cannot take an order, as it continues "the order is"."""


class Limits(Struct, frozen=True, array_like=True):
    """What a rider has reported of itself beyond the ordinary: how much it carries at once, what it rides (None: what
    `speed_mps` is about), which shops it serves and in which cells of H3 (empty: all)."""

    load: Load = NOTHING
    vehicle: Vehicle | None = None
    shops: tuple[Client, ...] = ()
    zone: tuple[int, ...] = ()


def limits_of(body: RiderShift) -> Limits | Refusal | None:
    """What a rider reports of itself, where it is beyond the ordinary. Refused where its zone has what is no cell."""
    limit = body.load_limit
    if not (body.vehicle or body.shops or body.zone) and limit == NO_LOAD:
        return None
    for cell in body.zone:
        if not is_cell(cell):
            return Refusal(Reason.MALFORMED, "zone", f"{cell} is no cell of H3")
    zone = tuple(int(cell, 16) for cell in body.zone)
    return Limits((limit.weight_g, limit.volume_ml), body.vehicle, body.shops, zone)


def load_of(order: Order) -> Load:
    """What the order adds to a bag."""
    return NOTHING if order.terms is None else order.terms.load


def pace_of(rider: "Rider", rules: DispatchOptions) -> float:
    """How many times as long as by `speed_mps` its rides take."""
    return 1.0 if rider.limits is None else rules.pace_with(rider.limits.vehicle)


class Employers:
    """Whose riders are whose (option `own_riders`): an order of a shop with riders of its own goes to these only, and
    they serve no other shop."""

    def __init__(self, own_riders: Mapping[str, Sequence[str]]) -> None:
        self.riders = {shop: frozenset(riders) for shop, riders in own_riders.items()}
        self.shops: dict[str, set[str]] = {}
        for shop, riders in own_riders.items():
            for rider in riders:
                self.shops.setdefault(rider, set()).add(shop)

    def serves(self, rider: "Rider", shop: str) -> bool:
        """Whether the rider takes orders of the shop."""
        if not self.riders:
            return True
        shops = self.shops.get(rider.id)
        return shop not in self.riders if shops is None else shop in shops


def misfit(order: Order, rider: "Rider", employers: Employers) -> str:
    """Why the rider can take the order at no time, one of MISFITS; empty where it can."""
    if not employers.serves(rider, order.shop):
        return "shop"
    limits = rider.limits
    if limits is None:
        return ""
    if limits.shops and order.shop not in limits.shops:
        return "shop"
    if not carries(left(rider, ()), load_of(order)):
        return "load"
    if limits.zone and not _lies_in(order, _by_resolution(limits.zone)):
        return "zone"
    return ""


def _lies_in(order: Order, zone: Mapping[int, Container[int]]) -> bool:
    places = (order.pickup_lat, order.pickup_lon), (order.dropoff_lat, order.dropoff_lon)
    return all(any(cell_at(*place, resolution) in cells for resolution, cells in zone.items()) for place in places)


@lru_cache(ZONES_KEPT)
def _by_resolution(zone: tuple[int, ...]) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {}
    for cell in zone:
        found.setdefault(resolution_of(cell), set()).add(cell)
    return found


def left(rider: "Rider", bag: Iterable[Order]) -> Room:
    """What the rider can carry beside these orders."""
    limits = rider.limits
    if limits is None or limits.load == NOTHING:
        return NO_LIMIT
    weight_g, volume_ml = (limit or math.inf for limit in limits.load)
    for load in map(load_of, bag):
        weight_g -= load[0]
        volume_ml -= load[1]
    return weight_g, volume_ml


def carries(room: Room, load: Room) -> bool:
    """Whether a load fits."""
    return load[0] <= room[0] and load[1] <= room[1]


def has_room(rider: "Rider", order: Order, opened: Mapping[str, Order]) -> bool:
    """Whether the order fits beside all that the rider has."""
    if len(rider.orders) >= rider.capacity:
        return False
    return rider.limits is None or carries(left(rider, [opened[name] for name in rider.orders]), load_of(order))


def in_words(misfits: Iterable[str]) -> str:
    """Why riders cannot take an order, as it continues "the order is"; empty where all can."""
    counts = Counter(why for why in misfits if why)
    return ", ".join(f"{MISFITS[why]} {counts[why]}" for why in MISFITS if counts[why])
