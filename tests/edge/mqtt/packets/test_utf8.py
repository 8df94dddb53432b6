"""UTF-8 in MQTT 5 packets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.mqtt.packets.codec import Packet
from edge.mqtt.packets.utf8 import are_utf8
from tests.edge.mqtt.cases import BAD_V5, V5


@pytest.mark.parametrize("packet", V5, ids=[f"{type(packet).__name__}-{at}" for at, packet in enumerate(V5)])
def test_good_strings(packet: Packet):
    """Every packet that the codec writes has good strings; cut short, it is left to the codec."""
    data = packet.write()
    assert are_utf8(memoryview(data))
    for end in range(2, min(len(data), 100)):
        are_utf8(memoryview(data[:end]))


@pytest.mark.parametrize("name", [name for name in BAD_V5 if "UTF-8" in name or "surrogate" in name])
def test_bad_strings(name: str):
    """A string that is not UTF-8 is found wherever it stands."""
    assert not are_utf8(memoryview(BAD_V5[name]))


def test_binary_is_not_text():
    """Payloads, passwords and correlation data may hold anything."""
    topic = b"\x30\x0e\x00\x01a\x06\x09\x00\x03\xff\xfe\xfd" + b"\xff" * 4
    assert are_utf8(memoryview(topic))


@given(st.binary(min_size=2, max_size=60))
def test_nothing_is_raised(data: bytes):
    """Random bytes have an answer."""
    assert are_utf8(memoryview(data)) in (True, False)
