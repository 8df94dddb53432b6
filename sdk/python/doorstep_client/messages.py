"""Events on their way, receipts and answers, and how all three are written: JSON or MessagePack."""

import asyncio
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

_ENCODE: Final = {"json": msgspec.json.encode, "msgpack": msgspec.msgpack.encode}
_JSON_STARTS: Final = (b"{", b" ", b"\n", b"\r", b"\t")


def encode(body: Mapping[str, Any], encoding: str) -> bytes:
    """One message body. `encoding` is "json" or "msgpack"."""
    return _ENCODE[encoding](body)


def decode(payload: bytes) -> dict[str, Any]:
    """The body in a payload, whose first byte shows its encoding. Raises ValueError where there is none."""
    decoder = msgspec.json if payload[:1] in _JSON_STARTS else msgspec.msgpack
    return decoder.decode(payload, type=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Receipt:
    """The node's decision about one event: the same bytes, `payload`, at every repeat. `status` is "accepted" or
    "refused"; then `reason`, `field` and `detail` have why. `body` holds what the scenario added too."""

    id: str
    status: str
    reason: str
    field: str
    detail: str
    body: dict[str, Any]
    payload: bytes

    @property
    def accepted(self) -> bool:
        """Whether the node did what the event asked."""
        return self.status == "accepted"

    @property
    def again(self) -> bool:
        """Whether time can mend the refusal: the same event, sent again with its id, is decided anew."""
        return bool(self.body.get("again"))

    @classmethod
    def of(cls, payload: bytes) -> "Receipt":
        """Raises ValueError and KeyError where the payload is no receipt."""
        body = decode(payload)
        reason, where, detail = (str(body.get(name, "")) for name in ("reason", "field", "detail"))
        return cls(str(body["id"]), str(body["status"]), reason, where, detail, body, payload)


@dataclass(slots=True)
class Answer:
    """What the node sent to this client: an assignment, an update, a price to show. It comes again, after the next
    connection, until it is acknowledged. `received_at` is `time.monotonic()` of its arrival."""

    kind: str
    body: dict[str, Any]
    payload: bytes
    received_at: float
    acknowledge: Callable[[], None] = field(repr=False)
    """Dealt with: the node may forget it. `Client.answers` calls it for whoever asks for the next one."""


@dataclass(slots=True, eq=False)
class Event:
    """An event in the outbox. Awaiting it gives its Receipt, or raises Refused; nobody has to."""

    id: str
    kind: str
    payload: bytes
    receipt: "asyncio.Future[Receipt]"
    sent: int = 0
    """How often it left."""
    sent_at: float = 0.0
    """`time.monotonic()` of the first time."""
    acknowledged: bool = False
    """Whether the node has it on disk: its PUBACK has come. (Through a broker only the receipt shows that.)"""
    packet_id: int = field(default=0, repr=False)
    due_at: float = field(default=0.0, repr=False)
    code: int = field(default=0, repr=False)

    def __await__(self) -> Generator[Any, None, Receipt]:
        return asyncio.shield(self.receipt).__await__()
