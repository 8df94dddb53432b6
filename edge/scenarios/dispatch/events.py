"""What each event does to orders and riders, once its sender is known to be the right one.

Ownership comes first (whose order is it, whose offer), then the table of `lifecycle`, then the effect.
"""

from typing import Final

from ...core.model import Event, Now
from ...errors import Reason
from ...limits import ORDERS_OPEN_MAX, READY_AHEAD_S_MAX, RIDERS_MAX
from ...messages.envelope import (
    KitchenDelay,
    KitchenReady,
    OrderCancel,
    OrderPlace,
    RiderProgress,
    RiderReply,
    RiderShift,
)
from .assignments import Say, end, end_shift, exclude, give_up_ms, release, stale_ms, unload, update
from .lifecycle import ACCEPTED, AT_SHOP, DELIVERED, OFFERED, PICKED_UP, PLACED, TABLE, Happening, Refusal, State
from .state.dispatch_state import Book
from .state.orders import Closed, Order
from .state.positions import milliseconds
from .state.travel import metres, seconds

_ACCEPT: Final = Happening.ACCEPT
_DECLINE: Final = Happening.DECLINE
_LATE_PICKED_UP: Final = Happening.LATE_PICKED_UP
_STEP: Final = {
    "at_shop": Happening.AT_SHOP,
    "picked_up": Happening.PICKED_UP,
    "delivered": Happening.DELIVERED,
}


def apply(book: Book, event: Event, now: Now, say: Say) -> Refusal | None:
    """One event. None where it is accepted."""
    client, body = event.client, event.body
    rider = book.riders.known.get(client)
    if rider is not None:
        book.riders.heard(rider, milliseconds(now))
    if isinstance(body, OrderPlace):
        return _place(book, client, body, now, say)
    if isinstance(body, RiderShift):
        return _shift(book, client, body, now, say)
    order = book.orders.find(body.order)
    if order is None:
        return Refusal(Reason.UNKNOWN_ORDER, "order", "no such order here, or closed long ago")
    if isinstance(body, RiderReply):
        return _reply(book, client, order, body, now, say)
    if isinstance(body, RiderProgress):
        return _progress(book, client, order, body, now, say)
    if isinstance(body, OrderCancel):
        if client not in (order.client, order.shop):
            return Refusal(Reason.NOT_YOURS, "order", "only the customer who placed it, or its shop, may cancel")
        return _cancel(book, order, body, now, say)
    if client != order.shop:
        return Refusal(Reason.NOT_YOURS, "order", "only its shop may say when it is ready")
    return _kitchen(book, order, body, now, say)


# -- customers and shops -----------------------------------------------------------------------------------------------


def _place(book: Book, client: str, body: OrderPlace, now: Now, say: Say) -> Refusal | None:
    if book.orders.find(body.order) is not None:
        return Refusal(Reason.DUPLICATE_ORDER, "order", "this order was placed before, by another event")
    if len(book.orders.open) >= ORDERS_OPEN_MAX:
        return Refusal(Reason.OVER_CAPACITY, "", f"{ORDERS_OPEN_MAX} orders are open; try again later")
    pickup, dropoff = body.pickup, body.dropoff
    distance_m = metres(pickup.lat, pickup.lon, dropoff.lat, dropoff.lon)
    if distance_m > book.rules.radius_m_max:
        detail = f"{distance_m} m from the shop; at most {book.rules.radius_m_max}"
        return Refusal(Reason.OUT_OF_AREA, "dropoff", detail)
    now_ms = milliseconds(now)
    ready_ms = now_ms + (body.prep_s or 0) * 1000
    if body.ready_at is not None:
        refusal = _too_far(body.ready_at, now)
        if refusal is not None:
            return refusal
        ready_ms = max(now_ms, now_ms + body.ready_at - now.wall_ms)
    order = Order(
        body.order,
        client,
        body.shop,
        pickup.lat,
        pickup.lon,
        dropoff.lat,
        dropoff.lon,
        seconds(distance_m, book.rules),
        now_ms,
        ready_ms,
        body.promise,
        entered_ms=now_ms,
    )
    book.orders.add(order, give_up_ms(book, order))
    book.dirty = True
    say.count("order.placed", body.at)
    say.locate("order.placed", body.at, dropoff.lat, dropoff.lon, client)
    # The customer has the receipt; for the shop this is how it learns of the order.
    if order.shop != client:
        update(order, now, say, to=(order.shop,))
    return None


def _cancel(book: Book, order: Order | Closed, body: OrderCancel, now: Now, say: Say) -> Refusal | None:
    refusal = _refusal(order, Happening.CANCEL)
    if refusal is None and isinstance(order, Order):
        end(book, order, State.CANCELLED, now, say, body.at, body.reason or "cancelled")
    return refusal


def _kitchen(
    book: Book, order: Order | Closed, body: KitchenReady | KitchenDelay, now: Now, say: Say
) -> Refusal | None:
    delay = isinstance(body, KitchenDelay)
    refusal = _refusal(order, Happening.DELAY if delay else Happening.READY)
    if refusal is not None or not isinstance(order, Order) or order.state is PICKED_UP:
        return refusal
    now_ms = milliseconds(now)
    if delay:
        refusal = _too_far(body.ready_at, now)
        if refusal is not None:
            return refusal
        order.ready_ms = max(now_ms, now_ms + body.ready_at - now.wall_ms)
        order.is_ready = False
        say.count("order.delayed", body.at)
    elif order.is_ready:
        return None
    else:
        order.ready_ms = now_ms
        order.is_ready = True
        say.count("order.ready", body.at)
    rider = book.riders.get(order.rider) if order.rider else None
    if rider is not None:
        book.riders.reschedule(rider, book.orders, book.rules, now_ms)
    if order.state is PLACED:
        book.dirty = True
        book.orders.due(order, give_up_ms(book, order))
    elif order.state is not OFFERED:
        book.orders.due(order, stale_ms(order, now_ms))
    update(order, now, say, "kitchen", (order.client, order.shop, *([order.rider] if order.rider else [])))
    return None


def _too_far(ready_at: int, now: Now) -> Refusal | None:
    if ready_at - now.wall_ms <= READY_AHEAD_S_MAX * 1000:
        return None
    detail = f"more than {READY_AHEAD_S_MAX // 3600} hours ahead of the node's clock ({now.wall_ms})"
    return Refusal(Reason.MALFORMED, "ready_at", detail)


# -- riders ------------------------------------------------------------------------------------------------------------


def _shift(book: Book, client: str, body: RiderShift, now: Now, say: Say) -> Refusal | None:
    now_ms = milliseconds(now)
    rider = book.riders.get(client)
    if not body.on:
        if rider is not None and rider.on:
            end_shift(book, rider, now, say, body.at)
        return None
    if rider is None and len(book.riders.known) >= RIDERS_MAX:
        return Refusal(Reason.OVER_CAPACITY, "", f"{RIDERS_MAX} riders are on shift; try again later")
    until_ms = None if body.until is None else now_ms + body.until - now.wall_ms
    if until_ms is not None and until_ms <= now_ms:
        return Refusal(Reason.TOO_LATE, "until", f"the shift would be over already by the node's clock ({now.wall_ms})")
    if rider is None or not rider.on:
        say.count("shift.started", body.at)
    book.riders.begin(client, body.capacity, until_ms, now_ms)
    book.dirty = True
    return None


def _reply(book: Book, client: str, order: Order | Closed, body: RiderReply, now: Now, say: Say) -> Refusal | None:
    if order.rider == client and order.offer == body.offer:
        happening = _ACCEPT if body.accept else _DECLINE
    elif any(one.offer == body.offer and one.rider == client for one in order.past):
        happening = Happening.LATE_ACCEPT if body.accept else Happening.LATE_DECLINE
    else:
        return Refusal(Reason.NOT_OFFERED, "offer", "no such offer of this order to you")
    before = order.state
    refusal = _refusal(order, happening)
    if refusal is not None or not isinstance(order, Order):
        return refusal
    now_ms = milliseconds(now)
    if happening is _DECLINE:
        say.count("offer.declined", body.at)
        exclude(order, client, now_ms)
        release(book, order, now, say, "declined", tell_rider=False)
    elif happening is _ACCEPT and before is OFFERED:
        book.orders.move(order, ACCEPTED, now_ms, stale_ms(order, now_ms))
        book.dirty = True
        say.count("order.assigned", body.at)
        say.measure("placed_to_accepted_ms", body.at, now_ms - order.placed_ms)
        update(order, now, say)
    return None


def _progress(
    book: Book, client: str, order: Order | Closed, body: RiderProgress, now: Now, say: Say
) -> Refusal | None:
    if order.rider == client:
        happening = _STEP[body.step]
    elif any(one.rider == client and one.accepted for one in order.past):
        happening = _LATE_PICKED_UP if body.step == "picked_up" else Happening.LATE_STEP
    elif any(one.rider == client for one in order.past):
        return Refusal(Reason.NOT_OFFERED, "order", "you did not accept this order in time")
    elif book.riders.get(client) is None:
        return Refusal(Reason.UNKNOWN_RIDER, "", "begin a shift first")
    else:
        return Refusal(Reason.NOT_YOURS, "order", "another rider, or none, has this order")
    refusal = _refusal(order, happening)
    if refusal is not None or not isinstance(order, Order):
        return refusal
    if happening is _LATE_PICKED_UP:
        return _reclaim(book, client, order, body, now, say)
    after = TABLE[order.state][happening]
    if after is order.state:
        return None
    if after is DELIVERED:
        _deliver(book, order, body, now, say)
    else:
        _advance(book, order, State(after), body, now, say)
    return None


def _advance(book: Book, order: Order, state: State, body: RiderProgress, now: Now, say: Say) -> None:
    """At the shop, or away from it with the food."""
    now_ms = milliseconds(now)
    rider = book.riders.known[order.rider]
    book.orders.move(order, state, now_ms, stale_ms(order, now_ms))
    book.riders.at(rider, order.pickup_lat, order.pickup_lon, now_ms)
    if state is AT_SHOP:
        order.arrive_ms = now_ms
        say.count("order.at_shop", body.at)
    else:
        order.pickup_ms = now_ms
        book.riders.first(rider, order.id, book.orders)
        say.count("order.picked_up", body.at)
        say.measure("ready_to_pickup_ms", body.at, max(0, now_ms - order.ready_ms))
    # Not worth a decision of its own: it moves the plans of others by little, and the next look finds that.
    book.riders.reschedule(rider, book.orders, book.rules, now_ms)
    update(order, now, say)


def _deliver(book: Book, order: Order, body: RiderProgress, now: Now, say: Say) -> None:
    now_ms = milliseconds(now)
    book.riders.at(book.riders.known[order.rider], order.dropoff_lat, order.dropoff_lon, now_ms)
    order.dropoff_ms = now_ms
    say.measure("click_to_door_ms", body.at, now_ms - order.placed_ms)
    if order.promised_ms:
        say.measure("promise_error_ms", body.at, abs(now_ms - order.promised_ms))
    say.locate("order.delivered", body.at, order.dropoff_lat, order.dropoff_lon, order.client)
    end(book, order, DELIVERED, now, say, body.at)


def _reclaim(book: Book, client: str, order: Order, body: RiderProgress, now: Now, say: Say) -> Refusal | None:
    """A rider given up as silent comes back with the food. It gets the order back if it can still hold it."""
    rider = book.riders.get(client)
    if rider is None or not rider.on or len(rider.orders) >= rider.capacity:
        return Refusal(Reason.TOO_LATE, "order", "it was given to others when nothing was heard of you; bring it back")
    offer = next(one.offer for one in reversed(order.past) if one.rider == client and one.accepted)
    if order.rider:
        unload(book, order, now, say, "picked up by another rider")
    order.rider, order.offer, order.plan = client, offer, ""
    book.riders.take(rider, order.id)
    say.take_back(client, order.id)
    say.count("order.reclaimed", body.at)
    _advance(book, order, PICKED_UP, body, now, say)
    return None


def _refusal(order: Order | Closed, happening: Happening) -> Refusal | None:
    outcome = TABLE[order.state][happening]
    return Refusal(outcome, "order", f"the order is {order.state}") if isinstance(outcome, Reason) else None
