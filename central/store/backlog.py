"""Which bucket is to be summed up next. Pure: seconds are of any monotonic clock."""

from typing import Final

from .tiers import BUCKETS

SUM_EVERY_S: Final = 30.0
"""While there is nothing else to do, a bucket with new windows is summed up so often."""

LOOK_EVERY_S: Final = 300.0
"""And each bucket so often, whatever is known of it: another process may have stored something and died."""

STEP_WORTH: Final = 64
"""Windows of one bucket that are summed up at once while nothing else is to do."""

WAITING_MAX: Final = 2_048
"""Windows of one bucket that may wait for their sums while batches come without a pause. Larger steps cost less a
window; readers add what waits."""


class Backlog:
    """How many windows this process knows to wait in each bucket, and since when."""

    def __init__(self, now: float) -> None:
        self._waiting = [0] * BUCKETS
        # One bucket after the other is looked at soon after the start.
        self._looked = [now - LOOK_EVERY_S + number for number in range(BUCKETS)]
        self._since = [now] * BUCKETS

    def add(self, bucket: int, windows: int, now: float) -> None:
        """These were stored."""
        if not self._waiting[bucket]:
            self._since[bucket] = now
        self._waiting[bucket] += windows

    def summed(self, bucket: int, windows: int, asked: int, now: float) -> None:
        """A step took so many, of those that it asked for. Where it took all of them there may be more."""
        self._looked[bucket] = self._since[bucket] = now
        self._waiting[bucket] = max(self._waiting[bucket] - windows, STEP_WORTH) if windows == asked else 0

    def due(self, now: float, busy: bool) -> int | None:
        """The bucket whose turn it is, None where nothing has to be done at once."""
        fullest = max(range(BUCKETS), key=self._waiting.__getitem__)
        if self._waiting[fullest] >= WAITING_MAX:
            return fullest
        if busy:
            return None
        if self._waiting[fullest] >= STEP_WORTH:
            return fullest
        for bucket in range(BUCKETS):
            since = now - self._since[bucket] >= SUM_EVERY_S and self._waiting[bucket] > 0
            if since or now - self._looked[bucket] >= LOOK_EVERY_S:
                return bucket
        return None

    @property
    def waiting(self) -> int:
        """Windows that this process stored and that are not summed up yet."""
        return sum(self._waiting)
