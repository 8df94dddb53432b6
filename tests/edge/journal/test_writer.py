"""Tests of edge.journal.writer: full disks and broken ones, groups, checkpoints."""

import asyncio
import os
import resource
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import pytest

from edge.errors import DiskFull, JournalBroken, JournalError
from edge.journal.journal import Journal
from edge.journal.maintenance import JOURNAL_BALLAST_BYTES
from edge.journal.writer import COMMIT_GROUP_BYTES_MAX, COMMIT_GROUP_ROWS_MAX, WAL_BYTES_MAX
from tests.edge.journals import Writing, commit, filled, number_of, recovered, row, session, snapshot

ROOT = Path(__file__).resolve().parents[3]
DISK_BYTES = 24 * 1024 * 1024


class LimitedDisk:
    """A disk that is full for files beyond a size, by the process's own limit: what works without root."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "journal.sqlite3"
        self._limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(self) -> None:
        """No file grows beyond 200 kB."""
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, self._limits[1]))

    def free(self) -> None:
        """As before."""
        resource.setrlimit(resource.RLIMIT_FSIZE, self._limits)


class TinyDisk:
    """A file system of its own with little space, filled by somebody else's file."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "journal.sqlite3"
        self._filler = folder / "filler"

    def fill(self) -> None:
        """Not a byte is left."""
        with self._filler.open("ab") as file:
            try:
                while True:
                    os.write(file.fileno(), bytes(64 * 1024))
            except OSError:
                pass

    def free(self) -> None:
        """Somebody cleaned up."""
        self._filler.unlink()


def can_mount() -> bool:
    """Whether this process may mount a tmpfs (in a mount namespace of its own it would not be seen by the test)."""
    probe = subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False)
    return os.geteuid() == 0 and probe.returncode == 0


@pytest.fixture(params=["limit", "tmpfs"] if can_mount() else ["limit"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LimitedDisk | TinyDisk]:
    """A disk that can be filled; a real one where the test may mount it."""
    if request.param == "limit":
        limited = LimitedDisk(tmp_path)
        yield limited
        limited.free()
        return
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "none", str(folder)], check=True)
    yield TinyDisk(folder)
    subprocess.run(["umount", str(folder)], check=True)


# -- full --------------------------------------------------------------------------------------------------------------


async def fill_up(writing: Writing, disk: LimitedDisk | TinyDisk) -> int:
    """Fill the disk, write until the journal reports it. Returns the next number that was not taken."""
    disk.fill()
    number = writing.journal.last
    while not writing.failures:
        number += 1
        writing.journal.submit(commit(row(number, 5000)))
        await asyncio.sleep(0)
        if writing.journal.queued > 500:
            await writing.until(lambda: writing.journal.queued < 100 or writing.failures)
    return number


def test_a_full_disk_stops_the_journal_and_space_starts_it_again(disk: LimitedDisk | TinyDisk) -> None:
    """Full: one DiskFull, nothing more is taken, everything reported stays. Space: it goes on with the next number."""

    async def work(writing: Writing) -> None:
        journal = writing.journal
        await writing.write(range(1, 21))
        await fill_up(writing, disk)
        last = journal.last
        assert last >= 20
        assert [type(failure) for failure in writing.failures] == [DiskFull]
        assert "16 MB" not in str(writing.failures[0])
        assert f"{2 * JOURNAL_BALLAST_BYTES >> 20} MB" in str(writing.failures[0])
        assert not disk.path.with_name("ballast").exists()

        # Dropped in silence: nobody has seen these rows, and the failure has been reported.
        journal.submit(commit(row(last + 100)))
        journal.snapshot(last + 100, b"state")
        assert await journal.lookup(5) == row(5)
        recovery = journal.recover()
        assert [number_of(body) for body in recovery.rows] == list(range(1, last + 1))
        disk.fill()  # what the ballast gave back is gone too
        assert not journal.resume()

        disk.free()
        assert journal.resume()
        assert journal.resume()
        recovery = journal.recover()
        assert [number_of(body) for body in recovery.rows] == list(range(1, last + 1))
        assert recovery.alarms == []
        assert journal.queued == 0
        await writing.write(range(last + 1, last + 50))
        assert journal.last == last + 49
        assert disk.path.with_name("ballast").stat().st_size == JOURNAL_BALLAST_BYTES
        assert len(writing.failures) == 1

    last = session(disk.path, work).committed[-1]
    assert recovered(disk.path) == (None, list(range(1, last + 1)))


def test_a_disk_can_be_full_again(disk: LimitedDisk | TinyDisk) -> None:
    """Every time it is reported once, and every time it recovers."""

    async def work(writing: Writing) -> None:
        await writing.write(range(1, 21))
        for count in (1, 2, 3):
            writing.failures.clear()
            await fill_up(writing, disk)
            assert [type(failure) for failure in writing.failures] == [DiskFull]
            disk.free()
            assert writing.journal.resume()
            last = writing.journal.last
            await writing.write(range(last + 1, last + 10 * count))

    session(disk.path, work)


def test_after_a_stop_with_a_full_disk_the_next_start_reports_why(disk: LimitedDisk | TinyDisk) -> None:
    """Closed while full: nothing is lost, and recovery raises the alarm that the ballast made room for."""

    async def work(writing: Writing) -> None:
        await writing.write(range(1, 21))
        await fill_up(writing, disk)

    last = session(disk.path, work).committed[-1]
    disk.free()
    journal = Journal.open(disk.path)
    recovery = journal.recover()
    assert [number_of(body) for body in recovery.rows] == list(range(1, last + 1))
    assert recovery.alarms == [f"The disk was full after row {last}: nothing was accepted from there on."]
    journal.close()


def test_a_snapshot_that_finds_the_disk_full_leaves_no_trace(disk: LimitedDisk | TinyDisk) -> None:
    """Half a snapshot is none: recovery uses the one before."""

    async def work(writing: Writing) -> None:
        await writing.write(range(1, 21))
        await writing.keep(20, snapshot(20))
        await writing.write([21])
        disk.fill()
        writing.journal.snapshot(21, os.urandom(DISK_BYTES))
        await writing.until(lambda: writing.failures)
        assert isinstance(writing.failures[0], DiskFull)
        disk.free()
        assert writing.journal.resume()
        await writing.write(range(22, 31))

    session(disk.path, work)
    assert recovered(disk.path) == (snapshot(20), list(range(21, 31)))
    db = apsw.Connection(str(disk.path))
    assert db.execute("SELECT DISTINCT snapshot FROM piece").fetchall() == [(20,)]
    db.close()


# -- broken ------------------------------------------------------------------------------------------------------------

VICTIM = """
import asyncio, os, sys
from pathlib import Path
from edge.errors import JournalBroken
from edge.journal.journal import Journal
from tests.edge.journals import commit, row

def failed(error):
    print("failed", type(error).__name__, flush=True)
    asyncio.get_running_loop().call_later(0.2, stopped.set)

async def main():
    global stopped
    stopped = asyncio.Event()
    journal = Journal.open(Path(sys.argv[1]))
    for _ in journal.recover().rows:
        pass
    journal.start(asyncio.get_running_loop(), lambda number, at: print(number, flush=True), failed)
    for number in range(journal.last + 1, journal.last + 400):
        journal.submit(commit(row(number, 3000)))
        await asyncio.sleep(0.0005)
        if stopped.is_set():
            break
    await asyncio.wait_for(stopped.wait(), 30)
    journal.close()
    print("closed", flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("fault", ["fdatasync:error=EIO:when=30", "pwrite64:error=EIO:when=60"])
def test_a_disk_error_ends_the_writing(fault: str, tmp_path: Path, program: Callable[[str], str]) -> None:
    """One EIO: one JournalBroken, no commit is reported after it, and the next start finds every row reported."""
    path = tmp_path / "journal.sqlite3"
    filled(path, 10)
    call = fault.split(":", maxsplit=1)[0]
    command = [program("strace"), "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={fault}"]
    done = subprocess.run(
        [*command, sys.executable, "-c", VICTIM, str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    lines = done.stdout.split("\n")[:-1]
    assert lines[-2:] == ["failed JournalBroken", "closed"], done.stdout + done.stderr
    reported = [int(line) for line in lines[:-2]]
    assert reported
    _, numbers = recovered(path)
    assert numbers == list(range(1, len(numbers) + 1))
    assert numbers[-1] >= reported[-1]


def test_a_broken_journal_refuses_everything(tmp_path: Path) -> None:
    """Any error but a full disk is reported once, and only a restart ends it."""

    async def work(writing: Writing) -> None:
        journal = writing.journal
        await writing.write(range(1, 11))
        other = apsw.Connection(str(journal.path))
        other.execute("DROP TABLE row")
        other.close()
        journal.submit(commit(row(11)))
        await writing.until(lambda: writing.failures)
        journal.submit(commit(row(12)))
        journal.snapshot(12, b"state")
        journal.prune(0)
        assert not journal.resume()
        with pytest.raises(JournalError, match="closed"):
            await journal.lookup(3)
        await asyncio.sleep(0.05)
        assert journal.last == 10

    writing = session(tmp_path / "journal.sqlite3", work)
    assert [type(failure) for failure in writing.failures] == [JournalBroken]
    assert writing.committed[-1] == 10


# -- groups and checkpoints --------------------------------------------------------------------------------------------


def test_groups_stay_within_their_bounds(tmp_path: Path) -> None:
    """Many rows make groups of at most COMMIT_GROUP_ROWS_MAX, large rows of at most COMMIT_GROUP_BYTES_MAX and one."""

    async def work(writing: Writing) -> None:
        for number in range(1, 2001):
            writing.journal.submit(commit(row(number, 50)))
        await writing.until(lambda: writing.journal.last == 2000)
        most = max(rows for rows, _ in writing.journal.counters.groups)
        assert 1 < most <= COMMIT_GROUP_ROWS_MAX
        size = COMMIT_GROUP_BYTES_MAX // 4
        commits = writing.journal.counters.commits
        for number in range(2001, 2017):
            writing.journal.submit(commit(row(number, size)))
        await writing.until(lambda: writing.journal.last == 2016)
        assert writing.journal.counters.commits - commits >= 4
        assert all(seconds > 0 for _, seconds in writing.journal.counters.groups)

    session(tmp_path / "journal.sqlite3", work)


def test_the_wal_stays_small_under_load(tmp_path: Path) -> None:
    """Many times the bound is written, and the WAL never grows far beyond it."""
    path = tmp_path / "journal.sqlite3"
    wal = path.with_name(path.name + "-wal")

    async def work(writing: Writing) -> None:
        for start in range(1, 8001, 100):
            await writing.write(range(start, start + 100), size=4000)
            assert wal.stat().st_size < 3 * WAL_BYTES_MAX
        assert writing.journal.counters.checkpoints > 3

    session(path, work)


def test_quiet_moments_are_used_for_checkpoints(tmp_path: Path) -> None:
    """What was written is moved into the file soon after the last commit, without a close."""
    path = tmp_path / "journal.sqlite3"

    async def work(writing: Writing) -> None:
        await writing.write(range(1, 301), size=2000)
        await writing.until(lambda: path.stat().st_size > 300 * 2000)

    session(path, work)


def test_closing_ends_the_thread(tmp_path: Path) -> None:
    """No thread is left, and closing twice does nothing more."""

    async def work(writing: Writing) -> None:
        await writing.write([1])

    writing = session(tmp_path / "journal.sqlite3", work)
    writing.journal.close()
    assert "journal" not in {thread.name for thread in threading.enumerate()}
