"""The journal: what the node promised, on disk before anything is sent.

One SQLite file, one connection. `Journal` is what the event loop sees of it: it opens the file and reads back what is
in it, hands rows over without ever waiting, and is notified when they are on disk. `writer` is the thread that
writes; `reader` knows the tables and the checksums, and serves those who only read.
"""

import asyncio
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import apsw

from ..core.model import Commit
from ..errors import DiskFull, JournalBroken, JournalError
from ..identity.files import sync_directory
from .maintenance import BALLAST_NAME, make_ballast, used_bytes, write_snapshot
from .reader import (
    APPLICATION_ID,
    FORMAT,
    JOURNAL_BUSY_MS_MAX,
    RowError,
    check_format,
    query,
    read_bounds,
    read_row,
    read_rows,
    read_snapshot,
    read_snapshots,
    value,
)
from .writer import Counters, Writer

COMMIT_QUEUE_ROWS_MAX: Final = 4_096
"""Rows handed to the writer and not yet committed. Reading from sockets pauses at half of it."""

COMMIT_QUEUE_BYTES_MAX: Final = 64 * 1024 * 1024
"""The size of all rows handed to the writer and not yet committed. Reading from sockets pauses at half of it."""

_SCHEMA: Final = f"""
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA journal_mode = WAL;
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS row (number INTEGER PRIMARY KEY, wall_ms INTEGER NOT NULL, crc INTEGER NOT NULL,
    body BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS snapshot (number INTEGER PRIMARY KEY, wall_ms INTEGER NOT NULL, crc INTEGER NOT NULL,
    pieces INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS piece (snapshot INTEGER NOT NULL, part INTEGER NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (snapshot, part)) STRICT;
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value ANY) STRICT;
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {FORMAT};
COMMIT;
"""

_PRAGMAS: Final = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA wal_autocheckpoint = 0;
PRAGMA secure_delete = ON;
PRAGMA mmap_size = 0;
"""
# FULL: with NORMAL a power cut takes the last commits with it. secure_delete: what is past its retention is gone, not
# merely unlinked. mmap off: a failure of the disk must arrive as an error, not as a signal.

_TAIL_ROWS: Final = 64
"""Rows at the end of the file whose checksums are looked at on opening, even where a snapshot covers them."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """What a node starts from. `rows` are those after the snapshot, in order; take them before the next `submit`.
    `alarms` are sentences for the operator: what was found damaged, or why the node had stopped."""

    snapshot: bytes | None
    snapshot_number: int
    rows: Iterator[bytes]
    alarms: list[str]


class Journal:
    """See the module. All methods are called from one thread, that of the event loop given to `start`."""

    def __init__(self, db: apsw.Connection, path: Path, *, missing: bool = False) -> None:
        self.path = path
        self._missing = missing  # a journal was here before
        self._db = db
        self._writer = Writer(db, path)
        self._writer.counters.used_bytes = used_bytes(db)
        _, last = read_bounds(db)
        snapshots = read_snapshots(db)
        self._submitted = self._committed = max(last, snapshots[-1].number if snapshots else 0)
        self._submitted_bytes = self._committed_bytes = 0
        self._wall_ms = int(value(db, "SELECT wall_ms FROM row WHERE number = ?", last) or 0)
        self._started = self._closed = False
        self._inodes: dict[Path, tuple[int, int]] = {}
        """Device and inode of the journal and of its WAL, from `start` on."""

    # -- opening and recovery ------------------------------------------------------------------------------------------

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the journal at `path`, or create it, readable by its owner only, with its ballast beside it.

        Raises:
            JournalError: another program's file, a newer format, a full disk, or damaged rows at the end.
        """
        db: apsw.Connection | None = None
        ballast = path.with_name(BALLAST_NAME)
        missing = ballast.exists() and not path.exists()
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            sync_directory(path.parent)
            db = _connect(path)
            _check_tail(db, path)
            _clear_fragments(db)
            make_ballast(ballast)
            return cls(db, path, missing=missing)
        except (apsw.Error, OSError, JournalError) as error:
            if db is not None:
                db.close()
            if isinstance(error, apsw.CorruptError | apsw.NotADBError):
                what = f"it cannot be opened: its first pages are damaged, or are another program's ({error})"
                raise _quarantined(RowError(path, 0, what)) from error
            if isinstance(error, RowError):
                raise _quarantined(error) from error
            if isinstance(error, JournalError):
                raise
            raise JournalError(
                f"{path} cannot be opened ({error}). Check the disk's space and health, and who owns the file."
            ) from error

    def recover(self) -> Recovery:
        """The newest snapshot that is whole, and the rows after it. Before `start`, or after on_failure(DiskFull).

        Raises:
            JournalError: no snapshot is whole and the rows do not begin at 1, or (while `rows` is consumed) a row is
                damaged or missing. A copy of the file was kept.
        """
        try:
            return self._recovery()
        except apsw.Error as error:
            raise _quarantined(RowError(self.path, 0, f"it cannot be read to its end ({error})")) from error

    def _recovery(self) -> Recovery:
        alarms: list[str] = []
        if self._missing:
            alarms.append(
                f"{self.path} was missing although a node has run here: this one began empty. If nobody moved it away "
                "on purpose, stop the node and put it back; otherwise this goes with the next start."
            )
        if (stopped := value(self._db, "SELECT value FROM meta WHERE key = 'disk_full'")) is not None:
            alarms.append(f"The disk was full after row {stopped}: nothing was accepted from there on.")
        for kept in reversed(read_snapshots(self._db)):
            try:
                body = read_snapshot(self._db, self.path, kept)
            except RowError as error:
                alarms.append(f"{error}. The one before it is used: starting takes longer, nothing is lost.")
                continue
            return Recovery(body, kept.number, self._rows(kept.number), alarms)
        first, _ = read_bounds(self._db)
        if first != 1:
            raise _quarantined(RowError(self.path, first - 1, f"no whole snapshot leads to row {first}"))
        return Recovery(None, 0, self._rows(0), alarms)

    def _rows(self, after: int) -> Iterator[bytes]:
        try:
            for _, body in read_rows(self._db, self.path, after):
                yield body
        except RowError as error:
            raise _quarantined(error) from error

    # -- while the node runs -------------------------------------------------------------------------------------------

    @property
    def last(self) -> int:
        """The highest number known to be on disk: a snapshot's or a row's."""
        return self._committed

    @property
    def is_written(self) -> bool:
        """Whether the writer is there: before `start` and after `close` nothing is expected of it."""
        return not self._started or self._closed or self._writer.is_alive

    @property
    def gone(self) -> str:
        """Why the files under these names are not those that are written to, in sentences; empty where they are."""
        for path, inode in self._inodes.items():
            try:
                found = path.stat()
            except OSError as error:
                what = f"cannot be found any more ({error.strerror}): it was removed or moved"
            else:
                if (found.st_dev, found.st_ino) == inode:
                    continue
                what = "is another file now: it was replaced"
            return (
                f"{path} {what} while the node ran, so what it promises would be lost. Keep other programs out of the "
                "data directory. Put the file back, with those that begin with its name, before the next start: "
                "without it the node begins empty, and only what the centre acknowledged survives."
            )
        return ""

    @property
    def queued(self) -> int:
        """Rows submitted and not yet committed."""
        return self._submitted - self._committed

    @property
    def filled(self) -> float:
        """How full the queue of these rows is, by number or by size: 1 is full."""
        size = self._submitted_bytes - self._committed_bytes
        return max(self.queued / COMMIT_QUEUE_ROWS_MAX, size / COMMIT_QUEUE_BYTES_MAX)

    @property
    def damage(self) -> str:
        """What the writer came upon in old rows, which is no reason to stop; empty where there was nothing."""
        return self._writer.damage

    @property
    def counters(self) -> Counters:
        """What the writer has done since the journal was opened."""
        return self._writer.counters

    def start(
        self,
        loop: asyncio.AbstractEventLoop,
        on_commit: Callable[[int, float], None],
        on_failure: Callable[[Exception], None],
    ) -> None:
        """Start the writer. `on_commit(number, at)`: every row up to `number` is on disk since `at`
        (`time.perf_counter()`), once for each group; `on_failure` gets a DiskFull (the rows after `last` are dropped:
        recover, and `resume` when there is space) or a JournalBroken (exit). Both are called in the loop's thread."""

        def committed(number: int, at: float, size: int) -> None:
            self._committed = number
            self._committed_bytes += size
            on_commit(number, at)

        self._started = True
        for path in (self.path, self.path.with_name(f"{self.path.name}-wal")):
            found = path.stat()
            self._inodes[path] = (found.st_dev, found.st_ino)
        self._writer.start(loop, committed, lambda error: on_failure(JournalBroken(self.gone) if self.gone else error))

    def commit(self, row: Commit) -> bool:
        """Write a row at once, in the caller's thread: True where it is on disk now. False where it was not taken, and
        `submit` is the way: the disk is slow, the writer is at work, rows wait, or the disk has just failed.

        Raises:
            JournalError: not the next number: the caller's mistake.
        """
        if self._submitted != self._committed or not self._is_next(row) or not self._writer.commit(row):
            return False
        self._took(row)
        self._committed = self._submitted
        self._committed_bytes = self._submitted_bytes
        return True

    def submit(self, row: Commit) -> None:
        """Hand a row to the writer. Never blocks. After a failure the row is dropped: nobody has seen it.

        Raises:
            JournalError: not the next number, or the queue is full: the caller's mistake, it should pause earlier.
        """
        if not self._is_next(row):
            return
        if self.filled >= 1.0:
            raise JournalError(f"{self.queued} rows wait for the disk, as many as may. Stop reading earlier.")
        self._took(row)
        self._writer.write(row)

    def _is_next(self, row: Commit) -> bool:
        """Whether rows are taken at all."""
        if self._writer.failure is not None:
            return False
        if row.number != self._submitted + 1:
            raise JournalError(f"Row {row.number} was submitted; the next is {self._submitted + 1}.")
        return True

    def _took(self, row: Commit) -> None:
        self._submitted = row.number
        self._submitted_bytes += len(row.row)
        self._wall_ms = row.now.wall_ms

    def snapshot(self, number: int, body: bytes) -> None:
        """Keep the core's state after row `number`, the one submitted last. Written in pieces, between commits.

        Raises:
            JournalError: another row was submitted last: the caller's mistake.
        """
        if self._writer.failure is not None:
            return
        if number != self._submitted:
            raise JournalError(f"A snapshot at row {number}, but row {self._submitted} was submitted last.")
        self._writer.work(write_snapshot(self._db, number, self._wall_ms, body))

    def prune(self, through: int) -> None:
        """Delete rows up to number `through`, in steps between commits: up to the newest snapshot there or before, from
        which a replay then begins; never beyond the oldest of the SNAPSHOTS_KEPT newest."""
        self._writer.prune(through)

    async def lookup(self, number: int) -> bytes | None:
        """One committed row, or None where it is pruned.

        Raises:
            JournalError: its checksum does not fit, or the journal is broken or closed.
        """
        if not self._started or self._closed or isinstance(self._writer.failure, JournalBroken):
            raise JournalError(f"Row {number} cannot be read: the journal is closed.")
        found: Future[bytes | None] = Future()

        def read() -> None:
            if found.set_running_or_notify_cancel():
                try:
                    found.set_result(read_row(self._db, self.path, number))
                except (apsw.Error, JournalError) as error:
                    found.set_exception(JournalError(f"Row {number} cannot be read: {error}."))

        self._writer.call(read)
        return await asyncio.wrap_future(found)

    def resume(self) -> bool:
        """Whether there is space again; then the writer goes on with row `last + 1`. Call it now and then after a
        DiskFull, and recover before the next `submit`."""
        failure = self._writer.failure
        if failure is None:
            return True
        if not isinstance(failure, DiskFull) or not self._writer.clear():
            return False
        self._submitted, self._submitted_bytes = self._committed, self._committed_bytes
        return True

    def close(self) -> None:
        """Write what was submitted, report it, checkpoint, close. After a failure: just close, what is on disk stays.

        Raises:
            JournalBroken: the checkpoint failed. What was committed is in the WAL.
        """
        if self._closed:
            return
        self._closed = True
        self._writer.stop()
        failure: Exception | None = self._writer.failure
        if failure is None:
            try:
                self._writer.checkpoint(apsw.SQLITE_CHECKPOINT_TRUNCATE)
            except apsw.Error as error:
                failure = error
        if failure is not None:
            self._db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        full = isinstance(failure, apsw.Error) and self._writer.is_full(failure)
        self._db.close()
        if isinstance(failure, apsw.Error) and not full:
            raise JournalBroken(f"{self.path}: the disk failed ({failure}). Look at its health before the next start.")


def _connect(path: Path) -> apsw.Connection:
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    db.set_busy_timeout(JOURNAL_BUSY_MS_MAX)
    if value(db, "SELECT count(*) FROM sqlite_schema") == 0:
        query(db, _SCHEMA)
    check_format(db, path)
    query(db, _PRAGMAS)
    return db


def _check_tail(db: apsw.Connection, path: Path) -> None:
    first, last = read_bounds(db)
    for _ in read_rows(db, path, max(first - 1, last - _TAIL_ROWS)):
        pass


def _clear_fragments(db: apsw.Connection) -> None:
    """Forget pieces of snapshots that a crash left without their head, or with nothing but it."""
    if value(db, "SELECT 1 FROM piece WHERE snapshot NOT IN (SELECT number FROM snapshot) LIMIT 1"):
        query(db, "DELETE FROM piece WHERE snapshot NOT IN (SELECT number FROM snapshot)")


def _quarantined(error: RowError) -> JournalError:
    """Keep a copy of the damaged file as it was found, and raise with what to do."""
    import shutil  # here: with the compressors that it brings it takes 3 ms, for which no good start waits

    copy = error.path.with_name(f"{error.path.name}.damaged-{error.number}")
    kept = f"A copy was kept as {copy}."
    try:
        if not copy.exists():
            for suffix in ("-wal", ""):
                if (source := error.path.with_name(error.path.name + suffix)).exists():
                    shutil.copy(source, copy.with_name(copy.name + suffix))
    except OSError as failure:
        kept = f"A copy could not be kept ({failure})."
    return JournalError(
        f"{error}. {kept} Check the disk. Restore the data directory from a backup, or move the journal away to start "
        "empty: then only what the centre acknowledged survives."
    )
