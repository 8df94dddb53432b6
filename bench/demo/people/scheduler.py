"""Who does what when: one heap of simulated instants and one timer of the loop, however many people there are.

At 300 times real speed a simulated minute lasts 200 ms; a sleeping task for each rider would spend more time waking up
than acting. Every action gets the instant at which it was due, so that delays of this process count as delays (no
coordinated omission).
"""

import asyncio
import heapq
from typing import Final

from edge.clock import Clock

from ...courier import Action

ACTIONS_PER_TURN_MAX: Final = 200
"""Due actions in one turn of the loop; answers that arrived meanwhile are read before the next ones."""


class Scheduler:
    """Actions at instants of a (scaled) clock, in sequence; equal instants in the sequence they were added."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.failure: Exception | None = None
        self._heap: list[tuple[int, int, Action]] = []
        self._added = 0
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    def __len__(self) -> int:
        return len(self._heap)

    def now_ms(self) -> int:
        """The simulated wall clock."""
        return self.clock.now().wall_ms

    def at(self, wall_ms: int, action: Action) -> None:
        """Do `action` at `wall_ms`, or at once where that has passed."""
        self._added += 1
        heapq.heappush(self._heap, (wall_ms, self._added, action))
        if self._heap[0][1] == self._added:
            self._arm()

    def after(self, seconds: float, action: Action) -> None:
        """Do `action` in `seconds` of simulated time."""
        self.at(self.now_ms() + round(seconds * 1000), action)

    def late_real_s(self, wall_ms: int) -> float:
        """How long ago, in real seconds, `wall_ms` was."""
        return self.clock.real_s((self.now_ms() - wall_ms) / 1000)

    def close(self) -> None:
        """Nothing more happens."""
        self._closed = True
        self._heap.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._heap and not self._closed:
            wait_s = max(self.clock.real_s((self._heap[0][0] - self.now_ms()) / 1000), 0.0)
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._turn)

    def _turn(self) -> None:
        now_ms = self.now_ms()
        for _ in range(ACTIONS_PER_TURN_MAX):
            if not self._heap or self._heap[0][0] > now_ms:
                break
            due_ms, _, action = heapq.heappop(self._heap)
            try:
                action(due_ms)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is kept
                # A person that raises is a bug of the demonstration: the run stops and shows it.
                self.failure = self.failure or error
                self.close()
                return
        self._arm()
