"""From a read to its acknowledgement: decode, decide, commit, publish, acknowledge, in this order.

The pipeline is the node's side of every link (`model.Receiver`). It runs in the event loop's thread and owns the core.
All reads of one turn of the loop become one round. Where the disk is quick and nothing else is under way its row is
committed here and now; else the journal's writer does it beside the loop, and the core runs ahead of the disk by the
rounds in flight. So nothing of a round is shown before its row is committed: answers are handed out by sequence, and
only up to the last committed one.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice, repeat
from time import perf_counter
from typing import Final

from .clock import Clock
from .errors import DiskFull, DoorstepError, JournalError, Reason
from .gathered import Gathered
from .intake import Debt, Intake
from .journal import Journal
from .limits import (
    COMMIT_QUEUE_BYTES_MAX,
    COMMIT_QUEUE_ROWS_MAX,
    COMMIT_QUEUE_ROWS_SPARE,
    SNAPSHOT_ROWS,
)
from .model import (
    Answer,
    Batch,
    Configure,
    Effect,
    Input,
    Presence,
    Publish,
    Recall,
    Recalled,
    Rules,
    Source,
)
from .node import Node
from .rounds import Round, Wakeable, receipts_in
from .status import Status

RETRY_FULL_DISK_S: Final = 2.0

log = logging.getLogger("doorstep.pipeline")


class Pipeline:
    """Owns the core from start to stop. `links` are added by the wiring before the first publish arrives."""

    def __init__(
        self, node: Node, journal: Journal, clock: Clock, status: Status, crs: str, fatal: Callable[[Exception], None]
    ) -> None:
        self.node = node
        self.links: list[Wakeable] = []
        self.on_batches: Callable[[], None] = lambda: None
        """Called when new batches for the centre are on disk."""
        self.on_rebuilt: Callable[[], None] = lambda: None
        """Called after a full disk: the core is as the disk has it, what the centre said since is to be asked again."""
        self.on_shown: Callable[[], None] = lambda: None
        """Called when links have been given everything of a commit: it may leave before the next round is made."""
        self.full = False
        """The disk is full: nothing is accepted until it is not."""
        self.broken = False
        """Nothing is handled or acknowledged any more: the process is about to end."""
        self._journal = journal
        self._clock = clock
        self._status = status
        self._intake = Intake(status, crs)
        self._fatal = fatal
        self._loop = asyncio.get_running_loop()
        self._flight: deque[Round] = deque()
        self._committed_sequence = node.sequence
        self._committed_number = node.number
        self._committed_batch = max(((b.epoch, b.seq) for b in node.outbox.in_flight()), default=(0, 0))
        self._gathered = Gathered(self._loop, self._flush)
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = float("inf")
        self._paused = False
        self._rules: Rules | None = None
        self._snapshot_number = node.number
        self._tasks: set[asyncio.Task[None]] = set()
        self._recalls: dict[int, list[Recall]] = {}
        self._idle = asyncio.Event()

    def start(self) -> None:
        """Begin to commit."""
        self._journal.start(self._loop, self._on_commit, self._on_failure)
        self._arm()

    # -- model.Receiver: what links call -------------------------------------------------------------------------------

    def received(self, source: Source, publishes: list[Publish], read_at: float) -> None:
        """All publishes of one read, in order. They become part of the round of this turn of the loop."""
        if self.broken:
            return
        if not self._intake:
            self._loop.call_soon(self._take_in)
        self._intake.add(source, publishes, read_at)

    def shed(self, client: str, reason: Reason, count: int) -> None:  # noqa: ARG002 - the seam names it
        """Messages that a link dropped: counted with the next round."""
        self._drop(reason, count)

    def delivered(self, client: str, sequences: list[int]) -> None:  # noqa: ARG002
        """Answers that reached their client: written down with the next round."""
        self._gathered.delivered(sequences)

    def present(self, client: str, present: bool) -> None:
        """A client came or went."""
        self.post([Presence(client, present)])

    def pending(self, client: str, after: int, limit: int) -> list[tuple[Answer, float]]:
        """Committed, unexpired answers above `after`, each with its remaining real seconds."""
        mono = self._clock.now().mono
        fresh = (
            (answer, self._clock.real_s(answer.expires - mono))
            for answer in self.node.outgoing.of(client, after)
            if answer.sequence <= self._committed_sequence and answer.expires > mono
        )
        return list(islice(fresh, limit))

    # -- what the wiring and the uplink call ---------------------------------------------------------------------------

    def post(self, inputs: list[Input]) -> None:
        """Inputs that no publish brought: presence, the centre's answers, new rules. While the disk is full they are
        lost, but for the rules; the centre's answers are asked for again."""
        for item in inputs:
            if isinstance(item, Configure):
                self._rules = item.rules
        self._take_in()  # what was read before comes first
        if self._serving:
            self._handle(inputs, perf_counter())

    def batches(self) -> list[Batch]:
        """Numbered batches that the centre has not acknowledged, as far as they are on disk."""
        return [b for b in self.node.outbox.in_flight() if (b.epoch, b.seq) <= self._committed_batch]

    async def drain(self) -> None:
        """Everything received is on disk, published and acknowledged; then a snapshot, so that the start is quick."""
        self._take_in()
        self._flush()
        if self._flight and self._serving:
            self._idle.clear()
            await self._idle.wait()
        if self._timer is not None:
            self._timer.cancel()
        for task in self._tasks:
            task.cancel()
        if self._serving and self.node.number > self._snapshot_number:
            self.snapshot()

    @property
    def committed(self) -> int:
        """The last row that is on disk."""
        return self._committed_number

    @property
    def reads_waiting(self) -> int:
        """Reads that are not yet part of a round."""
        return len(self._intake)

    @property
    def reads(self) -> int:
        """Reads that became part of one."""
        return self._intake.taken

    @property
    def in_flight(self) -> int:
        """Rounds that wait for the disk."""
        return len(self._flight)

    @property
    def _serving(self) -> bool:
        """Whether the core may be called: there is a disk to write to, and the core is whole."""
        return not self.full and not self.broken

    # -- a round -------------------------------------------------------------------------------------------------------

    def _take_in(self) -> None:
        """The loop has read what there was to read: all of it now, in rounds of a bounded size, or it would pile up."""
        while self._intake and not self.broken:
            self._round()

    def _round(self) -> None:
        """As many reads as fit one round."""
        if self.full:
            self._drop(Reason.DISK_FULL, self._intake.refuse(Reason.DISK_FULL))
        elif self._overloaded():
            self._drop(Reason.OVERLOADED, self._intake.refuse(Reason.OVERLOADED))
        else:
            inputs, debts, read_at = self._intake.take()
            self._handle(inputs, read_at, debts)

    def _handle(self, inputs: list[Input], read_at: float, debts: Sequence[Debt] = ()) -> None:
        """Calls the core and hands its row to the journal. Where nothing durable happened nobody waits for the disk,
        but acknowledgements keep the order of the publishes."""
        begin = perf_counter()
        batch = [*inputs, *self._gathered.take()]
        counts, decided = self.node.counts, self.node.decided
        accepted, duplicate = counts.accepted, counts.duplicate
        try:
            effects = self.node.handle(batch, self._clock.now())
        except Exception as error:
            # Half a round may be in memory now. Nothing of it is on disk or was shown: a new process starts from there.
            log.exception("the core failed on %d inputs", len(batch))
            self._give_up(f"The core failed ({error!r}). This is a bug: please report the lines above.")
            return
        handled = perf_counter()
        if effects:
            self._status.stage("decide", handled - begin, max(len(inputs), 1))
            self._status.accepted(counts.accepted - accepted)
            self._status.duplicate(counts.duplicate - duplicate)
            self._status.decided(self.node.decided - decided)
            self._commit(effects, read_at, handled, debts)
        elif self._flight and debts:
            last = self._flight[-1]
            self._flight.append(Round(last.number, last.sequence, read_at, handled, debts))
        else:
            for debt in debts:
                debt.pay(repeat(""))
        self._arm()

    def _commit(self, effects: list[Effect], read_at: float, handled_at: float, debts: Sequence[Debt]) -> None:
        round_ = Round.of(effects, self.node.sequence, read_at, handled_at, debts)
        for reason in round_.reasons:
            if reason:
                self._status.refused(reason)
        self._flight.append(round_)
        if len(self._flight) == 1 and self._journal.commit(round_.number, round_.row):
            self._on_commit(round_.number, perf_counter())
        else:
            self._journal.submit(round_.number, round_.row)
            behind = self._journal.queued > COMMIT_QUEUE_ROWS_MAX // 2
            if not self._paused and (behind or self._journal.queued_bytes > COMMIT_QUEUE_BYTES_MAX // 2):
                self._paused = True
                for link in self.links:
                    link.pause()
        if round_.number - self._snapshot_number >= SNAPSHOT_ROWS:
            self.snapshot()

    def _on_commit(self, number: int, committed_at: float) -> None:
        """Rows up to `number` are on disk: publish, then acknowledge."""
        done: list[Round] = []
        while self._flight and self._flight[0].number <= number:
            done.append(self._flight.popleft())
        self._committed_number = number
        if not self._flight:
            self._idle.set()
        clients: dict[str, None] = {}
        batches = False
        for round_ in done:
            self._committed_sequence = round_.sequence
            clients.update(round_.clients)
            if round_.batch is not None:
                self._committed_batch, batches = round_.batch, True
            self._status.stage("commit", committed_at - round_.handled_at, 1)
        if clients:
            self._status.answered(sum(round_.answers for round_ in done))
            for link in self.links:
                link.wake(clients)
        for round_ in done:
            round_.acknowledge()
        self.on_shown()
        published = perf_counter()
        for round_ in done:
            self._status.stage("publish", published - committed_at, 1)
            self._status.stage("total", published - round_.read_at, 1)
            for recall in round_.recalls:
                self._spawn(recall)
        if batches:
            self.on_batches()
        near = self._journal.queued < COMMIT_QUEUE_ROWS_MAX // 4
        if self._paused and near and self._journal.queued_bytes < COMMIT_QUEUE_BYTES_MAX // 4:
            self._paused = False
            for link in self.links:
                link.resume()

    # -- timers and what waits for a round -----------------------------------------------------------------------------

    def _arm(self) -> None:
        """One timer for the core's next deadline."""
        deadline = self.node.next_deadline()
        if deadline is None:
            deadline = float("inf")
        if deadline == self._timer_at and self._timer is not None:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._timer_at = deadline
        if deadline != float("inf"):
            wait_s = max(self._clock.real_s(deadline - self._clock.now().mono), 0.0)
            self._timer = self._loop.call_later(min(wait_s, 3600.0), self._due)

    def _due(self) -> None:
        self._timer, self._timer_at = None, float("inf")
        if self._serving:
            self._handle([], perf_counter())

    def _flush(self) -> None:
        if self._gathered and self._serving:
            self._handle([], perf_counter())

    # -- repeats -------------------------------------------------------------------------------------------------------

    def _spawn(self, recall: Recall) -> None:
        """After an outage whole rows of events come again at once: one look at a row serves all that wait for it."""
        waiting = self._recalls.setdefault(recall.row, [])
        waiting.append(recall)
        if len(waiting) > 1:
            return
        task = self._loop.create_task(self._recall(recall.row))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _recall(self, row: int) -> None:
        """The recorded receipts of repeats go back into the core, which sends them again."""
        try:
            body = await self._journal.recall(row)
        except JournalError as error:
            self._status.alarm("journal", str(error))
            body = None
        recalls = self._recalls.pop(row)
        receipts = receipts_in(body, recalls) if body is not None else {}
        found: list[Input] = []
        for recall in recalls:
            if (receipt := receipts.get((recall.client, recall.id))) is not None:
                found.append(Recalled(recall.client, receipt))
                continue
            self._status.dropped("recall_missed", 1)
            log.warning("event %s of %s was decided in row %d, which is gone", recall.id, recall.client, row)
        if found:
            self.post(found)

    # -- snapshots and failures ----------------------------------------------------------------------------------------

    def snapshot(self) -> None:
        """Keep the core's state after its last round."""
        self._snapshot_number = self.node.number
        self._journal.snapshot(self.node.number, self.node.snapshot())

    def _drop(self, reason: Reason, count: int) -> None:
        """Nothing is known of these messages but their number: in the status now, in a row as soon as there is one."""
        self._status.dropped(reason, count)
        self._gathered.shed(reason, count)

    def _overloaded(self) -> bool:
        """Whether the journal's queue is as good as full, although reading has paused."""
        rows_max = COMMIT_QUEUE_ROWS_MAX - COMMIT_QUEUE_ROWS_SPARE
        return self._journal.queued >= rows_max or self._journal.queued_bytes >= COMMIT_QUEUE_BYTES_MAX * 3 // 4

    def _give_up(self, text: str) -> None:
        """Stop before anything wrong is shown."""
        self.broken = True
        self._fatal(DoorstepError(text))

    def _on_failure(self, error: Exception) -> None:
        """A full disk is waited out, on a core rebuilt from what the disk holds; anything else ends the process."""
        if not isinstance(error, DiskFull):
            self._fatal(error)
            return
        if self.full:
            return
        self.full = True
        log.error("%s", error)
        self._status.alarm("disk", str(error), serving=False)
        for round_ in self._flight:
            for debt in round_.debts:
                debt.refuse(Reason.DISK_FULL)
                self._drop(Reason.DISK_FULL, len(debt.tokens))
        self._flight.clear()
        self._loop.call_later(RETRY_FULL_DISK_S, self._retry)

    def _retry(self) -> None:
        if not self._journal.resume():
            self._loop.call_later(RETRY_FULL_DISK_S, self._retry)
            return
        recovery = self._journal.recover()
        node = Node()
        node.recover(recovery.snapshot, recovery.rows)
        self.node = node
        self._committed_sequence, self._committed_number = node.sequence, node.number
        self.full = False
        self._status.alarm("disk", None)
        log.warning("the disk has room again: accepting events")
        if self._rules is not None and node.rules != self._rules:
            self._handle([Configure(self._rules)], perf_counter())
        self._arm()
        self.on_rebuilt()
