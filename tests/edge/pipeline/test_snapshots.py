"""Tests of edge.pipeline.snapshots: when a snapshot is taken, on a real core and a real journal."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from edge.core.model import Commit, Configure, Now, Shed
from edge.core.node import Node
from edge.errors import Reason
from edge.journal.journal import Journal
from edge.journal.reader import JournalReader
from edge.pipeline.snapshots import QUIET_ROWS, Snapshots
from edge.scenarios.dispatch import Dispatch
from tests.edge.district import RULES

WORTH_BYTES = 2_000


class Desk:
    """A core whose rows go to a journal; how often it was asked for a snapshot. `whole`: it may be kept."""

    def __init__(self, node: Node, journal: Journal) -> None:
        self.node, self.journal, self.whole = node, journal, True
        self.snapshots = Snapshots(asyncio.get_running_loop(), journal, lambda: self.node if self.whole else None)
        self.snapshots.recovered(node)
        if not node.number:
            self.row(Configure(RULES))

    def row(self, item: Configure | Shed | None = None) -> int:
        """One row. Its bytes."""
        now = Now(self.node.last.mono + 0.001, 1_790_000_000_000)
        commit = self.node.handle([item or Shed(Reason.OVERLOADED, 1)], now)[0]
        assert isinstance(commit, Commit)
        self.journal.submit(commit)
        self.snapshots.added(commit.number, len(commit.row))
        return len(commit.row)

    def rows(self, size: int) -> None:
        """Rows of so many bytes, at one instant."""
        while size > 0:
            size -= self.row()

    @property
    def waits(self) -> bool:
        """Whether a quiet moment is waited for."""
        return self.snapshots._timer is not None

    async def taken(self) -> int:
        """The row of the next snapshot that is on disk."""
        async with asyncio.timeout(20):
            while not (found := self.newest()):  # noqa: ASYNC110 - another thread writes it
                await asyncio.sleep(0.01)
        return found

    def newest(self) -> int:
        """The row of the newest snapshot that is on disk; 0 where there is none."""
        with JournalReader.open(self.journal.path) as reader:
            return reader.newest()[1]


@pytest.fixture
def at_desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Desk], Awaitable[None]]], Node]:
    """Runs one life on the same journal, and returns the core that it began with."""
    monkeypatch.setattr("edge.pipeline.snapshots.SNAPSHOT_QUIET_BYTES", WORTH_BYTES)

    def run(work: Callable[[Desk], Awaitable[None]]) -> Node:
        async def main() -> Node:
            journal = Journal.open(tmp_path / "journal.sqlite3")
            try:
                node, recovery = Node([Dispatch]), journal.recover()
                node.recover(recovery.snapshot, recovery.rows)
                journal.start(asyncio.get_running_loop(), lambda *_: None, lambda error: pytest.fail(str(error)))
                await work(Desk(node, journal))
            finally:
                journal.close()
            return node

        return asyncio.run(main())

    return run


async def nothing(_: Desk) -> None:
    """A life without rows."""


def test_a_quiet_moment_is_used_and_the_next_start_runs_through_no_row(at_desk) -> None:
    """The state is the same to the byte as the one that the rows led to."""
    kept: list[bytes] = []

    async def life(desk: Desk) -> None:
        desk.rows(WORTH_BYTES)
        assert desk.waits
        assert await desk.taken() == desk.node.number
        kept.append(desk.node.snapshot())

    at_desk(life)
    again = at_desk(nothing)
    assert (again.recovered_rows, again.snapshot()) == (0, kept[0])


def test_while_many_rows_come_no_snapshot_is_taken(at_desk) -> None:
    """It is looked again and again, and the first rest is used."""

    async def life(desk: Desk) -> None:
        desk.rows(WORTH_BYTES)
        for _ in range(3):
            for _ in range(QUIET_ROWS + 1):
                desk.row()
            desk.snapshots._look()
            assert desk.waits
        assert desk.newest() == 0
        for _ in range(QUIET_ROWS):
            desk.row()
        desk.snapshots._look()
        assert not desk.waits
        assert await desk.taken() == desk.node.number

    at_desk(life)


def test_few_rows_wake_nobody_up(at_desk) -> None:
    """A node at rest has no timer, before a snapshot and after it."""

    async def life(desk: Desk) -> None:
        desk.rows(WORTH_BYTES // 2)
        assert not desk.waits
        desk.rows(WORTH_BYTES // 2)
        assert desk.waits
        await desk.taken()
        desk.row()
        assert not desk.waits

    at_desk(life)


def test_a_large_state_is_kept_only_where_as_many_bytes_of_rows_are_behind_it(at_desk, monkeypatch) -> None:
    """The disk gets no more of snapshots than of rows, whatever the core remembers."""
    monkeypatch.setattr(Dispatch, "snapshot", lambda self: self.state.snapshot() + bytes(3 * WORTH_BYTES))

    async def life(desk: Desk) -> None:
        desk.snapshots.take()
        desk.rows(2 * WORTH_BYTES)
        assert not desk.waits
        desk.rows(3 * WORTH_BYTES)
        assert desk.waits

    at_desk(life)


def test_what_a_start_ran_through_is_kept_soon_after_it(at_desk) -> None:
    """A node that is killed twice in a row starts quickly the second time."""

    async def killed(desk: Desk) -> None:
        desk.rows(WORTH_BYTES)

    async def second(desk: Desk) -> None:
        assert desk.node.recovered_rows
        assert desk.waits
        assert await desk.taken() == desk.node.number

    at_desk(killed)
    at_desk(second)
    assert at_desk(nothing).recovered_rows == 0


def test_a_core_that_may_be_broken_is_not_kept(at_desk) -> None:
    """Neither in a quiet moment nor at the end: half a round in memory must not come to disk."""

    async def life(desk: Desk) -> None:
        desk.rows(WORTH_BYTES)
        desk.whole = False
        desk.snapshots._look()
        desk.snapshots.take()
        desk.snapshots.finish()
        assert not desk.waits
        desk.whole = True

    at_desk(life)
    assert at_desk(nothing).recovered_rows > 1


def test_the_end_keeps_what_is_behind_the_last_snapshot(at_desk) -> None:
    """One row is enough, and without any there is no second one."""

    async def life(desk: Desk) -> None:
        desk.row()
        desk.snapshots.finish()
        desk.snapshots.finish()

    at_desk(life)
    assert at_desk(nothing).recovered_rows == 0
