"""Messages and their encodings: the contract with clients.

Payloads are one map, MessagePack or JSON, distinguished by the first byte (`{` or white space is JSON: no MessagePack
map begins so). Unknown fields are ignored, so that old nodes accept new clients. The kind is in the topic; where a
payload carries `kind` too, it must agree.

Topics: `ds/<node>/up/<client>/<kind>` towards the node, `ds/<node>/down/<client>/<kind>` back.

Units: `*_at` and `at` are Unix milliseconds; `lat`/`lon` are degrees in the node's coordinate system unless `crs`
states otherwise; `*_s` are seconds.
"""

import re
from typing import Annotated, Any, Final, Literal, cast

import msgspec
import msgspec.inspect as types
from msgspec import Meta, Struct

from ..limits import CONTROL_CHARACTERS, NAME_PATTERN, TEXT_CHARACTERS_MAX, TURNING_CHARACTERS

Identifier = Annotated[str, Meta(pattern=NAME_PATTERN)]
INSTANT_MS_MIN: Final = 10_000_000_000
"""April 1970. An `Instant` before it comes from a clock that was never set, or is in seconds: no decoder takes it, and
`tolerance.early` looks which it is."""

Milliseconds = Annotated[int, Meta(ge=0, le=253_402_300_800_000)]  # up to the year 10000
Instant = Annotated[int, Meta(ge=INSTANT_MS_MIN, le=253_402_300_800_000)]
FREE_TEXT: Final = "free_text"
"""The mark of words that a person writes (`Meta.extra`): no row keeps a field that has any, unless `keep_free_text`. In
a message that passes such words on, the mark has the texts that the node itself writes there."""

CLIENT: Final = "client"
CLIENT_KEY: Final = "client_key"
SENTENCE: Final = "sentence"
"""The marks of a client's name, of a key that begins with one (`shop/label`), and of a sentence that may have some: so
that `doorstep forget` knows where names are, in messages, records and state."""

Client = Annotated[str, Meta(extra={CLIENT: True})]
ClientName = Annotated[str, Meta(pattern=NAME_PATTERN, extra={CLIENT: True})]
"""A client's name in a message from outside."""
ClientKey = Annotated[str, Meta(extra={CLIENT_KEY: True})]
Sentence = Annotated[str, Meta(extra={SENTENCE: True})]
KIND: Final = re.compile(r"[a-z][a-z.]{0,31}")
"""A kind of message, the last level of its topic."""

TEXT_PATTERN: Final = rf"\A[^{CONTROL_CHARACTERS}{TURNING_CHARACTERS}]*\Z"
"""Free text has neither: people read it at a terminal and on a page."""

Text = Annotated[str, Meta(max_length=TEXT_CHARACTERS_MAX, pattern=TEXT_PATTERN, extra={FREE_TEXT: True})]
Version = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Count = Annotated[int, Meta(ge=0, le=2**40)]  # a year of 30,000 events a second
Cumulative = Annotated[int, Meta(ge=0, le=2**62)]
Number = Annotated[int, Meta(ge=1, le=2**53 - 1)]  # what JavaScript counts without loss
Latitude = Annotated[float, Meta(ge=-90, le=90)]
Longitude = Annotated[float, Meta(ge=-180, le=180)]
Crs = Literal["wgs84", "gcj02"]


class Place(Struct, frozen=True):
    """A point on the ground."""

    lat: Latitude
    lon: Longitude


# -- towards the node --------------------------------------------------------------------------------------------------


class Up(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind"):
    """What every durable event carries. `id` is the publisher's own and makes a repeat recognisable."""

    id: Identifier
    """The sender's own name for the event: a new one for each event, the same one when it is sent again."""
    at: Instant
    """The sender's clock when it happened: a label for figures. The node decides by its own clock."""
    v: Version = 1
    """Version of the message."""


def free_texts(body: type[Struct]) -> dict[str, Any]:
    """The fields of a message with words that a person writes, wherever in them, each with its default, which a row has
    in its place. Raises TypeError where there is none."""
    found: dict[str, Any] = {}
    for field in msgspec.structs.fields(body):
        if _has_text(types.type_info(field.type)):
            if field.required:
                raise TypeError(f"{body.__name__}.{field.name} has free text and needs a default, which a row keeps")
            made: Any = field.default_factory
            found[field.name] = field.default if made is msgspec.NODEFAULT else made()
    return found


def mark_of(node: types.Metadata, mark: str) -> Any:
    """What a type has as this mark (`Meta.extra`); None where it has none."""
    extra = cast("dict[Any, Any] | None", node.extra)  # pyright: ignore[reportUnknownMemberType]
    return extra.get(mark) if extra else None


def _has_text(node: types.Type, inside: tuple[type, ...] = ()) -> bool:
    match node:
        case types.Metadata(type=inner):
            return bool(mark_of(node, FREE_TEXT)) or _has_text(inner, inside)
        case types.StructType(cls=cls, fields=fields):
            return cls not in inside and any(_has_text(field.type, (*inside, cls)) for field in fields)
        case types.UnionType(types=parts) | types.TupleType(item_types=parts):
            return any(_has_text(part, inside) for part in parts)
        case types.ListType(item_type=item) | types.VarTupleType(item_type=item):
            return _has_text(item, inside)
        case types.DictType(key_type=key, value_type=value):
            return _has_text(key, inside) or _has_text(value, inside)
        case _:
            return False


# -- from the node -----------------------------------------------------------------------------------------------------


class Receipt(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to one event id, the same bytes at every repeat. A scenario may add fields (`Scenario.receipt`)."""

    id: str
    """That of the event."""
    of: str
    """The kind of the event; `?` where its topic has none."""
    status: Literal["accepted", "refused"]
    """What became of it. Accepted is for good."""
    at: int
    """The node's clock when it decided."""
    reason: str = ""
    """Why it is refused."""
    field: str = ""
    """The field that is wrong, as a path such as `pickup.lon` or `prices[2].until_at`."""
    detail: Sentence = ""
    """What is wrong, or what else there is to know, in words for the developer."""
    again: bool = False
    """Refused for a reason that time can mend: the same event, sent again with the same `id`, is decided anew."""


ENCODE: Final = (msgspec.msgpack.Encoder().encode, msgspec.json.Encoder().encode)
"""A message body as MessagePack, or (`ENCODE[True]`) as JSON."""

FORBIDDEN, UNKNOWN = "!", "?"
"""In place of a kind: the topic is not the client's own, or has no kind. No scenario has such kinds."""

JSON_STARTS: Final = (b"{", b" ", b"\n", b"\r", b"\t", b"\xef")
"""The first bytes of JSON; the last begins a byte order mark. An empty payload is MessagePack, which refuses it."""


def encode(body: Struct, json: bool) -> bytes:
    """One message body as JSON or MessagePack."""
    return ENCODE[json](body)


def is_json(payload: bytes) -> bool:
    """Whether a payload is JSON."""
    return payload[:1] in JSON_STARTS


def loose(payload: bytes) -> dict[str, Any]:
    """The fields of a message that we have encoded."""
    return (msgspec.json if is_json(payload) else msgspec.msgpack).decode(payload)


def recoded(payload: bytes, json: bool) -> bytes:
    """A message that we have encoded in that encoding; the same bytes where it is."""
    return payload if is_json(payload) == json else ENCODE[json](loose(payload))


def topic_up(node: str, client: str, kind: str) -> str:
    """Where `client` publishes an event of `kind`."""
    return f"ds/{node}/up/{client}/{kind}"


def topic_down(node: str, client: str, kind: str) -> str:
    """Where `client` finds its answers of `kind`."""
    return f"ds/{node}/down/{client}/{kind}"
