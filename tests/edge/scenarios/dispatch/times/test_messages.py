"""Tests of edge.scenarios.dispatch.times.messages: what a client finds in a promise."""

import msgspec
import pytest

from edge.scenarios.dispatch.times.messages import DropoffPromise, TimesReset


def test_a_promise_without_an_interval_has_none() -> None:
    """A node that learns nothing sends no zero that a client would take for a time."""
    assert msgspec.json.decode(msgspec.json.encode(DropoffPromise(5, 0.8))) == {"dropoff_at": 5, "confidence": 0.8}


def test_a_reset_names_a_shop() -> None:
    """Nothing less, and no name that could be none."""
    with pytest.raises(msgspec.ValidationError, match="shop"):
        msgspec.json.decode(b'{"kind": "times.reset", "id": "e", "at": 1790000000000}', type=TimesReset)
    with pytest.raises(msgspec.ValidationError, match="shop"):
        msgspec.json.decode(b'{"kind": "times.reset", "id": "e", "at": 1790000000000, "shop": ""}', type=TimesReset)
