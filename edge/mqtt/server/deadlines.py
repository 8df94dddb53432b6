"""Everything that ends with time, under one timer: handshakes, keepalives, sessions, wills, and what a client is
remembered for."""

import heapq
from collections.abc import Callable
from typing import Protocol

from ..seam import Publish


class Expirable(Protocol):
    """Something that a `DeadlineQueue` looks at when its time has come."""

    def expire(self, now: float) -> float | None:
        """Do what is due; the next time to look, or None."""
        ...


class DeadlineQueue:
    """Deadlines to the second, under one timer. An item is looked at and decides itself whether its time has come, so a
    deadline that moves with every read costs nothing."""

    def __init__(self) -> None:
        self._slots: dict[int, dict[Expirable, None]] = {}
        self._seconds: list[int] = []

    def __len__(self) -> int:
        return len(self._seconds)

    def add(self, at: float, item: Expirable) -> None:
        """Look at `item` in the second after `at`."""
        second = int(at) + 1
        slot = self._slots.get(second)
        if slot is None:
            self._slots[second] = {item: None}
            heapq.heappush(self._seconds, second)
        else:
            slot[item] = None

    def discard(self, at: float, item: Expirable) -> None:
        """Do not look at `item` then. For what comes and goes often and may wait for long."""
        self._slots.get(int(at) + 1, {}).pop(item, None)

    def turn(self, now: float) -> None:
        """Look at everything that is due."""
        while self._seconds and self._seconds[0] <= now:
            for item in self._slots.pop(heapq.heappop(self._seconds)):
                following = item.expire(now)
                if following is not None:
                    self.add(max(following, now), item)


class Will:
    """What is published for a client when its connection ends without its word, `delay_s` later: an event of its own,
    as if it had sent it then."""

    __slots__ = ("_at", "_deadlines", "_fulfil", "delay_s", "publish")

    def __init__(self, publish: Publish, delay_s: float) -> None:
        self.publish, self.delay_s = publish, delay_s
        self._at = 0.0
        self._deadlines: DeadlineQueue | None = None
        self._fulfil: Callable[[Will, float], None] | None = None

    def wait(self, at: float, deadlines: DeadlineQueue, fulfil: Callable[["Will", float], None]) -> None:
        """Be fulfilled then, or when `expire` is called before."""
        self._at, self._deadlines, self._fulfil = at, deadlines, fulfil
        deadlines.add(at, self)

    def cancel(self) -> None:
        """The client is back in time."""
        if self._deadlines is not None:
            self._deadlines.discard(self._at, self)
        self._deadlines = self._fulfil = None

    def expire(self, now: float) -> float | None:
        """Its time has come, or its session ends before. Only the first call counts."""
        fulfil = self._fulfil
        self.cancel()
        if fulfil is not None:
            fulfil(self, now)
        return None
