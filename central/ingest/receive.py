"""Batches in, acknowledgements out: the centre's side of the uplink.

The endpoint hands over publishes; one thread validates and stores them, in the order in which they came; what it
answers goes back through the endpoint, and only then is the publish acknowledged. So a PUBACK means here, too: on disk.
"""

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from queue import Empty, SimpleQueue
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from edge.core.model import Answer
from edge.errors import Reason
from edge.limits import BATCHES_IN_FLIGHT_MAX
from edge.log.event import place
from edge.log.events import INTERNAL_ERROR, MESSAGE_UNREADABLE, SUMS_LATE
from edge.messages.batches import SYNC_WELCOME
from edge.messages.culprits import Culprits
from edge.mqtt.seam import Link, Publish, Source

from ..store.engine.driver import StoreFailed, StoreFull, StoreLost
from ..store.prune import Kept, prune
from ..store.store import Store
from .admit import Bounds
from .validate import BatchOutcome, store_all
from .verify import Alarm

CENTRE_JOBS_MAX: Final = 2_048
"""Hellos and batches waiting for the centre's disk; beyond it a publish is refused as `over_capacity` and returns."""

CENTRE_JOBS_BYTES_MAX: Final = 64 * 1024 * 1024
"""The same by their size: an honest batch has some kilobytes, a packet may have half a megabyte."""

CENTRE_JOBS_PER_NODE_MAX: Final = 2 * BATCHES_IN_FLIGHT_MAX
"""The same of one node, beyond it refused as `over_quota`: an honest one has BATCHES_IN_FLIGHT_MAX under way, and
sends a hello."""

CENTRE_ANSWERS_PER_NODE_MAX: Final = 4 * BATCHES_IN_FLIGHT_MAX
"""Acknowledgements that a node has not taken; they are cumulative, so the oldest can go."""

GROUP_S: Final = 0.02
"""How long the first publish of a group waits for others: they share a transaction."""

GROUP_MAX: Final = 128
"""Publishes in one transaction."""

IDLE_S: Final = 0.5
"""How often the store's thread looks for other work while nothing comes."""

SUMS_S: Final = 0.005
"""The same while a step of summing up is under way in the other process."""

LOST_S: Final = (0.05, 2.0)
"""Pauses between attempts to reach the engine."""

ANSWER_S: Final = 3_600.0
"""An acknowledgement is cumulative and a hello asks anew, so answers need not wait long for an absent node."""


class _Prune(Struct, frozen=True):
    """What is old has to go, between publishes."""

    wall_ms: int
    lived_ms: int
    kept: Kept


class _Raise(Struct, frozen=True):
    """An alarm that time has brought about, not a message."""

    node: str
    alarm: Alarm


class Receive:
    """`model.Receiver` for the centre's endpoint. `post` runs a callable in the event loop; `failed` is called when the
    disk fails in a way that only a restart can mend. `others` answer kinds that are no matter of batches, in the
    store's thread: None is no answer, ValueError that the publish cannot be read. `look` gives what else is to be sent
    to nodes that are present: (node, kind, payload). Set `link` before the first publish."""

    def __init__(
        self,
        store: Store,
        wall_ms: Callable[[], int],
        post: Callable[..., object],
        failed: Callable[[str], None],
        bounds: Bounds,
        others: Mapping[str, Callable[[Publish], BatchOutcome]] = MappingProxyType({}),
        look: Callable[[set[str]], list[tuple[str, str, bytes]]] | None = None,
    ) -> None:
        self.link: Link | None = None
        self.refused: dict[str, int] = {}
        self.over_quota = Culprits()
        self.connected: set[str] = set()
        """Nodes with a session here."""
        self.problem = ""
        """Why batches are not stored at present; empty while they are."""
        self._store, self._wall_ms, self._bounds = store, wall_ms, bounds
        self._others, self._look = others, look
        self._post = post
        self._failed = failed
        self._jobs: SimpleQueue[tuple[Source, Publish] | _Prune | _Raise | None] = SimpleQueue()
        self._jobs_of: Counter[str] = Counter()
        self._jobs_bytes = 0
        self._answers: dict[str, deque[Answer]] = {}
        self._sequence = 0
        self._pruning: Iterator[int] | None = None
        self._alarms: list[_Raise] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="store", daemon=True)

    def start(self) -> None:
        """Begin to store."""
        self._thread.start()

    def close(self) -> None:
        """Store what has been received, then stop. Blocks until that is done."""
        self._stopping.set()
        self._jobs.put(None)
        self._thread.join()

    def prune(self, wall_ms: int, lived_ms: int, kept: Kept) -> None:
        """Let the store forget what is older, beside its other work. See `store.prune`."""
        self._jobs.put(_Prune(wall_ms, lived_ms, kept))

    def alarm(self, node: str, alarm: Alarm) -> None:
        """Let the store keep an alarm, beside its other work."""
        self._jobs.put(_Raise(node, alarm))

    @property
    def waiting(self) -> int:
        """Publishes that wait for the disk."""
        return self._jobs.qsize()

    # -- model.Receiver --------------------------------------------------------------------------------------------

    def received(self, source: Source, publishes: list[Publish], read_at: float) -> None:  # noqa: ARG002 - the seam's
        """Hand over to the store's thread."""
        for publish in publishes:
            if (reason := self._no_room(publish)) is not None:
                self._count(publish.client, reason)
                if publish.token:
                    source.acknowledge([publish.token], [reason])
                continue
            self._jobs_of[publish.client] += 1
            self._jobs_bytes += len(publish.payload)
            self._jobs.put((source, publish))

    def _no_room(self, publish: Publish) -> Reason | None:
        """Why a publish cannot wait for the disk: it may not be sent, or there is no room."""
        if publish.grant.only and publish.grant.only != publish.kind:
            return Reason.NOT_ALLOWED
        if self._jobs_of.get(publish.client, 0) >= CENTRE_JOBS_PER_NODE_MAX:
            return Reason.OVER_QUOTA
        full = self._jobs.qsize() >= CENTRE_JOBS_MAX or self._jobs_bytes >= CENTRE_JOBS_BYTES_MAX
        return Reason.OVER_CAPACITY if full else None

    def shed(self, client: str, reason: Reason, count: int) -> None:
        """Count what the endpoint dropped."""
        self._count(client, reason, count)

    def delivered(self, client: str, sequences: list[int]) -> None:
        """Forget what the node has taken."""
        answers = self._answers.get(client)
        if answers is not None:
            self._answers[client] = deque(answer for answer in answers if answer.sequence not in sequences)

    def present(self, client: str, present: bool) -> None:
        """Forget what an absent node did not take: it sends a hello first when it returns."""
        if present:
            self.connected.add(client)
        else:
            self.connected.discard(client)
            self._answers.pop(client, None)

    def pending(self, client: str, after: int, limit: int) -> list[tuple[Answer, float]]:
        """What the node has not taken yet."""
        answers = self._answers.get(client, ())
        return [(answer, ANSWER_S) for answer in answers if answer.sequence > after][:limit]

    # -- inside ----------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        """The store's thread: publishes first, then sums, then what is old."""
        going_on = True
        while going_on:
            try:
                going_on, jobs = self._take()
                if jobs:
                    self._store_group(jobs)
                self._beside()
            except StoreFailed as error:
                self.problem = f"The store failed ({error}). Check the disk, then start the centre again."
                self._post(self._failed, self.problem)
                return
            except Exception as error:  # noqa: BLE001 - whatever it is
                # Without this thread nothing is stored or acknowledged: better no centre than a silent one.
                INTERNAL_ERROR.write(error=error)
                self.problem = f"The centre failed ({place(error)}). This is a bug: please report the lines above."
                self._post(self._failed, self.problem)
                return

    def _take(self) -> tuple[bool, list[tuple[Source, Publish]]]:
        """The next group, perhaps empty; false once everything has been taken."""
        jobs: list[tuple[Source, Publish]] = []
        wait_s = 0.0 if self._pruning is not None else SUMS_S if self._store.is_summing else IDLE_S
        until = time.monotonic() + wait_s
        while len(jobs) < GROUP_MAX:
            try:
                wait_s = until - time.monotonic()
                job = self._jobs.get(timeout=wait_s) if wait_s > 0 else self._jobs.get_nowait()
            except Empty:
                break
            if job is None:
                return False, jobs
            if isinstance(job, _Prune):
                self._pruning = prune(self._store, job.wall_ms, job.lived_ms, job.kept)
                continue
            if isinstance(job, _Raise):
                self._alarms.append(job)
                continue
            if not jobs:
                until = time.monotonic() + GROUP_S
            jobs.append(job)
        return True, jobs

    def _store_group(self, jobs: list[tuple[Source, Publish]]) -> None:
        outcomes: list[BatchOutcome] = []
        pause_s = LOST_S[0]
        while not outcomes:
            try:
                outcomes = self._outcomes([publish for _, publish in jobs])
                self.problem = ""
            except StoreFull as error:
                self.problem = f"{error} Batches wait at the nodes. Free space where the store is."
                outcomes = [BatchOutcome(reason=Reason.DISK_FULL)] * len(jobs)
            except StoreLost as error:
                # What was stored of the group, if anything, is recognised as a repeat.
                self.problem = f"The store cannot be reached: {error} Batches wait at the nodes."
                if self._stopping.wait(pause_s):
                    return
                pause_s = min(2 * pause_s, LOST_S[1])
        self._post(self._answer_all, jobs, outcomes)

    def _outcomes(self, publishes: list[Publish]) -> list[BatchOutcome]:
        """Certificates and settings are no matter of a transaction with batches, which is made again where it fails."""
        stored = [publish for publish in publishes if publish.kind not in self._others]
        found = iter(store_all(self._store, stored, self._wall_ms, self._bounds) if stored else [])
        mine = {id(publish) for publish in stored}
        return [next(found) if id(publish) in mine else self._answered(publish) for publish in publishes]

    def _answered(self, publish: Publish) -> BatchOutcome:
        try:
            return self._others[publish.kind](publish)
        except ValueError as error:
            MESSAGE_UNREADABLE.write(node=publish.client, kind=publish.kind, sentence=str(error))
            return BatchOutcome(reason=Reason.MALFORMED)

    def _beside(self) -> None:
        """One bounded step of what can wait."""
        try:
            while self._alarms:
                raised = self._alarms.pop()
                self._store.alarm(raised.node, raised.alarm, self._wall_ms())
            busy = not self._jobs.empty()
            if self._look is not None and not busy and (due := self._look(self.connected)):
                self._post(self._push, due)
            if not self._store.sum_up(busy) and not busy and self._pruning is not None:
                next(self._pruning)
        except StopIteration:
            self._pruning = None
        except (StoreFull, StoreLost) as error:
            self._pruning = None
            SUMS_LATE.write(sentence=str(error))
            self._stopping.wait(LOST_S[0])

    def _answer_all(self, jobs: list[tuple[Source, Publish]], outcomes: list[BatchOutcome]) -> None:
        """In the event loop: answers first, then acknowledgements."""
        answered: dict[str, tuple[()]] = {}
        for (_, publish), outcome in zip(jobs, outcomes, strict=True):
            self._jobs_bytes -= len(publish.payload)
            self._jobs_of[publish.client] -= 1
            if not self._jobs_of[publish.client]:
                del self._jobs_of[publish.client]
            if outcome.kind:
                self._keep(publish.client, outcome)
                answered[publish.client] = ()
            if outcome.reason:
                self._count(publish.client, outcome.reason)
        if answered and self.link is not None:
            self.link.wake(answered)
        for (source, publish), outcome in zip(jobs, outcomes, strict=True):
            if publish.token:
                source.acknowledge([publish.token], [outcome.reason])

    def _push(self, due: list[tuple[str, str, bytes]]) -> None:
        """In the event loop: what nobody has asked for."""
        there = [(node, BatchOutcome(kind, payload)) for node, kind, payload in due if node in self.connected]
        for node, outcome in there:
            self._keep(node, outcome)
        if there and self.link is not None:
            self.link.wake({node: () for node, _ in there})

    def _keep(self, client: str, outcome: BatchOutcome) -> None:
        """Keep an answer until the node has taken it."""
        self._sequence += 1
        answers = self._answers.setdefault(client, deque(maxlen=CENTRE_ANSWERS_PER_NODE_MAX))
        if outcome.kind == SYNC_WELCOME:
            answers.clear()
        answers.append(Answer(self._sequence, client, outcome.kind, outcome.payload, 0.0))

    def _count(self, client: str, reason: str, count: int = 1) -> None:
        self.refused[reason] = self.refused.get(reason, 0) + count
        if reason == Reason.OVER_QUOTA:
            self.over_quota.blame(client, time.monotonic(), count)
