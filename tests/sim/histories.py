"""Two processes with one identity, and a centre that is restored to whatever it once was.

The rest of the world is left out, so that thousands of such histories fit into seconds. Every event has a counter of
its own: the centre's sum shows at once what came twice, and by whom.
"""

from collections import deque
from copy import deepcopy
from random import Random

import zstandard
from msgspec import Struct

from central.ingest.validate import BatchOutcome, BatchValidator
from edge.core.model import Now, SyncWelcomed
from edge.core.outbox import Outbox
from edge.messages.batches import (
    SYNC_BATCH,
    SYNC_HELLO,
    BatchMessage,
    Window,
    decode_ack,
    decode_welcome,
    encode,
)
from edge.mqtt.seam import Publish
from tests.sim.around.centre import BOUNDS, Store

STEPS = 150
ACTS = {
    "event": 2,
    "seal": 3,
    "hello": 3,
    "send": 4,
    "carry": 5,
    "clone": 1,
    "stop": 1,
    "restart": 1,
    "backup": 3,
    "restore": 3,
}
"""What happens, and how often. Of 1,000 such histories about 14 make a centre without the chain count twice."""


class Side:
    """A process, as far as the uplink knows it. `draft` is its open window."""

    def __init__(self, boot: str) -> None:
        self.boot = boot
        self.outbox = Outbox("n-1")
        self.draft: list[str] = []
        self.line: deque[BatchMessage] = deque()
        """Sent and not yet at the centre: it may arrive long after."""
        self.welcomed = False

    def copy(self, boot: str) -> "Side":
        """Another process on a copy of the same disk; also what a restart makes."""
        twin = Side(boot)
        twin.outbox.restore(self.outbox.snapshot())
        twin.draft = list(self.draft)
        return twin

    def seal(self, minute: int) -> None:
        """The open window is over."""
        counters = dict.fromkeys(self.draft, 1)
        self.outbox.add([Window("dispatch", minute * 60_000, 60, len(self.draft), counters, {}, [])])
        self.draft = []


class Feud(Struct):
    """What one history came to. `twice` is empty where nothing counted twice; the others are numbers of events."""

    twice: dict[str, int]
    missing: int
    sent: int


class History:
    """Draws what happens. The clone has no clients: only what it had is sealed and sent by it."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        self.minute = self.boots = self.events = 0
        self.store = Store()
        self.backups = [deepcopy(self.store)]
        self.node = self.boot(None)
        self.clone: Side | None = None
        self.discarded = self.lost = 0

    def boot(self, of: Side | None) -> Side:
        """One more process."""
        self.boots += 1
        name = f"b-{self.boots}"
        return Side(name) if of is None else of.copy(name)

    def live(self) -> Feud:
        """The history, up to a quiet end in which the clone is stopped."""
        for act in self.rng.choices(list(ACTS), list(ACTS.values()), k=STEPS):
            getattr(self, f"act_{act}")(self.rng.choice([side for side in (self.node, self.clone) if side]))
            if twice := self._twice():
                return Feud(twice, 0, 0)
        self.act_stop(self.node)
        for _ in range(40):
            self.act_seal(self.node)
            self.act_hello(self.node)
            for _ in range(10):
                self.act_send(self.node)
                self.act_carry(self.node)
        missing = self.events - len(self.store.counters)
        sent = self.node.outbox.events_discarded + self.discarded + self.lost
        return Feud(self._twice(), missing, sent)

    def _twice(self) -> dict[str, int]:
        return {name: count for name, count in self.store.counters.items() if count > 1}

    def _validate(self, kind: str, payload: bytes) -> BatchOutcome:
        before = len(self.store.alarms)
        outcome = BatchValidator(self.store, lambda: 0, BOUNDS).validate(Publish("n-1", kind, payload, 1, 1))  # type: ignore[arg-type]
        self.lost += sum(alarm.events for alarm in self.store.alarms[before:])
        return outcome

    # -- what happens --------------------------------------------------------------------------------------------------

    def act_event(self, _: Side) -> None:
        self.events += 1
        self.node.draft.append(f"e{self.events}")

    def act_seal(self, _: Side) -> None:
        self.minute += 1
        for side in (self.node, self.clone):
            if side is not None:
                side.seal(self.minute)

    def act_hello(self, side: Side) -> None:
        outcome = self._validate(SYNC_HELLO, encode(side.outbox.hello("i-1", side.boot)))
        reply = decode_welcome(outcome.payload)
        side.welcomed = not reply.refused
        if side.welcomed and self.rng.random() < 0.8:  # else the answer is lost
            word = SyncWelcomed(reply.epoch, reply.through, reply.old_through, reply.discard_before, reply.history)
            if word.discard_before and word.epoch > side.outbox.epoch and side.draft:
                self.discarded += len(side.draft) * (side is self.node)
                side.draft = []  # it began before everything that the centre has
            side.outbox.welcome(word)
            side.outbox.cut(Now(0.0, 0))

    def act_send(self, side: Side) -> None:
        if side.welcomed:
            now = side.outbox.hello("i-1", side.boot)
            side.line.extend(
                BatchMessage(
                    epoch=batch.epoch,
                    seq=batch.seq,
                    sha256=batch.sha256,
                    previous=batch.previous,
                    body=zstandard.compress(batch.body),
                    history=now.before(batch.seq),
                )
                for batch in side.outbox.in_flight()
            )

    def act_carry(self, side: Side) -> None:
        """One batch arrives, and its acknowledgement or not."""
        if not side.line:
            return
        ack = decode_ack(self._validate(SYNC_BATCH, encode(side.line.popleft())).payload)
        if ack.refused:
            side.welcomed = False
        elif self.rng.random() < 0.7 and ack.epoch == side.outbox.epoch:
            side.outbox.stored(ack.epoch, ack.through)
            side.outbox.cut(Now(0.0, 0))

    def act_clone(self, _: Side) -> None:
        if self.clone is None:
            self.clone = self.boot(self.node)

    def act_stop(self, _: Side) -> None:
        """The operator stops the second process and restarts the first."""
        self.clone = None
        self.act_restart(self.node)

    def act_restart(self, _: Side) -> None:
        self.node = self.boot(self.node)

    def act_backup(self, _: Side) -> None:
        self.backups.append(deepcopy(self.store))

    def act_restore(self, _: Side) -> None:
        self.store = deepcopy(self.rng.choice(self.backups))
