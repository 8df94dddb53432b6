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
        self._slots: dict[int, list[Expirable]] = {}
        self._seconds: list[int] = []

    def __len__(self) -> int:
        return len(self._seconds)

    def add(self, at: float, item: Expirable) -> None:
        """Look at `item` in the second after `at`."""
        second = int(at) + 1
        slot = self._slots.get(second)
        if slot is None:
            self._slots[second] = [item]
            heapq.heappush(self._seconds, second)
        else:
            slot.append(item)

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

    __slots__ = ("_fulfil", "delay_s", "publish")

    def __init__(self, publish: Publish, delay_s: float) -> None:
        self.publish, self.delay_s = publish, delay_s
        self._fulfil: Callable[[Will, float], None] | None = None

    def wait(self, fulfil: Callable[["Will", float], None]) -> None:
        """From now on it is to be fulfilled, once."""
        self._fulfil = fulfil

    def cancel(self) -> None:
        """The client is back in time."""
        self._fulfil = None

    def expire(self, now: float) -> float | None:
        """Its time has come, or its session ends before."""
        fulfil, self._fulfil = self._fulfil, None
        if fulfil is not None:
            fulfil(self, now)
        return None
