"""When and how urgently an order is to be delivered: agreed when it is placed, changed until its pickup."""

from typing import Final

from msgspec import structs

from ....core.model import Now
from ....core.scenario import Refusal
from ....errors import Reason
from ..messages.overrides import OrderReschedule
from ..messages.up import NO_LOAD, OrderPlace
from ..options import DispatchOptions
from ..state.orders import Order
from ..state.terms import Terms
from ..travel.ride_times import Service

READY_AHEAD_S_MAX: Final = 48 * 3600
"""An order may be placed, or delayed, for the day after tomorrow; further ahead is a mistake in a stamp."""

READY_PAST_S_MAX: Final = 24 * 3600
"""The same in the other direction: an order that was ready a day ago waited for the network too long."""

_TIMES: Final = (
    ("pickup_by_ms", "pickup_by"),
    ("from_ms", "dropoff_from"),
    ("by_ms", "dropoff_by"),
    ("made_ms", "ready_at"),
)
"""The times of `Terms`, and the fields that they come from."""


def implausible(field: str, at: int, now: Now) -> Refusal | None:
    """Of a time (Unix ms) that cannot be meant; None of any other."""
    ahead_ms = at - now.wall_ms
    if -READY_PAST_S_MAX * 1000 <= ahead_ms <= READY_AHEAD_S_MAX * 1000:
        return None
    hours, side = (READY_AHEAD_S_MAX // 3600, "ahead of") if ahead_ms > 0 else (READY_PAST_S_MAX // 3600, "before")
    return Refusal(Reason.MALFORMED, field, f"more than {hours} hours {side} the node's clock ({now.wall_ms})")


def has_terms(body: OrderPlace, rules: DispatchOptions) -> bool:
    """Whether a new order asks for anything beyond the ordinary, or its shop does."""
    timed = body.priority or body.max_bag_s or body.pickup_by or body.dropoff_from or body.dropoff_by
    return bool(timed or body.handover_code or body.load != NO_LOAD or body.shop in rules.max_bag_s)


def agree(
    order: Order, body: OrderPlace | OrderReschedule, rules: DispatchOptions, now: Now, now_ms: int
) -> Refusal | None:
    """The terms of a new order, or other ones; what is not given stays as it is. Refused where a time cannot be meant,
    or they leave none."""
    ahead_ms = now_ms - now.wall_ms
    had = order.terms or Terms(made_ms=order.ready_ms)
    given: dict[str, int] = {} if body.priority is None else {"priority": body.priority}
    for name, field in _TIMES:
        at: int | None = getattr(body, field)
        if at is None or (field == "ready_at" and isinstance(body, OrderPlace)):
            continue
        refusal = implausible(field, at, now)
        if refusal is not None:
            return refusal
        given[name] = max(now_ms, at + ahead_ms)
    code, load = had.code, had.load
    if isinstance(body, OrderPlace):
        given["max_bag_s"] = body.max_bag_s or rules.max_bag_s.get(order.shop, 0)
        code, load = body.handover_code or "", (body.load.weight_g, body.load.volume_ml)
    elif "made_ms" in given:
        order.is_ready = False
    terms = structs.replace(had, code=code, load=load, **given)
    if terms.from_ms and terms.by_ms and terms.by_ms < terms.from_ms:
        return Refusal(Reason.MALFORMED, "dropoff_by", "this is before dropoff_from, or past")
    if terms.by_ms and terms.by_ms < terms.pickup_by_ms:
        return Refusal(Reason.MALFORMED, "pickup_by", "this is after dropoff_by")
    ready_from(order, terms, terms.made_ms, rules)
    return None


def ready_from(order: Order, terms: Terms, made_ms: int, rules: DispatchOptions) -> None:
    """When a rider should take the order that its kitchen has ready at `made_ms`: not before the way to the door leads
    into the window."""
    onwards_ms = Service(rules).dropoff_ms(0, order.ride_s)
    order.terms = structs.replace(terms, made_ms=made_ms)
    order.ready_ms = max(made_ms, terms.from_ms - onwards_ms) if terms.from_ms else made_ms
