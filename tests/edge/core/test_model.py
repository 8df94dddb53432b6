"""Tests of edge.core.model: recorded events and snapshots."""

import msgspec
import pytest

from edge.core.model import (
    STATE_VERSION,
    Counts,
    Now,
    RecordedEvent,
    Rules,
    Snapshot,
    decode_snapshot,
    encode_snapshot,
)
from edge.errors import JournalError


def state() -> Snapshot:
    counts = Counts(3, 1, 1, {"malformed": 1}, {"over_quota": 4})
    parts = (b"o", b"r", b"w", b"x", {"dispatch": b"d"})
    return Snapshot(STATE_VERSION, Rules(node="n"), 7, 9, Now(1.5, 2), ["a"], counts, *parts, 5)


@pytest.mark.parametrize(("body", "kind"), [({"kind": "price.get", "id": "p-1"}, "price.get"), ({"id": "p-1"}, "")])
def test_a_recorded_event_knows_its_kind(body: dict[str, str], kind: str):
    """Whatever else its body has, and whichever scenario it belongs to."""
    assert RecordedEvent("till-1", msgspec.Raw(msgspec.msgpack.encode(body)), False).kind == kind


def test_a_snapshot_reads_back():
    """What was encoded is decoded, field by field."""
    assert encode_snapshot(decode_snapshot(encode_snapshot(state()))) == encode_snapshot(state())


def test_every_truncation_is_refused():
    """Part of a snapshot is no snapshot."""
    body = encode_snapshot(state())
    for length in range(len(body)):
        with pytest.raises(JournalError, match="cannot be read"):
            decode_snapshot(body[:length])


@pytest.mark.parametrize(("version", "age"), [(STATE_VERSION - 1, "older"), (STATE_VERSION + 1, "newer")])
def test_another_version_is_refused_with_a_hint(version: int, age: str):
    """A snapshot of another format names both versions and the only way out: a clean stop does not change it."""
    fields = msgspec.msgpack.decode(encode_snapshot(state()))
    fields[0] = version
    words = rf"{age} doorstep \(version {version}; .* {STATE_VERSION}\)\. Start that doorstep again"
    with pytest.raises(JournalError, match=words):
        decode_snapshot(msgspec.msgpack.encode(fields))
