"""What is mended in a message, and what is left as it is."""

import struct
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.messages.envelope import INSTANT_MS_MIN
from edge.messages.tolerance import ERRORS, early, identifier, loaded, mended

HALF = b"\xed\xa0\x80"


@pytest.mark.parametrize(
    ("payload", "json", "result"),
    [
        (b"\xef\xbb\xbf{}", True, b"{}"),
        (b"{}\0\0", True, b"{}"),
        (rb'"\ud83d"', True, rb'"\ufffd"'),
        (rb'"\uDE00x"', True, rb'"\ufffdx"'),
        (rb'"\ud83d\ude00"', True, rb'"\ud83d\ude00"'),
        (rb'"\ud83d\ud83d\ude00"', True, rb'"\ufffd\ud83d\ude00"'),
        (rb'"\\ud83d"', True, rb'"\\ud83d"'),
        (rb'"\u0041\n"', True, rb'"\u0041\n"'),
        (b'"' + HALF + b'"', True, b'"\xef\xbf\xbd"'),
        (b"\xa3" + HALF, False, b"\xa3\xef\xbf\xbd"),
        (b"\x81\xa1a\x00", False, b"\x81\xa1a\x00"),
    ],
)
def test_half_a_character_becomes_the_replacement(payload: bytes, json: bool, result: bytes) -> None:
    """Marks and NULs around JSON go, halves of a pair become U+FFFD; whole pairs, other escapes and binary stay."""
    assert mended(payload, json) == result


PLAIN = st.one_of(
    st.integers(-(2**63), 2**64 - 1),
    st.just(int.from_bytes(HALF, "big")),
    st.just(struct.unpack(">d", b"@" + HALF + b"abcd")[0]),
    st.binary(max_size=300),
    st.just(HALF * 100),
    st.text(max_size=300),
    st.none() | st.booleans(),
)
VALUES = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=20) | st.dictionaries(st.text(max_size=40), inner, max_size=20)
)
MARK = "\x01\x02\x03"  # three bytes, as half a character has


@given(VALUES, st.integers(0, 300), VALUES)
def test_only_texts_are_mended_in_messagepack(before: Any, length: int, after: Any) -> None:
    """Numbers, bytes and extensions that have the bytes of half a character by chance keep them."""
    whole: Any = [before, "x" * length + MARK, msgpack.ExtType(3, HALF), HALF, after]
    packed = bytes(msgpack.packb(whole) or b"")
    assert mended(packed, False) == packed
    text = packed.replace(MARK.encode(), HALF, 1)
    if packed.count(MARK.encode()) == 1:
        assert mended(text, False) == packed.replace(MARK.encode(), b"\xef\xbf\xbd")


@given(VALUES, st.integers(0, 100))
def test_a_message_that_ends_in_the_middle_is_mended_to_its_end(value: Any, cut: int) -> None:
    """Whatever comes: as many bytes as before, and no error."""
    packed = bytes(msgpack.packb([value, HALF]) or b"")
    assert len(mended(packed[:-cut] if cut else packed, False)) == max(len(packed) - cut, 0)


def test_whole_numbers_may_arrive_as_floats() -> None:
    """A float64 that is a whole number becomes one, at every depth; others, and those too great to be exact, stay."""
    packed = msgpack.packb(
        {"at": 1.79e12, "list": [1.0, 0.5], "map": {"x": -3.0}, "great": 2.0**60, "nan": float("inf")}
    )
    assert packed is not None
    value = loaded(packed, False)
    assert value == {"at": 1_790_000_000_000, "list": [1, 0.5], "map": {"x": -3}, "great": 2.0**60, "nan": float("inf")}
    kinds = [value["at"], *value["list"], value["map"]["x"], value["great"]]
    assert [type(each) for each in kinds] == [int, int, float, int, float]
    assert loaded(b'{"at": 1e3}', True) == {"at": 1000}


@pytest.mark.parametrize("payload", [b"{", b'{"a": 1} x', b"{'a': 1}", b"[" * 5000])
def test_what_is_wrong_stays_wrong(payload: bytes) -> None:
    """Nothing is guessed."""
    with pytest.raises(ERRORS):
        loaded(payload, True)


@pytest.mark.parametrize(
    ("payload", "result"),
    [
        (b'{"id": "e-1", "at": {}}', "e-1"),
        (b'{"id": 17}', "17"),
        (b'{"id": true}', ""),
        (b'{"id": null}', ""),
        (b"{}", ""),
    ],
)
def test_the_id_can_be_read_alone(payload: bytes, result: str) -> None:
    """Whatever else a message has; a number counts as its digits."""
    assert identifier(payload, True) == result


LENGTHS = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xC7: 1, 0xC8: 2, 0xC9: 4}
FIXED = {0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8, 0xD0: 1, 0xD1: 2, 0xD2: 4, 0xD3: 8, 0xCA: 4, 0xCB: 8}
FIXED |= {0xD4 + at: 1 + (1 << at) for at in range(5)} | {0xDC: 2, 0xDD: 4, 0xDE: 2, 0xDF: 4}


@pytest.mark.parametrize("head", [*LENGTHS, *FIXED])
def test_a_text_behind_any_other_value_is_found(head: int) -> None:
    """After each head that has bytes behind it, as the specification of MessagePack counts these: what is there stays,
    also where it begins as a text does; the text after it is mended."""
    if head in LENGTHS:
        inner = b"\xa3" + HALF + b"\xa3"
        kind = b"\xa3" if head >= 0xC7 else b""
        value = bytes([head]) + len(inner).to_bytes(LENGTHS[head], "big") + kind + inner
    else:
        value = bytes([head]) + (b"\xa3" + HALF * 6)[: FIXED[head]]
    assert mended(value + b"\xa3" + HALF, False) == value + b"\xa3\xef\xbf\xbd"
    for length, size in ((0xD9, 1), (0xDA, 2), (0xDB, 4)):
        text = bytes([length]) + (3).to_bytes(size, "big")
        assert mended(value + text + HALF, False) == value + text + b"\xef\xbf\xbd"


@pytest.mark.parametrize(
    ("times", "result"),
    [
        ([5, 1_790_000_000], False),
        ([1_790_000_000, 5], False),
        ([5, 7.5], None),
        ([5, 7], True),
        ([1_790_000_000_000], None),
    ],
)
def test_one_of_several_times_decides_what_they_are(times: list[float], result: bool | None) -> None:
    """One in seconds: the sender counts in seconds. One with a fraction: it is no instant of an unset clock."""
    values = {"points": [{"at": time} for time in times]}
    assert early(values, "at", 1_790_000_000_000) is result
    assert ([each["at"] for each in values["points"]] == [INSTANT_MS_MIN] * len(times)) == (result is True)
