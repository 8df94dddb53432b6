"""MQTT 3.1.1 in the classes of MQTT 5."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.mqtt.packets import v311
from edge.mqtt.packets.codec import (
    AuthPacket,
    ConnAckPacket,
    ConnAckReasonCode,
    ConnectPacket,
    Decoder,
    MalformedPacket,
    Packet,
    PubAckPacket,
    PubAckReasonCode,
    SubAckPacket,
    SubAckReasonCode,
    UnsubAckPacket,
)
from tests.edge.mqtt.cases import BAD_V311, BOTH

ids = [f"{type(packet).__name__}-{at}" for at, packet in enumerate(BOTH)]


@pytest.mark.parametrize("packet", BOTH, ids=ids)
def test_every_packet_reads_as_it_was_written(packet: Packet):
    """Reading what was written gives the same packet, byte by byte too."""
    data = v311.write(packet)
    assert Decoder(100_000, v311.read).feed(data) == [packet]
    decoder = Decoder(100_000, v311.read)
    found = [decoder.feed(data[at : at + 1]) for at in range(min(len(data) - 1, 300))]
    assert not any(found)
    assert decoder.feed(data[len(found) :]) == [packet]


@pytest.mark.parametrize("packet", BOTH, ids=ids)
def test_a_packet_cut_short_is_malformed(packet: Packet):
    """A body that ends early is refused at every byte, or is a shorter packet whose payload simply ends there."""
    data = v311.write(packet)
    start = next(at for at in range(2, 6) if not data[at - 1] & 0x80)
    body = data[start : start + 100]
    for end in range(len(body)):
        try:
            found = v311.read(memoryview(bytes((data[0], end)) + body[:end]))
        except MalformedPacket:
            continue
        assert type(found) is type(packet)
        assert not isinstance(packet, ConnectPacket | ConnAckPacket | PubAckPacket)


@pytest.mark.parametrize("data", BAD_V311.values(), ids=BAD_V311.keys())
def test_bad_packets_are_malformed(data: bytes):
    """Each known kind of malformed input is refused."""
    with pytest.raises(MalformedPacket):
        Decoder(1_000, v311.read).feed(data)


def test_a_session_that_is_not_clean_never_expires():
    """`clean_session = 0` of 3.1.1 is an endless session in the terms of 5.0."""
    (packet,) = Decoder(100, v311.read).feed(v311.write(ConnectPacket("a", keep_alive=1)))
    assert isinstance(packet, ConnectPacket)
    assert (packet.clean_start, packet.session_expiry_interval) == (False, v311.EXPIRES_NEVER)


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        (ConnAckReasonCode.SUCCESS, 0),
        (ConnAckReasonCode.UNSUPPORTED_PROTOCOL_VERSION, 1),
        (ConnAckReasonCode.CLIENT_ID_NOT_VALID, 2),
        (ConnAckReasonCode.SERVER_BUSY, 3),
        (ConnAckReasonCode.QUOTA_EXCEEDED, 3),
        (ConnAckReasonCode.BAD_USER_NAME_OR_PASSWORD, 4),
        (ConnAckReasonCode.NOT_AUTHORIZED, 5),
        (ConnAckReasonCode.BANNED, 5),
    ],
)
def test_reasons_become_return_codes(reason: ConnAckReasonCode, code: int):
    """Each refusal of a CONNECT has the nearest code of the six that 3.1.1 knows, and no session."""
    assert v311.write(ConnAckPacket(reason_code=reason, session_present=True)) == bytes((0x20, 2, code == 0, code))


def test_what_v311_cannot_express_is_left_out():
    """Reasons of acknowledgements disappear; a refused filter is 0x80; packets that it does not have are an error."""
    refused = PubAckPacket(5, reason_code=PubAckReasonCode.QUOTA_EXCEEDED, reason_str="over_quota")
    assert v311.write(refused) == b"\x40\x02\x00\x05"
    assert v311.write(SubAckPacket(5, [SubAckReasonCode.NOT_AUTHORIZED])) == b"\x90\x03\x00\x05\x80"
    assert v311.write(UnsubAckPacket(5, [])) == b"\xb0\x02\x00\x05"
    with pytest.raises(ValueError, match="no AuthPacket"):
        v311.write(AuthPacket())


@given(st.binary(min_size=1, max_size=60))
def test_malformed_input_is_only_ever_malformed(data: bytes):
    """Random bytes in a frame of the right length are a packet or malformed; a packet can be written again."""
    framed = bytes((data[0], len(data) - 1)) + data[1:]
    try:
        packet = v311.read(memoryview(framed))
    except MalformedPacket:
        return
    assert v311.read(memoryview(v311.write(packet))) == packet
