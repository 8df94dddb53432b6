"""Habits of JavaScript and Windows that change nothing of what a message means. Pure.

Only a message that did not decode comes here, so that a good one pays nothing.
"""

import re
from collections.abc import Iterator
from typing import Any, Final, cast

import msgspec
from msgspec import Struct

from .envelope import INSTANT_MS_MIN

_BOM: Final = b"\xef\xbb\xbf"
_SURROGATE: Final = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]")
"""Half a character beyond U+FFFF in the bytes that JavaScript writes for it. As long as U+FFFD, so that no length in
the message changes."""

_TEXT_HEADS: Final = {0xD9: 1, 0xDA: 2, 0xDB: 4}
"""MessagePack: texts by the number of bytes of their length (shorter ones have it in the head)."""

_COUNTED: Final = {0xC4: (1, 0), 0xC5: (2, 0), 0xC6: (4, 0), 0xC7: (1, 1), 0xC8: (2, 1), 0xC9: (4, 1)}
"""The same of bytes, and of extensions, which have their type beside it."""

_WIDTHS: Final = {
    0xCA: 4,
    0xCB: 8,
    0xCC: 1,
    0xCD: 2,
    0xCE: 4,
    0xCF: 8,
    0xD0: 1,
    0xD1: 2,
    0xD2: 4,
    0xD3: 8,
    0xD4: 2,
    0xD5: 3,
    0xD6: 5,
    0xD7: 9,
    0xD8: 17,
    0xDC: 2,
    0xDD: 4,
    0xDE: 2,
    0xDF: 4,
}
"""Bytes behind a head: of numbers, of extensions of one length, and of the counts of arrays and maps."""

_REPLACEMENT: Final = b"\xef\xbf\xbd"
_PAIRS: Final = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[dD][89a-fA-F][0-9a-fA-F]{2}|\\.", re.DOTALL
)
_YEAR_MS: Final = 366 * 86_400_000
_TIME: Final = re.compile(r"(?:\w+_)?at|until")
"""Names of times, as `envelope` has them."""

_EXACT_MAX: Final = 2**53
"""Up to here a float64 holds every whole number."""


class _Named(Struct):
    id: Any = None


_NAMED: Final = (msgspec.msgpack.Decoder(_Named).decode, msgspec.json.Decoder(_Named).decode)
_LOADS: Final = (msgspec.msgpack.Decoder().decode, msgspec.json.Decoder().decode)
ERRORS: Final = (msgspec.DecodeError, RecursionError, UnicodeDecodeError, OverflowError)
"""What decoders raise: malformed and truncated bytes, wrong types, too much depth, bytes that are no UTF-8."""


def mended(payload: bytes, json: bool) -> bytes:
    """The payload without byte order mark and NULs at its end (JSON), and with U+FFFD for half a character."""
    if json:
        payload = payload.removeprefix(_BOM).rstrip(b"\0")
        return _SURROGATE.sub(_REPLACEMENT, _PAIRS.sub(_paired, payload))
    if _SURROGATE.search(payload) is None:
        return payload
    parts, end = list[bytes](), 0
    for begin, after in _strings(payload):
        parts += payload[end:begin], _SURROGATE.sub(_REPLACEMENT, payload[begin:after])
        end = after
    return b"".join((*parts, payload[end:]))


def _strings(payload: bytes) -> Iterator[tuple[int, int]]:
    """Where the texts of a MessagePack message are: a number may have the same bytes as half a character, and must not
    become another one. Ends where the message does, be it in the middle."""
    at = 0
    while at < len(payload):
        head = payload[at]
        at += 1
        if 0xA0 <= head <= 0xBF:
            length = head & 0x1F
        elif head in _TEXT_HEADS:
            size = _TEXT_HEADS[head]
            length = int.from_bytes(payload[at : at + size], "big")
            at += size
        else:
            size, extra = _COUNTED.get(head, (0, 0))
            at += size + extra + int.from_bytes(payload[at : at + size], "big") + _WIDTHS.get(head, 0)
            continue
        yield at, at + length
        at += length


def loaded(payload: bytes, json: bool) -> Any:
    """The payload as plain values, floats that are whole numbers as these: a JavaScript encoder may write every number
    as float64. Raises one of `ERRORS`."""
    return _whole(_LOADS[json](mended(payload, json)))


def identifier(payload: bytes, json: bool) -> str:
    """The `id` of a message of which nothing else need be right; a number as its digits. Raises one of `ERRORS`."""
    found = _NAMED[json](mended(payload, json)).id
    return str(found) if isinstance(found, str | int) and not isinstance(found, bool) else ""


def early(values: Any, field: str, wall_ms: int) -> bool | None:
    """What to make of a field that no decoder took; None: it is no time, or not one before every `Instant`. False: read
    as seconds, it is within a year of `wall_ms`. True: it is of a clock that was never set, and is now the earliest
    instant, anywhere in `values`: that counts as an `implausible_stamp`, as any such clock's does."""
    found = list(_holders(values, field)) if _TIME.fullmatch(field) else []
    if any(abs(each[field] * 1000 - wall_ms) < _YEAR_MS for each in found):
        return False
    if not found or any(isinstance(each[field], float) for each in found):
        return None
    for each in found:
        each[field] = INSTANT_MS_MIN
    return True


def _holders(values: Any, field: str) -> Iterator[dict[str, Any]]:
    """Every map with a number in this field that no `Instant` can be."""
    if isinstance(values, list):
        for item in cast(list[Any], values):
            yield from _holders(item, field)
    elif isinstance(values, dict):
        fields = cast(dict[str, Any], values)
        time = fields.get(field)
        if isinstance(time, int | float) and not isinstance(time, bool) and 0 <= time < INSTANT_MS_MIN:
            yield fields
        for item in fields.values():
            yield from _holders(item, field)


def _paired(found: re.Match[bytes]) -> bytes:
    """An escape of JSON as it is, or U+FFFD for half of a pair."""
    text = found[0]
    return rb"\ufffd" if len(text) == 6 and text[1:3] in (b"ud", b"uD") else text


def _whole(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer() and abs(value) <= _EXACT_MAX:
        return int(value)
    if isinstance(value, list):
        return [_whole(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType]
    return value
