"""What it would cost to give an order to a rider: worked out on copies, in the way of the riders' own times."""

from collections.abc import Sequence

from msgspec import Struct, structs

from ..lifecycle import ACCEPTED, AT_SHOP, IN_BAG
from ..messages import Delay
from ..state.dispatch_state import DispatchState
from ..state.orders import Order, Orders
from ..state.positions import Positions
from ..state.riders import Rider, Riders


class Cost(Struct, frozen=True):
    """When the order would be at its door (monotonic ms); which others would come later, or earlier; and before which
    of the rider's orders it would be (empty: last)."""

    dropoff_ms: int
    delays: list[Delay]
    before: str


def cost_of(dispatch: DispatchState, order: Order, rider: Rider, position: int | None, travel_s: int) -> Cost:
    """The order as one of the rider's, at a position in its sequence (None: last). `travel_s` is the rider's ride to
    the shop, for where it would go there first."""
    opened = dispatch.orders.open
    held = [name for name in rider.orders if name != order.id]
    first = sum(opened[name].state in (*IN_BAG, AT_SHOP) for name in held)
    place = len(held) if position is None else min(len(held), max(position, first))
    mine = structs.replace(order, arrive_ms=dispatch.now_ms + travel_s * 1000)
    if order.rider == rider.id:
        mine = structs.replace(order)
    elif order.state is AT_SHOP:
        mine.state = ACCEPTED
    now, then = dropoffs(dispatch, rider.orders), dropoffs(dispatch, [*held[:place], order.id, *held[place:]], mine)
    if order.rider and order.rider != rider.id:
        others = dispatch.riders.known[order.rider].orders
        now |= dropoffs(dispatch, others)
        then |= dropoffs(dispatch, [name for name in others if name != order.id])
    delays = [
        Delay(order=name, later_s=later_s)
        for name, dropoff_ms in now.items()
        if name != order.id and (later_s := round((then[name] - dropoff_ms) / 1000))
    ]
    return Cost(then[order.id], delays, held[place] if place < len(held) else "")


def dropoffs(dispatch: DispatchState, names: Sequence[str], mine: Order | None = None) -> dict[str, int]:
    """When a rider would be at the doors of its orders in this sequence, monotonic ms; `mine` stands for the order of
    its name. Changes nothing."""
    orders = Orders()
    orders.open = {name: structs.replace(dispatch.orders.open[name]) for name in names}
    if mine is not None:
        orders.open[mine.id] = mine
    scratch = Rider("", len(names), None, orders=list(names))
    Riders(Positions(dispatch.rules)).reschedule(scratch, orders, dispatch.rules, dispatch.now_ms)
    return {name: orders.open[name].dropoff_ms for name in names}
