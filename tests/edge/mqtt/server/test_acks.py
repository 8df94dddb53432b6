"""Acknowledgements, and what a refused publish is answered. (Their order is in test_connection.py.)"""

import pytest

from edge.errors import Reason
from edge.mqtt.packets.codec import NO_LIMIT, PubAckPacket, PubAckReasonCode, PubRecPacket, PubRecReasonCode, read
from edge.mqtt.server.acks import CODES, PUBACK, PUBREC, WITHHELD, Acks, Refused, answer


@pytest.mark.parametrize("reason", Reason)
def test_every_refusal_is_answered_in_5(reason: Reason):
    """Whatever the reason, a 5.0 client gets a PUBACK or PUBREC with the standard's code, or with that of the domain;
    the text where it wants it. None is withheld."""
    code = CODES.get(reason, PubAckReasonCode(0x83))
    for longest in (NO_LIMIT, 0):
        text = str(reason) if longest else None
        ack = read(memoryview(answer(PUBACK | 7, reason, codes=True, text_bytes_max=longest)))
        assert ack == PubAckPacket(7, reason_code=code, reason_str=text)
        ack = read(memoryview(answer(PUBREC | 7, reason, codes=True, text_bytes_max=longest)))
        assert ack == PubRecPacket(7, reason_code=PubRecReasonCode(int(code)), reason_str=text)


@pytest.mark.parametrize("reason", Reason)
def test_what_v311_withholds(reason: Reason):
    """Without codes a refusal that leaves no receipt is not acknowledged at all; others are, as success."""
    held = answer(PUBACK | 7, reason, codes=False, text_bytes_max=NO_LIMIT)
    assert held == (b"" if reason in WITHHELD else b"\x40\x02\x00\x07")


def test_what_leaves_no_receipt():
    """The reasons for which time alone is the remedy."""
    assert {Reason.OVER_QUOTA, Reason.DISK_FULL, Reason.OVERLOADED} == WITHHELD


def test_success_and_codes():
    """Success is the same four bytes in both versions; a code of the endpoint's own stands for the reason's, where the
    version has codes."""
    refused = Refused(Reason.OVERSIZED, PubAckReasonCode.QUOTA_EXCEEDED)
    for codes in (True, False):
        assert answer(PUBACK | 7, "", codes=codes, text_bytes_max=99) == b"\x40\x02\x00\x07"
        assert answer(PUBREC | 7, "", codes=codes, text_bytes_max=99) == b"\x50\x02\x00\x07"
    assert (
        answer(PUBACK | 7, refused, codes=True, text_bytes_max=18) == b"\x40\x10\x00\x07\x97\x0c\x1f\x00\x09oversized"
    )
    assert answer(PUBACK | 7, refused, codes=True, text_bytes_max=0) == b"\x40\x03\x00\x07\x97"
    assert answer(PUBACK | 7, refused, codes=False, text_bytes_max=99) == b"\x40\x02\x00\x07"


@pytest.mark.parametrize("codes", [True, False])
def test_a_publish_of_qos_2_is_unfinished_until_it_is_released(codes: bool):
    """With codes until PUBREL where it was taken, and until its PUBREC where it was refused; without, until its
    PUBREC."""
    acks = Acks()
    acks.codes = codes
    tokens = [acks.expect(number, number) for number in (1, 2)] + [acks.expect(3, 2)]
    assert (tokens, acks.unfinished) == ([1, 2, 3], 2)
    assert acks.decided([3], ["malformed"]) == b""
    assert acks.decided([1, 0], ["", ""]) == b"\x40\x02\x00\x01"
    refused = b"\x50\x03\x00\x03\x99" if codes else b"\x50\x02\x00\x03"
    assert acks.decided([2, 9], ["", ""]) == b"\x50\x02\x00\x02" + refused
    assert (acks.unfinished, acks.base) == (int(codes), 4)
    assert acks.release(2) == b"\x70\x02\x00\x02"
    assert acks.unfinished == 0
    assert acks.release(2) == (b"\x70\x03\x00\x02\x92" if codes else b"\x70\x02\x00\x02")


def test_no_texts_before_the_client_wants_them():
    """A connection whose client has not stated how large a packet may be gets the code alone."""
    acks = Acks()
    acks.codes = True
    acks.refuse(7, 1, Refused(Reason.OVERSIZED, PubAckReasonCode.QUOTA_EXCEEDED))
    assert acks.settle() == b"\x40\x03\x00\x07\x97"
    assert not acks.withheld
    acks.codes = False
    acks.known[acks.expect(7, 1)] = Reason.OVER_QUOTA
    assert acks.settle() == b""
    assert acks.withheld
