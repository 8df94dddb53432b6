"""Are the strings of an MQTT 5 packet UTF-8? Asked before `mqtt5` reads it, since that panics on one that is not.

Only strings are looked at. A packet whose structure is wrong is left for the codec to refuse.
"""

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

CONNECT, CONNACK, PUBLISH, SUBSCRIBE, UNSUBSCRIBE = 1, 2, 3, 8, 10
_SHORT: Final = {2: 2, 4: 3, 5: 3, 6: 3, 7: 3, 9: 2, 11: 2, 14: 1, 15: 1}
"""Packet type: bytes before its properties, where nothing but properties holds strings."""


class _Walk:
    """A place in a packet. Raises IndexError at its end and UnicodeDecodeError at a string that is not UTF-8."""

    def __init__(self, packet: bytes, at: int) -> None:
        self.packet, self.at = packet, at

    def byte(self) -> int:
        self.at += 1
        return self.packet[self.at - 1]

    def varint(self) -> int:
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80 or shift == 21:
                return value
            shift += 7

    def binary(self) -> bytes:
        size = self.byte() << 8 | self.byte()
        self.at += size
        if self.at > len(self.packet):
            raise IndexError
        return self.packet[self.at - size : self.at]

    def string(self) -> None:
        self.binary().decode()

    def properties(self) -> None:
        end = self.varint() + self.at
        while self.at < end:
            form = _PROPERTIES.get(self.byte())
            if form is None:
                raise IndexError
            if form == _STRING:
                self.string()
            elif form == _PAIR:
                self.string()
                self.string()
            elif form == _BINARY:
                self.binary()
            elif form == _VARINT:
                self.varint()
            else:
                self.at += (1, 2, 4)[form]


_BARE: Final = 4
"""Bytes of the acknowledgements that most packets are, and of PINGREQ and DISCONNECT: no room for a string that is not
empty. (The walk costs 7 us, the rest of the work on a PUBACK 0.5.)"""


def are_utf8(packet: memoryview) -> bool:
    """Whether every string of one whole packet is UTF-8. True where the packet is cut short or unknown."""
    if packet.nbytes <= _BARE:
        return True
    start = 2
    while start < min(len(packet), 5) and packet[start - 1] & 0x80:
        start += 1
    kind = packet[0] >> 4
    if kind == PUBLISH and len(packet) > start + 2:
        # The hot path: an ASCII topic, and no properties or few that are ASCII too.
        end = start + 2 + (packet[start] << 8 | packet[start + 1])
        after = end + 2 if packet[0] & 0x06 else end
        if after < len(packet) and packet[after] < 0x80 and packet[start + 2 : end].tobytes().isascii():
            properties = packet[after + 1 : after + 1 + packet[after]]
            if not properties or properties.tobytes().isascii():
                return True
    try:
        _walk(kind, _Walk(packet.tobytes(), start))
    except UnicodeDecodeError:
        return False
    except IndexError:
        return True
    return True


def _walk(kind: int, walk: _Walk) -> None:
    if kind == PUBLISH:
        walk.string()
        walk.at += 2 if walk.packet[0] & 0x06 else 0
        walk.properties()
    elif kind == CONNECT:
        walk.string()
        walk.byte()
        flags = walk.byte()
        walk.at += 2
        walk.properties()
        walk.string()
        if flags & 0x04:
            walk.properties()
            walk.string()
            walk.binary()
        if flags & 0x80:
            walk.string()
    elif kind in (SUBSCRIBE, UNSUBSCRIBE):
        walk.at += 2
        walk.properties()
        while walk.at < len(walk.packet):
            walk.string()
            walk.at += kind == SUBSCRIBE
    elif kind in _SHORT:
        walk.at += _SHORT[kind]
        walk.properties()
