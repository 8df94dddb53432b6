"""What anybody can send as MQTT 3.1.1 and 5: a connection answers, waits or closes, and never breaks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.flood import wire
from edge.errors import Reason
from edge.limits import PACKET_BYTES_MAX
from edge.messages.envelope import FORBIDDEN, UNKNOWN
from edge.mqtt.packets import v311
from edge.mqtt.packets.codec import (
    ConnectPacket,
    Decoder,
    DisconnectPacket,
    MalformedPacket,
    PingReqPacket,
    PubAckPacket,
    PublishPacket,
    QoS,
    SubscribePacket,
    UnsubscribePacket,
    read,
)
from edge.mqtt.server.outbound import PULL_BYTES_MAX
from tests.edge.mqtt.cases import BAD_V5, BAD_V311, V5, V311
from tests.edge.mqtt.standard import ANSWERED, BAD_CONNECTS, OFFENCES
from tests.edge.mqtt.world import ALL, TOKEN, UP, World, written
from tests.fuzz.damage import damaged, every_damage, fuzzed

HELLO = ConnectPacket("phone", username="c1", password=TOKEN, clean_start=True)
TALK = [
    SubscribePacket(1, ALL),
    PublishPacket(UP, b"{}", qos=QoS.AT_LEAST_ONCE, packet_id=1),
    PublishPacket("ds/n1/up/c2/order.place", b"{}", qos=QoS.AT_LEAST_ONCE, packet_id=2),
    PublishPacket("ds/n1/up/c1/rider.position", b"{}"),
    PublishPacket("$SYS/x", b"", qos=QoS.AT_LEAST_ONCE, packet_id=3),
    PubAckPacket(1),
    UnsubscribePacket(3, ["ds/n1/down/c1/#"]),
    PingReqPacket(),
    DisconnectPacket(),
]
ODD = [*OFFENCES.values(), *BAD_CONNECTS.values(), *(each.sent for each in ANSWERED.values())]
STREAMS = {
    5: [written(5, HELLO, *TALK), *V5, *BAD_V5.values(), *(each.v5 for each in ODD)],
    4: [written(4, HELLO, *TALK), *V311, *BAD_V311.values(), *(each.v311 for each in ODD if each.v311)],
}


def listened(version: int, pieces: list[bytes], authenticated: bool) -> None:
    """A connection receives `pieces`, one read each. What must be true whatever they are."""
    world = World(acknowledge=True)
    world.receiver.answer("c1")
    peer = world.peer(version)
    if authenticated:
        peer.connection.receive(written(version, HELLO), world.now, 0.0)
    for piece in pieces:
        if piece and not peer.connection.closing:
            peer.connection.receive(piece, world.now, 0.0)
        assert len(peer.connection.out) <= PULL_BYTES_MAX + 64 * sum(map(len, pieces)) + 4_096
        world.pass_s(0.1)
    for publish in world.receiver.publishes:
        assert publish.client == "c1" or publish.kind in (FORBIDDEN, UNKNOWN)
        assert len(publish.payload) <= PACKET_BYTES_MAX
    assert all(reason in Reason for _, reason in world.receiver.dropped)
    peer.connection.lost(world.now)
    world.pass_s(400.0)
    assert [present for _, present in world.receiver.presence].count(True) == len(world.receiver.presence) / 2


@pytest.mark.parametrize("version", [5, 4])
@fuzzed
@given(data=st.data())
def test_a_damaged_conversation(version: int, data: st.DataObject) -> None:
    """Whatever packets come in whatever order, however they are damaged and cut into reads: no exception, no publish
    under another name, bounded output, and presence is balanced."""
    stream = b"".join(data.draw(st.lists(damaged(STREAMS[version]), min_size=1, max_size=5)))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=5)))
    pieces = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    listened(version, pieces, data.draw(st.booleans()))


@pytest.mark.parametrize("version", [5, 4])
def test_every_cut_and_every_flipped_byte_of_a_conversation(version: int) -> None:
    """CONNECT to DISCONNECT in one read, each truncation and each flipped byte of it."""
    for stream in every_damage(STREAMS[version][0]):
        listened(version, [stream], False)


@pytest.mark.parametrize("reader", [read, v311.read], ids=["5", "3.1.1"])
@fuzzed
@given(data=st.data())
def test_a_codec_only_ever_states_malformed(reader, data: st.DataObject) -> None:
    """Bytes are packets, wait for more, or are malformed; nothing is kept beyond the limit of a packet."""
    decoder = Decoder(1_000, reader)
    stream = data.draw(damaged(STREAMS[5] + STREAMS[4]))
    try:
        for begin in range(0, len(stream), 100):
            decoder.feed(stream[begin : begin + 100])
            assert len(decoder.tail) <= 1_000
    except MalformedPacket:
        return


_PROPERTIES = (b"\x01\x01", b"\x02\x00\x00\x00\x09", b"\x23\x00\x01", b"\x03\x00\x02ab", b"\x26\x00\x01a\x00\x01b")
"""Some that a PUBLISH may have, whole."""


@fuzzed
@given(st.permutations(_PROPERTIES), st.integers(0, 4), st.binary(max_size=12), st.integers(-9, 300))
def test_the_length_of_properties_is_a_bound(order: list[bytes], count: int, payload: bytes, wrong: int) -> None:
    """Whatever the length that a PUBLISH claims for its properties: they end there, and what is behind is its payload,
    or the packet is malformed. Nothing of the payload is ever read as a property."""
    properties = b"".join(order[:count])
    size = max(0, len(properties) + wrong)
    rest = properties + payload
    packet = wire.packet(0x32, wire.text(UP) + b"\x00\x07" + wire.variable(size) + rest)
    try:
        made = read(memoryview(packet))
    except MalformedPacket:
        assert wrong
        return
    assert isinstance(made, PublishPacket)
    assert made.payload == rest[size:]
    assert size <= len(rest)
