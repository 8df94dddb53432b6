"""Orders without end, in open loop: they leave when they are due, whatever became of those before.

Latency counts from the due time to the read that brought the assignment to its rider. An order that is due while the
node is away keeps its due time. All of them are kept, so that a phase's quantiles are exact.
"""

import asyncio
from array import array
from collections.abc import Callable
from random import Random
from time import perf_counter
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ...load.client.pacer import Pacer

UNANSWERED: Final = float("nan")
LATE_S: Final = 0.001
LEAD_S: Final = 0.05


class Orders:
    """`rate` a second on average, with independent gaps. `begun` and all times are `perf_counter` seconds."""

    def __init__(self, rate: float, seed: int, place: Callable[[int], None]) -> None:
        self.begun = 0.0
        self._rate, self._place = rate, place
        self._dice = Random(f"orders {seed}")
        self._due = array("d")
        self._latency = array("d")
        self._late = 0
        self._next = 0.0
        self._pacer: Pacer | None = None

    def start(self) -> None:
        """The first order is due in a moment."""
        self._pacer = Pacer(asyncio.get_running_loop(), self._fire)
        self.begun = self._next = perf_counter() + LEAD_S
        self._pacer.at(self._next)

    def stop(self) -> None:
        """No more orders."""
        if self._pacer is not None:
            self._pacer.close()
            self._pacer = None

    def offered(self, number: int, at: float) -> None:
        """An order's rider has it; only the first time counts."""
        if number < len(self._due) and np.isnan(self._latency[number]):
            self._latency[number] = at - self._due[number]

    @property
    def count(self) -> int:
        """Orders sent."""
        return len(self._due)

    @property
    def unanswered(self) -> int:
        """Orders that no rider has."""
        return int(np.isnan(np.array(self._latency)).sum())

    @property
    def late_share(self) -> float:
        """The share of sends that left over LATE_S after they were due."""
        return self._late / max(len(self._due), 1)

    def between(self, begin: float, end: float) -> NDArray[np.float64]:
        """Latencies in milliseconds of the orders due from `begin` up to `end`, in sequence; NaN where none came."""
        due = np.array(self._due)
        first, last = np.searchsorted(due, [begin, end])
        return np.array(self._latency[int(first) : int(last)]) * 1000

    def dues(self, begin: float, end: float) -> NDArray[np.float64]:
        """Their due times."""
        due = np.array(self._due)
        first, last = np.searchsorted(due, [begin, end])
        return due[int(first) : int(last)]

    def _fire(self) -> None:
        now = perf_counter()
        while self._next <= now:
            self._late += now - self._next > LATE_S
            self._due.append(self._next)
            self._latency.append(UNANSWERED)
            self._place(len(self._due) - 1)
            self._next += self._dice.expovariate(self._rate)
            now = perf_counter()
        if self._pacer is not None:
            self._pacer.at(self._next)
