"""The acknowledgements of one connection: in the order of its publishes, and with a reason where one is refused.

A publish of QoS 1 is acknowledged with PUBACK, one of QoS 2 with PUBREC, both after its commit. Nothing of QoS 2
outlives the connection: an event that is sent again is recognised by its id.
"""

from collections import deque
from collections.abc import Sequence
from functools import partial
from struct import Struct
from typing import Final, NamedTuple

from ...errors import Reason
from ..packets.codec import (
    PubAckPacket,
    PubAckReasonCode,
    PubCompPacket,
    PubCompReasonCode,
    PubRecPacket,
    PubRecReasonCode,
    PubRelPacket,
    PubRelReasonCode,
    QoS,
    worded,
)

PUBACK: Final = 0x4002_0000
PUBREC: Final = 0x5002_0000
PUBREL: Final = 0x6202_0000
PUBCOMP: Final = 0x7002_0000
"""Acknowledgements of success, with the packet identifier in the low half: the same four bytes in both versions."""
_UNKNOWN: Final = "no publish with this identifier is under way on this connection"

ACK: Final = Struct(">I").pack

_QOS_2: Final = PUBREC ^ PUBACK

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

WITHHELD: Final = frozenset((Reason.OVER_QUOTA, Reason.DISK_FULL, Reason.OVERLOADED))
"""Refusals without a receipt. A 3.1.1 PUBACK has no reason code: it stays away, and the client sends again later."""


class Refused(NamedTuple):
    """A refusal of the endpoint's own: the reason, and a code that is not the one of `CODES`."""

    reason: Reason
    code: PubAckReasonCode


class Acks:
    """What the publishes of a connection are answered. `order` has, for each that waits, its acknowledgement of
    success; `base` is the token of the first of them (0 is no token). `codes`: the version has reason codes (5.0).
    Packets with a reason as text have at most `text_bytes_max` bytes (0: the client wants no texts). `withheld`: an
    acknowledgement had to stay away."""

    __slots__ = ("_twice", "base", "codes", "known", "order", "text_bytes_max", "unreleased", "withheld")

    def __init__(self) -> None:
        self.order: deque[int] = deque()
        self.base = 1
        self.known: dict[int, str | Refused] = {}
        """By token, what became of publishes whose turn has not come."""
        self.unreleased: set[int] = set()
        """Identifiers of a 5.0 client between PUBREC and PUBREL. They count against its receive maximum."""
        self._twice = 0  # of `order`, those of QoS 2
        self.codes = self.withheld = False
        self.text_bytes_max = 0

    @property
    def unfinished(self) -> int:
        """Publishes of QoS 2 that the client may not have more of than the receive maximum: no other bound holds for
        them, since only it can end them."""
        return self._twice + len(self.unreleased)

    def expect(self, packet_id: int, qos: QoS | int) -> int:
        """The token of a publish, until it is acknowledged."""
        if qos == QoS.EXACTLY_ONCE:
            self._twice += 1
            self.order.append(PUBREC | packet_id)
        else:
            self.order.append(PUBACK | packet_id)
        return self.base + len(self.order) - 1

    def refuse(self, packet_id: int, qos: QoS | int, refused: Refused) -> None:
        """A publish that goes no further is answered when its turn comes."""
        self.known[self.expect(packet_id, qos)] = refused

    def decided(self, tokens: Sequence[int], reasons: Sequence[str]) -> bytearray:
        """What became of these publishes (token 0 and unknown ones are passed over); what may be written now."""
        out, order, known = bytearray(), self.order, self.known
        for token, reason in zip(tokens, reasons, strict=True):
            if token == self.base and not reason and order:
                ack = order.popleft()
                self.base = token + 1
                out += ACK(ack)
                if ack & _QOS_2:
                    self._await_release(ack, refused=False)
            elif self.base <= token < self.base + len(order):
                known[token] = reason
            if known:
                out += self.settle()
        return out

    def settle(self) -> bytes:
        """Acknowledgements from the oldest on, as far as what became of each publish is known."""
        out = bytearray()
        while self.base in self.known:
            reason, ack = self.known.pop(self.base), self.order.popleft()
            self.base += 1
            written = answer(ack, reason, codes=self.codes, text_bytes_max=self.text_bytes_max)
            out += written
            self.withheld |= not written
            if ack & _QOS_2:
                self._await_release(ack, refused=bool(reason))
        return bytes(out)

    def release(self, packet_id: int) -> bytes:
        """The PUBCOMP for a PUBREL. That of another connection is unknown here: where there are codes, it has one."""
        if self.codes and packet_id not in self.unreleased:
            code = PubCompReasonCode.PACKET_ID_NOT_FOUND
            return worded(partial(PubCompPacket, packet_id, reason_code=code), _UNKNOWN, self.text_bytes_max)
        self.unreleased.discard(packet_id)
        return ACK(PUBCOMP | packet_id)

    def give_up(self, packet_id: int) -> bytes:
        """The PUBREL for the PUBREC of a publish that was never sent from here."""
        if not self.codes:
            return ACK(PUBREL | packet_id)
        code = PubRelReasonCode.PACKET_ID_NOT_FOUND
        return worded(partial(PubRelPacket, packet_id, reason_code=code), _UNKNOWN, self.text_bytes_max)

    def _await_release(self, ack: int, *, refused: bool) -> None:
        self._twice -= 1
        if self.codes and not refused:  # a 3.1.1 client gets its PUBCOMP in any case
            self.unreleased.add(ack & 0xFFFF)


def answer(ack: int, reason: str | Refused, *, codes: bool, text_bytes_max: int) -> bytes:
    """The PUBACK or PUBREC for a reason (empty: success); empty where it has to stay away."""
    if not codes:
        return b"" if isinstance(reason, str) and reason in WITHHELD else ACK(ack)
    if not reason:
        return ACK(ack)
    if isinstance(reason, Refused):
        reason, code = reason
    else:
        code = CODES.get(reason, PubAckReasonCode.IMPLEMENTATION_SPECIFIC_ERROR)
    make = partial(PubAckPacket, ack & 0xFFFF, reason_code=code)
    if ack & _QOS_2:
        make = partial(PubRecPacket, ack & 0xFFFF, reason_code=PubRecReasonCode(int(code)))
    return worded(make, reason, text_bytes_max)
