"""Tests of edge.journal.scrub: rot behind the last snapshot is found while the node runs, and nothing else is."""

import asyncio
from pathlib import Path

import apsw
import pytest

from edge.journal.journal import Journal
from edge.journal.reader import JournalReader
from edge.journal.scrub import SCRUB_ROWS, Scrub, read_through, sentence
from tests.edge.journals import Writing, filled, session, snapshot
from tests.waiting import until

PAGE_BYTES = 4096


def flip(path: Path, number: int) -> None:
    """One bit of a row's body."""
    raw = bytearray(path.read_bytes())
    raw[raw.index(f"<{number}>.".encode()) + 20] ^= 1
    path.write_bytes(raw)


def smear(path: Path, number: int) -> None:
    """The head of the page that has a row."""
    raw = bytearray(path.read_bytes())
    at = raw.index(f"<{number}>.".encode()) // PAGE_BYTES * PAGE_BYTES
    raw[at : at + 16] = b"\xff" * 16
    path.write_bytes(raw)


def spoil(path: Path, sql: str) -> None:
    """Change the file behind the node's back."""
    db = apsw.Connection(str(path))
    db.execute(sql)
    db.close()


def findings(path: Path) -> list[str]:
    """What a pass finds."""
    with JournalReader.open(path) as reader:
        return [str(error) for error in read_through(reader) if error is not None]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A thousand rows, nearly all behind a snapshot."""
    return filled(tmp_path / "journal.sqlite3", 1000, snapshots=[300, 600, 990])


def test_a_sound_journal_has_nothing_rotten(path: Path) -> None:
    """Every snapshot and every row is read, and there is nothing to report."""
    with JournalReader.open(path) as reader:
        steps = list(read_through(reader))
    assert steps == [None] * (3 + -(-1000 // SCRUB_ROWS))


def test_each_rotten_row_and_snapshot_is_named(path: Path) -> None:
    """A pass goes on behind what it finds, to the end."""
    for number in (5, 6, 700, 1000):
        flip(path, number)
    spoil(path, "UPDATE piece SET body = zeroblob(length(body)) WHERE snapshot = 600")
    spoil(path, "DELETE FROM row WHERE number = 42")
    found = findings(path)
    assert ["row 42 is missing" in text for text in found].count(True) == 1
    for what in ("the snapshot at row 600 fails", "row 5 fails", "row 6 fails", "row 700 fails", "row 1000 fails"):
        assert any(what in text for text in found), what
    assert len(found) == 6
    assert "row 5 fails its checksum (and 1 more)" in sentence(found[1:3])


def test_a_damaged_page_is_named_and_passed(path: Path) -> None:
    """Where SQLite itself cannot read on, the pass goes on behind it."""
    smear(path, 400)
    flip(path, 900)
    found = findings(path)
    assert "a page of it is damaged" in found[0]
    assert "row 900 fails its checksum" in found[-1]


def test_deletion_and_commits_beside_it_are_no_rot(tmp_path: Path) -> None:
    """Rows that go and come while a pass reads leave no gap."""
    path = filled(tmp_path / "journal.sqlite3", 3000, snapshots=[1000, 2500, 2600, 2700])

    async def work(writing: Writing) -> None:
        found: list[object] = []
        with JournalReader.open(path) as reader:
            for step, error in enumerate(read_through(reader)):
                found.append(error)
                if step == 6:
                    writing.journal.prune(2500)
                    await writing.until(lambda: reader.bounds()[0] == 2501)
                    await writing.write(range(3001, 3100))
        assert set(found) == {None}
        assert len(found) < 4 + 3100 / SCRUB_ROWS, "what was deleted was not passed over"

    session(path, work)


async def reported(scrub: Scrub, reports: list[str | None]) -> None:
    """Wait for the first report of a pass."""
    running = asyncio.create_task(scrub.run())
    await until(lambda: reports)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


@pytest.mark.parametrize("rotten", [0, 100])
def test_a_running_node_learns_of_it(path: Path, rotten: int) -> None:
    """Beside a journal that is written to: a sentence that names the row and what to do, or that nothing is wrong."""
    if rotten:
        flip(path, rotten)
    reports: list[str | None] = []

    async def work(writing: Writing) -> None:
        await writing.write(range(1001, 1010))
        await reported(Scrub(writing.journal, reports.append, pause_s=0.0), reports)
        assert not writing.failures

    session(path, work)
    text = reports[0]
    assert text is None if not rotten else text is not None
    if text is not None:
        assert "row 100 fails its checksum" in text
        assert "another disk" in text


def test_a_stop_does_not_wait_for_the_pass(path: Path) -> None:
    """A pass that would take hours ends with the node."""

    async def work(writing: Writing) -> None:
        running = asyncio.create_task(Scrub(writing.journal, print, pause_s=3600.0).run())
        await asyncio.sleep(0.05)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    session(path, work)


def test_rot_that_deletion_meets_does_not_end_the_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Old rows on a damaged page cannot be deleted: commits go on, and the report names it."""
    path = filled(tmp_path / "journal.sqlite3", 3000, snapshots=[2000, 2500, 2600, 2700])
    smear(path, 400)
    monkeypatch.setattr("edge.journal.scrub.SCRUB_LOOK_S", 0.01)
    reports: list[str | None] = []

    async def work(writing: Writing) -> None:
        writing.journal.prune(2000)
        await writing.until(lambda: writing.journal.damage)
        await writing.write(range(3001, 3010))
        assert not writing.failures
        scrub = Scrub(writing.journal, reports.append, pause_s=0.0)
        await reported(scrub, reports)
        assert "a page" in str(reports[0])

    session(path, work)
    journal = Journal.open(path)
    assert journal.recover().snapshot == snapshot(2700)
    assert journal.last == 3009
    journal.close()
