"""The one state machine of the node. Pure: same inputs, same effects, to the byte.

A call of `handle` is a round: a batch of inputs at one instant becomes a list of effects. Whatever is durable about the
round stands in one `Row`, which is the first effect; everything after it waits until the row is on disk. The same
function serves three callers:

    live        scenarios observe live and decide
    recovery    observations and decisions come from the recorded row, and so do the batches for the centre, so that a
                new version of a policy cannot change what was promised
    replay      observations come from the row, decisions are made again and compared

A repeat is recognised before the round and is no part of it: it changes nothing, and its receipt is in the journal.

Order in a round: inputs as they came, scenarios that have events or are due, receipts, messages, windows, batches."""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from ..errors import MENDABLE, JournalError
from ..limits import AGE_STEP_MS_MAX, RECEIPT_EXPIRY_S
from ..messages.envelope import ENCODE, Receipt
from .aggregate import Windows
from .answers import PendingAnswers
from .decode import NODE, Catalog, receipt_of
from .dedup import DedupIndex
from .effects import Effects, Message, note_encoding
from .model import (
    STATE_VERSION,
    Acknowledge,
    Answer,
    Batch,
    Commit,
    Configure,
    Counts,
    Delivered,
    Effect,
    Event,
    Input,
    Now,
    Observed,
    Presence,
    Recordable,
    Recorded,
    RecordedEvent,
    Rejected,
    Repeat,
    Repeats,
    Row,
    Rules,
    ScenarioRecord,
    Shed,
    Snapshot,
    SyncAcked,
    SyncStated,
    SyncWelcomed,
    decode_following,
    decode_snapshot,
    encode_row,
    encode_snapshot,
    reading,
)
from .outbox import Outbox
from .scenario import Outcome, Refusal, Scenario, Sensor

_NEVER: Final = float("inf")

_Receipt = tuple[str, Receipt, bool]  # for a client, in JSON or not


class Node:
    """The core. Before the first `Configure` it knows no rules and refuses to handle anything else."""

    def __init__(self, scenarios: Sequence[type[Scenario]]) -> None:
        self.kinds = tuple(sorted(scenarios, key=lambda each: each.name))
        self.catalog = Catalog(self.kinds)
        self.scenarios: dict[str, Scenario] = {each.name: each() for each in self.kinds}
        self.number = self.sequence = 0  # of the last row, and of the last answer
        self.last = Now(0.0, 0)
        self.counts = Counts()
        about = {kind: (field, self.scenarios[name].sender) for kind, (name, field) in self.catalog.about.items()}
        self.pending_answers = PendingAnswers(self.catalog.spare, about)
        self.repeats: list[Repeat] = []
        """Of the last batch: the events that had been decided before it, or twice in it."""
        self.replies: list[Answer] = []
        """Of the last batch: answers to observations."""
        self._gaps: list[int] = []  # where they were among its durable inputs, whose number is below
        self._durable = 0
        self.decided = 0
        """Decisions made by this process: recovery makes none."""
        self.recovery_differences = 0
        """Recovered rows whose effects came out differently: another version of the code made them."""
        self.recovered_rows = self.recovered_bytes = 0
        self.age_ms = 0
        """How long the node has lived, by its rounds: no jump of a clock makes it older than it is."""
        self.rules: Rules | None = None
        self._packed: dict[str, bool] = {}
        self._effects: dict[str, Effects] = {}
        self.dedup, self.outbox, self.windows = DedupIndex(), Outbox(""), Windows(5, 8)
        self._deadlines: dict[str, float] = {}  # of scenarios, as far as they are known
        self._dormant: dict[str, bytes] = {}  # the state of scenarios that are switched off

    # -- the three callers ---------------------------------------------------------------------------------------------

    def handle(self, batch: Sequence[Input], now: Now) -> list[Effect]:
        """One round, live. No effects where nothing durable happened: observations and repeats alone make no row."""
        age_ms = self._age_ms(now)
        inputs, recorded = self._observe(batch, now, age_ms)
        if not inputs and ((deadline := self.next_deadline()) is None or deadline > now.mono):
            return []
        return self._round(inputs, recorded, now, age_ms, None)

    def replay(self, row: Row) -> list[Effect]:
        """The round of a recorded row, decided again on what it observed then."""
        return self._again(row, decided=False)

    def recover(self, snapshot: bytes | None, rows: Iterable[bytes]) -> None:
        """Back to where the journal ends. Raises JournalError where a row is missing or of another format."""
        if snapshot is not None:
            reading("The snapshot", self._restore, snapshot)
        for body in rows:
            reading(f"Row {self.number + 1} of the journal", self._recover, body)

    def _recover(self, body: bytes) -> None:
        row = decode_following(body, self.number)
        self.recovery_differences += self._again(row, decided=True) != row.effects
        self.recovered_rows += 1
        self.recovered_bytes += len(body)

    def next_deadline(self) -> float | None:
        """When `handle` wants to be called even without inputs, in monotonic seconds."""
        decide, seal = self.next_decision(), self.windows.next_deadline()
        return seal if decide is None else decide if seal is None else min(decide, seal)

    def next_decision(self) -> float | None:
        """The earliest deadline of a scenario."""
        known = self._deadlines
        due = [known[name] if name in known else self._deadline(name) for name in self.scenarios]
        earliest = min(due, default=_NEVER)
        return None if earliest == _NEVER else earliest

    def _deadline(self, name: str) -> float:
        """Asked for again only after the scenario observed something or had a round."""
        known = self._deadlines.get(name)
        if known is None:
            deadline = self.scenarios[name].next_deadline()
            known = self._deadlines[name] = _NEVER if deadline is None else deadline
        return known

    # -- one round -----------------------------------------------------------------------------------------------------

    def _age_ms(self, now: Now) -> int:
        """The node's age in the round of this instant."""
        return self.age_ms + min(max(0, round((now.mono - self.last.mono) * 1000)), AGE_STEP_MS_MAX)

    def _observe(self, batch: Sequence[Input], now: Now, age_ms: int) -> tuple[list[Input], list[Recorded]]:
        """Feeds the scenarios with what is in memory only, and with each new event before its round. Returns the rest,
        and how the row keeps it."""
        inputs: list[Input] = []
        recorded: list[Recorded] = []
        self.repeats, self.replies, self._gaps, self._durable = [], [], [], 0
        routes = self.catalog.routes
        for item in batch:
            if isinstance(item, Event):
                body = item.body
                kind, scenario = routes[type(body)]
                if self._is_repeat(item, kind, body.id, age_ms):
                    continue
                recorded.append(made := self.catalog.recorded(item, kind))
                if isinstance(made, RecordedEvent):
                    self.scenarios[scenario].observe(item.client, item.observed or body, now)
                    inputs.append(item)
                else:
                    inputs.append(made)
            elif isinstance(item, Observed):
                scenario = routes[type(item.body)][1]
                answer = self.scenarios[scenario].observe(item.client, item.body, now)
                if answer is not None:
                    self.replies.append(self.catalog.reply(item.client, answer, item.client not in self._packed))
                self._deadlines.pop(scenario, None)
            elif isinstance(item, Presence):
                self._deadlines.clear()
                for each in self.scenarios.values():
                    each.observe(item.client, item, now)
            else:
                if isinstance(item, Rejected) and self._is_repeat(item, "rejected", item.id, age_ms):
                    continue
                inputs.append(item)
                recorded.append(item)
        return inputs, recorded

    def _is_repeat(self, item: Event | Rejected, kind: str, id_: str, age_ms: int) -> bool:
        """Whether an event was decided already; if not, the next row decides it."""
        self._durable += 1
        row = self.dedup.insert_or_get(item.client, id_, self.number + 1, age_ms) if id_ else None
        if row is None:
            return False
        self._gaps.append(self._durable - 1)
        body = item.body if isinstance(item, Event) else None
        self.repeats.append(Repeat(item.client, kind, id_, row, body, item.json))
        return True

    def _again(self, row: Row, *, decided: bool) -> list[Effect]:
        age_ms = self._age_ms(row.now)
        self._gaps = []
        inputs: list[Input] = []
        for item in row.inputs:
            made = self.catalog.opened(item) if isinstance(item, RecordedEvent) else item
            if isinstance(made, Event | Rejected) and (id_ := made.body.id if isinstance(made, Event) else made.id):
                self.dedup.insert_or_get(made.client, id_, self.number + 1, age_ms)
            inputs.append(made)
        sensors: dict[str, Sensor] = {}
        for record in row.scenarios:
            if record.scenario not in self.scenarios:
                raise JournalError(f"The scenario {record.scenario!r} of the journal is off: add it to scenarios.")
            sensors[record.scenario] = self.scenarios[record.scenario].recorded_sensor(record.record, decided)
        cut = [effect for effect in row.effects if isinstance(effect, Batch)] if decided else None
        return self._round(inputs, row.inputs, row.now, age_ms, sensors, cut)

    def _round(
        self,
        inputs: Sequence[Input],
        recorded: list[Recorded],
        now: Now,
        age_ms: int,
        sensors: dict[str, Sensor] | None,
        cut: list[Batch] | None = None,
    ) -> list[Effect]:
        """`sensors` are those of a recorded row (None: who has events or is due), `cut` its batches where it stands."""
        self.number += 1
        self.age_ms, self.last = age_ms, now
        if expired := self.pending_answers.expire(now.mono):
            self.windows.count(NODE, now, "answer.expired", now.wall_ms, expired)
        reasons: list[str] = []
        receipts: list[_Receipt | None] = []
        messages: list[Message] = []
        packed = self._packed
        work: dict[str, list[tuple[int, str, Event]]] = {}
        for item in inputs:
            if isinstance(item, Event):
                kind, name = self.catalog.routes[type(item.body)]
                work.setdefault(name, []).append((len(reasons), kind, item))
                if (item.client in packed) is item.json or (item.shop and (item.shop in packed) is item.json):
                    note_encoding(packed, item)
                reasons.append("")
                receipts.append(None)
            elif isinstance(item, Rejected):
                reasons.append(item.reason)
                receipts.append(self._rejected(item, now))
            else:
                self._other(item, now)
        records: list[ScenarioRecord] = []
        for name, scenario in self.scenarios.items():
            mine = work.get(name, ())
            if sensors is None:
                if not mine and self._deadline(name) > now.mono:
                    continue
                sensor = scenario.live_sensor()
            elif (sensor := sensors.get(name)) is None:
                continue
            out = self._effects[name]
            out.begin()
            outcomes = scenario.round([event for _, _, event in mine], now, sensor, out)
            self._deadlines.pop(name, None)
            for (index, kind, event), outcome in zip(mine, outcomes, strict=True):
                body = event.body
                reasons[index] = reason = outcome.refusal.reason if outcome.refusal else ""
                out.measured.counts.append((self._decided(kind, reason), body.at, 1, 1))
                receipts[index] = (event.client, receipt_of(scenario.receipt, body.id, kind, outcome, now), event.json)
            self.windows.add(name, now, out.measured, self.outbox.statements.shops)
            self.decided += out.decisions
            records.append(ScenarioRecord(name, sensor.record()))
            messages += out.messages.values()
            self.pending_answers.cancel(out.cancelled)
        if not MENDABLE.isdisjoint(reasons):
            for reason, made in zip(reasons, receipts, strict=True):
                if made is not None and reason in MENDABLE:
                    self.dedup.remove(made[0], made[1].id)

        answers, batches = self._answers(receipts, messages, now), self._sync(now, cut)
        effects: list[Recordable] = [*answers, *batches, *([Acknowledge([*reasons])] if reasons else ())]
        if cut is not None:  # it is on disk, too
            return [*effects]
        row = encode_row(Row(self.number, now, recorded, records, effects))
        answered: list[str | None] = [*reasons]
        for place in self._gaps:
            answered.insert(place, None)
        return [Commit(self.number, now, row, [*self.pending_answers.outgoing(answers)], batches, answered), *effects]

    def _decided(self, kind: str, reason: str) -> str:
        """An event was accepted, or refused for a reason. Returns the name of its counter."""
        self.counts.received += 1
        if not reason:
            self.counts.accepted += 1
            return f"accepted.{kind}"
        self.counts.refused[reason] = self.counts.refused.get(reason, 0) + 1
        return f"refused.{reason}"

    def _answers(self, receipts: Sequence[_Receipt | None], messages: Sequence[Message], now: Now) -> list[Answer]:
        """Receipts, then messages, numbered; they are pending from now on."""
        expires = now.mono + RECEIPT_EXPIRY_S
        answers: list[Answer] = []
        for made in receipts:
            if made is not None:
                self.sequence += 1
                answers.append(Answer(self.sequence, made[0], "receipt", ENCODE[made[2]](made[1]), expires))
        for client, kind, payload, until, spoken in messages:
            self.sequence += 1
            answers.append(Answer(self.sequence, client, kind, payload, until))
            if spoken:
                self.pending_answers.speak(self.sequence, spoken)
        self.pending_answers.add(answers)
        return answers

    def _rejected(self, item: Rejected, now: Now) -> _Receipt | None:
        """A message that was no event. Where it had an id, its refusal is the decision about that id."""
        refusal = Refusal(item.reason, item.field, item.detail)
        counter = self._decided(item.kind, item.reason)
        self.windows.count(self.catalog.scenario_of.get(item.kind, NODE), now, counter, now.wall_ms, 1, 1)
        receipt = receipt_of(Receipt, item.id, item.kind, Outcome(refusal), now)
        return (item.client, receipt, item.json) if item.id else None

    def _other(self, item: Input, now: Now) -> None:
        match item:
            case Delivered():
                self.pending_answers.acknowledged(item.sequences)
            case Repeats():
                self.counts.received += item.count
                self.counts.duplicate += item.count
                scenario = self.catalog.scenario_of.get(item.kind, NODE)
                self.windows.count(scenario, now, f"duplicate.{item.kind}", now.wall_ms, item.count, item.count)
            case Shed():
                self.counts.shed[item.reason] = self.counts.shed.get(item.reason, 0) + item.count
                self.windows.count(NODE, now, f"shed.{item.reason}", now.wall_ms, item.count)
            case SyncAcked():
                self.outbox.stored(item.epoch, item.through)
            case SyncStated():
                self.outbox.stated(item, now)
            case SyncWelcomed():
                before = self.outbox.events_discarded
                if item.discard_before and item.epoch > self.outbox.epoch and not item.through:
                    self.outbox.events_discarded += self.windows.discard(item.discard_before)
                self.outbox.welcome(item)
                if discarded := self.outbox.events_discarded - before:
                    self.windows.count(NODE, now, "discarded", now.wall_ms, discarded)
            case Configure():
                self._configure(item.rules)
            case _:
                raise TypeError(f"{type(item).__name__} is no input of the core")

    def _configure(self, rules: Rules) -> None:
        self.outbox = Outbox(rules.node) if self.rules is None else self.outbox
        self.rules, self.catalog.keeps_text = rules, rules.keep_free_text
        self._effects = {name: Effects(rules.crs, self._packed, self.catalog.down_kinds) for name in self.scenarios}
        self._deadlines.clear()
        self.windows.configure(rules.k_anonymity, rules.cell_resolution)
        self.outbox.statements.configure_shops(rules.k_anonymity if rules.shop_scores else 0)
        for name, scenario in self.scenarios.items():
            if name in rules.scenarios:
                scenario.configure(msgspec.msgpack.decode(rules.scenarios[name], type=scenario.options))
        self.dedup.forget(self.age_ms, rules.retention_s * 1000, self.number)

    # -- what comes out ------------------------------------------------------------------------------------------------

    def _sync(self, now: Now, cut: list[Batch] | None) -> list[Batch]:
        sealed = self.windows.seal(now)
        if sealed:
            self.outbox.add(sealed)
            if self.rules is not None:
                self.dedup.forget(self.age_ms, self.rules.retention_s * 1000, self.number)
        if cut is None:
            return self.outbox.cut(now) if self.outbox.may_cut else []
        self.outbox.replay_cut(cut, now)
        return cut

    # -- snapshots -----------------------------------------------------------------------------------------------------

    def snapshot(self) -> bytes:
        """Everything durable, as of the last round. The state of a scenario that is switched off stays in it."""
        assert self.rules is not None, "a node without rules has nothing to keep"
        states = {name: scenario.snapshot() for name, scenario in self.scenarios.items()}
        parts = self.pending_answers.snapshot(), self.dedup.snapshot(), self.windows.snapshot(), self.outbox.snapshot()
        head = (STATE_VERSION, self.rules, self.number, self.sequence, self.last, list(self._packed), self.counts)
        return encode_snapshot(Snapshot(*head, *parts, {**states, **self._dormant}, self.age_ms))

    def _restore(self, body: bytes) -> None:
        state = decode_snapshot(body)
        self._configure(state.rules)
        self.number, self.sequence, self.last, self.age_ms = state.number, state.sequence, state.last, state.age_ms
        self._packed.update(dict.fromkeys(state.packed_clients, True))
        self.counts = state.counts
        self.pending_answers.restore(state.pending_answers)
        self.dedup = DedupIndex.restore(state.dedup)
        self.windows.restore(state.windows)
        self.outbox.restore(state.outbox)
        self._dormant = state.scenarios
        for name, scenario in self.scenarios.items():
            if name in self._dormant:
                scenario.restore(self._dormant.pop(name))
