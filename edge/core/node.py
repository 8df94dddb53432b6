"""The one state machine of the node. Pure: same inputs, same effects, to the byte.

A call of `handle` is a round: a batch of inputs at one instant becomes a list of effects. Whatever is durable about the
round stands in one `Row`, which is the first effect; everything after it waits until the row is on disk. The same
function serves three callers:

    live        the observations come from the position table, the decisions are made
    recovery    both come from the recorded row, and so do the batches for the centre, so that a new version of the
                policy cannot change what was promised
    replay      the observations come from the row, the decisions are made again and compared

Order in a round: timers that are due, then the inputs as they came, then one decision over what has changed, then
receipts (they carry the promise, so they need the decision), then the answers that the events caused, then windows and
batches.
"""

from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import Final

from ..errors import JournalError, Reason
from ..limits import AGE_STEP_MS_MAX, JSON_CLIENTS_MAX, RECEIPT_EXPIRY_S
from ..messages.envelope import KIND_OF, OrderPlace, Promise, Receipt, RiderShift, encode
from ..scenarios.dispatch import Dispatch, RecordedSensor, Refusal, Sensor
from .aggregate import Windows
from .answers import PendingAnswers
from .dedup import DedupIndex
from .effects import Effects
from .model import (
    Acknowledge,
    Answer,
    Batch,
    Commit,
    Configure,
    Decision,
    Delivered,
    DuplicateAnswer,
    DuplicateLookup,
    Effect,
    Event,
    Input,
    Now,
    PositionReport,
    Presence,
    Recordable,
    Recorded,
    Rejected,
    Row,
    Rules,
    Shed,
    SyncAcked,
    SyncWelcomed,
    decode_row,
    encode_row,
)
from .outbox import Outbox
from .snapshot import STATE_VERSION, Counts, State, decode_state, encode_state

SCENARIO: Final = "dispatch"

_ACCEPTED: Final = {body: f"accepted.{kind}" for body, kind in KIND_OF.items()}


class Node:
    """The core. Before the first `Configure` it knows no rules and refuses to handle anything else."""

    def __init__(self) -> None:
        self.number = 0
        """The last row's number."""
        self.sequence = 0
        """The last answer's."""
        self.last = Now(0.0, 0)
        self.counts = Counts()
        self.pending_answers = PendingAnswers()
        self.decided = 0
        """Decisions made by this process: recovery makes none."""
        self.recovery_differences = 0
        """Rows whose effects came out differently in recovery: another version of the code made them."""
        self.recovered_rows = self.recovered_bytes = 0
        """What recovery had to run through: rows after the snapshot, and their size."""
        self.age_ms = 0
        """How long the node has lived, as its rounds tell: no jump of a clock makes it older than it is."""
        self.rules: Rules | None = None
        self._json: dict[str, bool] = {}
        self._dedup = DedupIndex()
        self.outbox = Outbox("")
        self.windows = Windows(5, 8)
        self.dispatch = Dispatch(Rules(node="unset").dispatch)

    # -- the three callers ---------------------------------------------------------------------------------------------

    def handle(self, batch: Sequence[Input], now: Now) -> list[Effect]:
        """One round, live. No effects where nothing durable happened: positions alone make no row."""
        recorded = self._observe(batch, now)
        if not recorded:
            deadline = self.next_deadline()
            if deadline is None or deadline > now.mono:
                return []
        return self._round(recorded, now, self.dispatch.live_sensor(), None)

    def replay(self, row: Row) -> list[Effect]:
        """The round of a recorded row, decided again on what it saw then."""
        return self._round(row.inputs, row.now, RecordedSensor(row.seen), None)

    def recover(self, snapshot: bytes | None, rows: Iterable[bytes]) -> None:
        """Back to where the journal ends. Raises JournalError where a row is missing or of another format."""
        if snapshot is not None:
            with _readable("The snapshot"):
                self._restore(snapshot)
        for body in rows:
            with _readable(f"Row {self.number + 1} of the journal"):
                row = decode_row(body)
            if row.number != self.number + 1:
                raise JournalError(
                    f"The journal goes from row {self.number} to row {row.number}: rows are missing. "
                    f"Restore the data directory from a backup, or move it away and start afresh."
                )
            cut = [effect for effect in row.effects if isinstance(effect, Batch)]
            with _readable(f"Row {row.number} of the journal"):
                effects = self._round(row.inputs, row.now, RecordedSensor(row.seen), row.decisions, cut)
            if effects[1:] != row.effects:
                self.recovery_differences += 1
            self.recovered_rows += 1
            self.recovered_bytes += len(body)

    def next_deadline(self) -> float | None:
        """When `handle` wants to be called even without inputs, in monotonic seconds."""
        decide, seal = self.dispatch.next_deadline(), self.windows.next_deadline()
        if decide is None or seal is None:
            return seal if decide is None else decide
        return min(decide, seal)

    @property
    def repeats_dropped_early(self) -> int:
        """Decided events forgotten before their retention, because there were too many: they would be decided again."""
        return self._dedup.dropped_early

    @property
    def prunable(self) -> int:
        """Rows up to this number may leave the journal: see `repeats`."""
        return self._dedup.prunable

    # -- one round -----------------------------------------------------------------------------------------------------

    def _observe(self, batch: Sequence[Input], now: Now) -> list[Recorded]:
        """Feeds what is never stored to the position table, and returns the rest. Who sends an event is not silent, not
        even for the timers, which come before the event in its round."""
        recorded: list[Recorded] = []
        for item in batch:
            if isinstance(item, Event):
                self.dispatch.touch(item.client, now)
                recorded.append(_recordable(item))
            elif isinstance(item, PositionReport):
                self.dispatch.report_position(item.client, item.points, now)
            elif isinstance(item, Presence):
                self.dispatch.presence(item.client, item.present, now)
            else:
                recorded.append(item)
        return recorded

    def _round(
        self,
        inputs: list[Recorded],
        now: Now,
        sensor: Sensor,
        decided: list[Decision] | None,
        cut: list[Batch] | None = None,
    ) -> list[Effect]:
        self.number += 1
        self.age_ms += min(max(0, round((now.mono - self.last.mono) * 1000)), AGE_STEP_MS_MAX)
        self.last = now
        out = Effects(self.windows, "wgs84" if self.rules is None else self.rules.crs, self._json, now, SCENARIO)
        unfetched = self.pending_answers.expire(now.mono)
        if unfetched:
            out.count("answer.expired", now.wall_ms, unfetched)
        self.dispatch.expire(now, sensor, out)
        reasons: list[str] = []
        verdicts: list[tuple[Event | Rejected, Refusal | None]] = []
        for item in inputs:
            if isinstance(item, Event):
                reasons.append(self._event(item, now, out, verdicts))
            elif isinstance(item, Rejected):
                reasons.append(self._rejected(item, now, out, verdicts))
            else:
                self._other(item, now, out)
        if decided is None:
            decisions = self.dispatch.decide(now, sensor)
            self.decided += len(decisions)
        else:
            decisions = decided
        self.dispatch.apply_decisions(decisions, now, out)

        effects: list[Recordable] = [self._receipt(item, refusal, now) for item, refusal in verdicts]
        for message in out.messages:
            effects.append(self._answer(*message))
        effects += out.lookups
        effects += self._sync(now, cut)
        if reasons:
            effects.append(Acknowledge(reasons))
        row = Row(self.number, now, inputs, sensor.log, decisions, effects)
        return [Commit(self.number, encode_row(row)), *effects]

    def _event(
        self, event: Event, now: Now, out: Effects, verdicts: list[tuple[Event | Rejected, Refusal | None]]
    ) -> str:
        """One event: a repeat, a refusal or an acceptance. Returns the reason for its acknowledgement."""
        body = event.body
        self.counts.received += 1
        row = self._dedup.insert_or_get(event.client, body.id, self.number, self.age_ms)
        if row is not None:
            self._repeated(event.client, body.id, row, f"duplicate.{KIND_OF[type(body)]}", body.at, now, out)
            return ""
        if event.json:
            if event.client not in self._json and len(self._json) >= JSON_CLIENTS_MAX:
                del self._json[next(iter(self._json))]
            self._json[event.client] = True
        elif self._json:
            self._json.pop(event.client, None)
        refusal = self.dispatch.apply(event, now, out)
        verdicts.append((event, refusal))
        if refusal is None:
            self.counts.accepted += 1
            self.windows.event(SCENARIO, _ACCEPTED[type(body)], body.at, now)
            return ""
        self._refused(refusal.reason, body.at, now)
        return refusal.reason

    def _rejected(
        self, item: Rejected, now: Now, out: Effects, verdicts: list[tuple[Event | Rejected, Refusal | None]]
    ) -> str:
        """A message that was no event. Where it had an id, its refusal is the decision about that id."""
        self.counts.received += 1
        if item.id:
            row = self._dedup.insert_or_get(item.client, item.id, self.number, self.age_ms)
            if row is not None:
                self._repeated(item.client, item.id, row, "duplicate.rejected", now.wall_ms, now, out)
                return ""
            verdicts.append((item, Refusal(item.reason, item.field, item.detail)))
        self._refused(item.reason, now.wall_ms, now)
        return item.reason

    def _repeated(self, client: str, id_: str, row: int, name: str, at_ms: int, now: Now, out: Effects) -> None:
        """The id was decided before, in `row`: its receipt is called back."""
        self.counts.duplicate += 1
        self.windows.event(SCENARIO, name, at_ms, now)
        out.lookups.append(DuplicateLookup(client, id_, row))

    def _refused(self, reason: str, at_ms: int, now: Now) -> None:
        self.counts.refused[reason] = self.counts.refused.get(reason, 0) + 1
        self.windows.event(SCENARIO, f"refused.{reason}", at_ms, now)

    def _other(self, item: Recorded, now: Now, out: Effects) -> None:
        match item:
            case Delivered():
                self.pending_answers.acknowledged(item.sequences)
            case DuplicateAnswer():
                out.repeat(item.client, item.payload, now.mono + RECEIPT_EXPIRY_S)
            case Shed():
                self.counts.shed[item.reason] = self.counts.shed.get(item.reason, 0) + item.count
                self.windows.count(SCENARIO, f"shed.{item.reason}", now.wall_ms, now, item.count)
            case SyncAcked():
                self.outbox.stored(item.epoch, item.through)
            case SyncWelcomed():
                before = self.outbox.events_discarded
                if item.discard_before and item.epoch > self.outbox.epoch and not item.through:
                    self.outbox.events_discarded += self.windows.discard(item.discard_before)
                self.outbox.welcome(item)
                if gone := self.outbox.events_discarded - before:
                    self.windows.count(SCENARIO, "discarded", now.wall_ms, now, gone)
            case Configure():
                self._configure(item.rules)
            case _:
                raise TypeError(f"{type(item).__name__} is no input of the core")

    def _configure(self, rules: Rules) -> None:
        if self.rules is None:
            self.outbox = Outbox(rules.node)
        self.rules = rules
        self.windows.configure(rules.k_anonymity, rules.cell_resolution)
        self.dispatch.configure(rules.dispatch)
        self._dedup.forget(self.age_ms, rules.retention_s * 1000, self.number)

    # -- what comes out ------------------------------------------------------------------------------------------------

    def _receipt(self, item: Event | Rejected, refusal: Refusal | None, now: Now) -> Answer:
        at = now.wall_ms
        if isinstance(item, Event):
            body = item.body
            kind, id_, order = KIND_OF[type(body)], body.id, "" if isinstance(body, RiderShift) else body.order
        else:
            body, kind, id_, order = None, item.kind, item.id, ""
        if refusal is None:
            promise: Promise | None = None
            if isinstance(body, OrderPlace) and body.promise:
                promise = self.dispatch.promise(order)
            receipt = Receipt(id=id_, of=kind, status="accepted", at=at, order=order, promise=promise)
        else:
            receipt = Receipt(
                id=id_,
                of=kind,
                status="refused",
                at=at,
                order=order,
                reason=refusal.reason,
                field=refusal.field,
                detail=refusal.detail,
            )
        return self._answer(item.client, "receipt", encode(receipt, item.json), now.mono + RECEIPT_EXPIRY_S)

    def _answer(self, client: str, kind: str, payload: bytes, expires: float) -> Answer:
        self.sequence += 1
        answer = Answer(self.sequence, client, kind, payload, expires)
        self.pending_answers.add(answer)
        return answer

    def _sync(self, now: Now, cut: list[Batch] | None) -> list[Batch]:
        sealed = self.windows.seal(now)
        if sealed:
            self.outbox.add(sealed)
            if self.rules is not None:
                self._dedup.forget(self.age_ms, self.rules.retention_s * 1000, self.number)
        if cut is None:
            return self.outbox.cut(now)
        self.outbox.replay_cut(cut, now)
        return cut

    # -- snapshots -----------------------------------------------------------------------------------------------------

    def snapshot(self) -> bytes:
        """Everything durable, as of the last round. Positions are no part of it."""
        assert self.rules is not None, "a node without rules has nothing to keep"
        state = State(
            STATE_VERSION,
            self.rules,
            self.number,
            self.sequence,
            self.last,
            list(self._json),
            self.counts,
            self.pending_answers.snapshot(),
            self._dedup.snapshot(),
            self.windows.snapshot(),
            self.outbox.snapshot(),
            self.dispatch.snapshot(),
            self.age_ms,
        )
        return encode_state(state)

    def _restore(self, body: bytes) -> None:
        state = decode_state(body)
        self._configure(state.rules)
        self.number, self.sequence, self.last = state.number, state.sequence, state.last
        self.age_ms = state.age_ms
        self._json = dict.fromkeys(state.json_clients, True)
        self.counts = state.counts
        self.pending_answers = PendingAnswers.restore(state.pending_answers)
        self._dedup = DedupIndex.restore(state.dedup)
        self.windows.restore(state.windows)
        self.outbox.restore(state.outbox)
        self.dispatch.restore(state.dispatch)


def _recordable(event: Event) -> Event | Rejected:
    """The event; or its refusal, where a row could not hold it. The decoder's bounds exclude that; this is the second
    fence, since a row that cannot be encoded would end the process, and the next one when the event comes again."""
    try:
        encode_row(event.body)
    except (OverflowError, ValueError, TypeError) as error:
        kind, id_ = KIND_OF[type(event.body)], event.body.id
        return Rejected(event.client, kind, Reason.MALFORMED, "", f"cannot be recorded: {error}", id_, event.json)
    return event


@contextmanager
def _readable(what: str) -> Generator[None]:
    """Whatever goes wrong with what passed its checksum: another version wrote it, or a fault of this one did."""
    try:
        yield
    except JournalError:
        raise
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        raise JournalError(
            f"{what} cannot be read ({why}). Did a newer doorstep write it? Start that version."
        ) from error
