"""The stream decoder and MQTT 5 packets."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.mqtt.packets.codec import Decoder, MalformedPacket, Packet, PacketTooLarge, PingReqPacket
from tests.edge.mqtt.cases import BAD_V5, V5

ids = [f"{type(packet).__name__}-{at}" for at, packet in enumerate(V5)]


@pytest.mark.parametrize("packet", V5, ids=ids)
def test_every_packet_reads_as_it_was_written(packet: Packet):
    """Reading what was written gives the same packet."""
    assert Decoder(100_000).feed(packet.write()) == [packet]


@pytest.mark.parametrize("packet", V5, ids=ids)
def test_a_packet_may_come_byte_by_byte(packet: Packet):
    """Wherever a packet is cut, nothing comes out before its last byte, and nothing is kept after it."""
    data = packet.write()
    decoder = Decoder(100_000)
    for at in range(min(len(data) - 1, 300)):
        assert decoder.feed(data[at : at + 1]) == []
    assert decoder.feed(data[min(len(data) - 1, 300) :]) == [packet]
    assert decoder.buffered == 0


@pytest.mark.parametrize("packet", V5, ids=ids)
def test_a_flipped_byte_is_another_packet_or_malformed(packet: Packet):
    """Any value in any byte is read or refused; nothing else is raised, and nothing panics."""
    data = packet.write()
    for at in range(min(len(data), 64)):
        for value in (0, 1, 0x7F, 0x80, 0xC0, 0xED, 0xFF, data[at] ^ 1, data[at] ^ 0x80):
            broken = bytearray(data)
            broken[at] = value
            assert not _panics(bytes(broken))


@pytest.mark.parametrize("data", BAD_V5.values(), ids=BAD_V5.keys())
def test_bad_packets_are_malformed(data: bytes):
    """Each known kind of malformed input is refused, and what came before it in the same read is not lost."""
    with pytest.raises(MalformedPacket) as raised:
        Decoder(1_000).feed(PingReqPacket().write() + data)
    assert raised.value.packets == [PingReqPacket()]


def test_invalid_utf8_does_not_panic():
    """No string from the network makes the codec print a stack trace."""
    program = (
        "from edge.mqtt.packets.codec import *\nfrom tests.edge.mqtt.cases import V5\n"
        "for packet in V5:\n    data = packet.write()\n    for at in range(min(len(data), 80)):\n"
        "        try: Decoder(100_000).feed(data[:at] + b'\\xff' + data[at + 1:])\n"
        "        except MalformedPacket: pass\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr == ""


def test_an_oversized_packet_is_refused_by_its_header():
    """A claim of 256 MiB is refused at its fifth byte, and nothing of it is kept."""
    decoder = Decoder(1_000)
    assert decoder.feed(b"\x30\xff\xff\xff") == []
    with pytest.raises(PacketTooLarge) as raised:
        decoder.feed(b"\x7f")
    assert raised.value.size == 268_435_460


def test_the_limit_is_exact():
    """A packet of the largest size passes, one byte more does not."""
    packet = V5[7].write()
    assert len(Decoder(len(packet)).feed(packet)) == 1
    with pytest.raises(PacketTooLarge):
        Decoder(len(packet) - 1).feed(packet)


@given(st.lists(st.sampled_from(V5), max_size=6), st.data())
def test_cuts_do_not_matter(packets: list[Packet], data: st.DataObject):
    """However a stream is cut into reads, the same packets come out in the same order."""
    stream = b"".join(packet.write() for packet in packets)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    decoder = Decoder(100_000)
    found: list[Packet] = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += decoder.feed(stream[start:end])
    assert found == packets


@given(st.binary(max_size=64))
def test_malformed_input_is_only_ever_malformed(data: bytes):
    """Random bytes raise nothing but MalformedPacket, and keep no more than they are."""
    decoder = Decoder(1_000)
    try:
        decoder.feed(data)
    except MalformedPacket:
        return
    assert decoder.buffered <= len(data)


@given(st.binary(min_size=2, max_size=40))
def test_one_packet_of_malformed_input(data: bytes):
    """Random bytes in a frame of the right length are a packet or malformed."""
    assert not _panics(bytes((data[0], len(data) - 1)) + data[1:])


def _panics(data: bytes) -> bool:
    """Whether the codec itself gave up, which `read` turns into a text of its own. Other exceptions pass through."""
    try:
        Decoder(100_000).feed(data)
    except MalformedPacket as error:
        return "cannot read" in str(error)
    return False
