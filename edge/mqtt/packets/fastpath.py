"""The packets that nearly all traffic consists of, cut from the stream by hand: a PUBLISH without properties, on a
topic that the connection has used before, and a PUBACK of success.

Nothing is refused here. Whatever is odd in any way is left to the codec, and refused or taken there.
"""

from struct import Struct
from typing import Final

Parsed = tuple[str, bytes, int]
"""Of a PUBLISH: its kind, its payload and its packet identifier (0: QoS 0). Of a PUBACK: the identifier only."""

_PUBACK: Final = 0x40
_PUBLISH_0: Final = 0x30  # no repeat, and not to be retained
_PUBLISH_1: Final = 0x32
_ONE: Final = Struct(">BB").pack
_TWO: Final = Struct(">BBB").pack


def parse(
    data: bytes, at: int, kinds: dict[bytes, str], packets: list[Parsed], properties: bool, packet_bytes_max: int
) -> int:
    """Append the plain packets from `at` on to `packets`; where the first other one begins, or the end. `kinds` has the
    kind of each topic, with the topic's length before it as on the wire. `properties`: a PUBLISH has the number of
    bytes of them it has (5.0)."""
    size = len(data)
    try:
        while at < size:
            first, length, body = data[at], data[at + 1], at + 2
            if first == _PUBACK and length == 2:
                packet_id = data[body] << 8 | data[body + 1]
                if not packet_id:
                    return at
                packets.append(("", b"", packet_id))
                at += 4
                continue
            if first != _PUBLISH_1 and first != _PUBLISH_0:
                return at
            if length > 0x7F:
                more = data[body]
                if more > 0x7F or not more:
                    return at
                length, body = length & 0x7F | more << 7, body + 1
            end = body + length
            start = body + 2 + (data[body] << 8 | data[body + 1])
            kind = kinds.get(data[body:start])
            if kind is None or end > size or end - at > packet_bytes_max:
                return at
            packet_id = 0
            if first == _PUBLISH_1:
                packet_id = data[start] << 8 | data[start + 1]
                if not packet_id:
                    return at
                start += 2
            if properties:
                if data[start]:
                    return at
                start += 1
            if start > end:
                return at
            packets.append((kind, data[start:end], packet_id))
            at = end
    except IndexError:  # cut short
        return at
    return at


def header(first: int, size: int) -> bytes:
    """The fixed header of a packet with `size` bytes after it, fewer than 256 MiB."""
    if size < 0x80:
        return _ONE(first, size)
    if size < 0x4000:
        return _TWO(first, size & 0x7F | 0x80, size >> 7)
    head = bytearray((first,))
    while size > 0x7F:
        head.append(size & 0x7F | 0x80)
        size >>= 7
    head.append(size)
    return bytes(head)
