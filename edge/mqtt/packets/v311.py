"""MQTT 3.1.1 in the packet classes of MQTT 5, so that a session is written once.

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
    PingRespPacket,
    PubAckPacket,
    PubCompPacket,
    PublishPacket,
    PubRecPacket,
    PubRelPacket,
    QoS,
    SubAckPacket,
    SubAckReasonCode,
    SubscribePacket,
    TopicFilter,
    UnsubAckPacket,
    UnsubscribePacket,
    Will,
)
from .fastpath import header

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
_REASONS: Final = [
    ConnAckReasonCode.SUCCESS,
    ConnAckReasonCode.UNSUPPORTED_PROTOCOL_VERSION,
    ConnAckReasonCode.CLIENT_ID_NOT_VALID,
    ConnAckReasonCode.SERVER_UNAVAILABLE,
    ConnAckReasonCode.BAD_USER_NAME_OR_PASSWORD,
    ConnAckReasonCode.NOT_AUTHORIZED,
]
_QOS: Final = [QoS.AT_MOST_ONCE, QoS.AT_LEAST_ONCE, QoS.EXACTLY_ONCE]
_FAILURE: Final = 0x80

# -- reading -----------------------------------------------------------------------------------------------------------


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
    if qos == 3 or not topic:
        raise MalformedPacket("a QoS of 3" if qos == 3 else "an empty topic")
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


def _connack(body: bytes) -> Packet:
    _end(body, 2)
    if body[0] > 1 or body[1] >= len(_REASONS):
        raise MalformedPacket(f"a CONNACK of {body.hex()}")
    return ConnAckPacket(session_present=bool(body[0]), reason_code=_REASONS[body[1]])


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


def _suback(body: bytes) -> Packet:
    if any(code > 2 and code != _FAILURE for code in body[2:]) or len(body) < 3:
        raise MalformedPacket(f"a SUBACK of {body.hex()}")
    return SubAckPacket(_packet_id(body, 0), [SubAckReasonCode(code) for code in body[2:]])


def _unsubscribe(body: bytes) -> Packet:
    packet_id, at = _packet_id(body, 0), 2
    patterns: list[str] = []
    while at < len(body) or not patterns:
        pattern, at = _string(body, at)
        patterns.append(pattern)
    return UnsubscribePacket(packet_id, patterns)


def _numbered(make: Callable[[int], Packet]) -> Callable[[bytes], Packet]:
    def reader(body: bytes) -> Packet:
        _end(body, 2)
        return make(_packet_id(body, 0))

    return reader


def _bare(make: Callable[[], Packet]) -> Callable[[bytes], Packet]:
    def reader(body: bytes) -> Packet:
        _end(body, 0)
        return make()

    return reader


def _string(body: bytes, at: int) -> tuple[str, int]:
    raw, at = _binary(body, at)
    try:
        return raw.decode(), at
    except UnicodeDecodeError:
        raise MalformedPacket("a string that is not UTF-8") from None


def _binary(body: bytes, at: int) -> tuple[bytes, int]:
    end = at + 2 + int.from_bytes(body[at : at + 2], "big")
    if at + 2 > len(body) or end > len(body):
        raise MalformedPacket("a packet that is cut short")
    return body[at + 2 : end], end


def _packet_id(body: bytes, at: int) -> int:
    packet_id = int.from_bytes(body[at : at + 2], "big")
    if not packet_id or at + 2 > len(body):
        raise MalformedPacket("a packet identifier of 0" if at + 2 <= len(body) else "a packet that is cut short")
    return packet_id


def _end(body: bytes, at: int) -> None:
    if at != len(body):
        raise MalformedPacket("a packet that is cut short" if at > len(body) else "bytes too many in the packet")


_READERS: Final[dict[int, Callable[[bytes], Packet]]] = {
    0x10: _connect,
    0x20: _connack,
    0x40: _numbered(PubAckPacket),
    0x50: _numbered(PubRecPacket),
    0x62: _numbered(PubRelPacket),
    0x70: _numbered(PubCompPacket),
    0x82: _subscribe,
    0x90: _suback,
    0xA2: _unsubscribe,
    0xB0: _numbered(lambda packet_id: UnsubAckPacket(packet_id, [])),
    0xC0: _bare(PingReqPacket),
    0xD0: _bare(PingRespPacket),
    0xE0: _bare(DisconnectPacket),
}

# -- writing -----------------------------------------------------------------------------------------------------------


def write(packet: Packet) -> bytes:
    """A packet as 3.1.1. Raises ValueError for one that 3.1.1 does not have."""
    match packet:
        case PublishPacket():
            body = _text(packet.topic) + (b"" if packet.packet_id is None else _two(packet.packet_id)) + packet.payload
            return _framed(0x30 | packet.duplicate << 3 | int(packet.qos) << 1 | packet.retain, body)
        case ConnectPacket():
            return _framed(0x10, _connect_body(packet))
        case ConnAckPacket():
            code = _RETURN_CODES.get(int(packet.reason_code), _NOT_AUTHORIZED)
            return bytes((0x20, 2, packet.session_present and code == 0, code))
        case PubAckPacket() | PubRecPacket() | PubRelPacket() | PubCompPacket() | UnsubAckPacket():
            return bytes((_NUMBERED[type(packet)], 2)) + _two(packet.packet_id)
        case SubscribePacket():
            parts = [_text(wanted.pattern) + bytes((int(wanted.max_qos),)) for wanted in packet.topic_filters]
            return _framed(0x82, _two(packet.packet_id) + b"".join(parts))
        case SubAckPacket():
            codes = bytes(min(int(code), _FAILURE) for code in packet.reason_codes)
            return _framed(0x90, _two(packet.packet_id) + codes)
        case UnsubscribePacket():
            return _framed(0xA2, _two(packet.packet_id) + b"".join(map(_text, packet.patterns)))
        case PingReqPacket() | PingRespPacket() | DisconnectPacket():
            return bytes((_BARE[type(packet)], 0))
        case _:
            raise ValueError(f"MQTT 3.1.1 has no {type(packet).__name__}")


_NUMBERED: Final = {
    PubAckPacket: 0x40,
    PubRecPacket: 0x50,
    PubRelPacket: 0x62,
    PubCompPacket: 0x70,
    UnsubAckPacket: 0xB0,
}
_BARE: Final = {PingReqPacket: 0xC0, PingRespPacket: 0xD0, DisconnectPacket: 0xE0}


def _connect_body(packet: ConnectPacket) -> bytes:
    flags, rest = packet.clean_start << 1, _text(packet.client_id)
    if packet.will is not None:
        flags |= 0x04 | int(packet.will.qos) << 3 | packet.will.retain << 5
        rest += _text(packet.will.topic) + _blob(packet.will.payload or b"")
    if packet.username is not None:
        flags |= 0x80
        rest += _text(packet.username)
    if packet.password is not None:
        flags |= 0x40
        rest += _blob(packet.password)
    return _text("MQTT") + bytes((LEVEL, flags)) + _two(packet.keep_alive) + rest


def _framed(first: int, body: bytes) -> bytes:
    return header(first, len(body)) + body


def _two(value: int) -> bytes:
    return value.to_bytes(2, "big")


def _text(value: str) -> bytes:
    return _blob(value.encode())


def _blob(value: bytes) -> bytes:
    return _two(len(value)) + value
