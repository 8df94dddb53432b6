"""What the node answers: receipts, assignments, updates, advice, and answers to questions.

Units: `*_at` and `at` are Unix milliseconds; `lat`/`lon` are degrees in the node's coordinate system.
"""

from typing import Annotated, Literal, get_args

from msgspec import Meta, Struct

from ....messages.envelope import FREE_TEXT, Client, Receipt, Sentence
from ..lifecycle import CLOSED, REASONS, Canceller, Cause, OrderState
from ..times.messages import DropoffPromise
from .overrides import Delay

Words = Annotated[str, Meta(extra={FREE_TEXT: REASONS})]
"""One of the reasons that the node gives, or what a person wrote."""


class OrderReceipt(Receipt, frozen=True, kw_only=True, omit_defaults=True):
    """The receipt of an event of dispatch: which order it is about, and what the customer was promised."""

    order: str = ""
    """The order that the event is about."""
    promise: DropoffPromise | None = None
    """Of an accepted `order.place`, where one was asked for and there are figures to promise from."""
    unreachable: bool = False
    """Of an accepted `order.place`: nobody on shift could ever reach the shop. It waits for somebody who can."""
    delays: list[Delay] | None = None
    """Of an accepted `order.assign`: the other orders that come later, or earlier, because of it."""


class Stop(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One place of an assignment, in the sequence to visit. The door of an order that is only offered is rounded to
    0.01 degrees; that of an accepted one is exact."""

    at: Literal["pickup", "dropoff", "return"]
    """What is to be done there."""
    order: str
    """The order."""
    lat: float
    lon: float
    expected_at: int
    """When the rider is expected there."""
    shop: Client = ""
    """The shop, where it is a pickup or a return."""


class Assignment(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """To a rider: what to pick up and where. `offered` asks for an answer until `answer_by`; `accepted` confirms it and
    has the exact door; `withdrawn` takes an offer or an order back.

    `stops` are the whole trip in the sequence to visit, as it would be with this order: the pickups of all that is
    fetched at the shop at once, then the doors. Those of this order alone are the ones that name it in `order`. Of an
    order that comes back: the doors before that, then the shop."""

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
    reason: Words = ""
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
    """The drop-off time expected now; while it is returning, when it is expected at the shop. Absent where nothing can
    be expected, or nothing any more."""
    ready_at: int = 0
    """When the food is ready."""
    reason: Words = ""
    """The cause, as a word or a few."""
    cancelled_by: Annotated[str, Meta(extra_json_schema={"enum": list(get_args(Canceller))})] = ""
    """Who ended it, where it is `cancelled` or `undeliverable`."""
    cause: Annotated[str, Meta(extra_json_schema={"enum": list(get_args(Cause))})] = ""
    """Why it could not be handed over, where it is `returning` or `returned`."""
    promised_at: int = 0
    """The drop-off time promised anew, once, of an order that is late but coming."""
    wx_status: int = 0
    """The state as WeChat's instant delivery numbers it."""


class Advice(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """To a rider with nothing to do: where it is most likely to be needed next. Advice, never an order: whoever stays
    is offered orders as before."""

    at: int
    """When the node decided it."""
    shop: Client
    """The shop to wait near."""
    lat: float
    lon: float
    until: int
    """Until when it holds. It ends with the next offer, too."""
    reason: Sentence = ""
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
    shop: Client
    """The shop."""
    state: Annotated[str, Meta(extra_json_schema={"enum": list(OrderState)})]
    """The order's state."""
    placed_at: int
    """When it was placed."""
    ready_at: int
    """When the food is ready."""
    expected_at: int = 0
    """The drop-off time expected now; while it is returning, when it is expected at the shop. Absent where nothing can
    be expected."""
    cause: Annotated[str, Meta(extra_json_schema={"enum": list(get_args(Cause))})] = ""
    """Why it could not be handed over, while it is returning."""
    assignment: Assignment | None = None
    """For its rider: as in the message of this kind."""


class ClosedOrder(Struct, frozen=True, kw_only=True):
    """What is still known of an order that is over."""

    order: str
    """The order."""
    shop: Client
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
