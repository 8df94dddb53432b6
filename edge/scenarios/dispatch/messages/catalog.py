"""The catalogue: every kind of message of dispatch, who sends or receives it, what is personal in it, and how it is
made ready for a round."""

from collections.abc import Callable
from typing import Any, Final

from msgspec import Struct, structs

from ....core.scenario import Collection, Message
from ....messages.coordinates import converted
from ....messages.envelope import Place
from ..times.messages import TimesReset
from .board import Board, BoardList, RidersKnown, RidersList
from .codes import hide_handover, hide_reported
from .down import Advice, Assignment, ClosedOrder, OpenOrder, OrdersOpen, RiderPlace, Update
from .overrides import (
    OrderAssign,
    OrderHold,
    OrderPin,
    OrderPreview,
    OrderRelease,
    OrderReschedule,
    Preview,
    RiderPause,
    RiderResume,
)
from .up import (
    KitchenDelay,
    KitchenReady,
    OrderCancel,
    OrderPlace,
    OrderRedeliver,
    OrdersList,
    OrderTrack,
    RiderPosition,
    RiderProgress,
    RiderReply,
    RiderShift,
)

NAME: Final = "dispatch"


def _places(*fields: str) -> Callable[[Any, str, str], Struct]:
    """Converts the places in these fields, where the message has any."""

    def convert(body: Any, source: str, crs: str) -> Struct:
        given = ((field, getattr(body, field)) for field in fields)
        places = {field: Place(*converted(at.lat, at.lon, source, crs)) for field, at in given if at is not None}
        return structs.replace(body, crs=None, **places) if places else body

    return convert


def _position(body: RiderPosition, source: str, crs: str) -> RiderPosition:
    at, lat, lon = max(body.points)  # the others are not used, so that they need no conversion
    return RiderPosition(points=[(at, *converted(lat, lon, source, crs))])


_PARTIES: Final = ("customer", "rider", "shop")
_DISPATCHER: Final = ("dispatcher",)
_EVERYBODY: Final = (*_PARTIES, *_DISPATCHER)

MESSAGES: Final = (
    Message(
        "order.place",
        OrderPlace,
        roles=("customer", "shop"),
        personal=("dropoff", "handover_code", "amount_cents"),
        names_shop="shop",
        prepares="handover_code",
        prepare=hide_handover,
        convert=_places("pickup", "dropoff"),
    ),
    Message("order.cancel", OrderCancel, roles=("customer", "shop", "dispatcher"), personal=("reason",)),
    Message(
        "order.redeliver",
        OrderRedeliver,
        roles=("shop", "dispatcher"),
        personal=("dropoff",),
        convert=_places("dropoff"),
    ),
    Message(
        "rider.shift",
        RiderShift,
        roles=("rider",),
        personal=("place", "zone"),
        in_memory=("place", "crs"),
        convert=_places("place"),
    ),
    Message("rider.reply", RiderReply, roles=("rider",), personal=("reason",)),
    Message(
        "rider.progress",
        RiderProgress,
        roles=("rider",),
        personal=("reason", "code"),
        prepares="code",
        prepare=hide_reported,
    ),
    Message("kitchen.ready", KitchenReady, roles=("shop",)),
    Message("kitchen.delay", KitchenDelay, roles=("shop",)),
    Message("times.reset", TimesReset, roles=("shop", "dispatcher"), names_shop="shop"),
    Message("order.assign", OrderAssign, roles=_DISPATCHER, personal=("reason",)),
    Message("order.pin", OrderPin, roles=_DISPATCHER, personal=("reason",)),
    Message("order.hold", OrderHold, roles=_DISPATCHER, personal=("reason",)),
    Message("order.release", OrderRelease, roles=_DISPATCHER, personal=("reason",)),
    Message("order.reschedule", OrderReschedule, roles=("shop", "dispatcher"), personal=("reason",)),
    Message("rider.pause", RiderPause, roles=("dispatcher", "rider"), personal=("reason",)),
    Message("rider.resume", RiderResume, roles=("dispatcher", "rider"), personal=("reason",)),
    Message("order.preview", OrderPreview, roles=_DISPATCHER, durable=False, acts_for="shop", answered_by="preview"),
    Message("board.list", BoardList, roles=_DISPATCHER, durable=False, acts_for="shop", answered_by="board"),
    Message("riders.list", RidersList, roles=_DISPATCHER, durable=False, answered_by="riders"),
    Message("rider.position", RiderPosition, roles=("rider",), durable=False, personal=("points",), convert=_position),
    Message("order.track", OrderTrack, roles=("customer",), durable=False, answered_by="rider.place"),
    Message("orders.list", OrdersList, roles=_EVERYBODY, durable=False, acts_for="shop", answered_by="orders"),
    Message("assignment", Assignment, "down", roles=("rider",), personal=("stops",), about="order"),
    Message("update", Update, "down", roles=_EVERYBODY, spare=True, about="order"),
    Message("advice", Advice, "down", roles=("rider",), spare=True, about="shop"),
    Message("rider.place", RiderPlace, "down", roles=("customer",), durable=False, personal=("lat", "lon")),
    Message("orders", OrdersOpen, "down", roles=_EVERYBODY, durable=False, personal=("orders",)),
    Message("preview", Preview, "down", roles=_DISPATCHER, durable=False),
    Message("board", Board, "down", roles=_DISPATCHER, durable=False, personal=("orders",)),
    Message("riders", RidersKnown, "down", roles=_DISPATCHER, durable=False, personal=("riders",)),
)

OrderOverride = OrderAssign | OrderPin | OrderHold | OrderRelease
RiderOverride = RiderPause | RiderResume
WithoutOrder = RiderShift | TimesReset | RiderOverride
Durable = (
    OrderPlace
    | OrderCancel
    | OrderRedeliver
    | OrderReschedule
    | RiderReply
    | RiderProgress
    | KitchenReady
    | KitchenDelay
    | OrderOverride
    | WithoutOrder
)

DURABLE_KINDS: Final[dict[str, Any]] = {
    each.kind: each.body for each in MESSAGES if each.direction == "up" and each.durable
}

COLLECTIONS: Final = (Collection("orders", OpenOrder, _PARTIES, over=ClosedOrder),)
