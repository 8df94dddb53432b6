"""What the floods send is what their names promise."""

from collections.abc import Callable

import pytest

from bench.flood.floods import FLOODS
from edge.limits import PACKET_BYTES_MAX
from edge.mqtt.packets import codec, v311
from edge.mqtt.packets.codec import Decoder, MalformedPacket, Packet, PacketTooLarge

BROKEN = {"bytes", "oversized"}
"""Those whose block is no MQTT within the limits, on purpose."""


def packets(data: bytes, read: Callable[[memoryview], Packet]) -> list[Packet]:
    """All packets of a stream."""
    return Decoder(PACKET_BYTES_MAX, read).feed(data)


@pytest.mark.parametrize("name", [name for name, flood in FLOODS.items() if flood.door == "mqtt"])
def test_a_flood_is_mqtt_unless_it_is_meant_not_to_be(name: str) -> None:
    """Each flood over MQTT begins with a CONNECT of the flooder and goes on with whole packets of its version."""
    opening, block = FLOODS[name].opening("eve"), FLOODS[name].block("eve")
    read = v311.read if opening[8:9] == b"\x04" else codec.read
    if opening:
        first = packets(opening, read)[0]
        assert isinstance(first, codec.ConnectPacket)
        assert first.username == "eve"
    if name in BROKEN:
        with pytest.raises(PacketTooLarge if name == "oversized" else MalformedPacket):
            packets(block, read)
    elif block:
        assert packets(block, read)


def test_a_flood_of_different_events_has_no_repeats() -> None:
    """Orders differ in their ids; a repeat is a flood of its own."""
    different, same = (packets(FLOODS[name].block("eve"), v311.read) for name in ("orders", "repeats"))
    assert len({packet.payload for packet in different if isinstance(packet, codec.PublishPacket)}) == len(different)
    assert len({packet.payload for packet in same if isinstance(packet, codec.PublishPacket)}) == 1
