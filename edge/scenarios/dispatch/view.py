"""What the status page shows of dispatch, which stays on the node; where a customer's rider is; and what is open.
Positions leave the table in no other way."""

from collections import Counter
from collections.abc import Mapping
from itertools import islice, takewhile
from typing import Final
from zlib import crc32

from ...core.model import Now
from ...core.scenario import Dot, Item, Value
from ...errors import Reason
from ...messages.grants import Grant
from ..rounds import milliseconds
from .assignments import assignment
from .lifecycle import ACCEPTED, AT_CUSTOMER, AT_SHOP, OFFERED, PICKED_UP, PLACED, RETURNING
from .messages.board import RiderState
from .messages.down import ClosedOrder, OpenOrder, OrdersOpen, RiderPlace
from .state.dispatch_state import DispatchState
from .state.duty import over_ms
from .state.orders import Closed, Order
from .state.riders import Rider

WAIT_SHARE_MAX: Final = 0.25
"""An order that waits for a rider for more than this share of late_s is a problem: 15 minutes by default, and the
operator has three times as long to act."""

RETURN_S_MAX: Final = 45 * 60
"""An order that has been on its way back for longer is one: its rider may have had other doors first."""

NO_RIDERS_S_MAX: Final = 60
"""Nobody on shift while an order waits is one after this: shifts and orders of an opening shop come in any sequence."""

ORDERS_LISTED_MAX: Final = 100
"""Orders in one answer to `orders.list`: all that a customer may have open by default, in some 20 kB."""


def layers(dispatch: DispatchState, now: Now) -> dict[str, list[Dot]]:
    """Shops with open orders, riders whose place is known, and open orders at their drop-off."""
    now_ms = milliseconds(now)
    orders: list[Dot] = []
    shops: dict[str, tuple[float, float, int]] = {}
    for order in dispatch.orders.open.values():
        age_s = max(now_ms - order.placed_ms, 0) / 1000
        late, note = late_s(order, now_ms), _note(order, now_ms)
        orders.append(Dot(order.id, order.dropoff_lat, order.dropoff_lon, order.state, age_s, late, note))
        waiting = shops[order.shop][2] if order.shop in shops else 0
        shops[order.shop] = (order.pickup_lat, order.pickup_lon, waiting + 1)
    return {
        "shops": [Dot(shop, lat, lon, f"{waiting} open") for shop, (lat, lon, waiting) in shops.items()],
        "riders": [dot for rider in dispatch.riders.known.values() if (dot := _rider(dispatch, rider, now_ms))],
        "orders": orders,
    }


def late_s(order: Order, now_ms: int) -> float | None:
    """By how much an order comes later than promised; of one for which there is no rider, since when it could go."""
    if not order.rider and not order.plan:
        return max(now_ms - max(order.placed_ms, order.ready_ms), 0) / 1000
    return (order.dropoff_ms - order.promised_ms) / 1000 if order.promised_ms else None


def _note(order: Order, now_ms: int) -> str:
    """What happens to an open order now."""
    if order.state is PLACED:
        if order.override is not None and order.on_hold:
            return f"on hold by {order.override.by}"
        if order.plan:
            return f"planned for {order.plan}, who gets the offer later"
        return "nobody can take it now" if order.considered else ""
    if order.state is OFFERED:
        return f"{order.rider} has {max(order.due_ms - now_ms, 0) // 1000} s to answer"
    if order.state is ACCEPTED:
        return f"{order.rider} is on the way to {order.shop}"
    if order.state is AT_SHOP:
        return f"{order.rider} waits at {order.shop}{'' if order.is_ready else ', which has not called it ready'}"
    if order.state is AT_CUSTOMER:
        return f"{order.rider} is at the door"
    if order.state is RETURNING and order.failed is not None:
        return f"{order.rider} brings it back to {order.shop}: {order.failed.cause.replace('_', ' ')}"
    return f"{order.rider} has it"


def rider_place(dispatch: DispatchState, client: str, name: str, now: Now) -> RiderPlace:
    """Where the rider is that carries the order, for the customer who placed it; or why there is no answer."""
    order, rules, now_ms = dispatch.orders.find(name), dispatch.rules, milliseconds(now)
    if not rules.show_rider:
        reason = Reason.NOT_ALLOWED
    elif order is None:
        reason = Reason.UNKNOWN_ORDER
    elif order.client != client:
        reason = Reason.NOT_YOURS
    elif order.state not in (PICKED_UP, AT_CUSTOMER):
        reason = Reason.OUT_OF_SEQUENCE
    else:
        place = dispatch.positions.place(order.rider)
        if place is not None and now_ms - place[2] <= rules.position_age_s_max * 1000:
            lat, lon, at_ms = place
            return RiderPlace(order=name, at=now.wall_ms - (now_ms - at_ms), lat=lat, lon=lon)
        reason = Reason.UNKNOWN_RIDER
    return RiderPlace(order=name, at=now.wall_ms, reason=reason)


def open_orders(dispatch: DispatchState, client: str, shop: str | None, now: Now) -> OrdersOpen:
    """The open orders of the shop; without one those that the client has placed or carries, or that are of the shop of
    its name. The newest of them, newest first."""
    orders, rider = dispatch.orders, dispatch.riders.known.get(client)
    found = orders.of_shop.get(client if shop is None else shop, {})
    if shop is None:
        carried = {name: orders.open[name] for name in rider.orders} if rider is not None else {}
        placed = orders.of_customer.get(client, {})
        if carried or (placed and found):
            together = sorted({**found, **placed, **carried}.values(), key=lambda order: order.placed_ms)
            found = {order.id: order for order in together}
        else:
            found = placed or found
    listed = [_open(dispatch, order, client, now) for order in islice(reversed(found.values()), ORDERS_LISTED_MAX)]
    return OrdersOpen(at=now.wall_ms, orders=listed, more=len(found) - len(listed))


def _open(dispatch: DispatchState, order: Order, client: str, now: Now) -> OpenOrder:
    behind_ms = now.wall_ms - milliseconds(now)
    return OpenOrder(
        order=order.id,
        shop=order.shop,
        state=order.state,
        placed_at=order.placed_ms + behind_ms,
        ready_at=order.ready_ms + behind_ms,
        expected_at=order.dropoff_ms + behind_ms if order.dropoff_ms else 0,
        cause=order.failed.cause if order.failed is not None and order.state is RETURNING else "",
        assignment=assignment(dispatch, order, now.wall_ms, behind_ms) if order.rider == client else None,
    )


def orders(dispatch: DispatchState, client: str, grant: Grant, now: Now, only: str = "") -> list[Item]:
    """The open orders that a client has placed or carries, and those of the shop that it acts for, newest first, at
    most ORDERS_LISTED_MAX; or the one named `only`, open or closed, where it is one of these."""
    if only:
        order = dispatch.orders.find(only)
        if order is None or (client not in (order.client, order.rider) and order.shop not in (client, grant.shop)):
            return []
        if isinstance(order, Closed):
            return [Item(only, order.state, ClosedOrder(order=only, shop=order.shop, state=order.state))]
        return [Item(only, _version(dispatch, order, client), _open(dispatch, order, client, now))]
    found = {each.order: each for each in open_orders(dispatch, client, None, now).orders}
    if grant.shop not in ("", client):
        found |= {each.order: each for each in open_orders(dispatch, client, grant.shop, now).orders}
    newest = sorted(found.values(), key=lambda each: each.placed_at, reverse=True)
    return [Item(each.order, "", each) for each in newest[:ORDERS_LISTED_MAX]]


def _version(dispatch: DispatchState, order: Order, client: str) -> str:
    """By the monotonic clock: two readings of both clocks differ by a millisecond. Its rider sees the whole trip."""
    version = f"{order.state}.{order.ready_ms}.{order.dropoff_ms}"
    if order.rider != client:
        return version
    trip = [dispatch.orders.open[name] for name in dispatch.riders.known[client].orders]
    seen = [(each.id, each.state, each.ready_ms, each.pickup_ms, each.dropoff_ms) for each in trip]
    return f"{version}.{order.offer}.{crc32(repr(seen).encode()):x}"


def order_states(dispatch: DispatchState) -> Mapping[str, Value]:
    """How many open orders are in each state."""
    return dict(Counter(str(order.state) for order in dispatch.orders.open.values()))


def rider_states(dispatch: DispatchState) -> Mapping[str, Value]:
    """How many riders are in each state."""
    return dict(Counter(rider_state(dispatch, rider) for rider in dispatch.riders.known.values()))


def waiting_problem(dispatch: DispatchState, now: Now) -> str:
    """Orders that wait for a rider and should not, in a sentence; empty where none does. One for later waits from when
    it is ready."""
    waiting = dispatch.orders.waiting.values()
    if not waiting:
        return ""
    waited_s = (milliseconds(now) - min(max(order.placed_ms, order.ready_ms) for order in waiting)) / 1000
    wait = "order waits" if len(waiting) == 1 else "orders wait"
    many = f"{len(waiting)} {wait} for a rider, the longest for {waited_s / 60:.0f} min"
    if not dispatch.riders.watched and waited_s > NO_RIDERS_S_MAX:
        return f"{many}, and no rider is on shift. Ask riders to begin their shifts, or take no more orders."
    if waited_s > WAIT_SHARE_MAX * dispatch.rules.late_s:
        return f"{many}. Call in more riders; doorstep explain has the reason for each order."
    return ""


def late_problem(dispatch: DispatchState) -> str:
    """Orders that are late but coming, in a sentence; empty where there is none."""
    late = dispatch.orders.late
    if not late:
        return ""
    are = "order is late and still" if len(late) == 1 else "orders are late and still"
    waiting = sum(name in dispatch.orders.waiting for name in late)
    return (
        f"{len(late)} {are} to be delivered, {next(iter(late))} the longest; {waiting} without a rider. Call in more "
        f"riders, or cancel what nobody wants any more; without a rider it is given up "
        f"{dispatch.rules.give_up_s // 60} min after it was ready."
    )


def returning_problem(dispatch: DispatchState, now: Now) -> str:
    """Orders that should be back at their shop, in a sentence; empty where none should."""
    since_ms = milliseconds(now) - RETURN_S_MAX * 1000
    overdue = list(takewhile(lambda order: order.entered_ms < since_ms, dispatch.orders.returning.values()))
    if not overdue:
        return ""
    first = overdue[0]
    has = "order has" if len(overdue) == 1 else "orders have"
    return (
        f"{len(overdue)} {has} been on the way back to the shop for over {RETURN_S_MAX // 60} min: {first.id} with "
        f"{first.rider} the longest. Call the rider; it reports the return in its app."
    )


def duty_problem(dispatch: DispatchState, now: Now) -> str:
    """Riders who are on shift for longer than they may, in a sentence; empty where there is none."""
    now_ms, rules = milliseconds(now), dispatch.rules
    if not rules.max_on_duty_s:
        return ""
    over = [
        rider for rider in dispatch.riders.known.values() if rider.on and (over_ms(rider.duty, rules) or 0) < now_ms
    ]
    if not over:
        return ""
    are = "rider is" if len(over) == 1 else "riders are"
    first = min(over, key=lambda rider: (rider.duty.since_ms, rider.id))
    return (
        f"{len(over)} {are} on shift for over {rules.max_on_duty_s // 60} min, {first.id} the longest, and gets "
        f"nothing new. Ask for the end of the shift; what is left can be assigned to others."
    )


def _rider(dispatch: DispatchState, rider: Rider, now_ms: int) -> Dot | None:
    """None before the first position."""
    place = dispatch.positions.place(rider.id)
    if place is None:
        return None
    lat, lon, at_ms = place
    return Dot(rider.id, lat, lon, rider_state(dispatch, rider), max(now_ms - at_ms, 0) / 1000)


def rider_state(dispatch: DispatchState, rider: Rider) -> RiderState:
    """What the rider does."""
    if rider.silent:
        return "silent"
    if rider.paused and not rider.orders:
        return "paused"
    if not rider.orders:
        return "idle"
    offered = all(dispatch.orders.open[order].state is OFFERED for order in rider.orders)
    return "offered" if offered else "busy"
