"""What a refused publish is answered."""

import pytest

from edge.errors import Reason
from edge.mqtt.packets.codec import PubAckPacket, PubAckReasonCode, read
from edge.mqtt.server.acks import CODES, WITHHELD, puback


@pytest.mark.parametrize("reason", Reason)
def test_every_refusal_is_answered_in_5(reason: Reason):
    """Whatever the reason, a 5.0 client gets a PUBACK with the standard's code, or with that of the domain; the text
    where it wants it. None is withheld."""
    for texts in (True, False):
        ack = read(memoryview(puback(7, reason, codes=True, texts=texts)))
        assert ack == PubAckPacket(
            7, reason_code=CODES.get(reason, PubAckReasonCode(0x83)), reason_str=str(reason) if texts else None
        )


@pytest.mark.parametrize("reason", Reason)
def test_what_v311_withholds(reason: Reason):
    """Without codes a refusal that leaves no receipt is not acknowledged at all; others are, as success."""
    assert puback(7, reason, codes=False, texts=True) == (b"" if reason in WITHHELD else b"\x40\x02\x00\x07")


def test_what_leaves_no_receipt():
    """The reasons for which time alone is the remedy."""
    assert {Reason.OVER_QUOTA, Reason.DISK_FULL, Reason.OVERLOADED} == WITHHELD


def test_success_and_codes():
    """Success is the same four bytes in both versions; a code of the endpoint's own stands as it is."""
    assert puback(7, "", codes=True, texts=True) == puback(7, "", codes=False, texts=True) == b"\x40\x02\x00\x07"
    assert puback(7, PubAckReasonCode.TOPIC_NAME_INVALID, codes=True, texts=True) == b"\x40\x03\x00\x07\x90"
