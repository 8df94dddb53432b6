"""A publish becomes an input of the core: an event, a sighting, or a rejection that names the field. Pure.

Bounded work for any bytes: the size is checked first, and the decoder refuses depth, length and type before it builds.
"""

import re
from typing import Any, Final

import msgspec
from msgspec import Struct

from ..errors import Reason
from ..limits import IDENTIFIER_PATTERN, PAYLOAD_BYTES_MAX, TEXT_CHARACTERS_MAX
from ..messages.coordinates import converted
from ..messages.envelope import DURABLE_KINDS, POSITION_KIND, OrderPlace, RiderPosition, RiderShift, is_json
from .model import Event, Input, PositionReport, Publish, Rejected

_UP: Final = {
    kind: (msgspec.msgpack.Decoder(body).decode, msgspec.json.Decoder(body).decode)
    for kind, body in DURABLE_KINDS.items()
}
_POSITION: Final = (msgspec.msgpack.Decoder(RiderPosition).decode, msgspec.json.Decoder(RiderPosition).decode)
_IDENTIFIER: Final = re.compile(IDENTIFIER_PATTERN)
_FIELD: Final = re.compile(r"`\$\.?([^`]*)`")
_MISSING: Final = re.compile(r"field `(\w+)`")
# What the decoders raise: malformed and truncated bytes, wrong types, too much depth, bytes that are no UTF-8.
_DECODE_ERRORS: Final = (msgspec.DecodeError, RecursionError, UnicodeDecodeError, OverflowError)


class _Named(Struct):
    """The least that a refusal needs: whom to answer about what."""

    id: Any = None


def decode(publish: Publish, crs: str) -> tuple[Input, ...]:
    """The inputs that one publish makes: one, or two where a shift begins at a place (the place must not be stored, so
    it travels on as a sighting). Never raises for anything that a client can send."""
    client, kind, payload = publish.client, publish.kind, publish.payload
    json = is_json(payload)
    if len(payload) > PAYLOAD_BYTES_MAX:
        detail = f"{len(payload)} bytes; at most {PAYLOAD_BYTES_MAX}"
        return (Rejected(client, kind, Reason.OVERSIZED, "", detail, "", json),)
    decoders = _UP.get(kind)
    if decoders is not None:
        try:
            body: Any = decoders[json](payload)
        except _DECODE_ERRORS as error:
            return (_rejected(publish, json, error),)
        if kind == "order.place":
            return _order(client, body, json, crs)
        if kind == "rider.shift":
            return _shift(client, body, json, crs)
        return (Event(client, body, json),)
    if kind == POSITION_KIND:
        try:
            position: RiderPosition = _POSITION[json](payload)
        except _DECODE_ERRORS as error:
            return (_rejected(publish, json, error),)
        points = position.points
        if position.crs is not None and position.crs != crs:
            points = [(at, *converted(lat, lon, position.crs, crs)) for at, lat, lon in points]
        return (PositionReport(client, points),)
    known = ", ".join((*DURABLE_KINDS, POSITION_KIND))
    return (Rejected(client, kind[:64], Reason.UNKNOWN_KIND, "", f"known kinds: {known}", _id_of(payload, json), json),)


def _order(client: str, body: OrderPlace, json: bool, crs: str) -> tuple[Input, ...]:
    if body.ready_at is None and body.prep_s is None:
        detail = "give ready_at (Unix ms) or prep_s (seconds)"
        return (Rejected(client, "order.place", Reason.MALFORMED, "ready_at", detail, body.id, json),)
    if body.crs is not None and body.crs != crs:
        pickup = converted(body.pickup.lat, body.pickup.lon, body.crs, crs)
        dropoff = converted(body.dropoff.lat, body.dropoff.lon, body.crs, crs)
        place = type(body.pickup)
        body = msgspec.structs.replace(body, pickup=place(*pickup), dropoff=place(*dropoff), crs=None)
    return (Event(client, body, json),)


def _shift(client: str, body: RiderShift, json: bool, crs: str) -> tuple[Input, ...]:
    place = body.place
    if place is None:
        return (Event(client, body, json),)
    at = place.lat, place.lon
    if body.crs is not None and body.crs != crs:
        at = converted(*at, body.crs, crs)
    event = Event(client, msgspec.structs.replace(body, place=None, crs=None), json)
    return (event, PositionReport(client, [(body.at, *at)]))


def _rejected(publish: Publish, json: bool, error: Exception) -> Rejected:
    """Names the field. The decoder's texts quote patterns and types, never the payload, so they are safe to send."""
    text = str(error)[:TEXT_CHARACTERS_MAX]
    found = _FIELD.search(text)
    missing = _MISSING.search(text)
    field = found.group(1) if found and found.group(1) else missing.group(1) if missing else ""
    detail = text.split(" - at `")[0]
    if isinstance(error, UnicodeDecodeError):
        detail = "a text is not UTF-8"
    id_ = _id_of(publish.payload, json)
    return Rejected(publish.client, publish.kind, Reason.MALFORMED, field[:64], detail, id_, json)


_named: Final = (msgspec.msgpack.Decoder(_Named).decode, msgspec.json.Decoder(_Named).decode)


def _id_of(payload: bytes, json: bool) -> str:
    """The event id of a message that is otherwise wrong, or nothing."""
    try:
        id_ = _named[json](payload).id
    except _DECODE_ERRORS:
        return ""
    return id_ if isinstance(id_, str) and _IDENTIFIER.match(id_) else ""
