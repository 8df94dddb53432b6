"""The stream decoder and MQTT 5 packets."""

import subprocess
import sys
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.mqtt.packets import v311
from edge.mqtt.packets.codec import Decoder, MalformedPacket, PacketTooLarge, PingReqPacket, read
from tests.edge.mqtt.cases import BAD_V5, BAD_V311, CASES, V5, V311, Case

VERSIONS = pytest.mark.parametrize("version", [5, 4])


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_packets_and_their_bytes(case: Case):
    """A packet is written as the bytes of the table, and reads as it was written."""
    assert case.packet.write() == case.v5
    assert Decoder(100_000).feed(case.v5) == [case.packet]


@pytest.mark.parametrize("case", CASES, ids=repr)
def test_a_flipped_byte_is_another_packet_or_malformed(case: Case):
    """Any value in any byte is read or refused; nothing else is raised, and nothing panics."""
    for at in range(min(len(case.v5), 64)):
        for value in (0, 1, 0x7F, 0x80, 0xC0, 0xED, 0xFF, case.v5[at] ^ 1, case.v5[at] ^ 0x80):
            assert not _panics(case.v5[:at] + bytes((value,)) + case.v5[at + 1 :], Decoder(100_000))


@pytest.mark.parametrize(
    ("reader", "data"),
    [
        *[pytest.param(read, data, id=f"5-{name}") for name, data in BAD_V5.items()],
        *[pytest.param(v311.read, data, id=f"3.1.1-{name}") for name, data in BAD_V311.items()],
    ],
)
def test_bad_packets_are_malformed(reader, data: bytes):
    """Each known kind of malformed input is refused, and what came before it in the same read is not lost."""
    with pytest.raises(MalformedPacket) as raised:
        Decoder(1_000, reader).feed(PingReqPacket().write() + data)
    assert raised.value.packets == [PingReqPacket()]


def test_invalid_utf8_does_not_panic():
    """No string from the network makes the codec print a stack trace."""
    program = (
        "from edge.mqtt.packets.codec import Decoder, MalformedPacket\nfrom tests.edge.mqtt.cases import V5\n"
        "for data in V5:\n    for at in range(min(len(data), 80)):\n"
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
    packet = max(V5, key=len)
    assert len(Decoder(len(packet)).feed(packet)) == 1
    with pytest.raises(PacketTooLarge):
        Decoder(len(packet) - 1).feed(packet)


OVERSIZED = (b"\x30\x90\x01\x00\x01t" + bytes(141), b"\x32\x90\x01\x00\x01t\x12\x34" + bytes(139))


@pytest.mark.parametrize(("data", "found"), [(OVERSIZED[0], (0, 0)), (OVERSIZED[1], (1, 0x1234))])
@pytest.mark.parametrize("end", range(4, 148, 3))
def test_an_oversized_publish_can_be_passed_over(data: bytes, found: tuple[int, int], end: int):
    """Wherever a read ends: once its identifier is there, what is left of it is skipped; until then it is kept."""
    decoder = Decoder(100)
    read_ = b"\xc0\x00" + data[:end] + (b"\xc0" if end > len(data) else b"")
    with pytest.raises(PacketTooLarge) as raised:
        decoder.end_of(read_, 2)
    assert (raised.value.size, raised.value.limit) == (147, 100)
    passed = decoder.skip(read_, 2, raised.value)
    if passed is None:
        assert decoder.tail == data[:end]
        assert end < 8
        assert decoder.join(b"") == b""
    else:
        assert (passed, decoder.skipping) == (found, max(0, len(data) - end))


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"\x36" + OVERSIZED[1][1:], PacketTooLarge),
        (b"\x82" + OVERSIZED[1][1:], PacketTooLarge),
        (b"\x32\x90\x01\x00\x61" + bytes(142), PacketTooLarge),
        (b"\x32\x90\x01\x00\x01t\x00\x00" + bytes(139), MalformedPacket),
    ],
)
def test_what_cannot_be_passed_over(data: bytes, error: type[MalformedPacket]):
    """Other packets, a topic beyond the limit, an identifier of 0."""
    decoder = Decoder(100)
    with pytest.raises(PacketTooLarge) as raised:
        decoder.end_of(data, 0)
    with pytest.raises(error):
        decoder.skip(data, 0, raised.value)


@VERSIONS
@given(data=st.data())
def test_cuts_do_not_matter(version: int, data: st.DataObject):
    """However a stream is cut into reads, the same packets come out in the same order, and nothing is kept."""
    table, reader = (V5, read) if version == 5 else (V311, v311.read)
    stream = b"".join(data.draw(st.lists(st.sampled_from(table), max_size=6)))
    whole = Decoder(100_000, reader).feed(stream)
    decoder = Decoder(100_000, reader)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    found = [decoder.feed(stream[start:end]) for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert list(chain.from_iterable(found)) == whole
    assert not decoder.tail


@VERSIONS
@pytest.mark.parametrize("at", range(len(CASES)))
def test_a_packet_may_come_byte_by_byte(version: int, at: int):
    """Nothing comes out before its last byte, and nothing is kept after it."""
    data, reader = (CASES[at].v5, read) if version == 5 else (V311[at % len(V311)], v311.read)
    decoder, last = Decoder(100_000, reader), min(len(data) - 1, 300)
    assert not any(decoder.feed(data[at : at + 1]) for at in range(last))
    assert len(decoder.feed(data[last:])) == 1
    assert not decoder.tail


@VERSIONS
@given(data=st.binary(min_size=2, max_size=64), framed=st.booleans())
def test_malformed_input_is_only_ever_malformed(version: int, data: bytes, framed: bool):
    """Random bytes, in a frame of the right length or not, raise nothing but MalformedPacket, and keep no more than
    they are."""
    decoder = Decoder(1_000, read if version == 5 else v311.read)
    data = bytes((data[0], len(data) - 1)) + data[1:] if framed else data
    assert not _panics(data, decoder)
    assert len(decoder.tail) <= len(data)


def _panics(data: bytes, decoder: Decoder) -> bool:
    """Whether the codec itself gave up, which `read` turns into a text of its own. Other exceptions pass through."""
    try:
        decoder.feed(data)
    except MalformedPacket as error:
        return "cannot read" in str(error)
    return False
