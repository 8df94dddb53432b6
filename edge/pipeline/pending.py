"""What may wait for a round that goes to disk anyway: acknowledgements of answers, and counts of what links dropped.

Neither is waited for by anybody, and a sync to disk for each of them would double the node's work.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from ..core.model import Delivered, Durable, Shed
from ..errors import Reason

FLUSH_DELAY_S: Final = 0.5
"""They wait no longer than this; what a crash takes with it is an answer sent twice, or a drop counted once less. The
timer runs on where a round took everything along: to stop and start it costs more than the look at nothing."""


class PendingInputs:
    """Deliveries and drops, with a timer that calls `due` where no round came along."""

    def __init__(self, loop: asyncio.AbstractEventLoop, due: Callable[[], None]) -> None:
        self._loop = loop
        self._due = due
        self._delivered: list[int] = []
        self._shed: dict[Reason, int] = {}
        self._timer: asyncio.TimerHandle | None = None
        self.waiting = False
        """Whether `take` has something."""

    def delivered(self, sequences: list[int]) -> None:
        """Answers that reached their client."""
        self._delivered += sequences
        self.waiting = True
        self._arm_flush()

    def shed(self, reason: Reason, count: int) -> None:
        """Messages that a link dropped."""
        self._shed[reason] = self._shed.get(reason, 0) + count
        self.waiting = True
        self._arm_flush()

    @property
    def drops(self) -> dict[Reason, int]:
        """Counts that wait."""
        return self._shed.copy()

    def take(self) -> list[Durable]:
        """Everything, as inputs of the round that is about to be made."""
        taken: list[Durable] = []
        self.waiting = False
        if self._delivered:
            taken.append(Delivered(self._delivered))
            self._delivered = []
        if self._shed:
            taken += [Shed(reason, count) for reason, count in self._shed.items()]
            self._shed = {}
        return taken

    def _arm_flush(self) -> None:
        if self._timer is None:
            self._timer = self._loop.call_later(FLUSH_DELAY_S, self._overdue)

    def _overdue(self) -> None:
        self._timer = None
        if self.waiting:
            self._due()
