"""Whether to believe a node: where the two sides stand, and whether a batch is the next one.

Pure decisions on what the store knows (`NodeRecord`) and the node's message. Nothing here is merged, kept or sent. The
cases, and what the node does about each, are the table in `edge.core.outbox`.
"""

from collections.abc import Callable
from functools import reduce
from hashlib import sha256
from typing import Any, Final

import msgspec
import zstandard
from msgspec import Struct

from edge.errors import Reason
from edge.limits import BATCH_BYTES_MAX
from edge.messages.batches import (
    NO_BATCH,
    BatchMessage,
    Hello,
    SyncWelcome,
    Window,
    chain_hash,
    decode_body,
    read_body,
)
from edge.messages.sentences import fault
from edge.messages.sync.report import NodeReport

BOOTS_REMEMBERED: Final = 16
"""Earlier processes of one node that are recognised when they speak again: then two of them are alive."""

EVENTS_MAX: Final = 2**62
"""Of one node, all its life; an integer of the store, or of a message, holds no more."""

HashOf = Callable[[int, int], bytes | None]
"""The hash of the batch (epoch, seq) of this node, None where the centre holds no such batch."""

REPEAT: Final = "repeat"
GAP: Final = "gap"
MISMATCH: Final = "mismatch"
STALE_EPOCH: Final = "stale_epoch"
TOO_LARGE: Final = "too_large"
BAD_HASH: Final = "bad_hash"
BAD_BODY: Final = "bad_body"
QUARANTINED: Final = "quarantined"

ALARMING: Final = (MISMATCH, TOO_LARGE, BAD_HASH, BAD_BODY, Reason.OVER_QUOTA)
"""Refusals that no honest node on a bad line brings about."""


class NodeRecord(Struct, frozen=True, kw_only=True):
    """What the centre knows of one node. `events` are those that this instance has delivered; `seen_until` (Unix ms) is
    the end of its latest window. `old_epoch` and `old_through` are how the epoch before ended,
    `discard_before` (Unix ms) what the node must not send again when this one began, `history` is the `chain_hash`
    over all batches that came from it, of whatever epoch. `rows_today` were stored of it on `day` (of UTC, counted from
    1970). Up to `newest` (Unix ms) everything is stored, or there was nothing; it is never after `progress_at`, when
    that became known. `report` came at `reported_at`, the last hello at `hello_at` (Unix ms of the centre)."""

    node: str
    instance: str
    boot: str
    retired: list[str] = []
    epoch: int
    through: int = 0
    head: bytes = NO_BATCH
    events: int = 0
    seen_until: int = 0
    old_epoch: int = 0
    old_through: int = 0
    discard_before: int = 0
    history: bytes = NO_BATCH
    day: int = 0
    rows_today: int = 0
    newest: int = 0
    progress_at: int = 0
    report: NodeReport | None = None
    reported_at: int = 0
    hello_at: int = 0


class Alarm(Struct, frozen=True):
    """Something that a person must know. `events` is how many are concerned, where that is known."""

    kind: str
    detail: str
    events: int = 0


class BatchError(Exception):
    """A batch that is not taken; `reason` goes to the node, and so does the text."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def answer_hello(
    record: NodeRecord | None, hello: Hello, hash_of: HashOf
) -> tuple[SyncWelcome, NodeRecord | None, Alarm | None]:
    """The answer to a hello, the node's new record (None: unchanged), and an alarm for the operator."""
    if record is None:
        alarm = _lost(hello.acked_events) if hello.epoch else None
        fresh = NodeRecord(node=hello.node, instance=hello.instance, boot=hello.boot, epoch=hello.epoch + 1)
        fresh = msgspec.structs.replace(fresh, old_epoch=hello.epoch, events=hello.acked_events)
        reason = alarm.kind if alarm else "enrolled"
        return SyncWelcome(epoch=fresh.epoch, history=fresh.history, reason=reason), fresh, alarm
    if hello.boot in record.retired:
        detail = "Two processes take turns as this node. Stop one of them, and give it a name of its own."
        return SyncWelcome(refused="cloned", detail=detail), None, Alarm("cloned", detail)
    if hello.instance != record.instance and 0 < hello.epoch <= record.epoch:
        detail = "A data directory speaks for this node that another one has replaced. Stop one of the two nodes."
        return SyncWelcome(refused="replaced", detail=detail), None, Alarm("cloned", detail)
    record = _booted(record, hello)
    if hello.epoch == record.epoch:
        return _same_epoch(record, hello, hash_of)
    if hello.epoch > record.epoch:
        return _shorter(record, hello)
    return _older_epoch(record, hello, hash_of)


def check(record: NodeRecord | None, batch: BatchMessage, hash_of: HashOf) -> str:
    """`REPEAT`, or empty where the batch is the next one by number and chain. Raises BatchError."""
    if record is None or batch.epoch != record.epoch:
        raise BatchError(STALE_EPOCH, f"Epoch {batch.epoch} is not the present one.")
    if batch.seq <= record.through:
        known = hash_of(batch.epoch, batch.seq)
        if known is not None and known != batch.sha256:
            raise BatchError(MISMATCH, f"Batch {batch.epoch}/{batch.seq} came before with other content.")
        return REPEAT
    if batch.seq > record.through + 1:
        raise BatchError(GAP, f"Batch {batch.epoch}/{batch.seq} came where {record.through + 1} was expected.")
    if batch.previous != record.head:
        raise BatchError(MISMATCH, f"Batch {batch.epoch}/{batch.seq} follows another {record.through} than ours.")
    if batch.history != record.history:
        raise BatchError(MISMATCH, f"Batch {batch.epoch}/{batch.seq} follows another history than ours.")
    return ""


def unpacker() -> zstandard.ZstdDecompressor:
    """Of bodies. For one thread; making one costs as much as unpacking does."""
    return zstandard.ZstdDecompressor(max_window_size=2 * BATCH_BYTES_MAX)


def unpack(batch: BatchMessage, by: zstandard.ZstdDecompressor | None = None) -> list[Window]:
    """The windows of its body, believed only as far as sizes, hash and schema allow. `by` is an `unpacker` that is
    kept. Raises BatchError."""
    try:
        # The frame's own claim comes first: the decompressor would allocate it.
        if zstandard.frame_content_size(batch.body) > BATCH_BYTES_MAX:
            raise BatchError(TOO_LARGE, f"The body claims more than {BATCH_BYTES_MAX} bytes.")
        body = (by or unpacker()).decompress(batch.body, max_output_size=BATCH_BYTES_MAX)
    except zstandard.ZstdError as error:
        raise BatchError(TOO_LARGE, f"The body does not unpack within {BATCH_BYTES_MAX} bytes: {error}.") from None
    if sha256(body).digest() != batch.sha256:
        raise BatchError(BAD_HASH, "The body does not have the hash that came with it.")
    try:
        windows = decode_body(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BatchError(BAD_BODY, f"The body breaks the schema: {': '.join(filter(None, fault(error)))}.") from None
    except ValueError as error:
        raise BatchError(BAD_BODY, f"The body breaks the schema: {error}.") from None
    return windows


def held(batch: BatchMessage) -> list[Window]:
    """The windows of a batch that could not be stored, as far as they can be read."""
    try:
        return read_body(zstandard.ZstdDecompressor().decompress(batch.body, max_output_size=BATCH_BYTES_MAX))
    except (zstandard.ZstdError, ValueError):
        return []


def taken(record: NodeRecord, batch: BatchMessage, windows: list[Window]) -> NodeRecord:
    """The node's record after this batch. Raises BatchError where a node claims more events than can be counted."""
    events = record.events + sum(window.events for window in windows)
    if events > EVENTS_MAX:
        raise BatchError(BAD_BODY, f"Its sums do not fit: the node would have sent {events} events.")
    return msgspec.structs.replace(
        record,
        through=batch.seq,
        head=batch.sha256,
        events=events,
        seen_until=max([record.seen_until, *(window.end for window in windows)]),
        history=chain_hash(record.history, batch.sha256),
    )


def progress(record: NodeRecord, windows: list[Window], report: NodeReport | None, at: int) -> dict[str, Any]:
    """What changes in the record when these windows are stored, and this report comes, at `at` (Unix ms)."""
    changes: dict[str, Any] = {}
    until = max([window.end for window in windows], default=0)
    if report is not None:
        changes = {"report": report, "reported_at": at}
        if report.epoch == record.epoch and report.numbered <= record.through and not report.pool:
            until = max(until, report.complete_until)
    if (newest := min(until, at)) > record.newest:
        changes |= {"newest": newest, "progress_at": at}
    return changes


def progressed(record: NodeRecord, report: NodeReport | None, at: int) -> NodeRecord:
    """The record after a report without a batch that was stored."""
    return msgspec.structs.replace(record, **progress(record, [], report, at))


def passed_over(record: NodeRecord, batch: BatchMessage) -> NodeRecord:
    """The node's record after this batch where the batch is kept aside."""
    history = chain_hash(record.history, batch.sha256)
    return msgspec.structs.replace(record, through=batch.seq, head=batch.sha256, history=history)


def _booted(record: NodeRecord, hello: Hello) -> NodeRecord:
    """The record with the process that sends now; the one before must not come back."""
    if hello.boot == record.boot:
        return record
    retired = [*record.retired, record.boot][-BOOTS_REMEMBERED:]
    return msgspec.structs.replace(record, boot=hello.boot, retired=retired)


def _same_epoch(record: NodeRecord, hello: Hello, hash_of: HashOf) -> tuple[SyncWelcome, NodeRecord, Alarm | None]:
    if hello.through > record.through:
        return _shorter(record, hello)
    agreed, agrees = _compare(hello, record.through, hash_of)
    if not agrees or not _continued(record, hello, agreed):
        return _new_epoch(record, hello, _restored(hello.acked_events - record.events), agreed, record.seen_until)
    return SyncWelcome(epoch=record.epoch, through=record.through, history=record.history), record, None


def _shorter(record: NodeRecord, hello: Hello) -> tuple[SyncWelcome, NodeRecord, Alarm]:
    """The centre holds less than it acknowledged to the node. Where not all of it is the node's own, what it has from
    before then may be here under other numbers."""
    known = _accounted(record, hello)
    alarm = _lost(hello.acked_events - record.events, known)
    return _new_epoch(record, hello, alarm, discard_before=0 if known else record.seen_until)


def _older_epoch(record: NodeRecord, hello: Hello, hash_of: HashOf) -> tuple[SyncWelcome, NodeRecord, Alarm | None]:
    if hello.instance != record.instance:
        detail = "The node enrolled again with an empty data directory. What its old one had not sent is not here."
        record = msgspec.structs.replace(record, events=0, seen_until=0)
        return _new_epoch(record, hello, Alarm("replaced", detail))
    closed = record.old_through if hello.epoch == record.old_epoch else hello.through
    agreed, agrees = _compare(hello, closed, hash_of)
    if hello.epoch == record.old_epoch and record.through == 0:
        # The welcome never arrived, or was not kept: nothing of the new epoch is here, so it can be sent again.
        agrees = agrees and (_accounted(record, hello) or _continued(record, hello, agreed))
        welcome = SyncWelcome(
            epoch=record.epoch,
            old_through=agreed,
            discard_before=record.discard_before or (0 if agrees else record.seen_until),
            history=record.history,
            reason="again",
        )
        if hello.acked_events <= record.events:
            return welcome, record, None
        # Another process, on an older copy of the same disk, received it first.
        alarm = _lost(hello.acked_events - record.events)
        return welcome, msgspec.structs.replace(record, events=hello.acked_events), alarm
    return _new_epoch(record, hello, _restored(hello.acked_events - record.events), agreed, record.seen_until)


def _accounted(record: NodeRecord, hello: Hello) -> bool:
    """Whether all that the centre holds is what this node has sent, or was asked to give up: then the node has been
    through its present history."""
    return hello.instance != record.instance or record.history in (NO_BATCH, *hello.history)


def _continued(record: NodeRecord, hello: Hello, agreed: int) -> bool:
    """Whether the centre's history is the node's with the batches up to `agreed`, and nothing else."""
    common = hello.in_flight[: max(agreed - hello.through, 0)]
    return record.history == reduce(chain_hash, common, hello.history[-1])


def _compare(hello: Hello, through: int, hash_of: HashOf) -> tuple[int, bool]:
    """How far the node's batches of its epoch are surely the centre's too, and whether that is all the centre has."""
    if hello.through and hash_of(hello.epoch, hello.through) not in (None, hello.head):
        return 0, False
    agreed = hello.through
    for seq, digest in enumerate(hello.in_flight, hello.through + 1):
        if seq > through:
            break
        if hash_of(hello.epoch, seq) != digest:
            return agreed, False
        agreed = seq
    return agreed, agreed >= through


def _new_epoch(
    record: NodeRecord, hello: Hello, alarm: Alarm, agreed: int = 0, discard_before: int = 0
) -> tuple[SyncWelcome, NodeRecord, Alarm]:
    fresh = msgspec.structs.replace(
        record,
        instance=hello.instance,
        epoch=max(record.epoch, hello.epoch) + 1,
        through=0,
        head=NO_BATCH,
        events=max(record.events, hello.acked_events),
        old_epoch=hello.epoch,
        old_through=record.through if hello.epoch == record.epoch else 0,
        discard_before=discard_before,
    )
    welcome = SyncWelcome(
        epoch=fresh.epoch,
        old_through=agreed,
        discard_before=discard_before,
        history=record.history,
        reason=alarm.kind,
    )
    return welcome, fresh, alarm


def _lost(events: int, known: bool = True) -> Alarm:
    detail = "The centre lacks batches that it once acknowledged: it was restored from a backup, or lost its disk."
    if not known:
        detail += f" At least so many events are gone. It also holds what this node does not know as its own. {_CLONE}"
    return Alarm("batches_lost", detail, max(events, 0))


def _restored(events: int) -> Alarm:
    detail = f"The node speaks from an earlier state than the centre has: it was restored from a backup. {_CLONE}"
    return Alarm("node_restored", detail, max(events, 0))


_CLONE: Final = (
    "If it was not, a copy of its data directory has spoken first: look for a second process, stop it, and restart "
    "this node. What the node may have sent already it does not send again: sync.events_discarded of its status has "
    "the number."
)
