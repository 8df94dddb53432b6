"""The messages of dispatch, both ways: what customers, riders and shops send, and what the node answers.

Units: `*_at` and `at` are Unix milliseconds; `lat`/`lon` are degrees in the node's coordinate system unless `crs` names
another; `*_s` are seconds.
"""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from ...core.scenario import Collection, Message
from ...messages.coordinates import converted
from ...messages.envelope import (
    Crs,
    Identifier,
    Instant,
    Latitude,
    Longitude,
    Milliseconds,
    Number,
    Place,
    Receipt,
    Text,
    Up,
    Version,
)
from .lifecycle import CLOSED, OrderState
from .times.messages import DropoffPromise, TimesReset

ORDERS_PER_RIDER_MAX: Final = 8
"""The largest capacity a rider may announce."""

POSITION_POINTS_MAX: Final = 120
"""Two minutes of one point a second: what a phone collects in a dead spot before it must thin out."""

NAME: Final = "dispatch"

# -- towards the node --------------------------------------------------------------------------------------------------


class OrderPlace(Up, frozen=True, tag="order.place"):
    """A customer places an order. Give `ready_at`, or the preparation time as `prep_s`, where either is known; else the
    node expects what it has learned of the shop."""

    order: Identifier
    """The order's own name, which nobody has used on this node before."""
    shop: Identifier
    """The client name of the shop."""
    pickup: Place
    """Where the shop is."""
    dropoff: Place
    """Where the door is."""
    ready_at: Instant | None = None
    """When the food is ready, by the sender's clock."""
    prep_s: Annotated[int, Meta(ge=0, le=24 * 3600)] | None = None
    """How long the kitchen needs, from the moment at which the node decides. It needs no clock that is right."""
    promise: bool = True
    """Whether the receipt promises a drop-off time."""
    crs: Crs | None = None
    """The coordinate system of the places in this message, where it is not the node's."""


class OrderCancel(Up, frozen=True, tag="order.cancel"):
    """The customer who placed the order, or its shop, takes it back."""

    order: Identifier
    """The order."""
    reason: Text = ""
    """Why, for the shop and the rider."""


class RiderShift(Up, frozen=True, tag="rider.shift"):
    """A rider begins or ends a shift. `until` is its planned end; `place` is where the rider is now (never stored)."""

    on: bool
    """True begins it, false ends it."""
    capacity: Annotated[int, Meta(ge=1, le=ORDERS_PER_RIDER_MAX)] = 1
    """Orders that fit at once."""
    until: Instant | None = None
    """The planned end."""
    place: Place | None = None
    """Where the rider is."""
    crs: Crs | None = None
    """The coordinate system of `place`, where it is not the node's."""


class RiderReply(Up, frozen=True, tag="rider.reply"):
    """A rider accepts or declines the assignment numbered `offer`."""

    order: Identifier
    """The order."""
    offer: Number
    """The number of the assignment."""
    accept: bool
    """True takes the order, false declines it."""
    reason: Text = ""
    """Why it is declined."""


class RiderProgress(Up, frozen=True, tag="rider.progress"):
    """A rider is at the shop, has picked up, or has delivered."""

    order: Identifier
    """The order."""
    step: Literal["at_shop", "picked_up", "delivered"]
    """What is done. A step can be left out."""


class KitchenReady(Up, frozen=True, tag="kitchen.ready"):
    """The order is ready for pickup now."""

    order: Identifier
    """The order."""


class KitchenDelay(Up, frozen=True, tag="kitchen.delay"):
    """The order will be ready at another time."""

    order: Identifier
    """The order."""
    ready_at: Instant
    """The new time."""


class RiderPosition(Struct, frozen=True, kw_only=True, tag_field="kind", tag="rider.position"):
    """Where a rider was: `[at, lat, lon]` for each point, oldest first. QoS 0, never stored, no receipt."""

    points: Annotated[
        list[tuple[Milliseconds, Latitude, Longitude]], Meta(min_length=1, max_length=POSITION_POINTS_MAX)
    ]
    """`[at, lat, lon]`: Unix milliseconds, degrees, degrees."""
    v: Version = 1
    """Version of the message."""
    crs: Crs | None = None
    """The coordinate system of the points, where it is not the node's."""


class OrderTrack(Struct, frozen=True, kw_only=True, tag_field="kind", tag="order.track"):
    """A customer asks where the rider with its order is. QoS 0, never stored; the answer is a `rider.place`."""

    order: Identifier
    """The order."""
    v: Version = 1
    """Version of the message."""


class OrdersList(Struct, frozen=True, kw_only=True, tag_field="kind", tag="orders.list"):
    """Anybody asks for its open orders. QoS 0, never stored; the answer is an `orders`."""

    shop: Identifier | None = None
    """The shop that the sender acts for: its orders. Without it those that it has placed, carries, or has as a shop."""
    v: Version = 1
    """Version of the message."""


Durable = OrderPlace | OrderCancel | RiderShift | RiderReply | RiderProgress | KitchenReady | KitchenDelay | TimesReset

DURABLE_KINDS: Final[dict[str, type[Durable]]] = {
    "order.place": OrderPlace,
    "order.cancel": OrderCancel,
    "rider.shift": RiderShift,
    "rider.reply": RiderReply,
    "rider.progress": RiderProgress,
    "kitchen.ready": KitchenReady,
    "kitchen.delay": KitchenDelay,
    "times.reset": TimesReset,
}
POSITION_KIND: Final = "rider.position"


# -- from the node -----------------------------------------------------------------------------------------------------


class OrderReceipt(Receipt, frozen=True, kw_only=True, omit_defaults=True):
    """The receipt of an event of dispatch: which order it is about, and what the customer was promised."""

    order: str = ""
    """The order that the event is about."""
    promise: DropoffPromise | None = None
    """Of an accepted `order.place`, where one was asked for and there are figures to promise from."""


class Stop(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One place of an assignment, in the sequence to visit. The door of an order that is only offered is rounded to
    0.01 degrees; that of an accepted one is exact."""

    at: Literal["pickup", "dropoff"]
    """What is to be done there."""
    order: str
    """The order."""
    lat: float
    lon: float
    expected_at: int
    """When the rider is expected there."""
    shop: str = ""
    """The shop, where it is a pickup."""


class Assignment(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """To a rider: what to pick up and where. `offered` asks for an answer until `answer_by`; `accepted` confirms it and
    has the exact door; `withdrawn` takes an offer or an order back.

    `stops` are the whole trip in the sequence to visit, as it would be with this order: the pickups of all that is
    fetched at the shop at once, then the doors. Those of this order alone are the ones that name it in `order`."""

    offer: int
    """Its number, for `rider.reply`."""
    order: str
    """The order."""
    state: Literal["offered", "accepted", "withdrawn"]
    """What becomes of the order for this rider."""
    at: int
    """When the node decided it."""
    stops: list[Stop] = []
    """The whole trip, in the sequence to visit. None where it is withdrawn."""
    ready_at: int = 0
    """When the food is ready."""
    answer_by: int = 0
    """Until when an offer waits for an answer."""
    reason: str = ""
    """Why it is withdrawn."""


class Update(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """To the customer and the shop: the order's state and the drop-off time expected now (0 where there is none). If an
    order passes through several states in one round of the node, only the last is sent."""

    order: str
    """The order."""
    state: Annotated[str, Meta(extra_json_schema={"enum": list(OrderState)})]
    """The order's state."""
    at: int
    """When the node decided it."""
    expected_at: int = 0
    """The drop-off time expected now. Absent where nothing can be expected, or nothing any more."""
    ready_at: int = 0
    """When the food is ready."""
    reason: str = ""
    """The cause, as a word or a few."""
    wx_status: int = 0
    """The state as WeChat's instant delivery numbers it."""


class Advice(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """To a rider with nothing to do: where it is most likely to be needed next. Advice, never an order: whoever stays
    is offered orders as before."""

    at: int
    """When the node decided it."""
    shop: str
    """The shop to wait near."""
    lat: float
    lon: float
    until: int
    """Until when it holds. It ends with the next offer, too."""
    reason: str = ""
    """Why, in a few words."""


class RiderPlace(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to an `order.track`, once, at QoS 0: where the rider was at `at`; or a `reason`, and no place."""

    order: str
    """The order."""
    at: int
    """When the rider was there; without a place, when the node answered."""
    lat: float | None = None
    lon: float | None = None
    reason: str = ""
    """Why there is no place."""


class OpenOrder(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An open order, as whoever asks may know it."""

    order: str
    """The order."""
    shop: str
    """The shop."""
    state: Annotated[str, Meta(extra_json_schema={"enum": list(OrderState)})]
    """The order's state."""
    placed_at: int
    """When it was placed."""
    ready_at: int
    """When the food is ready."""
    expected_at: int = 0
    """The drop-off time expected now. Absent where nothing can be expected."""
    assignment: Assignment | None = None
    """For its rider: as in the message of this kind."""


class ClosedOrder(Struct, frozen=True, kw_only=True):
    """What is still known of an order that is over."""

    order: str
    """The order."""
    shop: str
    """The shop."""
    state: Annotated[str, Meta(extra_json_schema={"enum": list(CLOSED)})]
    """How it ended."""


class OrdersOpen(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to an `orders.list`, once, at QoS 0: the newest open orders."""

    at: int
    """The node's clock when it answered."""
    orders: list[OpenOrder]
    """Newest first, at most 100."""
    more: int = 0
    """How many older ones are open."""


# -- the catalogue -----------------------------------------------------------------------------------------------------


def _moved(place: Place, source: str, crs: str) -> Place:
    return Place(*converted(place.lat, place.lon, source, crs))


def _order(body: OrderPlace, source: str, crs: str) -> OrderPlace:
    pickup, dropoff = _moved(body.pickup, source, crs), _moved(body.dropoff, source, crs)
    return msgspec.structs.replace(body, pickup=pickup, dropoff=dropoff, crs=None)


def _shift(body: RiderShift, source: str, crs: str) -> RiderShift:
    if body.place is None:
        return body
    return msgspec.structs.replace(body, place=_moved(body.place, source, crs), crs=None)


def _position(body: RiderPosition, source: str, crs: str) -> RiderPosition:
    at, lat, lon = max(body.points)  # the others are not used, so that they need no conversion
    return RiderPosition(points=[(at, *converted(lat, lon, source, crs))])


_PARTIES: Final = ("customer", "rider", "shop")

MESSAGES: Final = (
    Message(
        "order.place",
        OrderPlace,
        roles=("customer", "shop"),
        personal=("dropoff",),
        names_shop="shop",
        convert=_order,
    ),
    Message("order.cancel", OrderCancel, roles=("customer", "shop"), personal=("reason",)),
    Message(
        "rider.shift", RiderShift, roles=("rider",), personal=("place",), in_memory=("place", "crs"), convert=_shift
    ),
    Message("rider.reply", RiderReply, roles=("rider",), personal=("reason",)),
    Message("rider.progress", RiderProgress, roles=("rider",)),
    Message("kitchen.ready", KitchenReady, roles=("shop",)),
    Message("kitchen.delay", KitchenDelay, roles=("shop",)),
    Message("times.reset", TimesReset, roles=("shop", "dispatcher"), names_shop="shop"),
    Message("rider.position", RiderPosition, roles=("rider",), durable=False, personal=("points",), convert=_position),
    Message("order.track", OrderTrack, roles=("customer",), durable=False, answered_by="rider.place"),
    Message("orders.list", OrdersList, roles=_PARTIES, durable=False, acts_for="shop", answered_by="orders"),
    Message("assignment", Assignment, "down", roles=("rider",), personal=("stops",), about="order"),
    Message("update", Update, "down", roles=("customer", "shop", "rider"), spare=True, about="order"),
    Message("advice", Advice, "down", roles=("rider",), spare=True, about="shop"),
    Message("rider.place", RiderPlace, "down", roles=("customer",), durable=False, personal=("lat", "lon")),
    Message("orders", OrdersOpen, "down", roles=_PARTIES, durable=False, personal=("orders",)),
)

COLLECTIONS: Final = (Collection("orders", OpenOrder, _PARTIES, over=ClosedOrder),)
