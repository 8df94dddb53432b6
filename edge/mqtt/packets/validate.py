"""What `mqtt5` does not check in an MQTT 5 packet: its strings, its properties, and the bits that have to be 0. On a
string that is not UTF-8 it panics; properties it reads on into the payload."""

import re
from collections.abc import Sequence
from typing import Any, Final

_BYTE, _TWO, _FOUR, _VARINT, _STRING, _BINARY, _PAIR = range(7)

_PROPERTIES: Final = {
    **dict.fromkeys((0x01, 0x17, 0x19, 0x24, 0x25, 0x28, 0x29, 0x2A), _BYTE),
    **dict.fromkeys((0x13, 0x21, 0x22, 0x23), _TWO),
    **dict.fromkeys((0x02, 0x11, 0x18, 0x27), _FOUR),
    0x0B: _VARINT,
    **dict.fromkeys((0x03, 0x08, 0x12, 0x15, 0x1A, 0x1C, 0x1F), _STRING),
    **dict.fromkeys((0x09, 0x16), _BINARY),
    0x26: _PAIR,
}
"""Identifier of a property: how its value is written (MQTT 5.0, table 2-4)."""

_RESPONSE_TOPIC, _SUBSCRIPTION_ID, _AUTH_METHOD, _AUTH_DATA = 0x08, 0x0B, 0x15, 0x16
_RECEIVE_MAX, _TOPIC_ALIAS, _USER_PROPERTY, _PACKET_SIZE_MAX = 0x21, 0x23, 0x26, 0x27
_NOT_ZERO: Final = frozenset((_SUBSCRIPTION_ID, _RECEIVE_MAX, _TOPIC_ALIAS, _PACKET_SIZE_MAX))

_CONNECT, _PUBLISH, _PUBACK, _PUBCOMP, _SUBSCRIBE, _UNSUBSCRIBE, _AUTH = 1, 3, 4, 7, 8, 10, 15
_SHORT: Final = {2: 2, 4: 3, 5: 3, 6: 3, 7: 3, 9: 2, 11: 2, 14: 1, 15: 1}
"""Packet type: bytes before its properties, where nothing but properties holds strings."""

_EMPTY: Final = 2
"""Bytes of a packet that is a fixed header only."""

_BARE: Final = 4
"""Bytes of the acknowledgements that most packets are, and of PINGREQ and DISCONNECT: no room for a string that is not
empty. (The walk costs 7 us, the rest of the work on a PUBACK 0.5.)"""

CONTENT: Final = (b"\x03\x00\x13application/msgpack", b"\x01\x01\x03\x00\x10application/json")
"""What stands behind the message expiry interval of an answer, by whether it is JSON: its content type, and that it is
text."""

EXPIRY_BYTES: Final = 5
_ANSWERS: Final = {bytes((EXPIRY_BYTES + len(content), 0x02)): content for content in (b"", *CONTENT)}
"""How properties begin that need no walk: those of every answer, and a message expiry interval alone."""

MALFORMED, PROTOCOL_ERROR, TOPIC_ALIAS_INVALID, PACKET_TOO_LARGE = 0x81, 0x82, 0x94, 0x95


class MalformedPacket(Exception):
    """Bytes that are no packet. The stream cannot be read any further. `code` is the standard's for it, in CONNACK and
    DISCONNECT alike. `packets` were whole and came before."""

    code = MALFORMED
    packets: Sequence[Any] = ()


class ProtocolError(MalformedPacket):
    """A packet that can be read and breaks a rule, by default with the code of no rule in particular."""

    def __init__(self, detail: str, code: int = PROTOCOL_ERROR) -> None:
        super().__init__(detail)
        self.code = code


def validate(packet: memoryview) -> None:
    """Go through the strings and properties of one whole packet. The rest of its structure is left to the codec.
    Raises MalformedPacket."""
    kind, size = packet[0] >> 4, packet.nbytes
    if size <= _BARE:
        if size == _BARE and _PUBACK <= kind <= _PUBCOMP and not (packet[2] or packet[3]):
            raise ProtocolError("a packet identifier of 0")
        if size == _EMPTY and kind == _AUTH:
            raise ProtocolError("an AUTH where no authentication is under way")
        if size > _EMPTY and packet[1] & 0x80:
            raise MalformedPacket("a length in more bytes than it needs")
        return
    data = packet.tobytes()
    try:
        _validate(kind, data, _varint(data, 1)[1])
    except UnicodeDecodeError:
        raise MalformedPacket("a string that is not UTF-8") from None
    except KeyError:
        raise MalformedPacket("an unknown property") from None
    except IndexError:
        raise MalformedPacket("a string or properties that go on past their end") from None


def _validate(kind: int, data: bytes, at: int) -> None:
    if kind == _PUBLISH:
        _publish(data, at)
    elif kind == _CONNECT:
        _connect(data, at)
    elif kind in (_SUBSCRIBE, _UNSUBSCRIBE):
        _packet_id(data, at)
        _filters(data, _properties(data, at + 2), options=kind == _SUBSCRIBE)
    elif kind in _SHORT:
        if _PUBACK <= kind <= _PUBCOMP:
            _packet_id(data, at)
        if at + _SHORT[kind] < len(data):
            _properties(data, at + _SHORT[kind])


def _publish(data: bytes, at: int) -> None:
    at = _string(data, at)
    if data[0] & 0x06:
        _packet_id(data, at)
        at += 2
    elif data[0] & 0x08:
        raise MalformedPacket("a repeat (DUP) of QoS 0")
    if data[at]:
        content = _ANSWERS.get(data[at : at + 2])
        if content is None or not data.startswith(content, at + 1 + EXPIRY_BYTES):
            _properties(data, at, publish=True)


def _connect(data: bytes, at: int) -> None:
    at = _string(data, at)
    flags = data[at + 1]
    if flags & 0x01 or (not flags & 0x04 and flags & 0x38):
        raise MalformedPacket(f"connect flags of 0x{flags:02x}")
    at = _string(data, _properties(data, at + 4))
    if flags & 0x04:
        topic = _properties(data, at)
        at = _string(data, topic)
        check_topic(data[topic + 2 : at].decode())
        at = _binary(data, at)
    if flags & 0x80:
        _string(data, at)


_NO_TOPIC: Final = re.compile("[\u0000-\u001f\u007f-\u009f#+]|^$")


def check_topic(topic: str) -> None:
    """Whether something can be published to a topic. Raises MalformedPacket for an empty one, for control characters
    and for wildcards."""
    if _NO_TOPIC.search(topic):
        raise MalformedPacket("a topic that is empty or has wildcards or control characters")


def _filters(data: bytes, at: int, *, options: bool) -> None:
    if at == len(data):
        raise ProtocolError("no topic filter")
    while at < len(data):
        at = _string(data, at)
        if options:
            if data[at] & 0xC0:
                raise MalformedPacket("subscription options with a reserved bit")
            if data[at] & 0x03 == 0x03 or data[at] & 0x30 == 0x30:
                raise ProtocolError("a QoS or a retain handling of 3")
            at += 1


def _packet_id(data: bytes, at: int) -> None:
    if not (data[at] or data[at + 1]):
        raise ProtocolError("a packet identifier of 0")


def _string(data: bytes, at: int) -> int:
    """Where the string at `at` ends. Raises UnicodeDecodeError and IndexError."""
    end = _binary(data, at)
    if "\0" in data[at + 2 : end].decode():
        raise MalformedPacket("a string with the character U+0000")
    return end


def _binary(data: bytes, at: int) -> int:
    end = at + 2 + (data[at] << 8 | data[at + 1])
    if end > len(data):
        raise IndexError
    return end


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = data[at] & 0x7F
    for shift in (7, 14, 21):
        if data[at] < 0x80:
            break
        at += 1
        if not data[at]:
            raise MalformedPacket("a length in more bytes than it needs")
        value |= (data[at] & 0x7F) << shift
    return value, at + 1


def _properties(data: bytes, at: int, *, publish: bool = False) -> int:
    """Where the properties at `at`, of a `publish` or of another packet, end. Raises KeyError for an unknown one,
    IndexError where one goes on past the end, ProtocolError for one that comes twice or has a value that it cannot
    have."""
    size, at = _varint(data, at)
    end, seen = at + size, 0
    if end > len(data):
        raise IndexError
    while at < end:
        name = data[at]
        form, begin, at = _PROPERTIES[name], at + 1, at + 1
        if form == _STRING:
            at = _string(data, at)
        elif form == _PAIR:
            at = _string(data, _string(data, at))
        elif form == _BINARY:
            at = _binary(data, at)
        elif form == _VARINT:
            _, at = _varint(data, at)
        else:
            at += (1, 2, 4)[form]
        if at > end:
            raise IndexError
        if seen >> name & 1 and name != _USER_PROPERTY and not (publish and name == _SUBSCRIPTION_ID):
            raise ProtocolError(f"the property 0x{name:02x} twice")
        seen |= 1 << name
        if (form == _BYTE and data[begin] > 1) or (name in _NOT_ZERO and not any(data[begin:at])):
            code = TOPIC_ALIAS_INVALID if publish and name == _TOPIC_ALIAS else PROTOCOL_ERROR
            raise ProtocolError(f"a value that the property 0x{name:02x} cannot have", code)
        if name == _RESPONSE_TOPIC and _NO_TOPIC.search(data[begin + 2 : at].decode()):
            raise ProtocolError("a response topic that is empty or has wildcards or control characters")
    if seen >> _AUTH_DATA & 1 and not seen >> _AUTH_METHOD & 1:
        raise ProtocolError("authentication data without a method")
    return end
