"""The acknowledgements that are due on one connection, in the order of the publishes (MQTT 5.0, 4.6).

A publish may be refused at once while an earlier one is still on its way to the disk: its PUBACK waits for that one's.
"""

from collections import deque
from struct import Struct
from typing import Final

from ...errors import Reason
from ..packets.codec import PubAckPacket, PubAckReasonCode

_ACK: Final = Struct(">HH").pack
_PUBACK: Final = 0x4002  # of success: the same four bytes in both versions

CODES: Final[dict[str, PubAckReasonCode]] = {
    Reason.MALFORMED: PubAckReasonCode.PAYLOAD_FORMAT_INVALID,
    Reason.OVERSIZED: PubAckReasonCode.PAYLOAD_FORMAT_INVALID,
    Reason.NOT_ALLOWED: PubAckReasonCode.NOT_AUTHORIZED,
    Reason.NOT_YOURS: PubAckReasonCode.NOT_AUTHORIZED,
    Reason.FORBIDDEN_TOPIC: PubAckReasonCode.NOT_AUTHORIZED,
    Reason.UNKNOWN_KIND: PubAckReasonCode.TOPIC_NAME_INVALID,
    Reason.OVER_QUOTA: PubAckReasonCode.QUOTA_EXCEEDED,
    Reason.OVER_CAPACITY: PubAckReasonCode.QUOTA_EXCEEDED,
    Reason.DISK_FULL: PubAckReasonCode.QUOTA_EXCEEDED,
    Reason.OVERLOADED: PubAckReasonCode.QUOTA_EXCEEDED,
}
"""The standard's code for a refusal. Every other reason is one of the domain: 0x83, with the reason as text."""

_WITHHELD: Final = frozenset((Reason.OVER_QUOTA, Reason.DISK_FULL, Reason.OVERLOADED))
"""Refusals without a receipt. A 3.1.1 PUBACK has no reason code: it stays away, and the client sends again later."""


class Acks:
    """`plain` (3.1.1): a PUBACK has no reason. `texts`: the client wants reasons as text.

    `waiting`: publishes that are not acknowledged. `known`: what became of those whose turn has not come yet,
    by token. `withheld` becomes True once an acknowledgement had to stay away."""

    __slots__ = ("_base", "_order", "_plain", "_texts", "known", "waiting", "withheld")

    def __init__(self, *, plain: bool, texts: bool) -> None:
        self.withheld = False
        self.waiting = 0
        self.known: dict[int, str | PubAckReasonCode] = {}
        self._plain, self._texts = plain, texts
        self._order: deque[int] = deque()  # packet identifiers that wait
        self._base = 1  # token of the first of them; 0 is no token

    def expect(self, packet_id: int) -> int:
        """A publish came in. Its token, until it is acknowledged."""
        self._order.append(packet_id)
        self.waiting += 1
        return self._base + self.waiting - 1

    def refuse(self, token: int, code: str | PubAckReasonCode) -> None:
        """A publish goes no further, for a reason or (5.0 only) with a code. `settle` writes it."""
        self.known[token] = code

    def acknowledge(self, tokens: list[int], reasons: list[str], out: bytearray) -> None:
        """What became of these publishes; an empty reason is success. Token 0 and unknown ones are passed over."""
        for token, reason in zip(tokens, reasons, strict=True):
            if token == self._base and not reason and self.waiting:
                out += _ACK(_PUBACK, self._order.popleft())
                self._base = token + 1
                self.waiting -= 1
            elif self._base <= token < self._base + self.waiting:
                self.known[token] = reason
            if self.known:
                self.settle(out)

    def settle(self, out: bytearray) -> None:
        """Write from the oldest on, as far as everything is known."""
        while self._base in self.known:
            code = self.known.pop(self._base)
            packet_id = self._order.popleft()
            self._base += 1
            self.waiting -= 1
            if isinstance(code, PubAckReasonCode):
                out += PubAckPacket(packet_id, reason_code=code).write()
            elif self._plain and code in _WITHHELD:
                self.withheld = True
            elif self._plain or not code:
                out += _ACK(_PUBACK, packet_id)
            else:
                reason = CODES.get(code, PubAckReasonCode.IMPLEMENTATION_SPECIFIC_ERROR)
                text = str(code) if self._texts else None
                out += PubAckPacket(packet_id, reason_code=reason, reason_str=text).write()
