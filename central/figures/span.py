"""Stretches of time that can be asked for, and the periods in which they are answered. Pure."""

from typing import Final

from msgspec import Struct

from ..store.tiers import DAY_MS, HOUR_MS, MINUTE_MS, Calendar

STEP_MS: Final = {"minute": MINUTE_MS, "hour": HOUR_MS, "day": DAY_MS}
"""How long a period is, about: days have 23 to 25 hours."""

RANGES: Final = {
    "1h": (HOUR_MS, "minute"),
    "24h": (DAY_MS, "hour"),
    "7d": (7 * DAY_MS, "hour"),
    "30d": (30 * DAY_MS, "day"),
    "90d": (90 * DAY_MS, "day"),
}
"""The choices of a page: how long, and in which periods."""

PERIODS_MAX: Final = 1_500
"""Of one answer: a day of minutes, two months of hours, four years of days."""


class Span(Struct, frozen=True):
    """Periods of `tier` that begin from `start` up to but not at `end` (Unix ms)."""

    start: int
    end: int
    tier: str

    @property
    def periods(self) -> int:
        """How many there are, about."""
        return (self.end - self.start) // STEP_MS[self.tier] + 1


def latest(calendar: Calendar, name: str, now_ms: int) -> Span:
    """The range of that name which ends now; its first period is a whole one, the last one is under way."""
    length, tier = RANGES[name]
    return Span(calendar.start(tier, max(now_ms - length, 0)), now_ms + 1, tier)
