"""Pages as HTML: templates, and numbers, times and lengths of time as people read them."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ..figures.span import RANGES
from ..health_index.parts import Name
from ..store.tiers import zone
from .words import sentence, translated

_HERE: Final = Path(__file__).parent

RANGE_WORDS: Final = {
    "1h": "the last hour, by the minute",
    "24h": "the last 24 hours, by the hour",
    "7d": "the last 7 days, by the hour",
    "30d": "the last 30 days, by the day",
    "90d": "the last 90 days, by the day",
}
assert RANGE_WORDS.keys() == RANGES.keys()

MEASURE_WORDS: Final = {
    "placed_to_offered_ms": "Order to first offer",
    "placed_to_accepted_ms": "Order to acceptance",
    "ready_to_pickup_ms": "Food waits",
    "click_to_door_ms": "Order to drop-off",
    "failed_to_returned_ms": "Failed delivery to return",
    "promise_error_ms": "Promise and drop-off apart",
    "set_to_shown_ms": "Price set to shown",
    "set_to_confirmed_ms": "Price set to confirmed",
}
"""Measures of the scenarios that Doorstep has; others are shown by their names."""

COUNT_WORDS: Final = {"order.placed": "Orders placed", "order.delivered": "Orders delivered"}

PLACE_WORDS: Final = {
    "in_force": "in force",
    "trial": "on trial",
    "offered": "offered",
    "refused": "refused",
    "rolled_back": "gone back",
    "silent": "silent",
    "left": "another version since",
}
"""Where a node stands in a roll-out."""

PART_WORDS: Final[dict[Name, str]] = {
    "response": "Response time",
    "quality": "Decision quality",
    "promise": "Promises kept",
    "declines": "Declined offers",
    "refusals": "Refused events",
    "freshness": "Freshness",
    "loss": "Lost events",
    "use": "Use",
    "trend": "Trend",
}

LEDGER_WORDS: Final = {
    "missing_here": "Missing at the node",
    "missing_there": "Missing in the book",
    "other_amount": "Other amount",
    "other_time": "Other time",
    "cancelled_here": "Cancelled at the node",
    "repeated": "Twice in the book",
}

LEDGER_HINTS: Final = {
    "missing_here": "The node never accepted it: was it placed elsewhere, or with another order id?",
    "missing_there": "The node accepted it: was it rung up? It may stand on another day.",
    "other_amount": "Ask which amount was paid. Often one side leaves out a discount or the delivery fee.",
    "other_time": "Compare the clock of the till with the node's. Often a book is closed after midnight.",
    "cancelled_here": "It was cancelled at the node: was the money given back?",
    "repeated": "It stands in the book twice or more: correct the book.",
}

_UNITS: Final = {
    "en": (("days", 86_400), ("h", 3_600), ("min", 60)),
    "zh": (("天", 86_400), ("小时", 3_600), ("分钟", 60)),
}


class Renderer:
    """Of one centre, whose days begin in `timezone`."""

    def __init__(self, timezone: str) -> None:
        self.timezone, self._zone = timezone, zone(timezone)
        self.navigation: list[tuple[str, str, str]] = []
        """Path, title and role of each page."""
        loader = FileSystemLoader(_HERE / "templates")
        self._environment = Environment(
            loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
        self._environment.filters |= {"number": number, "percent": percent, "bytes": amount, "data": data}

    def page(self, template: str, language: str, **values: Any) -> str:
        """One page. Every text of a template goes through `_`."""
        return self._environment.get_template(template).render(
            **values,
            _=lambda text: translated(text, language),
            language=language,
            timezone=self.timezone,
            navigation=self.navigation,
            ranges=RANGE_WORDS,
            measures=MEASURE_WORDS,
            counts=COUNT_WORDS,
            hints=LEDGER_HINTS,
            differences=LEDGER_WORDS,
            stands=PLACE_WORDS,
            part_words=PART_WORDS,
            sentence=lambda text: sentence(text, language),
            at=self.at,
            lasts=lambda seconds: span(seconds, language),
            ms=lambda value: milliseconds(value, language),
        )

    def at(self, ms: int | None) -> str:
        """An instant to the second, in the centre's time zone."""
        return f"{datetime.fromtimestamp(ms / 1000, self._zone):%Y-%m-%d %H:%M:%S}" if ms else "–"


def number(value: float | None) -> str:
    """With thousands separated."""
    return "–" if value is None else f"{value:,.0f}"


def percent(value: float | None) -> str:
    """A share."""
    return "–" if value is None else f"{100 * value:.1f} %"


def amount(count: float) -> str:
    """Bytes."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count:.0f} B"


def span(seconds: float | None, language: str) -> str:
    """A length of time."""
    if seconds is None:
        return "–"
    for unit, size in _UNITS[language]:
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} {'秒' if language == 'zh' else 's'}"


def milliseconds(value: float | None, language: str) -> str:
    """The same of milliseconds, in three digits or so."""
    if value is None:
        return "–"
    if value >= 100_000:
        return span(value / 1000, language) if value >= 7_200_000 else f"{value / 60_000:.1f} {_UNITS[language][2][0]}"
    return f"{value / 1000:.1f} {'秒' if language == 'zh' else 's'}" if value >= 1000 else f"{value:.0f} ms"


def data(value: Any) -> str:
    """JSON for an attribute."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
