"""What becomes of a publish: hellos are answered, batches stored, kept aside, or refused.

All publishes of a group are decided one after the other on `store.group.Group`, and stored in one transaction.
"""

from collections.abc import Callable
from hashlib import sha256
from typing import Final

import msgspec
import zstandard
from msgspec import Struct

from edge.errors import Reason
from edge.limits import TEXT_CHARACTERS_MAX
from edge.log.events import ALARM, BATCH_FAULT, BATCH_REFUSED, MESSAGE_UNREADABLE
from edge.messages.batches import (
    SYNC_ACK,
    SYNC_BATCH,
    SYNC_HELLO,
    SYNC_WELCOME,
    SyncAck,
    decode_batch,
    decode_hello,
    encode,
)
from edge.messages.sync.ledger import SYNC_LEDGER, decode_counts
from edge.messages.sync.report import SYNC_REPORT, decode_report
from edge.messages.sync.shops import withhold_shops
from edge.messages.sync.statement import SYNC_STATEMENT, decode_signed, decode_statement, entries
from edge.mqtt.seam import Publish

from ..store.engine.driver import StoreFailed, StoreFull, StoreLost, StoreRefused
from ..store.group import Group, ShopsKept
from ..store.store import Store
from .admit import Bounds, admit, with_rows
from .verify import (
    ALARMING,
    BAD_BODY,
    QUARANTINED,
    REPEAT,
    Alarm,
    BatchError,
    answer_hello,
    check,
    passed_over,
    progressed,
    taken,
    unpack,
)

TAKES: Final = [SYNC_REPORT, SYNC_STATEMENT, SYNC_LEDGER]
"""What this centre understands beside hellos and batches."""


class BatchOutcome(Struct, frozen=True):
    """What became of one publish: the kind and payload of the answer (empty kind: none), and the reason why the
    publish itself was not accepted (empty: it was)."""

    kind: str = ""
    payload: bytes = b""
    reason: str = ""


class BatchValidator:
    """Decides about one publish after the other, on a group of the store. `poison` is why the store did not take the
    only publish of this group, if it did not."""

    def __init__(
        self,
        store: Group,
        wall_ms: Callable[[], int],
        bounds: Bounds,
        poison: str = "",
        unpacker: zstandard.ZstdDecompressor | None = None,
    ) -> None:
        self._store, self._unpacker = store, unpacker
        self._wall_ms = wall_ms
        self._bounds = bounds
        self._poison = poison

    def validate(self, publish: Publish) -> BatchOutcome:
        """The outcome, to be sent once the group is on disk."""
        try:
            if publish.kind == SYNC_HELLO:
                return self._hello(publish)
            if publish.kind == SYNC_BATCH:
                return self._batch(publish)
            if publish.kind == SYNC_REPORT:
                return self._report(publish)
            if publish.kind == SYNC_STATEMENT:
                return self._statement(publish)
            if publish.kind == SYNC_LEDGER:
                return self._ledger(publish)
        except (msgspec.DecodeError, ValueError) as error:
            MESSAGE_UNREADABLE.write(node=publish.client, kind=publish.kind, sentence=str(error))
            self._store.refused(publish.client, None, self._wall_ms())
            return BatchOutcome(reason=Reason.MALFORMED)
        return BatchOutcome(reason=Reason.UNKNOWN_KIND)

    def _hello(self, publish: Publish) -> BatchOutcome:
        hello = decode_hello(publish.payload)
        node, at = publish.client, self._wall_ms()
        if hello.node != node:
            return BatchOutcome(reason=Reason.NOT_YOURS)
        before, hash_of = self._store.record(node), lambda epoch, seq: self._store.hash_of(node, epoch, seq)
        welcome, record, alarm = answer_hello(before, hello, hash_of)
        if welcome.refused:
            self._store.refused(node, alarm, at)
        else:
            seen = msgspec.structs.replace(record, hello_at=at) if record is not None else None
            self._store.save_hello(node, seen, alarm, at)
            welcome = msgspec.structs.replace(welcome, takes=TAKES)
        _log(node, alarm)
        return BatchOutcome(SYNC_WELCOME, encode(welcome))

    def _report(self, publish: Publish) -> BatchOutcome:
        report, at = decode_report(publish.payload), self._wall_ms()
        record = self._store.record(publish.client)
        if record is not None:
            self._store.save_hello(publish.client, progressed(record, report, at), None, at)
        return BatchOutcome()

    def _statement(self, publish: Publish) -> BatchOutcome:
        signed = decode_signed(publish.payload)
        statement = decode_statement(signed.body)
        if statement.node != publish.client:
            return BatchOutcome(reason=Reason.NOT_YOURS)
        for _ in entries(statement):
            pass  # raises ValueError where there is one that cannot be read
        tables, shops = withhold_shops(statement.shops, self._bounds.k_anonymity), None
        if tables:
            shops = ShopsKept(statement.instance, statement.shops_since, tables)
        at, digest = self._wall_ms(), sha256(signed.body).digest()
        if reason := self._over(publish.client, 1 + sum(len(each.shops) for each in tables), at):
            return BatchOutcome(reason=reason)
        self._store.keep(publish.client, statement.day, digest, publish.payload, at, shops)
        return BatchOutcome()

    def _ledger(self, publish: Publish) -> BatchOutcome:
        days, at = decode_counts(publish.payload).days, self._wall_ms()
        if reason := self._over(publish.client, len(days), at):
            return BatchOutcome(reason=reason)
        self._store.compare(publish.client, days, at)
        return BatchOutcome()

    def _over(self, node: str, rows: int, at: int) -> str:
        """Why a node may not have so many more rows written today; empty where it may: then they are counted."""
        record = self._store.record(node)
        if record is None:
            return Reason.NOT_ALLOWED
        try:
            self._store.save_hello(node, with_rows(record, rows, self._bounds, at), None, at)
        except BatchError as error:
            BATCH_REFUSED.write(batch="a statement or a ledger", node=node, sentence=str(error))
            return Reason.OVER_QUOTA
        return ""

    def _batch(self, publish: Publish) -> BatchOutcome:
        batch = decode_batch(publish.payload)
        node, at = publish.client, self._wall_ms()
        record = self._store.record(node)
        epoch, through = (record.epoch, record.through) if record else (0, 0)
        try:
            if check(record, batch, lambda epoch, seq: self._store.hash_of(node, epoch, seq)) == REPEAT:
                self._store.repeated(node, at)
                return BatchOutcome(SYNC_ACK, encode(SyncAck(epoch=epoch, through=through)))
            assert record is not None
            windows = unpack(batch, self._unpacker)
            if self._poison:
                raise BatchError(BAD_BODY, self._poison)
            admitted = admit(taken(record, batch, windows), windows, self._bounds, at, batch.report)
            self._store.merge(admitted.record, batch, admitted.windows, at, admitted.alarm)
        except BatchError as error:
            BATCH_REFUSED.write(batch=f"{batch.epoch}/{batch.seq}", node=node, sentence=str(error))
            detail, reason = str(error)[:TEXT_CHARACTERS_MAX], error.reason
            # Its hash is right, so it is what the node means, and will never be another: the next ones must not wait.
            if reason == BAD_BODY and record is not None:
                past = progressed(passed_over(record, batch), batch.report, at)
                if self._store.quarantine(past, batch, reason, detail, at):
                    reason, through = QUARANTINED, batch.seq
            if reason != QUARANTINED:
                self._store.refused(node, Alarm(reason, str(error)) if reason in ALARMING else None, at)
            refusal = SyncAck(epoch=epoch, through=through, refused=reason, expected=through + 1, detail=detail)
            return BatchOutcome(SYNC_ACK, encode(refusal))
        _log(node, admitted.alarm)
        return BatchOutcome(SYNC_ACK, encode(SyncAck(epoch=epoch, through=batch.seq)))


def store_all(store: Store, publishes: list[Publish], wall_ms: Callable[[], int], bounds: Bounds) -> list[BatchOutcome]:
    """The outcome of each publish, once all are on disk, in one transaction. A batch that the store does not take, or
    that a fault of ours stumbles over, is kept aside. Raises the store's other errors: then nothing was kept, except
    perhaps after StoreLost."""
    try:
        return _together(store, publishes, wall_ms, bounds)
    except (StoreLost, StoreFull, StoreFailed):
        raise
    except Exception as error:
        if len(publishes) > 1:
            return [outcome for publish in publishes for outcome in store_all(store, [publish], wall_ms, bounds)]
        if publishes[0].kind != SYNC_BATCH:
            raise
        if not isinstance(error, StoreRefused):
            BATCH_FAULT.write(node=publishes[0].client, error=error)
        return _together(store, publishes, wall_ms, bounds, f"The store does not take it: {error}")


def _together(
    store: Store, publishes: list[Publish], wall_ms: Callable[[], int], bounds: Bounds, poison: str = ""
) -> list[BatchOutcome]:
    names = [publish.client for publish in publishes]
    newcomers = [publish.client for publish in publishes if publish.kind == SYNC_HELLO]
    with store.group(names, newcomers) as group:
        validator = BatchValidator(group, wall_ms, bounds, poison, store.unpacker)
        return [validator.validate(publish) for publish in publishes]


def _log(node: str, alarm: Alarm | None) -> None:
    if alarm is not None:
        ALARM.write(node=node, name=alarm.kind, events=alarm.events, sentence=alarm.detail)
