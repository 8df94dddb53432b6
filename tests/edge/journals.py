"""Journals for tests: rows whose content follows from their number, and what a process does to write them."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

from edge.core.model import Acknowledge, Answer, Commit, Now, Row, decode_row, encode_row
from edge.journal.journal import Journal

T0 = 1_790_000_000_000


def row(number: int, size: int = 200) -> bytes:
    """Row `number`, one second after the one before; its body can be distinguished from every other's."""
    payload = f"<{number}>".encode().ljust(size, b".")
    effects = [Answer(number, f"client-{number}", "receipt", payload, float(number)), Acknowledge([""])]
    return encode_row(Row(number, Now(float(number), T0 + number * 1000), [], [], effects))


def commit(body: bytes) -> Commit:
    """A row as the core hands it over."""
    row = decode_row(body)
    return Commit(row.number, row.now, body)


def number_of(body: bytes) -> int:
    """The number of a row that is whole and is what `row` made."""
    number = decode_row(body).number
    assert body == row(number, len(decode_row(body).effects[0].payload))  # pyright: ignore[reportAttributeAccessIssue]
    return number


class Writing:
    """A started journal inside a loop, and what it has reported."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.committed: list[int] = []
        self.times: list[float] = []
        self.failures: list[Exception] = []
        self._news = asyncio.Event()
        journal.start(asyncio.get_running_loop(), self._on_commit, self._on_failure)

    def _on_commit(self, number: int, at: float) -> None:
        self.committed.append(number)
        self.times.append(at)
        self._news.set()

    def _on_failure(self, error: Exception) -> None:
        self.failures.append(error)
        self._news.set()

    async def until(self, done: Callable[[], Any], deadline_s: float = 30.0) -> None:
        """Wait for a condition that commits, failures or the writer's long work bring about."""
        async with asyncio.timeout(deadline_s):
            while not done():
                self._news.clear()
                try:
                    await asyncio.wait_for(self._news.wait(), 0.02)
                except TimeoutError:
                    continue

    async def write(self, numbers: Iterable[int], size: int = 200) -> None:
        """Submit rows and wait until all are committed, or the journal has failed meanwhile."""
        last = 0
        known = len(self.failures)
        for number in numbers:
            if self.journal.queued > 1000:
                await self.until(lambda: self.journal.queued <= 500 or len(self.failures) > known)
            self.journal.submit(commit(row(number, size)))
            last = number
        await self.until(lambda: self.journal.last >= last or len(self.failures) > known)

    async def keep(self, number: int, body: bytes) -> None:
        """Take a snapshot, and wait until it is written: a row looked up after it is behind its last step only when
        the queue was empty, so the journal's file is asked."""
        self.journal.snapshot(number, body)
        await self.until(lambda: number in self.snapshots())

    def snapshots(self) -> list[int]:
        """The numbers of the snapshots that the journal holds."""
        return [kept.number for kept in self.kept()]

    def kept(self) -> list[Any]:
        """The snapshots' heads, through a connection of one's own."""
        from edge.journal.reader import JournalReader, read_snapshots

        with JournalReader.open(self.journal.path) as reader:
            return read_snapshots(reader._db)


def session(path: Path, work: Callable[[Writing], Awaitable[None]]) -> Writing:
    """Open the journal at `path`, run `work` on it in a loop, close it."""

    async def main() -> Writing:
        journal = Journal.open(path)
        writing = Writing(journal)
        try:
            await work(writing)
        finally:
            journal.close()
        return writing

    return asyncio.run(main())


def filled(path: Path, count: int, size: int = 200, snapshots: Iterable[int] = ()) -> Path:
    """A closed journal with rows 1 to `count` and snapshots after some of them."""

    async def work(writing: Writing) -> None:
        begun = 1
        for number in [*sorted(snapshots), count]:
            await writing.write(range(begun, number + 1), size)
            if number in snapshots:
                await writing.keep(number, snapshot(number))
            begun = number + 1

    session(path, work)
    return path


def snapshot(number: int) -> bytes:
    """A snapshot's body that can be distinguished from every other's."""
    return f"state after {number} ".encode() * 20_000


def recovered(path: Path) -> tuple[bytes | None, list[int]]:
    """What a node would start from: the snapshot, and the numbers of the rows after it, each one verified."""
    journal = Journal.open(path)
    try:
        recovery = journal.recover()
        return recovery.snapshot, [number_of(body) for body in recovery.rows]
    finally:
        journal.close()
