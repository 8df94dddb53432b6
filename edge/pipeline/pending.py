"""What may wait for a round that goes to disk anyway: acknowledgements of answers, and the counts of what no row keeps,
messages that links dropped and events that came again.

None of it is waited for by anybody, and a sync to disk for each of them would double the node's work.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Final

from ..core.model import Counted, Delivered, Durable, Repeats, Shed
from ..errors import Reason

FLUSH_DELAY_S: Final = 0.5
"""They wait no longer than this; what a crash takes with it is an answer sent twice, or a drop or a repeat that is not
counted. The timer runs on where a round took everything along: to stop and start it costs more than the look at
nothing."""


class PendingInputs:
    """Deliveries and counts, with a timer that calls `due` where no round came along."""

    def __init__(self, loop: asyncio.AbstractEventLoop, due: Callable[[], None]) -> None:
        self._loop = loop
        self._due = due
        self._delivered: list[int] = []
        self._shed: Counter[Reason] = Counter()
        self._repeats: Counter[str] = Counter()
        self._timer: asyncio.TimerHandle | None = None
        self.waiting = False
        """Whether `take` has something."""

    def delivered(self, sequences: list[int]) -> None:
        """Answers that reached their client."""
        self._delivered += sequences
        self._wait()

    def shed(self, reason: Reason, count: int) -> None:
        """Messages that a link dropped."""
        self._shed[reason] += count
        self._wait()

    def repeated(self, kind: str, count: int = 1) -> None:
        """Events that came again."""
        self._repeats[kind] += count
        self._wait()

    def again(self, taken: Durable) -> None:
        """The row that took it along did not come to disk. (Deliveries are known again when the answers are sent.)"""
        if isinstance(taken, Shed):
            self.shed(taken.reason, taken.count)
        elif isinstance(taken, Repeats):
            self.repeated(taken.kind, taken.count)

    def counted(self) -> list[Counted]:
        """Counts that wait."""
        sheds = [Shed(reason, count) for reason, count in self._shed.items()]
        return [*sheds, *(Repeats(kind, count) for kind, count in self._repeats.items())]

    def take(self) -> list[Durable]:
        """Everything, as inputs of the round that is about to be made."""
        taken: list[Durable] = [Delivered(self._delivered)] if self._delivered else []
        if self._shed or self._repeats:
            taken += self.counted()
            self._shed.clear()
            self._repeats.clear()
        self._delivered = []
        self.waiting = False
        return taken

    def _wait(self) -> None:
        self.waiting = True
        if self._timer is None:
            self._timer = self._loop.call_later(FLUSH_DELAY_S, self._overdue)

    def _overdue(self) -> None:
        self._timer = None
        if self.waiting:
            self._due()
