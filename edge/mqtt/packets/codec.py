"""MQTT 5 packets and their bytes. The only file that imports `mqtt5`: it has one author and no version 1 yet.

`mqtt5` reads one whole packet. What it leaves to us is here: cutting a stream into packets, refusing an oversized one
from its length alone (nothing of it is kept), and a look at its strings and properties first (`validate`): a bad one
would make it panic (a stack trace on stderr that any peer could cause).

Beware: its enumerations are declared `IntEnum` and are not. They equal integers and convert with `int()`, but have
no order, no hash and no arithmetic; and `QoS.AT_MOST_ONCE` is truthy. Compare for equality, never test.
"""

from collections.abc import Callable
from typing import Final

# pyright: reportUnusedImport=false
from mqtt5 import (  # noqa: F401 - everybody else has them from here
    AuthPacket,
    AuthReasonCode,
    ConnAckPacket,
    ConnAckReasonCode,
    ConnectPacket,
    DisconnectPacket,
    DisconnectReasonCode,
    PingReqPacket,
    PingRespPacket,
    PubAckPacket,
    PubAckReasonCode,
    PubCompPacket,
    PubCompReasonCode,
    PublishPacket,
    PubRecPacket,
    PubRecReasonCode,
    PubRelPacket,
    PubRelReasonCode,
    QoS,
    SubAckPacket,
    SubAckReasonCode,
    SubscribePacket,
    TopicFilter,
    UnsubAckPacket,
    UnsubAckReasonCode,
    UnsubscribePacket,
    Will,
)
from mqtt5 import read as _read

from .validate import PACKET_TOO_LARGE, MalformedPacket, ProtocolError, validate  # noqa: F401 - likewise

SMALL_BYTES: Final = 512
"""Frames and reads below this are work by themselves. Larger ones are not: what is in them is bounded and has its price
when it is whole."""

Packet = (
    ConnectPacket
    | ConnAckPacket
    | PublishPacket
    | PubAckPacket
    | PubRecPacket
    | PubRelPacket
    | PubCompPacket
    | SubscribePacket
    | SubAckPacket
    | UnsubscribePacket
    | UnsubAckPacket
    | PingReqPacket
    | PingRespPacket
    | DisconnectPacket
    | AuthPacket
)

LENGTH_BYTES_MAX: Final = 4
"""Bytes of a remaining length, by the standard (5.0, 1.5.5; 3.1.1, 2.2.3)."""


_PUBLISH: Final = 3
_QOS_MAX: Final = 2


class PacketTooLarge(MalformedPacket):
    """A packet whose header announces `size` bytes, over the limit of `limit`."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(f"a packet of {size} bytes is over the limit of {limit}; send a smaller one")
        self.size, self.limit = size, limit
        self.code = PACKET_TOO_LARGE


def read(packet: memoryview) -> Packet:
    """One whole MQTT 5 packet, of exactly these bytes. Raises MalformedPacket."""
    validate(packet)
    try:
        result, used = _read(packet)
    except (ValueError, IndexError, OverflowError) as error:
        raise MalformedPacket(str(error)) from None
    except BaseException as error:
        # Rust's panic arrives as a BaseException that has no importable name; every other one is not for us.
        if type(error).__name__ != "PanicException":
            raise
        raise MalformedPacket("a packet that the codec cannot read") from None
    if used != len(packet):
        raise MalformedPacket(f"{len(packet) - used} bytes too many in the packet")
    return result


NO_LIMIT: Final = 1 << 32
"""Over the largest packet that there can be."""


def worded(make: Callable[..., Packet], text: str, bytes_max: int) -> bytes:
    """The packet that `make` makes of a `reason_str`, where it has at most so many bytes; else without one."""
    data = make(reason_str=text).write()
    return data if len(data) <= bytes_max else make().write()


def write(packet: Packet) -> bytes:
    """A packet as MQTT 5."""
    return packet.write()


class Decoder:
    """Cuts a stream of bytes into packets. `read` decodes one whole packet, and may be changed between packets (the
    first one has the version). Keeps at most one incomplete packet of `packet_bytes_max` bytes, in `tail`. `skipping`:
    how many bytes are still to come of a packet that is passed over."""

    def __init__(self, packet_bytes_max: int, read: Callable[[memoryview], Packet] = read) -> None:
        self.packet_bytes_max = packet_bytes_max
        self.read = read
        self.tail = bytearray()
        self._wanted = self.skipping = 0

    def feed(self, data: bytes) -> list[Packet]:
        """All packets that these bytes complete, in order. Raises MalformedPacket or PacketTooLarge, whose `packets`
        are those before the bad one; then the stream is over and `feed` must not be called again."""
        packets: list[Packet] = []
        data = self.join(data)
        view = memoryview(data)
        at = 0
        try:
            while at < len(data):
                end = self.end_of(data, at)
                if not end:
                    break
                packets.append(self.read(view[at:end]))
                at = end
        except MalformedPacket as error:
            error.packets = packets
            raise
        return packets

    def join(self, data: bytes) -> bytes:
        """These bytes after those that were kept; none while they complete no packet. To be gone through with `end_of`
        to the end, or until it keeps what remains."""
        if self.tail:
            self.tail += data
            if len(self.tail) < self._wanted:
                return b""
            data = bytes(self.tail)
            self.tail.clear()
        return data

    def end_of(self, data: bytes, at: int) -> int:
        """Where the packet that begins at `at` ends; 0 where it is not whole, and is kept for the next `join`. Raises
        MalformedPacket and PacketTooLarge."""
        if not data[at] >> 4:
            raise MalformedPacket("a packet of type 0")  # whatever length it claims
        length = self._length(data, at, len(data))
        end = at + length
        if length and end <= len(data):
            return end
        self.tail += memoryview(data)[at:]
        self._wanted = length
        return 0

    def skip(self, data: bytes, at: int, error: PacketTooLarge) -> tuple[int, int] | None:
        """Pass over the PUBLISH at `at`, of which `end_of` raised `error`: its QoS and its packet identifier (0: none).
        None where they are not whole, and are kept for the next `join`. Raises `error` for another packet, and where
        the identifier itself is beyond the limit."""
        qos = data[at] >> 1 & 3
        if data[at] >> 4 != _PUBLISH or qos == _QOS_MAX + 1:
            raise error
        start = at + 2
        while data[start - 1] & 0x80:
            start += 1
        topic = start + 2 + int.from_bytes(data[start : start + 2], "big")
        wanted = (topic if start + 2 <= len(data) else start) + 2 - at
        if wanted > error.limit:
            raise error
        if at + wanted > len(data):
            self.tail += memoryview(data)[at:]
            self._wanted = wanted
            return None
        packet_id = int.from_bytes(data[topic : topic + 2], "big") if qos else 0
        if qos and not packet_id:
            raise MalformedPacket("a packet identifier of 0")
        self.skipping = max(0, at + error.size - len(data))
        return qos, packet_id

    def _length(self, data: bytes, offset: int, size: int) -> int:
        """Bytes of the packet at `offset`, with its header; 0 where the header is not complete."""
        if offset + 2 > size:
            return 0
        byte = data[offset + 1]
        total = byte & 0x7F
        at = 2
        while byte & 0x80:
            if at > LENGTH_BYTES_MAX:
                raise MalformedPacket("a remaining length of more than four bytes")
            if offset + at >= size:
                return 0
            byte = data[offset + at]
            total |= (byte & 0x7F) << (7 * (at - 1))
            at += 1
        if total + at > self.packet_bytes_max:
            raise PacketTooLarge(total + at, self.packet_bytes_max)
        return total + at
