"""What decoders find wrong, in words."""

from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Meta, Struct

from edge.messages.envelope import Identifier, Text
from edge.messages.sentences import NAME_RULE, fault, printable, span

SECRET = "zzz-secret"
TURNED = "a text without control characters and marks that turn its direction is expected"


class Inner(Struct):
    """A nested map."""

    lat: Annotated[float, Meta(ge=-90, le=90)]


class Sample(Struct):
    """A field for each kind of bound."""

    id: Identifier = "e-1"
    at: Annotated[int, Meta(ge=0)] = 0
    kind: Literal["a", "b"] = "a"
    items: Annotated[list[int], Meta(max_length=2)] = []
    note: Text = ""
    text: Annotated[str, Meta(max_length=3)] = ""
    code: Annotated[str, Meta(pattern="^x$")] = "x"
    stock: int | None = None
    place: Inner | None = None
    flag: bool = False


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"id": "../" + SECRET}, "id", f"a name is expected: {NAME_RULE}"),
        ({"code": SECRET}, "code", "its characters are not those that this field can have"),
        ({"at": SECRET}, "at", "a whole number is expected, not a text"),
        ({"at": -1}, "at", "a whole number of at least 0 is expected"),
        ({"kind": SECRET}, "kind", "it is none of the values that this field can have"),
        ({"items": [1, 2, 3]}, "items", "a list of at most 2 items is expected"),
        ({"items": [1, SECRET]}, "items[1]", "a whole number is expected, not a text"),
        ({"note": SECRET + "\x1b[2J"}, "note", TURNED),
        ({"note": SECRET + "\u202e"}, "note", TURNED),
        ({"text": SECRET}, "text", "a text of at most 3 characters is expected"),
        ({"stock": SECRET}, "stock", "a whole number or nothing (null) is expected, not a text"),
        ({"stock": 1.5}, "stock", "a whole number or nothing (null) is expected, not a decimal number"),
        ({"place": {"lat": 100}}, "place.lat", "a number of at most 90 is expected"),
        ({"place": {}}, "place.lat", "this field is missing"),
        ({"flag": 1}, "flag", "true or false is expected, not a whole number"),
        ([SECRET], "", "a map of fields is expected, not a list"),
    ],
)
def test_a_wrong_field_is_named_in_words(fields: Any, field: str, words: str) -> None:
    """The field's path, what is expected there, and nothing of what was sent."""
    with pytest.raises(msgspec.ValidationError) as raised:
        msgspec.json.decode(msgspec.json.encode(fields), type=Sample)
    assert fault(raised.value) == (field, words)
    assert SECRET not in "".join(fault(raised.value))


@pytest.mark.parametrize(
    ("payload", "json", "words"),
    [
        (b"{", True, "the message ends too early"),
        (b"{} x", True, "something follows after the end of the message"),
        (b"{x}", True, "this is not JSON at byte 1"),
        (b"\xc1", False, "this is neither JSON nor MessagePack at byte 0"),
        (b'{"text": "\xff"}', True, "a text in it is not UTF-8"),
    ],
)
def test_bytes_that_are_no_message_are_described(payload: bytes, json: bool, words: str) -> None:
    """Where it stops being one, with no field."""
    decode = msgspec.json.decode if json else msgspec.msgpack.decode
    with pytest.raises((msgspec.DecodeError, UnicodeDecodeError)) as raised:
        decode(payload, type=Sample)
    assert fault(raised.value) == ("", words)


def test_what_acts_on_a_terminal_is_printed_as_an_escape() -> None:
    """Control characters, and marks that turn text; the letters and signs of any language stay."""
    assert printable("a\x1b[2Jb\n\x9b\u202ec\u2069\u2028\ufeff") == "a\\x1b[2Jb\\n\\x9b\\u202ec\\u2069\\u2028\\ufeff"
    assert printable("没有骑手 ☹ 👩‍🍳 الطعام") == "没有骑手 ☹ 👩‍🍳 الطعام"


def test_depth_is_described() -> None:
    """Nesting that a decoder refuses."""
    with pytest.raises(RecursionError) as raised:
        msgspec.json.decode(b"[" * 100_000)
    assert fault(raised.value) == ("", "it is nested too deeply")


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (200_000, "2 days")]
)
def test_spans_are_written_for_people(seconds: float, text: str) -> None:
    """The unit is the largest of which there are two."""
    assert span(seconds) == text
