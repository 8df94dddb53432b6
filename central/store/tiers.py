"""Minutes, hours and days: in which period a window counts, and which rows answer for a stretch of time. Pure.

Days begin at midnight of the centre's time zone, hours with the hour of that zone, so every day is made of whole hours.
"""

from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct

MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000
DAY_MS: Final = 86_400_000

BUCKETS: Final = 64
"""Into which the nodes are divided, for sums over all of them: collectors sum up different buckets at one time."""

NODES_IN_A_ROW: Final = 64
"""So many nodes, one after the other, are in one bucket: a small fleet has few buckets to read."""

TIERS: Final = ("minute", "hour", "day")

_INSTANT_MS_MAX: Final = 253_000_000_000_000  # the year 9987: beyond it a calendar may end


def bucket_of(node: int) -> int:
    """The bucket of the node with this number."""
    return node // NODES_IN_A_ROW % BUCKETS


def bit_of(node: int) -> int:
    """The node's bit among those of its bucket."""
    return 1 << (node // (NODES_IN_A_ROW * BUCKETS) * NODES_IN_A_ROW + node % NODES_IN_A_ROW)


def zone(name: str) -> tzinfo:
    """The time zone with this name. Raises ValueError."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is no time zone of this machine") from None


class Piece(Struct, frozen=True):
    """Rows of `tier` that begin from `start` up to but not at `end` (Unix ms)."""

    tier: str
    start: int
    end: int


class Calendar:
    """The periods of a time zone. Instants are Unix ms."""

    def __init__(self, name: str = "UTC") -> None:
        self._zone = zone(name)
        self._of_hour = lru_cache(maxsize=4096)(self._look_up)

    def minute(self, at: int) -> int:
        """When the minute of this instant began."""
        return at - at % MINUTE_MS

    def hour(self, at: int) -> int:
        """When its hour began."""
        quarter = at - at % 900_000
        return max(self._of_hour(quarter)[0], 0)

    def day(self, at: int) -> int:
        """When its day began."""
        return max(self._of_hour(at - at % 900_000)[1], 0)

    def date(self, at: int) -> date:
        """Its day, in this time zone."""
        return datetime.fromtimestamp(min(at, _INSTANT_MS_MAX) / 1000, self._zone).date()

    def start(self, tier: str, at: int) -> int:
        """When the period of this tier began."""
        return self.minute(at) if tier == "minute" else self.hour(at) if tier == "hour" else self.day(at)

    def ceiling(self, tier: str, at: int) -> int:
        """The first beginning of such a period that is not before `at`."""
        start = self.start(tier, at)
        if start == at:
            return at
        step = HOUR_MS if tier == "hour" else DAY_MS
        after = self.start(tier, start + step + step // 4)
        return after if after >= at else self.start(tier, at + step)

    def pieces(self, start: int, end: int, kept: dict[str, int]) -> list[Piece]:
        """What to read for the windows that begin from `start` up to but not at `end`: days where whole days lie in
        between, hours and minutes at the edges. Where a finer tier has nothing any more (`kept`: from when on it is
        complete), the periods of the next one that begin in the stretch answer for it."""
        start, end = min(start, _INSTANT_MS_MAX), min(end, _INSTANT_MS_MAX)
        whole = (self.ceiling("day", start), self.day(end))
        if whole[0] >= whole[1]:
            return self._hours(start, end, kept)
        days = [Piece("day", *whole)]
        return self._hours(start, whole[0], kept) + days + self._hours(whole[1], end, kept)

    def _hours(self, start: int, end: int, kept: dict[str, int]) -> list[Piece]:
        if start >= end:
            return []
        since = self.ceiling("day", kept.get("hour", 0))
        if start < since:
            before = Piece("day", start, min(end, since))
            return [before, *self._hours(before.end, end, kept)]
        whole = (self.ceiling("hour", start), self.hour(end))
        if whole[0] >= whole[1]:
            return self._minutes(start, end, kept)
        hours = [Piece("hour", *whole)]
        return self._minutes(start, whole[0], kept) + hours + self._minutes(whole[1], end, kept)

    def _minutes(self, start: int, end: int, kept: dict[str, int]) -> list[Piece]:
        if start >= end:
            return []
        since = self.ceiling("hour", kept.get("minute", 0))
        before = [Piece("hour", start, min(end, since))] if start < since else []
        start = max(start, since)
        return before + ([Piece("minute", start, end)] if start < end else [])

    def _look_up(self, at: int) -> tuple[int, int]:
        """Beginning of hour and of day. Offsets are whole quarters of an hour, and so are changes of them."""
        local = datetime.fromtimestamp(min(at, _INSTANT_MS_MAX) / 1000, self._zone)
        offset = local.utcoffset() or timedelta()
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
        offset_ms = int(offset.total_seconds() * 1000)
        return at - (at + offset_ms) % HOUR_MS, int(midnight.timestamp() * 1000)
