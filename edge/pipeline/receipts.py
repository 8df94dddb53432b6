"""Repeats get the answer that was recorded: the journal is asked for the row that decided the event.

The receipt that is found there goes back into the core, which sends it again, byte for byte.
"""

import asyncio
import logging
from collections.abc import Callable

from ..core.model import Input, Recall, Recalled
from ..errors import JournalError
from ..health.status import Status
from ..journal.journal import Journal
from .inflight import receipts_in

log = logging.getLogger("doorstep.pipeline")


class Recalls:
    """Looks under way. `post` takes what they find."""

    def __init__(self, journal: Journal, status: Status, post: Callable[[list[Input]], None]) -> None:
        self._journal, self._status, self._post = journal, status, post
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[int, list[Recall]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def ask(self, recall: Recall) -> None:
        """After an outage whole rows of events come again at once: one look at a row serves all that wait for it."""
        waiting = self._waiting.setdefault(recall.row, [])
        waiting.append(recall)
        if len(waiting) > 1:
            return
        task = self._loop.create_task(self._look(recall.row))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def cancel(self) -> None:
        """The node stops: who sent a repeat sends it again."""
        for task in self._tasks:
            task.cancel()

    async def _look(self, row: int) -> None:
        try:
            body = await self._journal.recall(row)
        except JournalError as error:
            self._status.alarm("journal", str(error))
            body = None
        recalls = self._waiting.pop(row)
        receipts = receipts_in(body, recalls) if body is not None else {}
        found: list[Input] = []
        for recall in recalls:
            if (receipt := receipts.get((recall.client, recall.id))) is not None:
                found.append(Recalled(recall.client, receipt))
                continue
            self._status.dropped("recall_missed", 1)
            log.warning("event %s of %s was decided in row %d, which is gone", recall.id, recall.client, row)
        if found:
            self._post(found)
