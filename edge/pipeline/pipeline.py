"""From a read to its acknowledgement: decode, decide, commit, publish, acknowledge, in this order.

The pipeline is the node's side of every link (`model.Receiver`). It runs in the event loop's thread and owns the core.
All reads of one turn of the loop become one round. Where the disk is quick and nothing else is under way its row is
committed here and now; else the journal's writer does it beside the loop, and the core runs ahead of the disk by the
rounds in flight. So nothing of a round is shown before its row is committed: answers are handed out by sequence, and
only up to the last committed one.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from typing import Final

from ..clock import Clock
from ..core.model import Batch, Commit, Configure, Counted, Input, Presence, Rules
from ..core.node import Node
from ..errors import DiskFull, DoorstepError, Reason, core_failed
from ..health.histogram import SPENT_MAX, Spent
from ..health.status import Status
from ..journal.journal import Journal
from ..log.events import CORE_FAULT, DISK_ROOM
from ..mqtt.seam import Link, Pending, Publish, Source
from .ingest import InflightRound, IngestQueue, PendingAck, ReadBatch
from .pending import PendingInputs
from .receipts import ReceiptLookup
from .snapshots import Snapshots

PAUSED_AT: Final = 0.5
"""Links stop reading where the journal's queue is so full."""

RESUMED_AT: Final = 0.25
"""They read again where it is less full than that."""

OVERLOADED_AT: Final = 0.75
"""Publishes are refused as `overloaded` from here on; the rest is for timers and the centre's answers. Reached only
where thousands of connections had a read under way when reading paused."""

RETRY_FULL_DISK_S: Final = 2.0

FIRST_TIMER_S: Final = 0.05
"""What is due at a start waits so long: who waits for the node gets in meanwhile, and what they bring is decided in the
same round. With hundreds of open orders a round takes 25 ms."""

_NEVER: Final = float("inf")


class Pipeline:
    """Owns the core from start to stop. `links` are added by the wiring before the first publish arrives."""

    def __init__(
        self, node: Node, journal: Journal, clock: Clock, status: Status, crs: str, fatal: Callable[[Exception], None]
    ) -> None:
        self.node = node
        self.links: list[Link] = []
        self.on_batches: Callable[[], None] = lambda: None
        """Called when new batches for the centre are on disk."""
        self.on_rebuilt: Callable[[], None] = lambda: None
        """Called after a full disk: the core is as the disk has it, and the centre's later answers are missing."""
        self.on_shown: Callable[[], None] = lambda: None
        """Called when links have been given everything of a commit: it may leave before the next round is made."""
        self.full = False
        """The disk is full: nothing is accepted until it is not."""
        self.broken = False
        """Nothing is handled or acknowledged any more: the process is about to end."""
        self._journal = journal
        self._clock = clock
        self._status = status
        self.ingest = IngestQueue(status, node.catalog, crs, self.shed)
        self._fatal = fatal
        self._loop = asyncio.get_running_loop()
        self._inflight: deque[InflightRound] = deque()
        self._committed_sequence = node.sequence
        self._committed_number = node.number
        self._committed_batch = max(((b.epoch, b.seq) for b in node.outbox.in_flight()), default=(0, 0))
        self._pending = PendingInputs(self._loop, self._flush)
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = _NEVER
        self._turning = False
        self._paused = False
        self._rules: Rules | None = None
        self.snapshots = Snapshots(self._loop, journal, lambda: self.node if self._serving else None)
        self._lookups = ReceiptLookup(journal, node.catalog, status, self._show_once)
        self._idle = asyncio.Event()

    def start(self, rules: Configure | None, unrecorded: Sequence[Counted] = ()) -> None:
        """Begin to commit: with new rules, and with what the process before counted in no row."""
        self._journal.start(self._loop, self._on_commit, self._on_failure)
        self.snapshots.recovered(self.node)
        for item in unrecorded:
            self._pending.again(item)
        if rules is not None:
            self.post([rules])
            self._take_in()
        self._flush()
        self._loop.call_later(FIRST_TIMER_S, self._arm)

    # -- model.Receiver: what links call -------------------------------------------------------------------------------

    def received(self, source: Source, publishes: list[Publish], read_at: float) -> None:
        """All publishes of one read, in order. They become part of the round of this turn of the loop."""
        if self.broken:
            return
        self.ingest.add(source, publishes, read_at)
        self._turn()

    def shed(self, client: str, reason: Reason, count: int) -> None:
        """Messages that a link dropped: counted with the next round."""
        if reason == Reason.OVER_QUOTA:
            self._status.over_quota(client, count)
        self._drop(reason, count)

    def delivered(self, client: str, sequences: list[int]) -> None:  # noqa: ARG002
        """Answers that reached their client: written down with the next round."""
        self._pending.delivered(sequences)

    def present(self, client: str, present: bool) -> None:
        """A client came or went."""
        self.post([Presence(client, present)])

    def pending(self, client: str, after: int, limit: int) -> list[Pending]:
        """Committed, unexpired answers above `after`."""
        mono, speed, committed = self._clock.mono(), self._clock.speed, self._committed_sequence
        fresh: list[Pending] = []
        for answer in self.node.pending_answers.of(client, after):
            if answer.sequence > committed or len(fresh) >= limit:
                break
            if answer.expires > mono:
                fresh.append((answer, (answer.expires - mono) / speed))
        return fresh

    # -- what the wiring and the uplink call ---------------------------------------------------------------------------

    def post(self, inputs: Sequence[Input]) -> None:
        """Inputs that no publish brought: presence, the centre's answers, new rules. They become part of the round of
        this turn of the loop. While the disk is full they are lost, but for the rules; the centre's answers are asked
        for again."""
        for item in inputs:
            if isinstance(item, Configure):
                self._rules = item.rules
        self.ingest.due.append(ReadBatch(None, (), perf_counter(), inputs))
        self._turn()

    def batches(self) -> list[Batch]:
        """Numbered batches that the centre has not acknowledged, as far as they are on disk."""
        return [b for b in self.node.outbox.in_flight() if (b.epoch, b.seq) <= self._committed_batch]

    async def drain(self) -> None:
        """Everything received is on disk, published and acknowledged; then a snapshot, so that the start is quick."""
        self._take_in()
        self._flush()
        if self._inflight and self._serving:
            self._idle.clear()
            await self._idle.wait()
        if self._timer is not None:
            self._timer.cancel()
        self._lookups.cancel()
        self.snapshots.finish()

    @property
    def committed(self) -> int:
        """The last row that is on disk."""
        return self._committed_number

    @property
    def uncounted(self) -> tuple[int, list[Counted], int]:
        """The last row that may come to disk without them, what is counted in no row yet, and the last row on disk."""
        committed = self._committed_number
        return committed if self.full else self.node.number, self._pending.counted(), committed

    @property
    def in_flight(self) -> int:
        """Rounds that wait for the disk."""
        return len(self._inflight)

    @property
    def _serving(self) -> bool:
        """Whether the core may be called: there is a disk to write to, and the core is whole."""
        return not self.full and not self.broken

    # -- a round -------------------------------------------------------------------------------------------------------

    def _turn(self) -> None:
        """At the end of this turn of the loop."""
        if not self._turning:
            self._turning = True
            self._loop.call_soon(self._take_in)

    def _take_in(self) -> None:
        """The loop has read what there was to read: all of it now, in rounds of a bounded size, or it would pile up."""
        self._turning = False
        ingest = self.ingest
        while ingest.due and not self.broken:
            if (no_room := self.full or ingest.closed) or (self._inflight and self._journal.filled >= OVERLOADED_AT):
                reason = Reason.DISK_FULL if no_room else Reason.OVERLOADED
                self._drop(reason, ingest.refuse(reason))
            if self.full:
                ingest.due.clear()
            if ingest.due:
                self._handle(*ingest.take())

    def _handle(self, inputs: list[Input], acks: Sequence[PendingAck], read_at: float, spent: list[Spent]) -> None:
        """Calls the core and hands its row to the journal. Where nothing durable happened nobody waits for the disk,
        but acknowledgements keep the order of the publishes."""
        begin = perf_counter()
        kept = self._pending.take() if self._pending.waiting else ()
        node = self.node
        accepted, decided = node.counts.accepted, node.decided
        try:
            effects = node.handle([*inputs, *kept] if kept else inputs, self._clock.now())
        except Exception as error:  # noqa: BLE001 - whatever it is
            # Half a round may be in memory now. Nothing of it is on disk or was shown: a new process starts from there.
            CORE_FAULT.write(inputs=len(inputs), error=error)
            self.give_up(core_failed(error))
            return
        handled = perf_counter()
        repeats, shown = node.repeats, self._status.counts
        for each in repeats:
            self._pending.repeated(each.kind)
            shown["duplicate"] += 1
        commit = effects[0] if effects else None
        replies = node.replies
        if self.ingest.unread:
            replies = [*replies, *self.ingest.answer_unread(self._clock.now())]
        head = (node.number, node.sequence, read_at, handled, acks)
        if commit is not None:
            assert isinstance(commit, Commit), "the first effect is the row"
            spent.append(("decide", handled - begin, len(inputs) or 1))
            shown["accepted"] += node.counts.accepted - accepted
            shown["decisions"] += node.decided - decided
            self._commit(commit, InflightRound(*head, spent, repeats, kept, commit, replies))
        else:
            self._spend(spent)
            light = InflightRound(*head, [], repeats, replies=replies)
            if self._inflight and (acks or light.replies):
                self._inflight.append(light)
            else:
                self._acknowledge(light)
        self._arm()

    def _commit(self, commit: Commit, round_: InflightRound) -> None:
        for reason in commit.reasons:
            if reason:
                self._status.refused(reason)
        self._inflight.append(round_)
        journal, number = self._journal, commit.number
        if len(self._inflight) == 1 and journal.commit(commit):
            self._on_commit(number, perf_counter())
        else:
            journal.submit(commit)
            if not self._paused and journal.filled > PAUSED_AT:
                self._paused = True
                for link in self.links:
                    link.pause()
        self.snapshots.added(number, len(commit.row))

    def _on_commit(self, number: int, committed_at: float) -> None:
        """Rows up to `number` are on disk: publish, then acknowledge."""
        flight = self._inflight
        done: list[InflightRound] = []
        while flight and flight[0].number <= number:
            done.append(flight.popleft())
        self._committed_number = number
        if not flight:
            self._idle.set()
        batches = False
        fresh: dict[str, list[Pending]] = {}
        speed = self._clock.speed
        for round_ in done:
            self._committed_sequence = round_.sequence
            commit = round_.commit
            if commit is None:
                continue
            if commit.batches:
                newest = commit.batches[-1]
                self._committed_batch, batches = (newest.epoch, newest.seq), True
            mono = commit.now.mono
            for answer in commit.answers:
                fresh.setdefault(answer.client, []).append((answer, (answer.expires - mono) / speed))
        if fresh:
            self._status.counts["answers"] += sum(map(len, fresh.values()))
            for link in self.links:
                link.wake(fresh)
        for round_ in done:
            self._acknowledge(round_)
        self.on_shown()
        published = perf_counter()
        for round_ in done:
            commit_s, publish_s = committed_at - round_.handled_at, published - committed_at
            total_s = published - round_.read_at
            self._spend([*round_.spent, ("commit", commit_s, 1), ("publish", publish_s, 1), ("total", total_s, 1)])
        if batches:
            self.on_batches()
        if self._paused and self._journal.filled < RESUMED_AT:
            self._paused = False
            for link in self.links:
                link.resume()

    def _spend(self, spent: list[Spent]) -> None:
        latencies = self._status.latencies
        latencies.spent += spent
        if len(latencies.spent) > SPENT_MAX:
            latencies.histograms()

    def _acknowledge(self, round_: InflightRound) -> None:
        """All of it but repeats: those when the answer that was recorded is found."""
        if round_.replies:
            self._show_once(round_.once())
        for each, source, token in round_.acknowledge():
            self._lookups.ask(each, source, token)

    def _show_once(self, answers: Mapping[str, Sequence[Pending]]) -> None:
        """The receipts of repeats, and answers from memory, by client. Who is not there asks again."""
        for link in self.links:
            link.wake(answers)
        self.on_shown()

    # -- timers and what waits for a round -----------------------------------------------------------------------------

    def _arm(self) -> None:
        """One timer for the core's next deadline."""
        deadline = self.node.next_deadline()
        if deadline is None or deadline >= self._timer_at:
            return  # a timer goes off too early, and finds nothing to do: cheaper than a new one in each round
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = deadline
        wait_s = min(max(self._clock.real_s(deadline - self._clock.mono()), 0.0), 3600.0)
        self._timer = self._loop.call_later(wait_s, self._due)

    def _due(self) -> None:
        self._timer, self._timer_at = None, _NEVER
        if self._serving:
            self._handle([], (), perf_counter(), [])

    def _flush(self) -> None:
        if self._pending.waiting and self._serving:
            self._handle([], (), perf_counter(), [])

    # -- failures ------------------------------------------------------------------------------------------------------

    def _drop(self, reason: Reason, count: int) -> None:
        """Nothing is known of these messages but their number: in the status now, in a row as soon as there is one."""
        self._status.dropped(reason, count)
        self._pending.shed(reason, count)

    def give_up(self, text: str, error: type[DoorstepError] = DoorstepError) -> None:
        """Stop before anything wrong is shown."""
        self.broken = True
        self._fatal(error(text))

    def _on_failure(self, error: Exception) -> None:
        """A full disk is waited out, on a core rebuilt from what the disk holds; anything else ends the process."""
        if not isinstance(error, DiskFull):
            self._fatal(error)
            return
        if self.full:
            return
        self.full = True
        self._status.alarm("disk", str(error), serving=False)
        for round_ in self._inflight:
            for item in round_.kept:
                self._pending.again(item)
            for ack in round_.acks:
                ack.refuse(Reason.DISK_FULL)
                self._drop(Reason.DISK_FULL, len(ack.tokens))
        self._inflight.clear()
        self._loop.call_later(RETRY_FULL_DISK_S, self._retry)

    def _retry(self) -> None:
        if not self._journal.resume():
            self._loop.call_later(RETRY_FULL_DISK_S, self._retry)
            return
        recovery = self._journal.recover()
        node = Node(self.node.kinds)
        node.recover(recovery.snapshot, recovery.rows)
        self.node = node
        self._committed_sequence, self._committed_number = node.sequence, node.number
        self.full = False
        self.snapshots.recovered(node)
        self._status.alarm("disk", None)
        DISK_ROOM.write()
        if self._rules is not None and node.rules != self._rules:
            self._handle([Configure(self._rules)], (), perf_counter(), [])
        self._arm()
        self.on_rebuilt()
