"""The centre: its real validator over a store in memory, and the uplink between the two sides.

The store adds, as the real one does, all of a batch or nothing. The uplink is cut, slow, half dead or corrupting.
"""

from collections.abc import Callable
from copy import deepcopy
from random import Random
from typing import TYPE_CHECKING, Any

from central.ingest.admit import Bounds
from central.ingest.validate import BatchOutcome, BatchValidator
from central.ingest.verify import Alarm, NodeRecord
from edge.messages.batches import SYNC_BATCH, BatchMessage, Window
from edge.messages.envelope import topic_down
from edge.mqtt.client.connection import ConnectionState
from edge.mqtt.client.session import ClientOptions, Message
from edge.mqtt.seam import Publish

if TYPE_CHECKING:
    from tests.sim.node.process import Process
    from tests.sim.world import World


BACKUPS_KEPT = 4

BOUNDS = Bounds(k_anonymity=1, rows_per_day_max=2**40)
"""The nodes here have thresholds of their own, and no day of theirs is long enough for a quota."""


class Store:
    """What the centre's disk holds."""

    def __init__(self) -> None:
        self.standings: dict[str, NodeRecord] = {}
        self.hashes: dict[tuple[str, int, int], bytes] = {}
        self.events = 0
        self.counters: dict[str, int] = {}
        self.cells: dict[str, int] = {}
        self.measured: dict[str, int] = {}
        self.alarms: list[Alarm] = []
        self.refusals = 0

    def record(self, node: str) -> NodeRecord | None:
        return self.standings.get(node)

    def hash_of(self, node: str, epoch: int, seq: int) -> bytes | None:
        return self.hashes.get((node, epoch, seq))

    def save_hello(self, node: str, record: NodeRecord | None, alarm: Alarm | None, at: int) -> None:
        if record is not None:
            self.standings[node] = record
        if alarm is not None:
            self.alarms.append(alarm)

    def merge(
        self, record: NodeRecord, batch: BatchMessage, windows: list[Window], at: int, alarm: Alarm | None
    ) -> None:
        assert (record.node, batch.epoch, batch.seq) not in self.hashes
        self.hashes[record.node, batch.epoch, batch.seq] = batch.sha256
        self.standings[record.node] = record
        for window in windows:
            self.events += window.events
            for name, count in window.counters.items():
                self.counters[name] = self.counters.get(name, 0) + count
            for name, measure in window.measures.items():
                self.measured[name] = self.measured.get(name, 0) + measure.count
            for cell in window.cells:
                self.cells[cell.name] = self.cells.get(cell.name, 0) + cell.count
        if alarm is not None:
            self.alarms.append(alarm)

    def quarantine(self, record: NodeRecord, batch: BatchMessage, reason: str, detail: str, at: int) -> bool:
        """Never: no node here sends what cannot be stored, and what the line damages has another hash."""
        raise AssertionError(f"{record.node} sent {batch.epoch}/{batch.seq}, which is kept aside: {reason} {detail}")

    def repeated(self, node: str, at: int) -> None:
        """Nothing changes."""

    def refused(self, node: str, alarm: Alarm | None, at: int) -> None:
        self.refusals += 1
        if alarm is not None:
            self.alarms.append(alarm)

    @property
    def lost(self) -> int:
        """Events that the centre knows to have lost."""
        return sum(alarm.events for alarm in self.alarms if alarm.kind == "batches_lost")


class Centre:
    """Up or down; its store can be replaced by an older one."""

    def __init__(self, world: "World") -> None:
        self.store = Store()
        self.backups = [deepcopy(self.store)]
        self.down = False
        self._world = world
        self._rng = Random(f"centre-{world.plan.seed}")

    def restore(self) -> None:
        """From one of the backups, the newest more often than the others."""
        self.store = deepcopy(self._rng.choice((self.backups[-1], *self.backups)))

    def keep_backup(self) -> None:
        """For another day."""
        self.backups = [*self.backups, deepcopy(self.store)][-BACKUPS_KEPT:]

    def validate(self, client: str, kind: str, payload: bytes) -> BatchOutcome | None:
        """The outcome, None where nobody is there to answer, or died before (or after) its transaction."""
        if self.down:
            return None
        merged = len(self.store.hashes)
        validate = BatchValidator(self.store, self._world.wall_ms, BOUNDS)  # type: ignore[arg-type]
        outcome = validate.validate(Publish(client, kind, payload, 1, 1))
        self._world.note(f"centre {kind} {outcome.reason} {len(self.store.hashes) - merged} {self.store.events}")
        return outcome


class Uplink:
    """Stands where the uplink has its MQTT connection: one connection to the centre, made anew when lost."""

    def __init__(self, urls: list[str], client: ClientOptions, **options: Any) -> None:
        self.error, self.url = "", urls[0]
        self.connected = False
        self._on_messages: Callable[[list[Message]], None] = options["on_messages"]
        self._on_state: Callable[[ConnectionState], None] = options["on_state"]
        self._client = client.client_id
        self._generation = 0
        self._unacknowledged: dict[int, tuple[str, bytes, Any]] = {}
        self._count = 0
        self._process: Process
        self._world: World

    def attach(self, process: "Process") -> None:
        """Begin to connect."""
        self._process, self._world = process, process.world
        self._process.loop.call_later(0.1, self._connect)

    def _connect(self) -> None:
        if self.connected:
            return
        if self._world.uplink == "cut" or self._world.centre.down:
            self._process.loop.call_later(5.0, self._connect)
            return
        self._generation += 1
        self.connected = True
        self._on_state(ConnectionState.CONNECTED)
        for number, (topic, payload, _) in list(self._unacknowledged.items()):
            self._carry(topic, payload, number)

    def drop(self) -> None:
        """The connection is lost."""
        if self.connected:
            self.connected = False
            self._generation += 1
            self._on_state(ConnectionState.DISCONNECTED)
            self._process.loop.call_later(1.0 + 5 * self._world.chance.random(), self._connect)

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, on_ack: Any = None, **_: Any) -> bool:
        if not self.connected or not self._process.alive:
            return False
        number = 0
        if qos:
            self._count += 1
            number = self._count
            self._unacknowledged[number] = (topic, payload, on_ack)
        self._carry(topic, payload, number)
        self._process.step()
        return True

    def acknowledge(self, messages: list[Message]) -> None:
        """The model's centre needs none."""

    # -- the line ------------------------------------------------------------------------------------------------------

    def _delay_s(self) -> float:
        slow = 8.0 if self._world.uplink == "slow" else 0.1
        return slow * self._world.chance.random()

    def _carry(self, topic: str, payload: bytes, number: int) -> None:
        generation, kind = self._generation, topic.rsplit("/", 1)[1]
        payload = self._world.corrupted(payload, kind == SYNC_BATCH)
        self._later(self._delay_s(), lambda: self._arrive(generation, kind, payload, number))

    def _later(self, delay_s: float, what: Callable[[], object]) -> None:
        """In sequence: a connection does not reorder."""
        self._due = max(getattr(self, "_due", 0.0), self._world.time.now + delay_s)
        self._world.time.after(self._due - self._world.time.now, what)

    def _arrive(self, generation: int, kind: str, payload: bytes, number: int) -> None:
        """At the centre. What a dead process or a lost connection had sent before may still arrive."""
        if self._world.uplink == "cut" or (self._world.uplink == "dead" and self._world.chance.random() < 0.5):
            return
        outcome = self._world.centre.validate(self._client, kind, payload)
        if outcome is None or self._world.uplink == "dead":
            return
        answer = self._world.corrupted(outcome.payload, False)
        self._later(
            self._delay_s(), lambda: self._process.run(lambda: self._answer(generation, outcome, answer, number))
        )

    def _answer(self, generation: int, outcome: BatchOutcome, payload: bytes, number: int) -> None:
        if generation != self._generation or not self.connected or self._world.uplink == "cut":
            return
        if outcome.kind:
            self._on_messages([Message(topic_down("centre", self._client, outcome.kind), payload, 1, 1)])
        if number:
            _, _, on_ack = self._unacknowledged.pop(number, ("", b"", None))
            if on_ack is not None:
                on_ack(0x80 if outcome.reason else 0)
