"""The disk and the journal on it: rows become durable later, together, or not at all.

`Disk` is what survives a process. `Paper` stands where `edge.journal.journal.Journal` stands for the pipeline.
"""

from collections.abc import Callable, Iterator
from random import Random
from typing import TYPE_CHECKING

from msgspec import Struct

from edge.core.model import Commit
from edge.errors import DiskFull, JournalBroken
from edge.journal import journal
from edge.journal.journal import Recovery

if TYPE_CHECKING:
    from tests.sim.node.process import Process

SNAPSHOTS_KEPT = 3

QUICK_S = 0.01
"""Commits that take no longer are made in the loop, now and then."""


class Snapshot(Struct, frozen=True):
    """The core's state after row `number`."""

    number: int
    body: bytes


class Disk:
    """Rows by number and snapshots, as they would be found after a power cut at this instant."""

    def __init__(self) -> None:
        self.rows: list[bytes] = []
        """Row 1 first, those that are pruned too, so that everything can be checked again."""
        self.pruned = 0
        """The last row that left the journal."""
        self.snapshots: list[Snapshot] = []
        self.block = b""
        """`edge.pipeline.drops`'s: written over in its place, also while the disk is full."""
        self.torn = b""
        """The beginning of a row that a power cut interrupted: its checksum does not fit."""
        self.full = False
        self.broken = False

    def copy(self) -> "Disk":
        """A backup."""
        twin = Disk()
        twin.rows, twin.snapshots, twin.pruned = list(self.rows), list(self.snapshots), self.pruned
        twin.block = self.block
        return twin


class Paper:
    """The journal of one process."""

    def __init__(self, process: "Process", disk: Disk, commit_s: float, rng: Random) -> None:
        self.disk = disk
        self.failure: Exception | None = None
        self._process, self._commit_s, self._rng = process, commit_s, rng
        self._queue: list[Commit | Snapshot] = []
        self._on_commit: Callable[[int, float], None]
        self._on_failure: Callable[[Exception], None]
        self._writing = False

    # -- what the pipeline calls ---------------------------------------------------------------------------------------

    def start(
        self, loop: object, on_commit: Callable[[int, float], None], on_failure: Callable[[Exception], None]
    ) -> None:
        self._on_commit, self._on_failure = on_commit, on_failure

    def recover(self) -> Recovery:
        """A torn row at the end is cut off; the newest snapshot and what follows it."""
        self.disk.torn = b""
        snapshot = self.disk.snapshots[-1] if self.disk.snapshots else Snapshot(0, b"")
        return Recovery(snapshot.body or None, snapshot.number, self._rows(snapshot.number), [])

    def _rows(self, after: int) -> Iterator[bytes]:
        assert after >= self.disk.pruned, "no snapshot leads to the first row that is left"
        return iter(self.disk.rows[after:])

    @property
    def queued(self) -> int:
        return sum(not isinstance(item, Snapshot) for item in self._queue)

    @property
    def filled(self) -> float:
        return self.queued / journal.COMMIT_QUEUE_ROWS_MAX

    def commit(self, row: Commit) -> bool:
        """At once, where nothing else is under way and the disk is quick."""
        busy = self.failure is not None or self._queue or self._writing
        if busy or self._commit_s > QUICK_S or self._rng.random() < 0.3:
            return False
        self._process.handled()
        if self.disk.broken or self.disk.full:
            self._queue.append(row)
            on_failure, self._on_failure = self._on_failure, lambda _: None
            self._fail()
            self._on_failure = on_failure
            self._process.loop.call_soon(on_failure, self.failure)
            return False
        self._keep([row])
        self._process.step()
        return self._process.alive

    def submit(self, row: Commit) -> None:
        if not self._process.alive:
            return
        self._process.handled()
        if self.failure is None:
            self._queue.append(row)
            self._write()

    def snapshot(self, number: int, body: bytes) -> None:
        if self.failure is None:
            self._queue.append(Snapshot(number, body))
            self._write()

    def prune(self, through: int) -> None:
        """Up to a snapshot, never beyond the oldest of those that are kept."""
        if self.failure is None and len(self.disk.snapshots) == SNAPSHOTS_KEPT:
            oldest = self.disk.snapshots[0].number
            if self.disk.pruned < oldest <= through:
                self.disk.pruned = oldest

    def resume(self) -> bool:
        if self.disk.full:
            return False
        self.failure = None
        return True

    async def lookup(self, number: int) -> bytes | None:
        """A row from the disk, some time later."""
        found = self._process.loop.create_future()
        self._process.loop.call_later(self._commit_s, found.set_result, None)
        await found
        return self.disk.rows[number - 1] if self.disk.pruned < number <= len(self.disk.rows) else None

    # -- the disk ------------------------------------------------------------------------------------------------------

    def _write(self) -> None:
        if not self._writing:
            self._writing = True
            self._process.loop.call_later(self._commit_s * self._rng.random(), self._commit)

    def _commit(self) -> None:
        """One group: everything that waits, or the beginning of it."""
        self._writing = False
        if self.failure is not None:
            return
        if self.disk.broken or self.disk.full:
            self._fail()
            return
        count = self._rng.choice((1, len(self._queue), len(self._queue)))
        group, self._queue = self._queue[:count], self._queue[count:]
        number = self._keep(group)
        if self._queue:
            self._write()
        if number:
            # Durable, and nobody knows yet: here, too, a process may die.
            self._process.loop.call_soon(self._report, number)

    def _keep(self, group: list[Commit | Snapshot]) -> int:
        number = 0
        for item in group:
            if isinstance(item, Snapshot):
                if item.number not in [kept.number for kept in self.disk.snapshots]:
                    self.disk.snapshots = [*self.disk.snapshots, item][-SNAPSHOTS_KEPT:]
            else:
                number = item.number
                self.disk.rows.append(item.row)
                self._process.durable(number, item.row)
        return number

    def _report(self, number: int) -> None:
        self._process.step()
        if self._process.alive:
            self._on_commit(number, 0.0)

    def _fail(self) -> None:
        if self.disk.broken:
            self.failure = JournalBroken("the simulated disk failed")
            self._keep_some()  # what a failed fsync has left on the disk nobody knows
        else:
            self.failure = DiskFull("the simulated disk is full")
        self._queue = []
        self._on_failure(self.failure)

    def power_cut(self) -> None:
        """The process dies: of what was not yet reported some may have reached the disk, the rest is lost."""
        if self.failure is None:
            self._keep_some()
        if self._queue and not isinstance(self._queue[0], Snapshot):
            self.disk.torn = self._queue[0].row[: self._rng.randrange(1, 20)]
        self._queue = []

    def _keep_some(self) -> None:
        count = self._rng.choice((0, 0, self._rng.randint(0, len(self._queue))))
        self._keep(self._queue[:count])
        self._queue = self._queue[count:]
