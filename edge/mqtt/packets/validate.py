"""What `mqtt5` does not check in an MQTT 5 packet: that its strings are UTF-8, and that its properties keep to their
length. On a string that is not UTF-8 it panics; properties it reads on into the payload."""

from typing import Final

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

_CONNECT, _PUBLISH, _SUBSCRIBE, _UNSUBSCRIBE = 1, 3, 8, 10
_SHORT: Final = {2: 2, 4: 3, 5: 3, 6: 3, 7: 3, 9: 2, 11: 2, 14: 1, 15: 1}
"""Packet type: bytes before its properties, where nothing but properties holds strings."""

_BARE: Final = 4
"""Bytes of the acknowledgements that most packets are, and of PINGREQ and DISCONNECT: no room for a string that is not
empty. (The walk costs 7 us, the rest of the work on a PUBACK 0.5.)"""

_EXPIRY: Final = b"\x05\x02"
"""How properties begin that are a message expiry interval and nothing else: those of every answer."""


def fault_of(packet: memoryview) -> str:
    """What is wrong with the strings and properties of one whole packet; empty where nothing is. The rest of its
    structure is left to the codec."""
    if packet.nbytes <= _BARE:
        return ""
    start = 2
    while start < 5 and packet[start - 1] & 0x80:
        start += 1
    kind, data = packet[0] >> 4, packet.tobytes()
    try:
        if kind == _PUBLISH:
            _publish(data, start)
        elif kind == _CONNECT:
            _connect(data, start)
        elif kind in (_SUBSCRIBE, _UNSUBSCRIBE):
            at = _properties(data, start + 2)
            while at < len(data):
                at = _string(data, at) + (kind == _SUBSCRIBE)
        elif kind in _SHORT and start + _SHORT[kind] < len(data):
            _properties(data, start + _SHORT[kind])
    except UnicodeDecodeError:
        return "a string that is not UTF-8"
    except KeyError:
        return "an unknown property"
    except IndexError:
        return "a string or properties that go on past their end"
    return ""


def _publish(data: bytes, at: int) -> None:
    at = _string(data, at) + (2 if data[0] & 0x06 else 0)
    if data[at] and data[at : at + 2] != _EXPIRY:
        _properties(data, at)


def _connect(data: bytes, at: int) -> None:
    at = _string(data, at)
    flags = data[at + 1]
    at = _string(data, _properties(data, at + 4))
    if flags & 0x04:
        at = _binary(data, _string(data, _properties(data, at)))
    if flags & 0x80:
        _string(data, at)


def _string(data: bytes, at: int) -> int:
    """Where the string at `at` ends. Raises UnicodeDecodeError and IndexError."""
    end = _binary(data, at)
    data[at + 2 : end].decode()
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
        value |= (data[at] & 0x7F) << shift
    return value, at + 1


def _properties(data: bytes, at: int) -> int:
    """Where the properties at `at` end. Raises KeyError for an unknown one, IndexError where one goes on past the
    end."""
    size, at = _varint(data, at)
    end = at + size
    if end > len(data):
        raise IndexError
    while at < end:
        form, at = _PROPERTIES[data[at]], at + 1
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
    return end
