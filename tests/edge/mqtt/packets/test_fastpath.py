"""Packets cut by hand against the codecs: what is cut is what they read, and only that."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.mqtt.packets import codec, v311
from edge.mqtt.packets.codec import Decoder, MalformedPacket, Packet, PacketTooLarge, PubAckPacket, PublishPacket, QoS
from edge.mqtt.packets.fastpath import Parsed, header, parse
from tests.edge.mqtt.cases import V5, V311
from tests.edge.mqtt.world import EITHER, UP, publish, written

TOPICS = {UP: "order.place", "ds/n1/up/c1/rider.position": "rider.position"}
KNOWN = {len(topic).to_bytes(2, "big") + topic.encode(): kind for topic, kind in TOPICS.items()}
SIZE_MAX = 30_000
TABLES = {5: (codec.read, V5), 4: (v311.read, V311)}

payloads = st.binary(max_size=300) | st.just(b"x" * 200) | st.just(b"x" * 17_000)
plain = st.builds(PubAckPacket, st.integers(1, 65_535)) | st.builds(
    publish,
    st.none() | st.integers(1, 65_535),
    st.sampled_from(sorted(TOPICS)),
    payloads.filter(lambda p: len(p) < 300),
)
odd = st.builds(
    PublishPacket,
    st.sampled_from([*sorted(TOPICS), "ds/n1/up/c2/order.place"]),
    payloads,
    qos=st.just(QoS.AT_LEAST_ONCE),
    packet_id=st.integers(1, 65_535),
    duplicate=st.booleans(),
    retain=st.booleans(),
)


def meaning(packet: Packet) -> Parsed | None:
    """What `parse` may return for a packet; None where it must leave it alone."""
    if isinstance(packet, PubAckPacket):
        return ("", b"", packet.packet_id) if int(packet.reason_code) == 0 else None
    if not isinstance(packet, PublishPacket) or packet.retain or packet.topic not in TOPICS:
        return None
    if packet.topic_alias is not None or packet.qos == QoS.EXACTLY_ONCE or packet.packet_id == 0:
        return None
    return (TOPICS[packet.topic], packet.payload, packet.packet_id or 0)


def checked(data: bytes, version: int) -> None:
    """Go through a stream, the odd packets with the codec, and compare."""
    read = TABLES[version][0]
    decoder = Decoder(SIZE_MAX, read)
    at = 0
    while at < len(data):
        cuts: list[Parsed] = []
        end = parse(data, at, KNOWN, cuts, version == 5, SIZE_MAX)
        assert at <= end <= len(data)
        if end > at:
            whole = Decoder(SIZE_MAX, read)
            try:
                packets = whole.feed(data[at:end])
            except MalformedPacket as error:
                raise AssertionError(f"{error}: {data[at:end].hex()} was cut as {cuts}") from None
            assert [meaning(packet) for packet in packets] == cuts
            assert not whole.tail
        else:
            assert cuts == []
            end = decoder.end_of(data, at)
            if not end:
                return
            decoder.read(memoryview(data)[at:end])
        at = end


@EITHER
@given(data=st.data())
def test_what_is_cut_is_what_the_codec_reads(version: int, data: st.DataObject):
    """In any stream of packets, whole or with bytes changed, missing or cut off, each cut is one packet that the codec
    takes and reads the same."""
    good = st.sampled_from(TABLES[version][1]) | (plain | odd).map(lambda packet: written(version, packet))
    stream = bytearray(b"".join(data.draw(st.lists(good, max_size=6))))
    for _ in range(data.draw(st.integers(0, 3))):
        if stream:
            at = data.draw(st.integers(0, len(stream) - 1))
            stream[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
    with contextlib.suppress(MalformedPacket):  # of the codec, for a packet that was left to it
        checked(bytes(stream), version)


@EITHER
@given(packets=st.lists(plain, max_size=8))
def test_plain_packets_are_cut(version: int, packets: list[Packet]):
    """Nothing plain is left to the codec, up to 16 KiB."""
    stream = written(version, *packets)
    cuts: list[Parsed] = []
    assert parse(stream, 0, KNOWN, cuts, version == 5, SIZE_MAX) == len(stream)
    assert cuts == [meaning(packet) for packet in packets]


@EITHER
def test_every_case_and_every_damage_of_short_ones(version: int):
    """The packets of the list of cases; and of plain ones and a PUBLISH with a property every value of every byte, and
    every place to break off."""
    for data in TABLES[version][1]:
        checked(data, version)
    short = [publish(1, payload=b"\x00\x01"), PubAckPacket(1), publish(None, "ds/n1/up/c1/rider.position", b"")]
    if version == 5:
        short.append(PublishPacket(UP, b"x", message_expiry_interval=1))
    stream = written(version, *short)
    for at in range(len(stream)):
        checked(stream[:at], version)
        for value in range(256):
            with contextlib.suppress(MalformedPacket):
                checked(stream[:at] + bytes((value,)) + stream[at + 1 :], version)


def test_what_is_too_large_is_left_alone():
    """A packet over the limit is not cut, one at the limit is."""
    packet = publish(1, payload=b"x" * 300).write()
    cuts: list[Parsed] = []
    assert parse(packet, 0, KNOWN, cuts, True, len(packet) - 1) == 0
    assert parse(packet, 0, KNOWN, cuts, True, len(packet)) == len(packet)


def test_a_length_in_more_bytes_than_it_needs_is_left_alone():
    """MQTT 5 forbids it (1.5.5), so the codec must see it."""
    packet = publish(1).write()
    stretched = packet[:1] + bytes((packet[1] | 0x80, 0)) + packet[2:]
    assert parse(stretched, 0, KNOWN, [], True, SIZE_MAX) == 0
    with pytest.raises(MalformedPacket):
        Decoder(SIZE_MAX).feed(stretched)


@pytest.mark.parametrize("size", [0, 1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152, 268_435_455])
def test_a_header_states_the_size(size: int):
    """A header announces as many bytes as were asked for, in as few bytes as there can be."""
    head = header(0x32, size)
    assert len(head) == 2 + (size > 0x7F) + (size > 0x3FFF) + (size > 0x1F_FFFF)
    with pytest.raises(PacketTooLarge) as raised:
        Decoder(0).end_of(head, 0)
    assert raised.value.size == len(head) + size
