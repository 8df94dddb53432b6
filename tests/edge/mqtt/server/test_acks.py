"""Acknowledgements in the order of the publishes."""

from hypothesis import given
from hypothesis import strategies as st

from edge.errors import Reason
from edge.mqtt.packets.codec import Decoder, PubAckPacket, PubAckReasonCode
from edge.mqtt.server.acks import Acks


def _ids(out: bytearray) -> list[int]:
    return [packet.packet_id for packet in Decoder(1_000).feed(bytes(out)) if isinstance(packet, PubAckPacket)]


@given(st.permutations(range(1, 9)), st.integers(1, 4))
def test_any_order_of_decisions_leaves_in_the_order_of_arrival(tokens: list[int], size: int):
    """Whatever is decided first, packet identifiers leave in the order in which they came, each once."""
    acks, out = Acks(plain=False, texts=True), bytearray()
    assert [acks.expect(100 + at) for at in range(8)] == list(range(1, 9))
    for at in range(0, 8, size):
        part = tokens[at : at + size]
        acks.acknowledge(part, ["" if token % 2 else Reason.TOO_LATE for token in part], out)
        assert _ids(out) == list(range(100, 100 + len(_ids(out))))
    assert len(_ids(out)) == 8
    assert acks.waiting == 0


def test_tokens_that_nobody_waits_for_are_passed_over():
    """Token 0 (QoS 0), a repeated and an unknown one change nothing."""
    acks, out = Acks(plain=False, texts=False), bytearray()
    token = acks.expect(7)
    acks.acknowledge([0, token, token, 99], ["", "", "malformed", ""], out)
    assert out == b"\x40\x02\x00\x07"
    assert acks.expect(8) == token + 1


def test_a_local_refusal_waits_its_turn():
    """A publish refused on the spot is answered after the one before it."""
    acks, out = Acks(plain=False, texts=False), bytearray()
    first, second = acks.expect(1), acks.expect(2)
    acks.refuse(second, PubAckReasonCode.NOT_AUTHORIZED)
    acks.settle(out)
    assert out == b""
    acks.acknowledge([first], [""], out)
    assert _ids(out) == [1, 2]


def test_what_v311_withholds():
    """Without reasons a refusal that leaves no receipt is not acknowledged at all; others are."""
    acks, out = Acks(plain=True, texts=True), bytearray()
    tokens = [acks.expect(at) for at in (1, 2, 3)]
    acks.acknowledge(tokens, [Reason.TOO_LATE, Reason.DISK_FULL, ""], out)
    assert _ids(out) == [1, 3]
    assert acks.withheld
