"""What a decoder found wrong, in words for the sender of a message, or the author of a configuration; and
lengths of time. Pure.

Nothing of the message itself is quoted: a receipt and the journal must not carry what was refused.
"""

import re
from typing import Final

from ..limits import (
    CONTROL_CHARACTERS,
    IDENTIFIER_PATTERN,
    NAME_PATTERN,
    TEXT_CHARACTERS_MAX,
    TURNING_CHARACTERS,
)
from .envelope import TEXT_PATTERN

NAME_RULE: Final = "a letter or digit, then up to 63 letters, digits, dots, underscores and hyphens"
"""What `NAME_PATTERN` demands."""

LOOKS_LIKE_SECONDS: Final = "this looks like seconds; milliseconds since 1970 are expected, 1,000 times as much"

_FIELD: Final = re.compile(r" - at `(?:key` in `)?\$\.?([^`]*)`")
_MISSING: Final = re.compile(r"field `(\w+)`")
_EXPECTED: Final = re.compile(r"Expected `([^`]+)`(?:, got `(\w+)`)?")
_BOUND: Final = re.compile(r"(of length )?(<=|>=|<|>) (\S+)")
_MATCHING: Final = "matching regex "
_RULES: Final = {
    NAME_PATTERN: f"a name is expected: {NAME_RULE}",
    IDENTIFIER_PATTERN: (
        "a name is expected: a lower-case letter or digit, then up to 63 lower-case letters, digits and hyphens"
    ),
    TEXT_PATTERN: "a text without control characters and marks that turn its direction is expected",
}
_TYPES: Final = {
    "int": "a whole number",
    "float": "a number",
    "str": "a text",
    "bool": "true or false",
    "array": "a list",
    "object": "a map of fields",
    "null": "nothing (null)",
    "bytes": "bytes",
    "ext": "an extension type",
    "datetime": "a time stamp of MessagePack",
}
_LIMITS: Final = {"<=": "at most", ">=": "at least", "<": "less than", ">": "more than"}
_UNPRINTABLE: Final = re.compile(f"[{CONTROL_CHARACTERS}{TURNING_CHARACTERS}]")
_UNITS: Final = {"str": " characters", "array": " items", "object": " fields", "bytes": " bytes"}


def fault(error: Exception) -> tuple[str, str]:
    """The field (a path such as `dropoff.lat`; empty for the whole message), and what is wrong in words."""
    text = str(error)
    if isinstance(error, UnicodeDecodeError):
        return "", "a text in it is not UTF-8"
    if isinstance(error, RecursionError):
        return "", "it is nested too deeply"
    found = _FIELD.search(text)
    missing = _MISSING.search(text) if "missing" in text else None
    path = found[1] if found is not None else ""
    if missing is not None:
        return _bounded(f"{path}.{missing[1]}" if path else missing[1]), "this field is missing"
    return _bounded(path), _words(text)


def printable(text: str) -> str:
    """A text of somebody else for a terminal or a log: what could act there or mislead is written as an escape."""
    return _UNPRINTABLE.sub(lambda found: ascii(found[0])[1:-1], text)


def _bounded(path: str) -> str:
    return path[:TEXT_CHARACTERS_MAX].strip()[:64]


def _words(text: str) -> str:
    expected = _EXPECTED.match(text)
    if expected is not None:
        return _expectation(text, *expected.groups())
    if text.startswith(("Invalid enum value", "Invalid value")):
        return "it is none of the values that this field can have"
    if "truncated" in text:
        return "the message ends too early"
    if "trailing" in text:
        return "something follows after the end of the message"
    place = re.search(r"\(byte (\d+)\)", text)
    where = f" at byte {place[1]}" if place is not None else ""
    if text.startswith("JSON"):
        return f"this is not JSON{where}"
    if text.startswith("MessagePack"):
        return f"this is neither JSON nor MessagePack{where}"
    return "it is not what this field can have"


def _expectation(text: str, types: str, got: str | None) -> str:
    if _MATCHING in text:
        rules = (rule for pattern, rule in _RULES.items() if repr(pattern) in text)
        return next(rules, "its characters are not those that this field can have")
    names = [name.strip() for name in types.split("|")]
    wanted = " or ".join(_TYPES.get(name, "another value") for name in names)
    if got is not None:
        refused = "a decimal number" if got == "float" else _TYPES.get(got, "this")
        return f"{wanted} is expected, not {refused}"
    bound = _BOUND.search(text)
    if bound is None:
        return f"{wanted} is expected"
    unit = _UNITS.get(names[0], "") if bound[1] else ""
    limit = bound[3].removesuffix(".0")
    return f"{wanted} of {_LIMITS[bound[2]]} {limit}{unit} is expected"


def span(seconds: float) -> str:
    """A length of time for people: 12 s, 3 min, 5 h, 2 days."""
    for unit, size in (("days", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
