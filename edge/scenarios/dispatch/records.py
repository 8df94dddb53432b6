"""What a row keeps of one round of dispatch: the observations of positions, and the decisions."""

from typing import Final

import msgspec
from msgspec import Struct

from ...core.model import RecordedEvent, Row
from .messages import DURABLE_KINDS, NAME, Durable


class RiderDistance(Struct, frozen=True, array_like=True):
    """What a decision may know of a rider's position: whole seconds of travel to the pickup, whole seconds of age."""

    rider: str
    travel_s: int
    age_s: int


class NearestObservation(Struct, frozen=True, array_like=True, tag="g"):
    """The nearest available riders to one order's pickup, nearest first."""

    order: str
    riders: list[RiderDistance]


class SilentRiders(Struct, frozen=True, array_like=True, tag="q"):
    """Riders on shift of whom nothing was heard for too long."""

    riders: list[str]


Observation = NearestObservation | SilentRiders


class Candidate(Struct, frozen=True, array_like=True):
    """A rider considered for an order: when it could pick up and drop off (wall ms), and the parts of its cost (s)."""

    rider: str
    travel_s: int
    age_s: int
    free_in_s: int
    pickup_at: int
    dropoff_at: int
    cost: dict[str, int]


class Decision(Struct, frozen=True, array_like=True):
    """One order's choice in one round. `rider` is empty where nobody was chosen; `offer` says whether it goes out now
    or is a plan that a later round may better. `rule` is the version of the policy; `why` is one sentence."""

    order: str
    rider: str
    offer: bool
    rule: str
    why: str
    candidates: list[Candidate]


class DispatchRecord(Struct, frozen=True, array_like=True):
    """One round. `observations` are the answers of the sensor, in sequence."""

    observations: list[Observation]
    decisions: list[Decision]


EMPTY: Final = DispatchRecord([], [])

encode_record = msgspec.msgpack.Encoder().encode
"""(observations, decisions) as bytes for the row; a round that has none of either has no bytes."""

_decode = msgspec.msgpack.Decoder(DispatchRecord).decode


def decode_record(record: bytes) -> DispatchRecord:
    """The opposite. Raises msgspec.DecodeError for bytes of another version."""
    return _decode(record) if record else EMPTY


class _Kind(Struct):
    kind: str = ""


_kind = msgspec.msgpack.Decoder(_Kind).decode
_event = msgspec.msgpack.Decoder(Durable).decode


def events_in(row: Row) -> list[tuple[str, Durable]]:
    """The events of dispatch in a row, each with its client. Raises msgspec.DecodeError where they are none of this
    version."""
    return [
        (item.client, _event(item.body))
        for item in row.inputs
        if isinstance(item, RecordedEvent) and _kind(item.body).kind in DURABLE_KINDS
    ]


def record_in(row: Row) -> DispatchRecord:
    """What dispatch observed and decided in a row. Raises msgspec.DecodeError for bytes of another version."""
    return decode_record(row.record_of(NAME))
