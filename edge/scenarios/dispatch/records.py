"""What a row keeps of one round of dispatch: the observations of positions, and the decisions. And what is counted."""

from typing import Final, get_args

import msgspec
from msgspec import Struct

from ...core.model import Row
from ...core.scenario import Counter
from ...messages.envelope import Client, Sentence
from .. import explain
from .lifecycle import Cause
from .messages.catalog import DURABLE_KINDS, NAME, Durable


class RiderDistance(Struct, frozen=True, array_like=True):
    """The part of a rider's position that decisions use: whole seconds of travel to the pickup, and of its age."""

    rider: Client
    travel_s: int
    age_s: int


class NearestObservation(Struct, frozen=True, array_like=True, tag="g"):
    """The nearest available riders to one order's pickup, nearest first."""

    order: str
    riders: list[RiderDistance]


class SilentRiders(Struct, frozen=True, array_like=True, tag="q"):
    """Riders on shift without a message for longer than `silent_s`."""

    riders: list[Client]


class GoneRiders(Struct, frozen=True, array_like=True, tag="a"):
    """Silent riders who have been so for a day."""

    riders: list[Client]


class StandbyPlace(Struct, frozen=True, array_like=True):
    """A rider with nothing to do, the shop where it would be of more use, by its number, and the seconds of ride."""

    rider: Client
    shop: int
    travel_s: int


class StandbyPlaces(Struct, frozen=True, array_like=True, tag="s"):
    """The advice of a round."""

    places: list[StandbyPlace]


Observation = NearestObservation | SilentRiders | GoneRiders | StandbyPlaces


class Candidate(Struct, frozen=True, array_like=True):
    """A rider considered for an order: when it could pick up and drop off (wall ms), and the parts of its cost (s)."""

    rider: Client
    travel_s: int
    age_s: int
    free_in_s: int
    pickup_at: int
    dropoff_at: int
    cost: dict[str, int]


class Decision(Struct, frozen=True, array_like=True):
    """The decision for one order in one round. `rider` is empty where nobody was chosen; `offer` is true if it goes out
    now, false for a plan that a later round may improve. Where it joins a trip that is under way, `before` is the order
    of it whose door comes next, empty where its own comes last. `rule` is the version of the policy; `why` is one
    sentence."""

    order: str
    rider: Client
    offer: bool
    rule: str
    why: Sentence
    candidates: list[Candidate]
    before: str = ""


class DispatchRecord(Struct, frozen=True, array_like=True):
    """One round. `observations` are the answers of the sensor, in sequence."""

    observations: list[Observation]
    decisions: list[Decision]


EMPTY: Final = DispatchRecord([], [])

encode_record = msgspec.msgpack.Encoder().encode
"""(observations, decisions) as bytes for the row; a round that has none of either has no bytes."""

_decode = msgspec.msgpack.Decoder(DispatchRecord).decode


def decode_record(record: bytes) -> DispatchRecord:
    """The inverse of `encode_record`. Raises msgspec.DecodeError for bytes of another version."""
    return _decode(record) if record else EMPTY


_event = msgspec.msgpack.Decoder(Durable).decode


def events_in(row: Row) -> list[tuple[str, Durable]]:
    """The events of dispatch in a row, each with its client. Raises msgspec.DecodeError where they are none of this
    version."""
    return explain.events_in(row, DURABLE_KINDS, _event)


def record_in(row: Row) -> DispatchRecord:
    """What dispatch observed and decided in a row. Raises msgspec.DecodeError for bytes of another version."""
    return decode_record(row.record_of(NAME))


COUNTERS: Final = (
    Counter("order.placed", of="orders"),
    Counter("order.placed", "locate", "orders by the place of the drop-off"),
    Counter("order.refused", of="orders that were not accepted"),
    Counter("order.ready", of="orders that the shop called ready"),
    Counter("order.delayed", of="orders with a new ready time"),
    Counter("order.rescheduled", of="orders moved to other times, or given another priority"),
    Counter("order.offered", of="offers to riders"),
    Counter("order.over_bound_s", of="seconds by which first offers lead to the door later than the earliest possible"),
    Counter("order.assigned", of="offers accepted"),
    Counter("order.at_shop", of="riders' arrivals at a shop"),
    Counter("order.picked_up", of="orders"),
    Counter("order.at_customer", of="riders' arrivals at a door"),
    Counter("order.delivered", of="orders"),
    Counter("order.delivered", "locate", "orders by the place of the drop-off"),
    Counter("order.failed", of="deliveries that could not be handed over"),
    *(Counter(f"failed.{cause}", of="deliveries that could not be handed over") for cause in get_args(Cause)),
    Counter("order.redelivered", of="orders that went out again"),
    Counter("order.returned", of="orders back at their shop"),
    Counter("order.cancelled", of="orders"),
    Counter("order.late", of="orders that are late but coming"),
    Counter("order.undeliverable", of="orders"),
    Counter("order.reassigned", of="orders that lost a rider who had accepted"),
    Counter("order.reclaimed", of="orders picked up by a rider given up as silent"),
    Counter("override.assigned", of="orders that a dispatcher assigned to a rider"),
    Counter("override.pinned", of="orders that a dispatcher pinned to a rider"),
    Counter("override.held", of="orders that a dispatcher put on hold"),
    Counter("offer.declined", of="offers"),
    Counter("offer.timed_out", of="offers"),
    Counter("offer.withdrawn", of="offers"),
    Counter("rider.silent", of="riders on shift without a sign of life"),
    Counter("rider.gone", of="riders off shift after a day without a sign of life"),
    Counter("rider.paused", of="riders who get nothing new for a while"),
    Counter("rider.advised", of="pieces of advice to riders with nothing to do"),
    Counter("shift.started", of="shifts"),
    Counter("shift.ended", of="shifts"),
    Counter("promise.kept", of="promises"),
    Counter("promise.broken", of="promises"),
    Counter("placed_to_offered_ms", "measure", "milliseconds from the order to its first offer"),
    Counter("placed_to_accepted_ms", "measure", "milliseconds from the order to its acceptance"),
    Counter("ready_to_pickup_ms", "measure", "milliseconds that food waited"),
    Counter("click_to_door_ms", "measure", "milliseconds from the order to the drop-off"),
    Counter("failed_to_returned_ms", "measure", "milliseconds from a failed delivery to the return"),
    Counter("promise_error_ms", "measure", "milliseconds between promise and drop-off"),
)
