"""From a read to its acknowledgement: decode, decide, commit, publish, acknowledge, in this order.

The pipeline is the node's side of every link (`model.Receiver`). It runs in the event loop's thread and owns the core;
the journal's writer works beside it. The core runs ahead of the disk by the rounds in flight, so nothing of a round is
shown before its row is committed: answers are handed out by sequence, and only up to the last committed one.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from itertools import islice
from time import perf_counter
from typing import Final

from .clock import Clock
from .decode import decode
from .errors import DiskFull, DoorstepError, JournalError, Reason
from .gathered import Gathered
from .journal import Journal
from .limits import (
    BATCH_INPUTS_MAX,
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
    Event,
    Input,
    Presence,
    Publish,
    Recall,
    Recalled,
    Rejected,
    Rules,
    Source,
)
from .node import Node
from .rounds import Round, Wakeable, receipt_in
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
        self.full = False
        """The disk is full: nothing is accepted until it is not."""
        self.broken = False
        """Nothing is handled or acknowledged any more: the process is about to end."""
        self._journal = journal
        self._clock = clock
        self._status = status
        self._crs = crs
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
        self._idle = asyncio.Event()

    def start(self) -> None:
        """Begin to commit."""
        self._journal.start(self._loop, self._on_commit, self._on_failure)
        self._arm()

    # -- model.Receiver: what links call -------------------------------------------------------------------------------

    def received(self, source: Source, publishes: list[Publish], read_at: float) -> None:
        """All publishes of one read, in order: one round, unless a flood makes it several."""
        for begin in range(0, len(publishes), BATCH_INPUTS_MAX):
            self._received(source, publishes[begin : begin + BATCH_INPUTS_MAX], read_at)

    def shed(self, client: str, reason: Reason, count: int) -> None:  # noqa: ARG002 - the seam names it
        """Messages that a link dropped: counted with the next round."""
        self._status.dropped(reason, count)
        self._gathered.shed(reason, count)

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
        if self._serving:
            self._handle(inputs, perf_counter())

    def batches(self) -> list[Batch]:
        """Numbered batches that the centre has not acknowledged, as far as they are on disk."""
        return [b for b in self.node.outbox.in_flight() if (b.epoch, b.seq) <= self._committed_batch]

    async def drain(self) -> None:
        """Everything received is on disk, published and acknowledged; then a snapshot, so that the start is quick."""
        self._flush()
        if self._flight and self._serving:
            self._idle.clear()
            await self._idle.wait()
        if self._timer is not None:
            self._timer.cancel()
        for task in self._tasks:
            task.cancel()
        if self._serving and self.node.number > self._snapshot_number:
            self._snapshot()

    @property
    def committed(self) -> int:
        """The last row that is on disk."""
        return self._committed_number

    @property
    def in_flight(self) -> int:
        """Rounds that wait for the disk."""
        return len(self._flight)

    @property
    def _serving(self) -> bool:
        """Whether the core may be called: there is a disk to write to, and the core is whole."""
        return not self.full and not self.broken

    # -- a round -------------------------------------------------------------------------------------------------------

    def _received(self, source: Source, publishes: list[Publish], read_at: float) -> None:
        begin = perf_counter()
        if self.broken:
            return
        if self.full:
            self._refuse_all(source, publishes, Reason.DISK_FULL)
            return
        if self._overloaded():
            self._refuse_all(source, publishes, Reason.OVERLOADED)
            return
        inputs: list[Input] = []
        tokens: list[int] = []
        durable: list[bool] = []
        for publish in publishes:
            made = decode(publish, self._crs)
            inputs += made
            self._status.received(publish.kind if not isinstance(made[0], Rejected) else "rejected")
            if publish.token:
                tokens.append(publish.token)
                durable.append(isinstance(made[0], Event | Rejected))
            elif isinstance(made[0], Event | Rejected):
                tokens.append(0)
                durable.append(True)
        decoded = perf_counter()
        count = len(publishes)
        self._status.stage("queue", begin - read_at, count)
        self._status.stage("decode", decoded - begin, count)
        round_ = self._handle(inputs, read_at)
        if self.broken:
            return
        if round_ is None:
            round_ = self._after_the_others(read_at)
            if round_ is None:
                source.acknowledge([token for token in tokens if token], [""] * sum(1 for token in tokens if token))
                return
        reasons = iter(round_.reasons)
        paired = [
            (token, next(reasons) if is_durable else "") for token, is_durable in zip(tokens, durable, strict=True)
        ]
        round_.source = source
        round_.tokens = [token for token, _ in paired if token]
        round_.reasons = [reason for token, reason in paired if token]

    def _handle(self, inputs: list[Input], read_at: float) -> Round | None:
        """Calls the core and hands its row to the journal. None where nothing durable happened."""
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
            return None
        handled = perf_counter()
        if effects:
            self._status.stage("decide", handled - begin, max(len(inputs), 1))
            self._status.accepted(counts.accepted - accepted)
            self._status.duplicate(counts.duplicate - duplicate)
            self._status.decided(self.node.decided - decided)
            round_ = self._in_flight(effects, read_at, handled)
        else:
            round_ = None
        self._arm()
        return round_

    def _in_flight(self, effects: list[Effect], read_at: float, handled_at: float) -> Round:
        round_ = Round.of(effects, self.node.sequence, read_at, handled_at)
        for reason in round_.reasons:
            if reason:
                self._status.refused(reason)
        self._flight.append(round_)
        self._journal.submit(round_.number, round_.row)
        behind = self._journal.queued > COMMIT_QUEUE_ROWS_MAX // 2
        if not self._paused and (behind or self._journal.queued_bytes > COMMIT_QUEUE_BYTES_MAX // 2):
            self._paused = True
            for link in self.links:
                link.pause()
        if round_.number - self._snapshot_number >= SNAPSHOT_ROWS:
            self._snapshot()
        return round_

    def _after_the_others(self, read_at: float) -> Round | None:
        """A place behind the rounds in flight, so that acknowledgements keep the order of the publishes."""
        if not self._flight:
            return None
        last = self._flight[-1]
        round_ = Round(last.number, last.sequence, read_at, perf_counter())
        self._flight.append(round_)
        return round_

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
            if round_.source is not None:
                round_.source.acknowledge(round_.tokens, round_.reasons)
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
        task = self._loop.create_task(self._recall(recall))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _recall(self, recall: Recall) -> None:
        """The recorded receipt of a repeat goes back into the core, which sends it again."""
        try:
            body = await self._journal.recall(recall.row)
        except JournalError as error:
            self._status.alarm("journal", str(error))
            body = None
        receipt = receipt_in(body, recall) if body is not None else None
        if receipt is None:
            self._status.dropped("recall_missed", 1)
            log.warning("event %s of %s was decided in row %d, which is gone", recall.id, recall.client, recall.row)
            return
        self.post([Recalled(recall.client, receipt)])

    # -- snapshots and failures ----------------------------------------------------------------------------------------

    def _snapshot(self) -> None:
        self._snapshot_number = self.node.number
        self._journal.snapshot(self.node.number, self.node.snapshot())

    def _refuse_all(self, source: Source, publishes: list[Publish], reason: Reason) -> None:
        """The disk is full or too far behind: nothing is written, nothing is promised, everything is counted."""
        tokens = [publish.token for publish in publishes if publish.token]
        self._status.dropped(reason, len(publishes))
        source.acknowledge(tokens, [reason] * len(tokens))

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
            if round_.source is not None:
                round_.source.acknowledge(round_.tokens, [Reason.DISK_FULL] * len(round_.tokens))
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
