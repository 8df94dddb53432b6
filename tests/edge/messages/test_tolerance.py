"""What is mended in a message, and what is left as it is."""

import msgpack
import pytest

from edge.messages.tolerance import ERRORS, identifier, loaded, mended

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
