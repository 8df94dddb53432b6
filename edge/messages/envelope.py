"""Messages and their encodings: the contract with clients.

Payloads are one map, MessagePack or JSON, distinguished by the first byte (`{` or white space is JSON: no MessagePack
map begins so). Unknown fields are ignored, so that old nodes accept new clients. The kind is in the topic; where a
payload carries `kind` too, it must agree.

Topics: `ds/<node>/up/<client>/<kind>` towards the node, `ds/<node>/down/<client>/<kind>` back.

Units: `*_at` and `at` are Unix milliseconds; `lat`/`lon` are degrees in the node's coordinate system unless `crs`
states otherwise; `*_s` are seconds.
"""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from ..limits import IDENTIFIER_PATTERN, ORDERS_PER_RIDER_MAX, POSITION_POINTS_MAX, TEXT_CHARACTERS_MAX

Identifier = Annotated[str, Meta(pattern=IDENTIFIER_PATTERN)]
Milliseconds = Annotated[int, Meta(ge=0, le=253_402_300_800_000)]  # up to the year 10000
Text = Annotated[str, Meta(max_length=TEXT_CHARACTERS_MAX)]
Version = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Number = Annotated[int, Meta(ge=1, le=2**53 - 1)]  # what JavaScript counts without loss
Latitude = Annotated[float, Meta(ge=-90, le=90)]
Longitude = Annotated[float, Meta(ge=-180, le=180)]
Crs = Literal["wgs84", "gcj02"]


class Place(Struct, frozen=True):
    """A point on the ground, degrees."""

    lat: Latitude
    lon: Longitude


# -- towards the node --------------------------------------------------------------------------------------------------


class Up(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind"):
    """What every durable event carries. `id` is the publisher's own and makes a repeat recognisable."""

    id: Identifier
    at: Milliseconds
    v: Version = 1


class OrderPlace(Up, frozen=True, tag="order.place"):
    """A customer places an order. Give `ready_at`, or the preparation time as `prep_s`."""

    order: Identifier
    shop: Identifier
    pickup: Place
    dropoff: Place
    ready_at: Milliseconds | None = None
    prep_s: Annotated[int, Meta(ge=0, le=24 * 3600)] | None = None
    promise: bool = True
    crs: Crs | None = None


class OrderCancel(Up, frozen=True, tag="order.cancel"):
    """The customer who placed the order, or its shop, takes it back."""

    order: Identifier
    reason: Text = ""


class RiderShift(Up, frozen=True, tag="rider.shift"):
    """A rider begins or ends a shift. `until` is its planned end; `place` is where the rider is now (never stored)."""

    on: bool
    capacity: Annotated[int, Meta(ge=1, le=ORDERS_PER_RIDER_MAX)] = 1
    until: Milliseconds | None = None
    place: Place | None = None
    crs: Crs | None = None


class RiderReply(Up, frozen=True, tag="rider.reply"):
    """A rider accepts or declines the assignment numbered `offer`."""

    order: Identifier
    offer: Number
    accept: bool
    reason: Text = ""


class RiderProgress(Up, frozen=True, tag="rider.progress"):
    """A rider is at the shop, has picked up, or has delivered."""

    order: Identifier
    step: Literal["at_shop", "picked_up", "delivered"]


class KitchenReady(Up, frozen=True, tag="kitchen.ready"):
    """The order is ready for pickup now."""

    order: Identifier


class KitchenDelay(Up, frozen=True, tag="kitchen.delay"):
    """The order will be ready at another time."""

    order: Identifier
    ready_at: Milliseconds


class RiderPosition(Struct, frozen=True, kw_only=True, tag_field="kind", tag="rider.position"):
    """Where a rider was: `[at, lat, lon]` for each point, oldest first. QoS 0, never stored, no receipt."""

    points: Annotated[
        list[tuple[Milliseconds, Latitude, Longitude]], Meta(min_length=1, max_length=POSITION_POINTS_MAX)
    ]
    v: Version = 1
    crs: Crs | None = None


Durable = OrderPlace | OrderCancel | RiderShift | RiderReply | RiderProgress | KitchenReady | KitchenDelay

DURABLE_KINDS: Final[dict[str, type[Durable]]] = {
    "order.place": OrderPlace,
    "order.cancel": OrderCancel,
    "rider.shift": RiderShift,
    "rider.reply": RiderReply,
    "rider.progress": RiderProgress,
    "kitchen.ready": KitchenReady,
    "kitchen.delay": KitchenDelay,
}
KIND_OF: Final[dict[type[Durable], str]] = {body: kind for kind, body in DURABLE_KINDS.items()}
POSITION_KIND: Final = "rider.position"


# -- from the node -----------------------------------------------------------------------------------------------------


class Promise(Struct, frozen=True):
    """When the node expects the drop-off, and how often such a promise should be kept (0 to 1)."""

    dropoff_at: int
    confidence: float


class Receipt(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to one event id, the same bytes at every repeat."""

    id: str
    of: str
    status: Literal["accepted", "refused"]
    at: int
    order: str = ""
    reason: str = ""
    field: str = ""
    detail: str = ""
    promise: Promise | None = None


class Stop(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One place of an assignment, in the sequence to visit."""

    at: Literal["pickup", "dropoff"]
    order: str
    lat: float
    lon: float
    expected_at: int
    shop: str = ""


class Assignment(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """To a rider: what to pick up and where, and until when to answer. `withdrawn` takes an earlier offer back.

    `stops` are the whole trip in the sequence to visit, as it would be with this order: the pickups of all that is
    fetched at the shop at once, then the doors. Those of this order alone are the ones that name it in `order`."""

    offer: int
    order: str
    state: Literal["offered", "withdrawn"]
    at: int
    stops: list[Stop] = []
    ready_at: int = 0
    answer_by: int = 0
    reason: str = ""


class Update(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """To the customer and the shop: the order's state and the drop-off time expected now (0 where there is none). Of
    the states that an order goes through in one round of the node only the last is sent."""

    order: str
    state: str
    at: int
    expected_at: int = 0
    ready_at: int = 0
    reason: str = ""


Down = Receipt | Assignment | Update
DOWN_KINDS: Final[dict[type[Struct], str]] = {Receipt: "receipt", Assignment: "assignment", Update: "update"}

_pack = msgspec.msgpack.Encoder()
_json = msgspec.json.Encoder()


def encode(body: Struct, json: bool) -> bytes:
    """One message body as JSON or MessagePack."""
    return _json.encode(body) if json else _pack.encode(body)


def is_json(payload: bytes) -> bool:
    """Whether a payload is JSON. An empty payload is neither and counts as MessagePack, which refuses it."""
    return payload[:1] in (b"{", b" ", b"\n", b"\r", b"\t")


def topic_up(node: str, client: str, kind: str) -> str:
    """Where `client` publishes an event of `kind`."""
    return f"ds/{node}/up/{client}/{kind}"


def topic_down(node: str, client: str, kind: str) -> str:
    """Where `client` finds its answers of `kind`."""
    return f"ds/{node}/down/{client}/{kind}"
