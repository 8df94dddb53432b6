"""What a few publishes change, gathered in memory, and written in one transaction by `store.Store`."""

from collections.abc import Callable
from typing import Final

from msgspec import Struct

from edge.messages.batches import BatchMessage, Window
from edge.messages.sync.ledger import ShopDay
from edge.messages.sync.shops import ShopTable

from ..ingest.verify import Alarm, NodeRecord

QUARANTINED_PER_NODE_MAX: Final = 32
"""Batches of one node that are kept aside; beyond it the next one is refused and waits at the node."""

STATEMENTS_PER_NODE_MAX: Final = 512
"""Statements of one node that are kept; the oldest go. One comes a day, and few more where windows come late."""

LEDGER_DAYS_PER_NODE_MAX: Final = 20_000
"""Days of shops of one node of which the differences are kept: three years of 18 shops; the oldest go."""

SHOP_DAYS_PER_NODE_MAX: Final = 1_200
"""Days of one node with figures of its shops: three years, and more where a node was restored; the oldest go."""

BatchKey = tuple[str, int, int]
"""A node's name, an epoch and a number."""


class Known(Struct):
    """A node's row: what is known of it, and its sums. `windows` numbers them; a node without a `record` never sent
    a hello. Times are Unix ms."""

    id: int
    name: str
    record: NodeRecord | None
    last_seen: int
    batches: int
    repeats: int
    refused: int
    bytes: int
    events: int
    windows: int
    changed: bool = False


class Stored(Struct, frozen=True):
    """What is to be written of a batch: `number` is that of its first window. Without `batch` only windows are new."""

    node: int
    number: int
    batch: BatchMessage | None
    windows: list[Window]
    at: int


class Aside(Struct, frozen=True):
    """A batch to be kept aside, and why."""

    node: str
    batch: BatchMessage
    reason: str
    detail: str
    at: int


class ShopsKept(Struct, frozen=True):
    """What became of the orders of shops on the day of a statement: `since` (Unix ms) the node of this data directory
    counted them. A later one of the same takes its place."""

    instance: str
    since: int
    tables: list[ShopTable]


class Kept(Struct, frozen=True):
    """A statement to be kept: its day, and the message as it came."""

    node: str
    day: int
    sha256: bytes
    at: int
    message: bytes
    shops: ShopsKept | None = None


class Group:
    """The nodes of a few publishes, whose rows are locked. Nothing is written before the group ends."""

    def __init__(
        self,
        known: dict[str, Known],
        hash_of: Callable[[int, int, int], bytes | None],
        aside_of: Callable[[str], int],
    ) -> None:
        self.known = known
        self.stored: list[Stored] = []
        self.aside: list[Aside] = []
        self.settled: list[BatchKey] = []
        self.statements: list[Kept] = []
        self.ledger: list[tuple[str, ShopDay]] = []
        self.alarms: list[tuple[str, Alarm, int]] = []
        self._hash_of, self._aside_of = hash_of, aside_of
        self._hashes: dict[tuple[int, int, int], bytes] = {}

    def record(self, node: str) -> NodeRecord | None:
        """What is known of a node."""
        known = self.known.get(node)
        return known.record if known else None

    def hash_of(self, node: str, epoch: int, seq: int) -> bytes | None:
        """The hash of a batch, None where there is none (any more)."""
        known = self.known.get(node)
        if known is None:
            return None
        key = (known.id, epoch, seq)
        return self._hashes.get(key) or self._hash_of(*key)

    def save_hello(self, node: str, record: NodeRecord | None, alarm: Alarm | None, at: int) -> None:
        """A hello was answered."""
        known = self._seen(node, at)
        if known is not None and record is not None:
            known.record = record
        self._alarm(node, alarm, at)

    def merge(
        self, record: NodeRecord, batch: BatchMessage, windows: list[Window], at: int, alarm: Alarm | None = None
    ) -> None:
        """Store the next batch, and the record after it."""
        known = self._taken(record, batch, at)
        self._windows(known, batch, windows, at)
        self._alarm(record.node, alarm, at)

    def settle(self, record: NodeRecord, key: BatchKey, windows: list[Window], alarm: Alarm, at: int) -> None:
        """A batch that was kept aside is not any more: these of its windows are stored. An operator does it, so it is
        no word of the node: it shows neither that the node is there, nor that anything of it was refused."""
        known = self.known[record.node]
        known.record, known.changed = record, True
        self.settled.append(key)
        self._windows(known, None, windows, at)
        self._alarm(record.node, alarm, at)

    def quarantine(self, record: NodeRecord, batch: BatchMessage, reason: str, detail: str, at: int) -> bool:
        """Keep the next batch aside, with the record after it. False where there is no more room for this node's."""
        here = sum(aside.node == record.node for aside in self.aside)
        if self._aside_of(record.node) + here >= QUARANTINED_PER_NODE_MAX:
            return False
        known = self._taken(record, batch, at)
        self._windows(known, batch, [], at)
        self.aside.append(Aside(record.node, batch, reason, detail, at))
        where = f"Batch {batch.epoch}/{batch.seq} is kept aside: {detail}"
        self._alarm(record.node, Alarm("quarantined", f"{where} See: doorstep central quarantine."), at)
        return True

    def keep(self, node: str, day: int, sha256: bytes, message: bytes, at: int, shops: ShopsKept | None = None) -> None:
        """A statement came, perhaps again."""
        self._seen(node, at)
        self.statements.append(Kept(node, day, sha256, at, message, shops))

    def compare(self, node: str, days: list[ShopDay], at: int) -> None:
        """A node has compared ledgers of shops."""
        if self._seen(node, at) is not None:
            self.ledger += [(node, day) for day in days]

    def repeated(self, node: str, at: int) -> None:
        """A batch came once more."""
        if (known := self._seen(node, at)) is not None:
            known.repeats += 1

    def refused(self, node: str, alarm: Alarm | None, at: int) -> None:
        """A batch or a hello was not taken."""
        if (known := self._seen(node, at)) is not None:
            known.refused += 1
        self._alarm(node, alarm, at)

    def _taken(self, record: NodeRecord, batch: BatchMessage, at: int) -> Known:
        known = self._seen(record.node, at)
        assert known is not None
        known.record = record
        known.batches += 1
        known.bytes += len(batch.body)
        self._hashes[known.id, batch.epoch, batch.seq] = batch.sha256
        return known

    def _windows(self, known: Known, batch: BatchMessage | None, windows: list[Window], at: int) -> None:
        self.stored.append(Stored(known.id, known.windows + 1, batch, windows, at))
        known.windows += len(windows)
        known.events += sum(window.events for window in windows)

    def _seen(self, node: str, at: int) -> Known | None:
        known = self.known.get(node)
        if known is not None:
            known.last_seen, known.changed = at, True
        return known

    def _alarm(self, node: str, alarm: Alarm | None, at: int) -> None:
        if alarm is not None:
            self.alarms.append((node, alarm, at))
