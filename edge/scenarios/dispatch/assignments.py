"""Choices become true: plans, offers, promises; and what riders, customers and shops receive about an order.

Everything here changes durable state and is fed with recorded decisions in a recovery; nothing here looks at positions.
"""

from collections.abc import Sequence
from functools import partial
from itertools import takewhile
from typing import Final, Literal

from msgspec.structs import replace

from ...core.effects import Effects
from ...core.model import Now
from .lifecycle import (
    CLOSED,
    HELD,
    OFFERED,
    PLACED,
    RETURNED,
    RETURNING,
    WX_RETURNING,
    WX_STATUS,
    Canceller,
)
from .messages.down import Assignment, Stop, Update
from .records import Candidate, Decision
from .state.dispatch_state import DispatchState
from .state.orders import Order
from .state.riders import Rider, same_pickup
from .times.learned import Interval, scarcity
from .travel.ride_times import Service

BURST_OFFERS: Final = 8
"""Offers in one round after which the next one decides again at once, about the orders left over."""

ORDER_STALE_S: Final = 4 * 3600
"""An accepted order without any event for this long is given up, so that every order ends."""

DOOR_DIGITS: Final = 2
"""An offer has the door to 0.01 degrees, some 700 m at most: enough to see where the ride goes, and not to whom."""

UPDATE_EXPIRY_S: Final = 2 * 3600.0
"""A status older than two hours is news to nobody."""


# -- decisions ---------------------------------------------------------------------------------------------------------


def apply_decisions(dispatch: DispatchState, decisions: Sequence[Decision], now: Now, out: Effects) -> None:
    """Decisions of this round, or of a recorded one, become plans and offers. Riders are notified when all are made, so
    that each assignment shows the whole trip."""
    now_ms = dispatch.now_ms
    offered: list[Order] = []
    for decision in decisions:
        order = dispatch.orders.open.get(decision.order)
        if order is None or order.state is not PLACED:
            continue
        dispatch.orders.considered(order)
        chosen = next((one for one in decision.candidates if one.rider == decision.rider), None)
        rider = dispatch.riders.known.get(decision.rider) if chosen is not None else None
        if chosen is None or rider is None:
            forecast(dispatch, order, None, now)
            continue
        forecast(dispatch, order, chosen, now)
        if decision.offer:
            _offer(dispatch, order, rider, decision.before)
            offered.append(order)
        else:
            order.plan = rider.id
        if order.wants_promise and order.placed_ms == now_ms:
            _promise(dispatch, order, now)
            order.promised_by = "offer" if decision.offer else "plan"
    for order in offered:
        _announce(dispatch, order, now, out)
    # Orders that were too many for this round are new to the next one. After a burst of offers those left over may find
    # riders whom the ones that are taken now have hidden from them.
    dispatch.changed = bool(dispatch.orders.fresh) or len(offered) >= BURST_OFFERS


def forecast(dispatch: DispatchState, order: Order, chosen: Candidate | None, now: Now) -> None:
    """What is expected of the order with this rider; nothing where there is none."""
    order.plan = ""
    if chosen is None:
        order.arrive_ms = order.pickup_ms = order.dropoff_ms = 0
        return
    now_ms = dispatch.now_ms
    order.arrive_ms = now_ms + (chosen.free_in_s + chosen.travel_s) * 1000
    order.pickup_ms = now_ms + chosen.pickup_at - now.wall_ms
    order.dropoff_ms = now_ms + chosen.dropoff_at - now.wall_ms


def _promise(dispatch: DispatchState, order: Order, now: Now) -> None:
    """What the customer is promised, from what is expected of the order and how far off that usually is."""
    order.scarce = scarcity(len(dispatch.orders.waiting), dispatch.riders.idle, order.stated)
    predicted_ms, around = foreseen(dispatch, order)
    order.predicted_ms = order.promised_ms = predicted_ms
    if around is not None:
        order.promised_ms = predicted_ms + around.promised * 1000
        order.earliest_ms = predicted_ms + around.earliest * 1000
        order.latest_ms = predicted_ms + around.latest * 1000
    order.promised_at = order.promised_ms + now.wall_ms - dispatch.now_ms


def _offer(dispatch: DispatchState, order: Order, rider: Rider, before: str = "") -> None:
    now_ms = dispatch.now_ms
    dispatch.offers += 1
    order.offer, order.rider, order.offers = dispatch.offers, rider.id, order.offers + 1
    dispatch.orders.move(order, OFFERED, now_ms, now_ms + dispatch.rules.reply_s * 1000)
    dispatch.riders.take(rider, order.id, before)
    rider.silent = False
    dispatch.riders.reschedule(rider, dispatch.orders, dispatch.rules, now_ms)


def _announce(dispatch: DispatchState, order: Order, now: Now, out: Effects) -> None:
    """The rider receives its offer, and everybody else what is expected now."""
    now_ms = dispatch.now_ms
    behind_ms = now.wall_ms - now_ms
    out.send(order.rider, assignment(dispatch, order, now.wall_ms, behind_ms), order.due_ms / 1000)
    whose = order.shop, order.client
    out.count("order.offered", now.wall_ms, 1, *whose)
    if order.offers == 1:
        out.measure("placed_to_offered_ms", now.wall_ms, now_ms - order.placed_ms, *whose)
        over_s = max(0, order.dropoff_ms - _bound_ms(dispatch, order)) // 1000
        out.count("order.over_bound_s", now.wall_ms, over_s, *whose)
    update(dispatch, order, now, out)


def _bound_ms(dispatch: DispatchState, order: Order) -> int:
    """When the order could be at its door at the earliest, by the times that hold in this round: with a rider at the
    shop since it was placed, who has nothing else to do."""
    service = Service(dispatch.rules)
    return service.dropoff_ms(max(order.ready_ms, order.placed_ms + service.before_pickup), order.ride_s)


def confirm(dispatch: DispatchState, now: Now, out: Effects) -> None:
    """Riders who still have what they took in this round receive the exact door."""
    behind_ms = now.wall_ms - dispatch.now_ms
    for order in dispatch.taken:
        if order.state in HELD:
            message = assignment(dispatch, order, now.wall_ms, behind_ms)
            out.send(order.rider, message, order.due_ms / 1000, order.id)
    dispatch.taken = []


def wait_ms(dispatch: DispatchState, order: Order) -> int:
    """Until when a waiting order waits: until it is late, then until it is given up."""
    rules = dispatch.rules
    wait_s = rules.give_up_s if order.late else min(rules.late_s, rules.give_up_s)
    return max(order.ready_ms, order.placed_ms) + wait_s * 1000


def stale_ms(order: Order, now_ms: int) -> int:
    """Until when an order that has a rider may stand still."""
    return max(order.ready_ms, now_ms) + ORDER_STALE_S * 1000


# -- what clients receive ----------------------------------------------------------------------------------------------


def update(
    dispatch: DispatchState,
    order: Order,
    now: Now,
    out: Effects,
    reason: str = "",
    to: Sequence[str] = (),
    wx_status: int = 0,
    cancelled_by: Canceller | Literal[""] = "",
    spoken: str = "",
) -> None:
    """The order's state, to its customer, its shop, and the dispatcher who has overridden its plan, where `to` names
    nobody else. `wx_status` is given where it is not that of the state, `spoken` is the reason in a person's words,
    where no row keeps them."""
    behind_ms = now.wall_ms - dispatch.now_ms
    cause, state = "", order.state
    if order.failed is not None and state in (RETURNING, RETURNED):
        cause = order.failed.cause
        wx_status = wx_status or (WX_RETURNING.get(cause, 0) if state is RETURNING else 0)
    if order.late and order.dropoff_ms and not order.promised_anew_at and state not in CLOSED:
        predicted_ms, around = foreseen(dispatch, order)
        order.promised_anew_at = predicted_ms + behind_ms + (around.promised * 1000 if around is not None else 0)
    body = Update(
        order=order.id,
        state=state,
        at=now.wall_ms,
        expected_at=order.dropoff_ms + behind_ms if order.dropoff_ms and state not in CLOSED else 0,
        ready_at=order.ready_ms + behind_ms,
        reason=reason,
        cancelled_by=cancelled_by,
        cause=cause,
        promised_at=order.promised_anew_at,
        wx_status=wx_status or WX_STATUS[state],
    )
    outgoing = replace(body, reason=spoken) if spoken else None
    if order.override is not None and not to:
        to = order.client, order.shop, order.override.by
    for client in dict.fromkeys(to or (order.client, order.shop)):
        out.send(client, body, now.mono + UPDATE_EXPIRY_S, order.id, outgoing)


def assignment(dispatch: DispatchState, order: Order, at_ms: int, behind_ms: int) -> Assignment:
    """What the rider of an open order has to know of it, at `at_ms` by the wall clock; `behind_ms` is how far the
    monotonic clock is behind that."""
    offered = order.state is OFFERED
    return Assignment(
        offer=order.offer,
        order=order.id,
        state="offered" if offered else "accepted",
        at=at_ms,
        stops=_stops(dispatch, order, behind_ms),
        ready_at=order.ready_ms + behind_ms,
        answer_by=order.due_ms + behind_ms if offered else 0,
    )


def foreseen(dispatch: DispatchState, order: Order) -> tuple[int, Interval | None]:
    """The order's drop-off as it can be predicted, and the seconds around it; None where nothing is learned."""
    times = dispatch.times
    if not times.options.learn_times:
        return order.dropoff_ms, None
    beyond_s = times.beyond_s(order.shop, order.dropoff_lat, order.dropoff_lon)
    return order.dropoff_ms + beyond_s * 1000, times.interval(order.shop, order.stated, order.scarce)


def _stops(dispatch: DispatchState, order: Order, behind_ms: int) -> list[Stop]:
    """The trip in the sequence to visit: everything that is fetched with the order, then all doors. `behind_ms` is how
    far the monotonic clock is behind the wall clock."""
    if order.failed is not None:
        return _bag(dispatch, order, behind_ms)
    names, trip = dispatch.riders.known[order.rider].orders, [order]
    if len(names) > 1:
        held = [dispatch.orders.open[name] for name in names]
        index = held.index(order)
        before = list(takewhile(partial(same_pickup, order), reversed(held[:index])))
        trip = [*reversed(before), *takewhile(partial(same_pickup, order), held[index:])]
    pickups = [_stop(each, "pickup", behind_ms) for each in trip]
    return pickups + [_stop(each, "dropoff", behind_ms) for each in trip]


def _bag(dispatch: DispatchState, order: Order, behind_ms: int) -> list[Stop]:
    """Of an order that could not be handed over: where its rider brings what is in the bag, until this order's turn."""
    names = dispatch.riders.known[order.rider].orders
    bag = (dispatch.orders.open[name] for name in names[: names.index(order.id) + 1])
    return [_stop(each, "return" if each.state is RETURNING else "dropoff", behind_ms) for each in bag]


def _stop(order: Order, at: Literal["pickup", "dropoff", "return"], behind_ms: int) -> Stop:
    """The door of an order that is only offered is rounded."""
    if at == "pickup":
        lat, lon, at_ms = order.pickup_lat, order.pickup_lon, order.pickup_ms
        return Stop(at=at, order=order.id, lat=lat, lon=lon, expected_at=at_ms + behind_ms, shop=order.shop)
    lat, lon = order.dropoff_lat, order.dropoff_lon
    if order.state is OFFERED:
        lat, lon = round(lat, DOOR_DIGITS), round(lon, DOOR_DIGITS)
    shop = order.shop if at == "return" else ""
    return Stop(at=at, order=order.id, lat=lat, lon=lon, expected_at=order.dropoff_ms + behind_ms, shop=shop)
