"""Tests of edge.core.decode: what every publish becomes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.core.decode import decode
from edge.core.model import Event, PositionReport, Rejected
from edge.messages.envelope import encode
from edge.mqtt.seam import Publish
from edge.scenarios.dispatch.messages import DURABLE_KINDS
from tests.messages import AT, BAD, GOOD, pack, text


def publish(kind: str, payload: bytes) -> Publish:
    return Publish("client-1", kind, payload, 1, 1)


@pytest.mark.parametrize(("kind", "fields"), GOOD)
@pytest.mark.parametrize("dump", [pack, text])
def test_good_messages_become_inputs(kind, fields, dump):
    """A good message becomes an event or a sighting with exactly its fields, in either encoding."""
    made = decode(publish(kind, dump(fields)), "wgs84")
    if kind == "rider.position":
        assert made == (position("client-1", [tuple(point) for point in fields["points"]]),)
        return
    event = made[0]
    assert isinstance(event, Event)
    assert event.json == (dump is text)
    for name, value in fields.items():
        if name == "place" or not hasattr(event.body, name):
            continue
        got = getattr(event.body, name)
        if isinstance(value, dict):
            got = {"lat": got.lat, "lon": got.lon}
        assert got == value


@pytest.mark.parametrize(("kind", "fields"), [case for case in GOOD if case[0] in DURABLE_KINDS])
@pytest.mark.parametrize("json", [False, True])
def test_what_is_decoded_encodes_to_the_same(kind, fields, json):
    """Decoding, encoding and decoding again comes back to the same event."""
    first = decode(publish(kind, text(fields)), "wgs84")[0]
    assert isinstance(first, Event)
    again = decode(publish(kind, encode(first.body, json)), "wgs84")[0]
    assert isinstance(again, Event)
    assert again.body == first.body


@pytest.mark.parametrize(("what", "kind", "payload", "reason", "field"), BAD, ids=[case[0] for case in BAD])
def test_bad_messages_are_refused_by_name(what, kind, payload, reason, field):
    """A bad message becomes one rejection that names the reason and the field, and never an exception."""
    (rejected,) = decode(publish(kind, payload), "wgs84")
    assert isinstance(rejected, Rejected)
    assert rejected.reason == reason, what
    assert rejected.field == field
    assert len(rejected.detail) <= 400


def test_a_rejection_keeps_the_id_so_that_it_can_be_answered():
    """Where the id can be read, the refusal carries it; where it is no identifier, it does not."""
    (named,) = decode(publish("order.place", text({"id": "e-1", "at": 1})), "wgs84")
    (hostile,) = decode(publish("order.place", text({"id": "../x", "at": 1})), "wgs84")
    assert isinstance(named, Rejected)
    assert isinstance(hostile, Rejected)
    assert (named.id, hostile.id) == ("e-1", "")


@pytest.mark.parametrize(("kind", "fields"), GOOD)
@pytest.mark.parametrize("dump", [pack, text])
def test_every_truncation_is_refused(kind, fields, dump):
    """No prefix of a message is a message."""
    payload = dump(fields)
    for length in range(min(len(payload), 400)):
        (rejected,) = decode(publish(kind, payload[:length]), "wgs84")
        assert isinstance(rejected, Rejected)


@pytest.mark.parametrize(("kind", "fields"), GOOD)
def test_every_flipped_byte_is_an_event_or_a_refusal(kind, fields):
    """A message with any one byte changed is decoded or refused, never an exception."""
    payload = bytearray(pack(fields)[:400])
    for index in range(len(payload)):
        for mask in (0x01, 0x80, 0xFF):
            payload[index] ^= mask
            decode(publish(kind, bytes(payload)), "wgs84")
            payload[index] ^= mask


@given(st.sampled_from([*DURABLE_KINDS, "rider.position", "x.y"]), st.binary(max_size=300))
def test_any_bytes_are_an_event_or_a_refusal(kind, payload):
    """Arbitrary bytes never raise."""
    for item in decode(publish(kind, payload), "wgs84"):
        assert isinstance(item, Event | Rejected | PositionReport)


def test_the_place_of_a_shift_is_no_part_of_the_event():
    """Where a shift begins travels as a sighting, which is never stored."""
    event, sighting = decode(publish("rider.shift", text(GOOD[3][1])), "wgs84")
    assert isinstance(event, Event)
    assert b"place" not in encode(event.body, json=True)
    assert sighting == position("client-1", [(AT, 0.0, 0.0)])


def test_another_coordinate_system_is_converted():
    """A message that names the other system is converted; the shift is some hundred metres in China."""
    fields = {**GOOD[0][1], "crs": "gcj02"}
    event = decode(publish("order.place", text(fields)), "wgs84")[0]
    assert isinstance(event, Event)
    moved = event.body.pickup  # type: ignore[union-attr]
    assert 0.001 < abs(moved.lat - 31.2) + abs(moved.lon - 121.4) < 0.02
    position = decode(publish("rider.position", text({"points": [[AT, 31.2, 121.4]], "crs": "gcj02"})), "wgs84")[0]
    assert position == position("client-1", [(AT, moved.lat, moved.lon)])
