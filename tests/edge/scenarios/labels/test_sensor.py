"""Tests of edge.scenarios.labels.sensor: what a round sees of gateways, live and from its row."""

import msgspec
import pytest

from edge.scenarios.labels.sensor import LiveSensor, RecordedSensor


def test_a_recorded_sensor_answers_as_the_live_one():
    """The names in their sequence, once; and the record of a replay is the record."""
    waiting = {"gateway-2": None, "gateway-1": None}
    live = LiveSensor(waiting)
    assert live.returned() == ["gateway-2", "gateway-1"]
    assert waiting == {}
    recorded = RecordedSensor(live.record())
    assert recorded.returned() == ["gateway-2", "gateway-1"]
    assert recorded.record() == live.record()


def test_nothing_seen_is_no_bytes():
    """An ordinary row carries nothing for it."""
    live = LiveSensor({})
    assert live.returned() == []
    assert live.record() == RecordedSensor(b"").record() == b""
    assert RecordedSensor(b"").returned() == []


def test_bytes_of_another_version_are_refused():
    """So that a replay with another version reports it."""
    with pytest.raises(msgspec.DecodeError):
        RecordedSensor(b"\x01")
