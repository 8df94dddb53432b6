"""What it would cost to give an order to a rider: worked out on copies, in the way of the riders' own times."""

import math
from collections.abc import Sequence

from msgspec import Struct, structs

from ..lifecycle import ACCEPTED, AT_SHOP, IN_BAG
from ..messages.overrides import Delay
from ..state.dispatch_state import DispatchState
from ..state.fit import pace_of
from ..state.orders import Order, Orders
from ..state.positions import Positions
from ..state.riders import Rider, Riders


class Cost(Struct, frozen=True):
    """When the order would be at its door (monotonic ms); which others would come later, or earlier; before which of
    the rider's orders it would be (empty: last); and when the rider would be at the shop."""

    dropoff_ms: int
    delays: list[Delay]
    before: str
    arrive_ms: int


def cost_of(dispatch: DispatchState, order: Order, rider: Rider, position: int | None, travel_s: int) -> Cost:
    """The order as one of the rider's, at a position in its sequence (None: last). `travel_s` is the rider's ride to
    the shop by `speed_mps`, for where it would go there first."""
    opened = dispatch.orders.open
    held = [name for name in rider.orders if name != order.id]
    first = sum(opened[name].state in (*IN_BAG, AT_SHOP) for name in held)
    place = len(held) if position is None else min(len(held), max(position, first))
    travel_s = math.ceil(travel_s * pace_of(rider, dispatch.rules))
    mine = structs.replace(order, arrive_ms=dispatch.now_ms + travel_s * 1000)
    if order.rider == rider.id:
        mine = structs.replace(order)
    elif order.state is AT_SHOP:
        mine.state = ACCEPTED
    now = dropoffs(dispatch, rider, rider.orders)
    then = dropoffs(dispatch, rider, [*held[:place], order.id, *held[place:]], mine)
    if order.rider and order.rider != rider.id:
        other = dispatch.riders.known[order.rider]
        now |= dropoffs(dispatch, other, other.orders)
        then |= dropoffs(dispatch, other, [name for name in other.orders if name != order.id])
    delays = [
        Delay(order=name, later_s=later_s)
        for name, dropoff_ms in now.items()
        if name != order.id and (later_s := round((then[name] - dropoff_ms) / 1000))
    ]
    return Cost(then[order.id], delays, held[place] if place < len(held) else "", mine.arrive_ms)


def dropoffs(dispatch: DispatchState, rider: Rider, names: Sequence[str], mine: Order | None = None) -> dict[str, int]:
    """When the rider would be at the doors of orders in this sequence, monotonic ms; `mine` stands for the order of its
    name. Changes nothing."""
    orders = Orders()
    orders.open = {name: structs.replace(dispatch.orders.open[name]) for name in names}
    if mine is not None:
        orders.open[mine.id] = mine
    scratch = Rider("", len(names), None, orders=list(names), limits=rider.limits)
    Riders(Positions(dispatch.rules)).reschedule(scratch, orders, dispatch.rules, dispatch.now_ms)
    return {name: orders.open[name].dropoff_ms for name in names}
