"""What a person decides instead of the node: overrides of its plan, and the question what one would cost.

Units as in `up` and `down`.
"""

from typing import Annotated

from msgspec import Meta, Struct

from ....messages.envelope import Client, ClientName, Identifier, Instant, Text, Up, Version
from ..state.terms import PRIORITY_MAX
from .up import ORDERS_PER_RIDER_MAX, AboutOrder

Position = Annotated[int, Meta(ge=0, lt=ORDERS_PER_RIDER_MAX)]


class OrderAssign(AboutOrder, frozen=True, tag="order.assign"):
    """A dispatcher gives an order to a rider, until the pickup. The rider has it at once, without an offer; it can
    still decline. What it was offered, or held, by another one is withdrawn there."""

    rider: ClientName
    """The rider's client name. It is on shift."""
    position: Position | None = None
    """How many of the rider's orders come before it; without it the order comes last. What is in the bag, or waited for
    at a shop, comes first in any case."""
    reason: Text = ""
    """Why, for the record."""


class OrderPin(AboutOrder, frozen=True, tag="order.pin"):
    """A dispatcher ties an order to a rider: the node plans it, and makes the offer in time, for that one only."""

    rider: ClientName | None = None
    """The rider's client name. Without it the one who has the order, or for whom it is planned."""
    reason: Text = ""
    """Why, for the record."""


class OrderHold(AboutOrder, frozen=True, tag="order.hold"):
    """A dispatcher keeps an order from being offered, until it is released. A rider who has not picked it up loses
    it."""

    reason: Text = ""
    """Why, for the record."""


class OrderRelease(AboutOrder, frozen=True, tag="order.release"):
    """A dispatcher undoes an `order.assign`, `order.pin` or `order.hold`: the node decides about the order again. What
    was assigned and is not picked up is taken from its rider."""

    reason: Text = ""
    """Why, for the record."""


class OrderReschedule(AboutOrder, frozen=True, tag="order.reschedule"):
    """The shop, or a dispatcher, moves an order to other times, or gives it another priority, until the pickup. What is
    left out stays as it is."""

    ready_at: Instant | None = None
    """When the food is ready, by the sender's clock."""
    pickup_by: Instant | None = None
    """It is to be fetched by then."""
    dropoff_from: Instant | None = None
    """It is to be at the door from then on."""
    dropoff_by: Instant | None = None
    """It is to be at the door by then."""
    priority: Annotated[int, Meta(ge=0, le=PRIORITY_MAX)] | None = None
    """How much it goes before others where riders are scarce, 0 to 100."""
    reason: Text = ""
    """Why, for the record."""


class RiderPause(Up, frozen=True, tag="rider.pause"):
    """A rider gets nothing new, and keeps what it has accepted: until `rider.resume`, or the end of its shift; with
    times it is a break. A rider may pause itself, a dispatcher everybody."""

    rider: ClientName
    """The rider's client name."""
    starts_at: Instant | None = None
    """When it begins, by the sender's clock; until then the rider gets nothing that is to be fetched later. Without it,
    now."""
    until: Instant | None = None
    """When it ends by itself."""
    reason: Text = ""
    """Why, for the record."""


class RiderResume(Up, frozen=True, tag="rider.resume"):
    """A rider gets offers again. Who was paused by a dispatcher is resumed by one."""

    rider: ClientName
    """The rider's client name."""
    reason: Text = ""
    """Why, for the record."""


class OrderPreview(Struct, frozen=True, kw_only=True, tag_field="kind", tag="order.preview"):
    """A dispatcher asks what an `order.assign` would cost. QoS 0, never stored, decides nothing; the answer is a
    `preview`."""

    order: Identifier
    """The order."""
    rider: ClientName | None = None
    """The rider's client name. Without it the riders who could have the order soonest are shown."""
    position: Position | None = None
    """As in `order.assign`."""
    shop: ClientName | None = None
    """The shop that the sender acts for; the node knows it of a dispatcher of one shop."""
    v: Version = 1
    """Version of the message."""


# -- from the node -----------------------------------------------------------------------------------------------------


class Delay(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An order that comes at another time because of an override."""

    order: str
    """The order."""
    later_s: int
    """By how many seconds it comes later; below zero: earlier."""


class Choice(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One rider who could have the order, and what that costs."""

    rider: Client
    """The rider's client name."""
    expected_at: int
    """The drop-off time of the order, if this rider had it."""
    delays: list[Delay] = []
    """The other orders that would come later, or earlier."""


class Preview(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to an `order.preview`, once, at QoS 0: the riders who could have the order, the soonest first; or why
    there is none."""

    order: str
    """The order."""
    at: int
    """The node's clock when it answered."""
    expected_at: int = 0
    """The drop-off time expected now, without an override. Absent where nobody is planned."""
    choices: list[Choice] = []
    """Riders, the soonest drop-off first: the one that was asked about, or at most six."""
    reason: str = ""
    """Why there is none, as in the receipt of an `order.assign`."""
    detail: str = ""
    """The same in words."""
