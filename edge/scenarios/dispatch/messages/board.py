"""What a dispatcher's board asks, and what it is shown: open orders by lateness, and riders. No place of anybody.

Units as in `up` and `down`.
"""

from typing import Annotated, Final, Literal, get_args

from msgspec import Meta, Struct

from ....messages.envelope import Client, ClientName, Identifier, Version
from ..lifecycle import Cause, OrderState

ROWS_MAX: Final = 100
"""Orders, or riders, in one answer: more than a screen shows, in some 25 kB."""

OFFSET_MAX: Final = 100_000
"""As many riders as a node knows, and ten times the orders."""

Offset = Annotated[int, Meta(ge=0, le=OFFSET_MAX)]
RiderState = Literal["idle", "offered", "busy", "paused", "silent"]


class BoardList(Struct, frozen=True, kw_only=True, tag_field="kind", tag="board.list"):
    """A dispatcher asks for the open orders of every shop, the latest first. QoS 0, never stored; the answer is a
    `board`."""

    shop: ClientName | None = None
    """Of this shop alone. A dispatcher of one shop gets those of that one in any case."""
    order: Identifier | None = None
    """This order alone, where it is open."""
    offset: Offset = 0
    """How many of the latest to pass over: the `next` of the answer before."""
    v: Version = 1
    """Version of the message."""


class RidersList(Struct, frozen=True, kw_only=True, tag_field="kind", tag="riders.list"):
    """A dispatcher asks which riders there are. QoS 0, never stored; the answer is a `riders`."""

    offset: Offset = 0
    """How many to pass over: the `next` of the answer before."""
    v: Version = 1
    """Version of the message."""


# -- from the node -----------------------------------------------------------------------------------------------------


class BoardOverride(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a dispatcher has decided about an order."""

    kind: Literal["assigned", "pinned", "held"]
    """As after `order.assign`, `order.pin` and `order.hold`."""
    by: Client
    """The dispatcher."""
    rider: Client = ""
    """The rider to whom it is assigned or pinned."""


class BoardOrder(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An open order, as a dispatcher sees it."""

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
    promised_at: int = 0
    """The drop-off time promised. Absent where none was."""
    expected_at: int = 0
    """The drop-off time expected now; while it is returning, when it is expected at the shop. Absent where nothing can
    be expected."""
    late_s: int | None = None
    """By how many seconds it comes later than promised, below zero: earlier; of one that nobody has and nobody is
    planned for, since when it could go. Absent where neither is known."""
    rider: Client = ""
    """Who has it, or was offered it."""
    position: int | None = None
    """How many of its rider's orders come before it."""
    planned: Client = ""
    """For whom it is planned, where nobody has it."""
    override: BoardOverride | None = None
    """What a dispatcher has decided."""
    priority: int = 0
    """How much it goes before others."""
    dropoff_from: int = 0
    """It is to be at the door from then on."""
    dropoff_by: int = 0
    """It is to be at the door by then."""
    cause: Annotated[str, Meta(extra_json_schema={"enum": list(get_args(Cause))})] = ""
    """Why it could not be handed over, while it is returning."""


class Board(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to a `board.list`, once, at QoS 0: open orders, the latest first."""

    at: int
    """The node's clock when it answered."""
    orders: list[BoardOrder]
    """The latest first, at most 100. Those that wait for a rider count by how long they have waited."""
    open: int
    """How many are open."""
    offset: int = 0
    """As it was asked for."""
    next: int = 0
    """The `offset` of those after these. Absent where there are none."""


class BoardRider(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A rider on shift, or one who still holds an order. Never where it is."""

    rider: Client
    """Its client name."""
    state: RiderState
    """What it does: `offered` has to answer, `silent` has been without contact for too long."""
    capacity: int
    """How many orders fit at once."""
    orders: int = 0
    """How many it has."""
    free_at: int = 0
    """When it is expected to have delivered all of them."""
    until: int = 0
    """The planned end of its shift. Absent where none was given, or where it has gone home with food in its bag."""
    paused_by: Client = ""
    """Who has paused it."""
    contact_s: int | None = None
    """How many seconds ago something last came from it."""


class RidersKnown(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to a `riders.list`, once, at QoS 0: riders in the sequence in which their shifts began."""

    at: int
    """The node's clock when it answered."""
    riders: list[BoardRider]
    """At most 100."""
    known: int
    """How many there are."""
    offset: int = 0
    """As it was asked for."""
    next: int = 0
    """The `offset` of those after these. Absent where there are none."""
