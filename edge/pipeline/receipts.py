"""Repeats get the answer that was recorded: the journal is asked for the row that decided the event.

The receipt that is found there goes to the client once more, byte for byte, and nothing is written down for it: a
client that does not get it sends its event again.
"""

import asyncio
import logging
from collections.abc import Callable

import msgspec

from ..core.model import Answer, Repeat, decode_row
from ..errors import JournalError
from ..health.status import Status
from ..journal.journal import Journal
from ..limits import RECEIPT_EXPIRY_S
from ..mqtt.seam import Pending

log = logging.getLogger("doorstep.pipeline")


class ReceiptLookup:
    """Looks under way. `show` takes what they find, by client."""

    def __init__(self, journal: Journal, status: Status, show: Callable[[dict[str, list[Pending]]], None]) -> None:
        self._journal, self._status, self._show = journal, status, show
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[int, list[Repeat]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def ask(self, lookup: Repeat) -> None:
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
        found: dict[str, list[Pending]] = {}
        for lookup in lookups:
            if (receipt := receipts.get((lookup.client, lookup.id))) is not None:
                answer = Answer(0, lookup.client, "receipt", receipt, 0.0)
                found.setdefault(lookup.client, []).append((answer, RECEIPT_EXPIRY_S))
                continue
            self._status.dropped("recall_missed", 1)
            log.warning("event %s of %s was decided in row %d, which is gone", lookup.id, lookup.client, row)
        if found:
            self._show(found)


def receipts_in(body: bytes, lookups: list[Repeat]) -> dict[tuple[str, str], bytes]:
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
