"""How events are written, and receipts and answers read."""

import pytest

from doorstep_client.messages import Receipt, decode, encode


@pytest.mark.parametrize("encoding", ["json", "msgpack"])
def test_both_encodings_are_distinguished_by_their_first_byte(encoding: str) -> None:
    """What is written in either is read without a hint."""
    body = {
        "id": "e-1",
        "of": "order.place",
        "status": "refused",
        "reason": "malformed",
        "field": "pickup.lat",
        "at": 1,
    }
    payload = encode(body, encoding)
    assert decode(payload) == body
    receipt = Receipt.of(payload)
    assert (receipt.id, receipt.accepted, receipt.reason, receipt.field) == ("e-1", False, "malformed", "pickup.lat")
    assert not receipt.again
    mendable = Receipt.of(b'{"id": "e-1", "status": "refused", "reason": "over_capacity", "again": true}')
    assert mendable.again
    assert (receipt.detail, receipt.payload) == ("", payload)


@pytest.mark.parametrize("payload", [b"", b"\xc1", b"{", b"[1]", b"\x01"])
def test_what_is_no_map_is_a_value_error(payload: bytes) -> None:
    """Rubbish does not end the client: it is caught as ValueError."""
    with pytest.raises(ValueError, match=r".*"):
        decode(payload)
