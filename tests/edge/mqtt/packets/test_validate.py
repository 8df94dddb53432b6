"""Strings and properties of MQTT 5 packets, before the codec sees them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.mqtt.packets.validate import MalformedPacket, _varint, validate
from tests.edge.mqtt.cases import BAD_V5, V5


def fault_of(data: bytes) -> str:
    """What is wrong with a packet."""
    try:
        validate(memoryview(data))
    except MalformedPacket as error:
        return str(error)
    return ""


@pytest.mark.parametrize("data", V5)
def test_good_packets(data: bytes):
    """Nothing is wrong with a good packet, and no place to break off makes it raise."""
    validate(memoryview(data))
    for end in range(2, min(len(data), 100)):
        fault_of(data[:end])


@pytest.mark.parametrize(
    ("marks", "fault"),
    [(("UTF-8", "surrogate"), "a string that is not UTF-8"), (("goes on", "go on"), "past their end")],
)
def test_bad_strings_and_properties(marks: tuple[str, ...], fault: str):
    """A string that is not UTF-8, and properties longer than they claim, are found wherever they stand."""
    found = {name: fault_of(data) for name, data in BAD_V5.items() if any(mark in name for mark in marks)}
    assert len(found) >= 4
    assert all(found.values())
    assert any(fault in text for text in found.values())


def test_binary_is_not_text():
    """Payloads, passwords and correlation data may hold anything."""
    topic = b"\x30\x0e\x00\x01a\x06\x09\x00\x03\xff\xfe\xfd" + b"\xff" * 4
    validate(memoryview(topic))


@pytest.mark.parametrize("digits", range(1, 5))
def test_a_length_of_any_size_is_read(digits: int):
    """Seven bits in each byte, the lowest first: the least and the greatest of each number of bytes."""
    least = 128 ** (digits - 1) if digits > 1 else 0
    for value in (least, 128**digits - 1):
        data = bytes((value >> 7 * at & 0x7F) | (0x80 if at < digits - 1 else 0) for at in range(digits))
        assert _varint(data + b"\xff", 0) == (value, digits)


@pytest.mark.parametrize(
    ("data", "fault", "code"),
    [
        (b"\x30\x08\x00\x01a\x04\x0b\x01\x0b\x02", "", 0),
        (b"\x82\x0b\x00\x01\x04\x0b\x01\x0b\x02\x00\x01a\x01", "the property 0x0b twice", 0x82),
        (b"\x30\x07\x00\x01a\x03\x23\x00\x00", "0x23 cannot have", 0x94),
        (b"\x30\x06\x00\x01a\x02\x0b\x00", "0x0b cannot have", 0x82),
        (b"\x10\x10\x00\x04MQTT\x05\x02\x00\x00\x03\x21\x00\x00\x00\x00", "0x21 cannot have", 0x82),
    ],
)
def test_a_publish_has_rules_of_its_own(data: bytes, fault: str, code: int):
    """It may name several subscriptions, and an alias of 0 has its own reason code."""
    assert fault in fault_of(data)
    if code:
        with pytest.raises(MalformedPacket) as found:
            validate(memoryview(data))
        assert int(found.value.code) == code
    else:
        assert not fault_of(data)


@given(st.binary(min_size=2, max_size=60))
def test_nothing_is_raised(data: bytes):
    """Random bytes have an answer."""
    assert isinstance(fault_of(data), str)
