"""Tests of edge.core.snapshot."""

import msgspec
import pytest

from edge.core.model import STATE_VERSION, Counts, Now, Rules, decode_state, encode_state
from edge.errors import JournalError


def state() -> State:
    counts = Counts(3, 1, 1, {"malformed": 1}, {"over_quota": 4})
    return State(STATE_VERSION, Rules(node="n"), 7, 9, Now(1.5, 2), ["a"], counts, b"o", b"r", b"w", b"x", b"d")


def test_a_snapshot_reads_back():
    """What was encoded is decoded, field by field."""
    assert encode_state(decode_state(encode_state(state()))) == encode_state(state())


def test_every_truncation_is_refused():
    """Part of a snapshot is no snapshot."""
    body = encode_state(state())
    for length in range(len(body)):
        with pytest.raises(JournalError, match="cannot be read"):
            decode_state(body[:length])


def test_another_version_says_what_to_do():
    """A snapshot of a later format names both versions and the only way out: a clean stop does not make it older."""
    fields = msgspec.msgpack.decode(encode_state(state()))
    fields[0] = STATE_VERSION + 1
    words = rf"newer doorstep \(version {STATE_VERSION + 1}; .* {STATE_VERSION}\)\. Start that doorstep again"
    with pytest.raises(JournalError, match=words):
        decode_state(msgspec.msgpack.encode(fields))
