"""The server's half of MQTT 3.1.1 in the packet classes of MQTT 5, so that a session is written once: it reads what a
client may send and writes what a client has to be answered. (PUBLISH, its acknowledgements and PINGRESP are written
where they come from.)

What 3.1.1 cannot express is left out when writing (reasons, properties) and has MQTT 5's default when read.
`clean_session = 0` reads as a session that never expires.
"""

from collections.abc import Callable
from typing import Final

from .codec import (
    ConnAckPacket,
    ConnAckReasonCode,
    ConnectPacket,
    DisconnectPacket,
    MalformedPacket,
    Packet,
    PingReqPacket,
    PubAckPacket,
    PubCompPacket,
    PublishPacket,
    PubRecPacket,
    PubRelPacket,
    QoS,
    SubAckPacket,
    SubscribePacket,
    TopicFilter,
    UnsubAckPacket,
    UnsubscribePacket,
    Will,
)
from .fastpath import header
from .validate import check_topic

LEVEL: Final = 4
"""The protocol level of 3.1.1 in CONNECT."""

EXPIRES_NEVER: Final = 0xFFFF_FFFF

_RETURN_CODES: Final = {
    int(ConnAckReasonCode.SUCCESS): 0,
    int(ConnAckReasonCode.UNSUPPORTED_PROTOCOL_VERSION): 1,
    int(ConnAckReasonCode.CLIENT_ID_NOT_VALID): 2,
    int(ConnAckReasonCode.SERVER_UNAVAILABLE): 3,
    int(ConnAckReasonCode.SERVER_BUSY): 3,
    int(ConnAckReasonCode.QUOTA_EXCEEDED): 3,
    int(ConnAckReasonCode.BAD_USER_NAME_OR_PASSWORD): 4,
}
_NOT_AUTHORIZED: Final = 5
_QOS: Final = [QoS.AT_MOST_ONCE, QoS.AT_LEAST_ONCE, QoS.EXACTLY_ONCE]
_FAILURE: Final = 0x80


def write(packet: Packet) -> bytes:
    """A CONNACK, SUBACK or UNSUBACK as 3.1.1. Raises ValueError for another packet."""
    match packet:
        case ConnAckPacket():
            code = _RETURN_CODES.get(int(packet.reason_code), _NOT_AUTHORIZED)
            return bytes((0x20, 2, packet.session_present and code == 0, code))
        case SubAckPacket():
            codes = bytes(min(int(code), _FAILURE) for code in packet.reason_codes)
            return header(0x90, 2 + len(codes)) + packet.packet_id.to_bytes(2, "big") + codes
        case UnsubAckPacket():
            return b"\xb0\x02" + packet.packet_id.to_bytes(2, "big")
        case _:
            raise ValueError(f"no {type(packet).__name__} is sent to a client of MQTT 3.1.1")


def read(packet: memoryview) -> Packet:
    """One whole packet, of exactly these bytes. Raises MalformedPacket."""
    start = 2
    while packet[start - 1] & 0x80:
        start += 1
    first, body = packet[0], packet[start:].tobytes()
    try:
        if first >> 4 == 3:
            return _publish(first, body)
        return _READERS[first](body)
    except KeyError:
        raise MalformedPacket(f"a fixed header of 0x{first:02x}") from None
    except IndexError:
        raise MalformedPacket("a packet that is cut short") from None
    except ValueError as error:  # a topic or a filter that the packet classes refuse
        raise MalformedPacket(str(error)) from None


def _publish(first: int, body: bytes) -> Packet:
    qos = first >> 1 & 3
    topic, at = _string(body, 0)
    packet_id = None
    if qos:
        packet_id = _packet_id(body, at)
        at += 2
    check_topic(topic)
    if qos == 3 or (first & 8 and not qos):
        raise MalformedPacket("a QoS of 3" if qos else "a repeat (DUP) of QoS 0")
    return PublishPacket(
        topic, body[at:], qos=_QOS[qos], retain=bool(first & 1), packet_id=packet_id, duplicate=bool(first & 8)
    )


def _connect(body: bytes) -> Packet:
    name, at = _string(body, 0)
    level, flags = body[at], body[at + 1]
    if name != "MQTT" or level != LEVEL:
        raise MalformedPacket(f"protocol {name!r}, level {level}; this reads MQTT 3.1.1")
    will_qos = flags >> 3 & 3
    has_will = bool(flags & 0x04)
    if flags & 1 or will_qos == 3 or (not has_will and flags & 0x38) or flags & 0xC0 == 0x40:
        raise MalformedPacket(f"connect flags of 0x{flags:02x}")
    keep_alive = body[at + 2] << 8 | body[at + 3]
    client_id, at = _string(body, at + 4)
    will = username = password = None
    if has_will:
        topic, at = _string(body, at)
        check_topic(topic)
        payload, at = _binary(body, at)
        will = Will(topic, payload=payload, qos=_QOS[will_qos], retain=bool(flags & 0x20))
    if flags & 0x80:
        username, at = _string(body, at)
    if flags & 0x40:
        password, at = _binary(body, at)
    _end(body, at)
    clean = bool(flags & 0x02)
    return ConnectPacket(
        client_id,
        username=username,
        password=password,
        clean_start=clean,
        will=will,
        keep_alive=keep_alive,
        session_expiry_interval=0 if clean else EXPIRES_NEVER,
    )


def _acknowledgement(make: Callable[[int], Packet]) -> Callable[[bytes], Packet]:
    def reader(body: bytes) -> Packet:
        _end(body, 2)
        return make(_packet_id(body, 0))

    return reader


def _subscribe(body: bytes) -> Packet:
    packet_id, at = _packet_id(body, 0), 2
    filters: list[TopicFilter] = []
    while at < len(body) or not filters:
        pattern, at = _string(body, at)
        if body[at] > 2:
            raise MalformedPacket(f"requested QoS {body[at]}")
        filters.append(TopicFilter(pattern, max_qos=_QOS[body[at]]))
        at += 1
    return SubscribePacket(packet_id, filters)


def _unsubscribe(body: bytes) -> Packet:
    packet_id, at = _packet_id(body, 0), 2
    patterns: list[str] = []
    while at < len(body) or not patterns:
        pattern, at = _string(body, at)
        patterns.append(pattern)
    return UnsubscribePacket(packet_id, patterns)


def _bare(make: Callable[[], Packet]) -> Callable[[bytes], Packet]:
    def reader(body: bytes) -> Packet:
        _end(body, 0)
        return make()

    return reader


def _string(body: bytes, at: int) -> tuple[str, int]:
    raw, at = _binary(body, at)
    if 0 in raw:
        raise MalformedPacket("a string with the character U+0000")
    try:
        return raw.decode(), at
    except UnicodeDecodeError:
        raise MalformedPacket("a string that is not UTF-8") from None


def _binary(body: bytes, at: int) -> tuple[bytes, int]:
    end = at + 2 + int.from_bytes(body[at : at + 2], "big")
    if at + 2 > len(body) or end > len(body):
        raise IndexError
    return body[at + 2 : end], end


def _packet_id(body: bytes, at: int) -> int:
    packet_id = body[at] << 8 | body[at + 1]
    if not packet_id:
        raise MalformedPacket("a packet identifier of 0")
    return packet_id


def _end(body: bytes, at: int) -> None:
    if at != len(body):
        raise MalformedPacket("a packet that is cut short" if at > len(body) else "bytes too many in the packet")


_READERS: Final[dict[int, Callable[[bytes], Packet]]] = {
    0x10: _connect,
    0x40: _acknowledgement(PubAckPacket),
    0x50: _acknowledgement(PubRecPacket),
    0x62: _acknowledgement(PubRelPacket),
    0x70: _acknowledgement(PubCompPacket),
    0x82: _subscribe,
    0xA2: _unsubscribe,
    0xC0: _bare(PingReqPacket),
    0xE0: _bare(DisconnectPacket),
}
