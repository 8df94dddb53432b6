"""Repeats get the answer that was recorded: the journal is asked for the row that decided the event.

The receipt that is found there goes back into the core, which sends it again, byte for byte.
"""

import asyncio
import logging
from collections.abc import Callable

import msgspec

from ..core.model import Answer, DuplicateAnswer, DuplicateLookup, Input, decode_row
from ..errors import JournalError
from ..health.status import Status
from ..journal.journal import Journal

log = logging.getLogger("doorstep.pipeline")


class ReceiptLookup:
    """Looks under way. `post` takes what they find."""

    def __init__(self, journal: Journal, status: Status, post: Callable[[list[Input]], None]) -> None:
        self._journal, self._status, self._post = journal, status, post
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[int, list[DuplicateLookup]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def ask(self, lookup: DuplicateLookup) -> None:
        """After an outage whole rows of events come again at once: one look at a row serves all that wait for it."""
        waiting = self._waiting.setdefault(lookup.row, [])
        waiting.append(lookup)
        if len(waiting) > 1:
            return
        task = self._loop.create_task(self._look(lookup.row))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def cancel(self) -> None:
        """The node stops: who sent a repeat sends it again."""
        for task in self._tasks:
            task.cancel()

    async def _look(self, row: int) -> None:
        try:
            body = await self._journal.lookup(row)
        except JournalError as error:
            self._status.alarm("journal", str(error))
            body = None
        lookups = self._waiting.pop(row)
        receipts = receipts_in(body, lookups) if body is not None else {}
        found: list[Input] = []
        for lookup in lookups:
            if (receipt := receipts.get((lookup.client, lookup.id))) is not None:
                found.append(DuplicateAnswer(lookup.client, receipt))
                continue
            self._status.dropped("recall_missed", 1)
            log.warning("event %s of %s was decided in row %d, which is gone", lookup.id, lookup.client, row)
        if found:
            self._post(found)


def receipts_in(body: bytes, lookups: list[DuplicateLookup]) -> dict[tuple[str, str], bytes]:
    """The payloads of the receipts that a row holds for these repeats, by client and id. The row is read once."""
    wanted = {(lookup.client, lookup.id) for lookup in lookups}
    clients = {lookup.client for lookup in lookups}
    found: dict[tuple[str, str], bytes] = {}
    for effect in decode_row(body).effects:
        if isinstance(effect, Answer) and effect.kind == "receipt" and effect.client in clients:
            loose = msgspec.json if effect.payload[:1] == b"{" else msgspec.msgpack
            key = (effect.client, loose.decode(effect.payload).get("id"))
            if key in wanted:
                found.setdefault(key, effect.payload)
    return found
