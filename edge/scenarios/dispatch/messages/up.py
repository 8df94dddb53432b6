"""What customers, riders, shops and dispatchers send.

Units: `*_at` and `at` are Unix milliseconds; `lat`/`lon` are degrees in the node's coordinate system unless `crs` names
another; `*_s` are seconds.
"""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from ....limits import AMOUNT_CENTS_MAX
from ....messages.envelope import (
    ClientName,
    Crs,
    Identifier,
    Instant,
    Latitude,
    Longitude,
    Milliseconds,
    Number,
    Place,
    Text,
    Up,
    Version,
)
from ..lifecycle import Cause
from ..options import MAX_BAG_S_MAX, Vehicle
from ..state.terms import PRIORITY_MAX

ORDERS_PER_RIDER_MAX: Final = 8
"""The largest capacity a rider may announce."""

POSITION_POINTS_MAX: Final = 120
"""Two minutes of one point a second: what a phone collects in a dead spot before it must thin out."""


WEIGHT_G_MAX: Final = 1_000_000
VOLUME_ML_MAX: Final = 10_000_000
"""A load, or what a rider carries, at most: a tonne, ten cubic metres."""


SHOPS_SERVED_MAX: Final = 64
ZONE_CELLS_MAX: Final = 256
"""What a rider may list at most; an area needs few cells of H3, since large ones cover most of it."""

Cell = Annotated[str, Meta(pattern=r"\A8[0-9][0-9a-f]{13}\Z")]


class Load(Struct, frozen=True, omit_defaults=True):
    """How heavy and how large something is. In a limit, 0 is none."""

    weight_g: Annotated[int, Meta(ge=0, le=WEIGHT_G_MAX)] = 0
    """Grams."""
    volume_ml: Annotated[int, Meta(ge=0, le=VOLUME_ML_MAX)] = 0
    """Millilitres, which are cubic centimetres."""


NO_LOAD: Final = Load()

Code = Annotated[str, Meta(pattern=r"\A[0-9A-Za-z]{4,32}\Z")]


class AboutOrder(Up, frozen=True):
    """An event about one order."""

    order: Identifier
    """The order."""


class OrderPlace(AboutOrder, frozen=True, tag="order.place"):
    """A customer places an order. Give `ready_at`, or the preparation time as `prep_s`, where either is known; else the
    node expects what it has learned of the shop."""

    order: Identifier
    """The order's own name, which nobody has used on this node before."""
    shop: ClientName
    """The client name of the shop."""
    pickup: Place
    """Where the shop is."""
    dropoff: Place
    """Where the door is."""
    ready_at: Instant | None = None
    """When the food is ready, by the sender's clock."""
    prep_s: Annotated[int, Meta(ge=0, le=24 * 3600)] | None = None
    """How long the kitchen needs, from the moment at which the node decides. It needs no clock that is right."""
    pickup_by: Instant | None = None
    """It is to be fetched by then, by the sender's clock: a wish, as `dropoff_by`."""
    dropoff_from: Instant | None = None
    """It is to be at the door from then on, by the sender's clock."""
    dropoff_by: Instant | None = None
    """It is to be at the door by then: a wish that the plan weighs, not a promise."""
    max_bag_s: Annotated[int, Meta(ge=0, le=MAX_BAG_S_MAX)] = 0
    """How long it may be under way with other orders, from the pickup to the door; 0: as its shop has it."""
    load: Load = NO_LOAD
    """How heavy and how large it is. No rider is planned for it whom it, and what it is fetched with, is too much."""
    handover_code: Code | None = None
    """What its recipient gives the rider at the door; without it nobody is asked. The node keeps a hash of it alone."""
    priority: Annotated[int, Meta(ge=0, le=PRIORITY_MAX)] = 0
    """How much it goes before others where riders are scarce: 0 as all, 100 first of all."""
    promise: bool = True
    """Whether the receipt promises a drop-off time."""
    crs: Crs | None = None
    """The coordinate system of the places in this message, where it is not the node's."""
    amount_cents: Annotated[int, Meta(ge=0, le=AMOUNT_CENTS_MAX)] | None = None
    """What the guest pays, in whole cents: for the comparison with the shop's ledgers."""


class OrderCancel(AboutOrder, frozen=True, tag="order.cancel"):
    """The customer who placed the order, its shop, or a dispatcher takes it back."""

    reason: Text = ""
    """Why, for the shop and the rider."""


class RiderShift(Up, frozen=True, tag="rider.shift"):
    """A rider begins or ends a shift. `until` is its planned end; `place` is where the rider is now (never stored)."""

    on: bool
    """True begins it, false ends it."""
    capacity: Annotated[int, Meta(ge=1, le=ORDERS_PER_RIDER_MAX)] = 1
    """Orders that fit at once."""
    load_limit: Load = NO_LOAD
    """How much the rider carries at once. Without it only `capacity` counts."""
    vehicle: Vehicle | None = None
    """What it rides: each ride takes as long as the option `vehicle_pace` has for it."""
    shops: Annotated[tuple[ClientName, ...], Meta(max_length=SHOPS_SERVED_MAX)] = ()
    """The shops that the rider serves; without it all. (Riders of the option `own_riders` serve their employers.)"""
    zone: Annotated[tuple[Cell, ...], Meta(max_length=ZONE_CELLS_MAX)] = ()
    """Where the rider serves: cells of H3 of resolution 0 to 9. Shop and door lie in them; without it anywhere."""
    until: Instant | None = None
    """The planned end."""
    place: Place | None = None
    """Where the rider is."""
    crs: Crs | None = None
    """The coordinate system of `place`, where it is not the node's."""
    after_orders: bool = False
    """With `on` false: the shift ends once the rider has brought what it has accepted, and it gets nothing new."""


class RiderReply(AboutOrder, frozen=True, tag="rider.reply"):
    """A rider accepts or declines the assignment numbered `offer`."""

    offer: Number
    """The number of the assignment."""
    accept: bool
    """True takes the order, false declines it."""
    reason: Text = ""
    """Why it is declined."""


class OrderRedeliver(AboutOrder, frozen=True, tag="order.redeliver"):
    """The shop, or a dispatcher, sends an order out again that could not be handed over and is on its way back. The
    rider who has it turns round."""

    dropoff: Place | None = None
    """Where the door is, if it is not where it was."""
    crs: Crs | None = None
    """The coordinate system of `dropoff`, where it is not the node's."""


class RiderProgress(AboutOrder, frozen=True, tag="rider.progress"):
    """A rider is at the shop, has picked up, is at the door, has delivered; or cannot hand it over, and has brought it
    back."""

    step: Literal["at_shop", "picked_up", "at_customer", "delivered", "failed", "returned"]
    """What is done. A step can be left out, but `failed` needs a pickup and `returned` a failure."""
    cause: Cause | None = None
    """Why it has `failed`."""
    code: Code | None = None
    """With `delivered`, where the order has a `handover_code`: what its recipient has given."""
    reason: Text = ""
    """The same in words."""


class KitchenReady(AboutOrder, frozen=True, tag="kitchen.ready"):
    """The order is ready for pickup now."""


class KitchenDelay(AboutOrder, frozen=True, tag="kitchen.delay"):
    """The order will be ready at another time."""

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

    shop: ClientName | None = None
    """A shop that the sender acts for: its orders. Without it those that it has placed, carries, or has as a shop."""
    v: Version = 1
    """Version of the message."""


POSITION_KIND: Final = "rider.position"
