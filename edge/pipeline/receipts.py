"""Repeats get the answer that was recorded: the journal is asked for the row that decided the event.

The receipt that is found there goes to the client once more, the same fields in the encoding of the repeat, then the
acknowledgement with its reason, and nothing is written down for it: a client that does not get it sends its event
again. An event that has the id of another one is refused; its receipt has the time of the row, so that this is the
same each time, too.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

import msgspec
from msgspec import structs

from ..core.decode import Catalog, receipt_of
from ..core.model import Answer, Now, RecordedEvent, Repeat, Row, decode_row
from ..core.scenario import Outcome, Refusal
from ..errors import JournalError, Reason
from ..health.status import Status
from ..journal.journal import Journal
from ..limits import RECEIPT_EXPIRY_S
from ..log.events import ROW_GONE
from ..messages.envelope import ENCODE, Receipt, Up, loose, recoded
from ..mqtt.seam import Pending, Source


class _Waiting(NamedTuple):
    repeat: Repeat
    source: Source
    token: int


class ReceiptLookup:
    """Looks under way. `show` takes what they find, by client."""

    def __init__(
        self, journal: Journal, catalog: Catalog, status: Status, show: Callable[[dict[str, list[Pending]]], None]
    ) -> None:
        self._journal, self._catalog, self._status, self._show = journal, catalog, status, show
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[int, list[_Waiting]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def ask(self, lookup: Repeat, source: Source, token: int) -> None:
        """After an outage whole rows of events come again at once: one look at a row serves all that wait for it."""
        waiting = self._waiting.setdefault(lookup.row, [])
        waiting.append(_Waiting(lookup, source, token))
        if len(waiting) > 1:
            return
        task = self._loop.create_task(self._look(lookup.row))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def cancel(self) -> None:
        """The node stops: who sent a repeat sends it again."""
        for task in self._tasks:
            task.cancel()

    async def _look(self, number: int) -> None:
        try:
            body = await self._journal.lookup(number)
        except JournalError as error:
            self._status.alarm("journal", str(error))
            body = None
        waiting = self._waiting.pop(number)
        lookups = [one.repeat for one in waiting]
        row = decode_row(body) if body is not None else None
        receipts = receipts_in(row, lookups) if row is not None else {}
        bodies = bodies_in(row, lookups, self._catalog) if row is not None else {}
        found: dict[str, list[Pending]] = {}
        reasons: list[str] = []
        for lookup in lookups:
            key = (lookup.client, lookup.id)
            receipt = receipts.get(key)
            if receipt is None or row is None:
                reasons.append("")
                self._status.dropped("recall_missed", 1)
                ROW_GONE.write(client=lookup.client, row=number)
                continue
            if lookup.body is not None and key in bodies and not self._is_same(bodies[key], lookup.body):
                self._status.refused(Reason.ID_REUSED)
                receipt = _reused(lookup, row.now.wall_ms)
            reasons.append(loose(receipt).get("reason", ""))
            answer = Answer(0, lookup.client, "receipt", recoded(receipt, lookup.json), 0.0)
            found.setdefault(lookup.client, []).append((answer, RECEIPT_EXPIRY_S))
        if found:
            self._show(found)
        for (_, source, token), reason in zip(waiting, reasons, strict=True):
            if token:
                source.acknowledge([token], [reason])

    def _is_same(self, first: Up, again: Up) -> bool:
        """Whether two events have the same content. The time may be another one: some clients stamp it at each sending.
        So may be what a person wrote, which the row need not have."""
        if type(first) is not type(again):
            return False
        first, again = self._catalog.without_text(first), self._catalog.without_text(again)
        return structs.replace(first, at=again.at, v=again.v) == again


def receipts_in(row: Row, lookups: list[Repeat]) -> dict[tuple[str, str], bytes]:
    """The payloads of the receipts that a row holds for these repeats, by client and id."""
    wanted = {(lookup.client, lookup.id) for lookup in lookups}
    clients = {lookup.client for lookup in lookups}
    found: dict[tuple[str, str], bytes] = {}
    for effect in row.effects:
        if isinstance(effect, Answer) and effect.kind == "receipt" and effect.client in clients:
            key = (effect.client, loose(effect.payload).get("id", ""))
            if key in wanted:
                found.setdefault(key, effect.payload)
    return found


def bodies_in(row: Row, lookups: list[Repeat], catalog: Catalog) -> dict[tuple[str, str], Up]:
    """The events that a row holds for these repeats, by client and id; not those of scenarios that are off now."""
    clients = {lookup.client for lookup in lookups}
    found: dict[tuple[str, str], Up] = {}
    for item in row.inputs:
        if isinstance(item, RecordedEvent) and item.client in clients:
            with suppress(JournalError, msgspec.DecodeError):
                body = catalog.opened(item).body
                found[item.client, body.id] = body
    return found


def _reused(lookup: Repeat, at_ms: int) -> bytes:
    """The refusal of an event with the id of another one."""
    detail = "another event had this id; use a new one for each event"
    refusal = Outcome(Refusal(Reason.ID_REUSED, "id", detail))
    return ENCODE[lookup.json](receipt_of(Receipt, lookup.id, lookup.kind, refusal, Now(0.0, at_ms)))
