"""Batches in, acknowledgements out: the centre's side of the uplink.

The endpoint hands over publishes; one thread validates and stores them, in the order in which they came; what it
answers goes back through the endpoint, and only then is the publish acknowledged. So a PUBACK means here, too: on disk.
"""

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from queue import SimpleQueue
from typing import Final

import apsw
import msgspec
from msgspec import Struct

from edge.core.model import Answer
from edge.errors import Reason
from edge.limits import BATCHES_IN_FLIGHT_MAX, TEXT_CHARACTERS_MAX
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
from edge.messages.culprits import Culprits
from edge.messages.enrolment import ENROL_ANSWER, ENROL_REQUEST
from edge.mqtt.seam import Link, Publish, Source

from ..store import Store
from .admit import Bounds, admit
from .verify import ALARMING, BAD_BODY, REPEAT, Alarm, BatchError, answer_hello, check, taken, unpack

CENTRE_JOBS_MAX: Final = 2_048
"""Hellos and batches waiting for the centre's disk; beyond it a publish is refused as `over_capacity` and returns."""

CENTRE_JOBS_BYTES_MAX: Final = 64 * 1024 * 1024
"""The same by their size: an honest batch has some kilobytes, a packet may have half a megabyte."""

CENTRE_JOBS_PER_NODE_MAX: Final = 2 * BATCHES_IN_FLIGHT_MAX
"""The same of one node, beyond it refused as `over_quota`: an honest one has BATCHES_IN_FLIGHT_MAX under way, and
sends a hello."""

CENTRE_ANSWERS_PER_NODE_MAX: Final = 4 * BATCHES_IN_FLIGHT_MAX
"""Acknowledgements that a node has not taken; they are cumulative, so the oldest can go."""

log = logging.getLogger(__name__)

ANSWER_S: Final = 3_600.0
"""An acknowledgement is cumulative and a hello asks anew, so answers need not wait long for an absent node."""


class BatchOutcome(Struct, frozen=True):
    """What became of one publish: the kind and payload of the answer (empty kind: none), and the reason why the
    publish itself was not accepted (empty: it was)."""

    kind: str = ""
    payload: bytes = b""
    reason: str = ""


class _Prune(Struct, frozen=True):
    """Something for the store to do between publishes."""

    wall_ms: int
    lived_ms: int
    retention_ms: int


class BatchValidator:
    """Decides about one publish after the other, against the store. For the store's thread only."""

    def __init__(
        self,
        store: Store,
        wall_ms: Callable[[], int],
        bounds: Bounds,
        enrol: Callable[[Publish], bytes] | None = None,
    ) -> None:
        self._store = store
        self._wall_ms = wall_ms
        self._bounds = bounds
        self._enrol = enrol

    def validate(self, publish: Publish) -> BatchOutcome:
        """The outcome, once it is on disk. Raises apsw.Error where the disk fails: then nothing has changed."""
        try:
            if publish.kind == SYNC_HELLO:
                return self._hello(publish)
            if publish.kind == SYNC_BATCH:
                return self._batch(publish)
            if publish.kind == ENROL_REQUEST and self._enrol is not None:
                return BatchOutcome(ENROL_ANSWER, self._enrol(publish))
        except (msgspec.DecodeError, ValueError) as error:
            log.warning("%s sent a %s that cannot be read: %s", publish.client, publish.kind, error)
            self._store.refused(publish.client, None, self._wall_ms())
            return BatchOutcome(reason=Reason.MALFORMED)
        return BatchOutcome(reason=Reason.UNKNOWN_KIND)

    def _hello(self, publish: Publish) -> BatchOutcome:
        hello = decode_hello(publish.payload)
        node, at = publish.client, self._wall_ms()
        if hello.node != node:
            return BatchOutcome(reason=Reason.NOT_YOURS)
        before = self._store.record(node)
        welcome, record, alarm = answer_hello(before, hello, lambda epoch, seq: self._store.hash_of(node, epoch, seq))
        if welcome.refused:
            self._store.refused(node, alarm, at)
        else:
            self._store.save_hello(node, record if record != before else None, alarm, at)
        _log(node, alarm)
        return BatchOutcome(SYNC_WELCOME, encode(welcome))

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
            _, windows = unpack(batch)
            admitted = admit(taken(record, batch, windows), windows, self._bounds, at)
            try:
                self._store.merge(admitted.record, batch, admitted.windows, at, admitted.alarm)
            except (apsw.ConstraintError, apsw.MismatchError) as error:
                raise BatchError(BAD_BODY, f"Its sums do not fit: {error}.") from None
        except BatchError as error:
            alarm = Alarm(error.reason, str(error)) if error.reason in ALARMING else None
            self._store.refused(node, alarm, at)
            log.warning("%s of %s is refused: %s", f"{batch.epoch}/{batch.seq}", node, error)
            detail = str(error)[:TEXT_CHARACTERS_MAX]
            refusal = SyncAck(epoch=epoch, through=through, refused=error.reason, expected=through + 1, detail=detail)
            return BatchOutcome(SYNC_ACK, encode(refusal))
        _log(node, admitted.alarm)
        return BatchOutcome(SYNC_ACK, encode(SyncAck(epoch=epoch, through=batch.seq)))


def _log(node: str, alarm: Alarm | None) -> None:
    if alarm is not None:
        log.warning("alarm: %s: %s (%d events) %s", node, alarm.kind, alarm.events, alarm.detail)


class Receive:
    """`model.Receiver` for the centre's endpoint. `post` runs a callable in the event loop; `failed` is called when the
    disk fails in a way that only a restart can mend. `enrol` gives the payload of the answer to an `enrol.request`, in
    the store's thread. Set `link` before the first publish."""

    def __init__(
        self,
        store: Store,
        wall_ms: Callable[[], int],
        post: Callable[..., object],
        failed: Callable[[str], None],
        bounds: Bounds,
        enrol: Callable[[Publish], bytes] | None = None,
    ) -> None:
        self.link: Link | None = None
        self.refused: dict[str, int] = {}
        self.over_quota = Culprits()
        self.problem = ""
        """Why batches are not stored at present; empty while they are."""
        self._validator = BatchValidator(store, wall_ms, bounds, enrol)
        self._store = store
        self._post = post
        self._failed = failed
        self._jobs: SimpleQueue[tuple[Source, Publish] | _Prune | None] = SimpleQueue()
        self._jobs_of: Counter[str] = Counter()
        self._jobs_bytes = 0
        self._answers: dict[str, deque[Answer]] = {}
        self._sequence = 0
        self._thread = threading.Thread(target=self._work, name="store", daemon=True)

    def start(self) -> None:
        """Begin to store."""
        self._thread.start()

    def close(self) -> None:
        """Store what has been received, then stop. Blocks until that is done."""
        self._jobs.put(None)
        self._thread.join()

    def prune(self, wall_ms: int, lived_ms: int, retention_ms: int) -> None:
        """Let the store forget what is older than the retention, when its turn comes. See `Store.prune`."""
        self._jobs.put(_Prune(wall_ms, lived_ms, retention_ms))

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
        if not present:
            self._answers.pop(client, None)

    def pending(self, client: str, after: int, limit: int) -> list[tuple[Answer, float]]:
        """What the node has not taken yet."""
        answers = self._answers.get(client, ())
        return [(answer, ANSWER_S) for answer in answers if answer.sequence > after][:limit]

    # -- inside ----------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                if isinstance(job, _Prune):
                    self._store.prune(job.wall_ms, job.lived_ms, job.retention_ms)
                    continue
                outcome = self._validator.validate(job[1])
                self.problem = ""
            except apsw.FullError as error:
                self.problem = f"The disk is full ({error}): batches wait at the nodes. Free space in data_dir."
                log.error("%s", self.problem)
                outcome = BatchOutcome(reason=Reason.DISK_FULL)
            except apsw.Error as error:
                self.problem = f"The store failed ({error}). Check the disk, then start the centre again."
                self._post(self._failed, self.problem)
                return
            except Exception as error:
                # Without this thread nothing is stored or acknowledged: better no centre than a silent one.
                log.exception("the store's thread failed")
                self.problem = f"The centre failed ({error!r}). This is a bug: please report the lines above."
                self._post(self._failed, self.problem)
                return
            if not isinstance(job, _Prune):
                self._post(self._answer, job[0], job[1], outcome)

    def _answer(self, source: Source, publish: Publish, outcome: BatchOutcome) -> None:
        self._jobs_bytes -= len(publish.payload)
        self._jobs_of[publish.client] -= 1
        if not self._jobs_of[publish.client]:
            del self._jobs_of[publish.client]
        if outcome.kind:
            self._sequence += 1
            answer = Answer(self._sequence, publish.client, outcome.kind, outcome.payload, 0.0)
            answers = self._answers.setdefault(publish.client, deque(maxlen=CENTRE_ANSWERS_PER_NODE_MAX))
            if outcome.kind == SYNC_WELCOME:
                answers.clear()
            answers.append(answer)
            if self.link is not None:
                self.link.wake({publish.client: ()})
        if outcome.reason:
            self._count(publish.client, outcome.reason)
        if publish.token:
            source.acknowledge([publish.token], [outcome.reason])

    def _count(self, client: str, reason: str, count: int = 1) -> None:
        self.refused[reason] = self.refused.get(reason, 0) + count
        if reason == Reason.OVER_QUOTA:
            self.over_quota.blame(client, time.monotonic(), count)
