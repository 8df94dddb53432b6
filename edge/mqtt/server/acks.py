"""What a publish is answered where it is refused."""

from struct import Struct
from typing import Final

from ...errors import Reason
from ..packets.codec import PubAckPacket, PubAckReasonCode

SUCCESS: Final = 0x4002
"""The head of a PUBACK of success: the same four bytes in both versions."""
ACK: Final = Struct(">HH").pack

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


def puback(packet_id: int, code: str | PubAckReasonCode, *, codes: bool, texts: bool) -> bytes:
    """The PUBACK for a reason, or with a code; empty where it has to stay away. `codes`: the version has them (5.0).
    `texts`: the client wants reasons as text."""
    if not code or not codes:
        return b"" if code in WITHHELD else ACK(SUCCESS, packet_id)
    if isinstance(code, PubAckReasonCode):
        return PubAckPacket(packet_id, reason_code=code).write()
    known = CODES.get(code, PubAckReasonCode.IMPLEMENTATION_SPECIFIC_ERROR)
    return PubAckPacket(packet_id, reason_code=known, reason_str=str(code) if texts else None).write()
