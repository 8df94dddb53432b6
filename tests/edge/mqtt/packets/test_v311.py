"""MQTT 3.1.1 in the classes of MQTT 5."""

import pytest

from edge.mqtt.packets import v311
from edge.mqtt.packets.codec import ConnAckPacket, ConnectPacket, MalformedPacket, PublishPacket
from tests.edge.mqtt.cases import CASES, FROM_SERVER, Case

BOTH = [case for case in CASES if case.v311]


@pytest.mark.parametrize("case", BOTH, ids=repr)
def test_packets_and_their_bytes(case: Case):
    """What the server sends is written as the bytes of the table, what a client sends is read from them."""
    if isinstance(case.packet, FROM_SERVER):
        assert v311.write(case.packet) == case.v311
    else:
        assert v311.read(memoryview(case.v311)) == case.packet


@pytest.mark.parametrize("case", [case for case in BOTH if not isinstance(case.packet, FROM_SERVER)], ids=repr)
def test_a_packet_cut_short_is_malformed(case: Case):
    """A body that ends early is refused at every byte, or is a shorter PUBLISH, SUBSCRIBE or UNSUBSCRIBE."""
    start = next(at for at in range(2, 6) if not case.v311[at - 1] & 0x80)
    body = case.v311[start : start + 100]
    for end in range(len(body)):
        try:
            found = v311.read(memoryview(bytes((case.v311[0], end)) + body[:end]))
        except MalformedPacket:
            continue
        assert type(found) is type(case.packet)
        assert isinstance(found, PublishPacket) or len(getattr(found, "topic_filters", None) or found.patterns) == 1  # type: ignore[union-attr]


def test_a_session_that_is_not_clean_never_expires():
    """`clean_session = 0` of 3.1.1 is an endless session in the terms of 5.0."""
    packet = v311.read(memoryview(b"\x10\x0d\x00\x04MQTT\x04\x00\x00\x01\x00\x01a"))
    assert packet == ConnectPacket("a", keep_alive=1, session_expiry_interval=v311.EXPIRES_NEVER)


def test_a_refused_connection_has_no_session():
    """The flag of a session is only set where the connection was accepted."""
    refused = ConnAckPacket(reason_code=CASES[5].packet.reason_code, session_present=True)  # type: ignore[union-attr]
    assert v311.write(refused)[2] == 0


def test_other_packets_are_not_sent():
    """What our server never sends to a client of 3.1.1 is an error."""
    with pytest.raises(ValueError, match="no ConnectPacket"):
        v311.write(ConnectPacket("a"))
