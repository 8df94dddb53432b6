"""The parameters of a request, each checked. What cannot be used is refused with its name and what to write. Pure."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from msgspec import Struct

from edge.limits import IDENTIFIER_PATTERN, NAME_PATTERN

from ..api import DAY_MS, QueryError, instant
from ..figures.span import PERIODS_MAX, STEP_MS, Span
from ..store.tiers import Calendar
from .answers import Refused

LIMIT: Final = 500
LIMIT_MAX: Final = 2_000
"""Of one page."""

ROLLOUTS: Final = 20
ROLLOUTS_MAX: Final = 100
"""Of one page: each counts its nodes."""

NUMBER_MAX: Final = 2**62
"""A larger one is no number of anything here."""


class Stretch(Struct, frozen=True):
    """A stretch of time, up to `limit` of its periods, and from where to go on (Unix ms, 0: that was all)."""

    span: Span
    next: int


def only(query: Mapping[str, str], *names: str) -> None:
    """Raises Refused where there is another parameter."""
    for name in query:
        if name not in names:
            what = f"There are {', '.join(names)}." if names else "There is none here."
            raise Refused(400, f"There is no parameter {name[:64]!r}. {what}")


def number(query: Mapping[str, str], name: str, usual: int, most: int, least: int = 1) -> int:
    """A whole number. Raises Refused."""
    text = query.get(name)
    if text is None:
        return usual
    if not re.fullmatch(r"[0-9]{1,19}", text, re.ASCII) or not least <= int(text) <= most:
        raise Refused(400, f"{name} is a whole number from {least} to {most}.")
    return int(text)


def date_of(query: Mapping[str, str], name: str, usual: date) -> date:
    """A date. Raises Refused."""
    text = query.get(name)
    try:
        return usual if text is None else date.fromisoformat(text)
    except ValueError:
        raise Refused(400, f"{name} is a date such as 2026-01-31.") from None


def identifier(query: Mapping[str, str], name: str) -> str:
    """The name of a node or of a scenario, empty where there is none. Raises Refused."""
    text = query.get(name, "")
    if name in query and not re.fullmatch(IDENTIFIER_PATTERN, text):
        raise Refused(400, f"{name} has up to 64 lower-case letters, digits and dashes, and begins with no dash.")
    return text


def client(query: Mapping[str, str], name: str) -> str:
    """The name of a shop, empty where there is none. Raises Refused."""
    text = query.get(name, "")
    if name in query and not re.fullmatch(NAME_PATTERN, text):
        raise Refused(400, f"{name} has up to 64 letters, digits, dots, dashes and underscores.")
    return text


def one_of(query: Mapping[str, str], name: str, words: Sequence[str]) -> str:
    """One of these words, by default the first. Raises Refused."""
    text = query.get(name, words[0])
    if text not in words:
        raise Refused(400, f"{name} is one of {', '.join(words)}.")
    return text


def stretch(query: Mapping[str, str], calendar: Calendar, now_ms: int, limit: int, usual: str = "hour") -> Stretch:
    """`from`, `to` and `period`; by default the last 24 hours by the hour. Raises Refused."""
    tier = query.get("period", usual)
    if tier not in STEP_MS:
        raise Refused(400, f"period is one of {', '.join(STEP_MS)}.")
    try:
        to_ms = instant("to", query["to"]) if "to" in query else now_ms + 1
        from_ms = instant("from", query["from"]) if "from" in query else max(to_ms - DAY_MS, 0)
    except QueryError as error:
        raise Refused(400, f"{error.field}: {error.hint}") from None
    if from_ms >= to_ms:
        raise Refused(400, "from must be before to.")
    start = calendar.start(tier, from_ms)
    # Days have 23 to 25 hours: the next page begins with a whole one.
    end = calendar.start(tier, start + limit * STEP_MS[tier] + STEP_MS[tier] // 4)
    return Stretch(Span(start, min(end, to_ms), tier), end if end < to_ms else 0)


assert LIMIT <= PERIODS_MAX
