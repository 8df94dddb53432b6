"""The thread that writes the journal.

It takes whatever lies in its queue, makes it one transaction (so one sync to disk), and reports to the loop how far it
has come. Under load groups grow by themselves; without load a row goes alone and at once.

Where a commit takes less than DIRECT_COMMIT_S_MAX the loop may use the connection itself while the thread has nothing
to do (`commit`): the two would only wait for each other. The hand-over there and back costs the processor more than the
write, and both ends need the interpreter. What arrives meanwhile waits in the sockets and becomes the next round.

How the hand-over was chosen (Python 3.11, 2 shared cores, 300-byte rows; the loop's time from submit to on_commit): a
SimpleQueue and a lock with a deque cost the same at 500 single rows/s (p50 0.6 to 0.7 ms, nearly all of it the sync), a
Semaphore 0.9 to 2.6, a Condition 1.2 to 3.6; a SimpleQueue needs no care about lost wake-ups. A group goes in as one
INSERT of many rows: SQLite lets go of the interpreter once for each statement, and under load every return into it
waits for the loop (117,000 rows/s, executemany 58,000; with 30 us of other work for each row 24,000 and 17,800).

Checkpoints are this thread's too (no automatic ones inside somebody's commit): in quiet moments, or past WAL_BYTES_MAX.
Nearly all of one happens beside the commits, over a connection of its own; what these have added meanwhile is all that
is left to do between two of them, so that the WAL begins anew. (All of it between two commits held these up for 7 to
18 ms each second at 800 orders/s.) Long work (`maintenance`) takes its turn between groups, a short step at a time.

When the disk is full the writer drops what it was given (nobody has seen it), frees the ballast, writes down where it
stopped, and waits to be cleared. After any other failure of the disk it never writes again: a sync that failed once may
report success the next time without having written anything, so only a new process that reads the file knows.
"""

import asyncio
import contextlib
import errno
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Final, cast

import apsw

from ..core.model import Commit
from ..errors import DiskFull, JournalBroken, JournalError
from .maintenance import BALLAST_NAME, JOURNAL_BALLAST_BYTES, TRANSACTION_BYTES, make_ballast, prune, used_bytes
from .reader import JOURNAL_BUSY_MS_MAX, checksum, query, read_bounds

COMMIT_GROUP_ROWS_MAX: Final = 512
"""Rows in one transaction: past a few hundred a larger group gains nothing (batch of 256: 199,000 rows/s)."""

DIRECT_COMMIT_S_MAX: Final = 0.002
"""Where a commit takes longer, on average over the last ones, the loop leaves it to the journal's thread: a slow disk
must not hold up positions and keepalives."""

STEP_PAUSE_S: Final = 0.004
"""Between two steps of long work on the journal. A snapshot of 1 MB takes 0.2 s then, and a commit waits for one step
at most, mostly for none."""

COMMIT_GROUP_BYTES_MAX: Final = 4 * 1024 * 1024
"""Rows in one transaction, by size; a larger row goes alone. Keeps one commit below some tens of milliseconds."""

WAL_IDLE_BYTES: Final = 256 * 1024
"""Written since the last checkpoint: above this the writer uses a quiet moment for the next one."""

WAL_BYTES_MAX: Final = 4 * 1024 * 1024
"""Written since the last checkpoint: above this the writer does not wait for a quiet moment. Small, so that one
checkpoint costs some milliseconds; every second or two at 500 single-row commits/s, which is below their p99."""

CHECKPOINT_PASSES_MAX: Final = 4
"""Over the WAL beside the commits, before what is left of it is moved between two of them."""

WAL_IDLE_S: Final = 0.05
"""A writer without work for this long is in a quiet moment."""

_INSERT: Final = "INSERT INTO row VALUES (?,?,?,?)"

_DISK_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_WRITES: Final = (apsw.SQLITE_IOERR_WRITE, apsw.SQLITE_IOERR_TRUNCATE, apsw.SQLITE_IOERR_SHMSIZE)
"""Calls that may fail for want of space. A sync is none of them: it failed, so what it covered may be lost."""


Committed = Callable[[int, float, int], None]
"""A group is on disk: its last number, since when (`time.perf_counter()`), and its bytes."""


@dataclass(slots=True)
class Counters:
    """Since the journal was opened. `groups` are the last commits: rows, and seconds from begin to synced."""

    commits: int = 0
    rows: int = 0
    bytes: int = 0
    checkpoints: int = 0
    used_bytes: int = 0
    """What the file holds: measured at opening and after each look at the retention, with the rows since."""
    groups: deque[tuple[int, float]] = field(default_factory=lambda: deque[tuple[int, float]](maxlen=256))


class Writer:
    """Owns the connection between `start` and the end of `stop`, but for commits of the loop's thread while there is
    nothing else to do, and for its reads after a failure."""

    def __init__(self, db: apsw.Connection, path: Path) -> None:
        self.counters = Counters()
        self.failure: JournalError | None = None
        self.damage = ""
        """What long work came upon in old rows, and left."""
        self._db = db
        self._execute = cast(Any, db).execute
        self._checkpoint_connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
        """For checkpoints beside the commits, the thread's own. Opened at once: later there might be another file under
        the name, and the WAL's pages would go to that."""
        query(self._checkpoint_connection, "PRAGMA synchronous = FULL")
        with contextlib.suppress(apsw.BusyError):
            self._checkpoint_connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)  # which opens the WAL
        self._path = path
        self._ballast = path.with_name(BALLAST_NAME)
        self._queue: SimpleQueue[Commit | Callable[[], None]] = SimpleQueue()
        self._steps: deque[Iterator[int]] = deque()
        self._wal_bytes = 0
        self._stopping = False
        self._thread: threading.Thread | None = None
        self._reports: deque[tuple[int, float, int]] = deque()
        self._report_due = False
        self._using = threading.Lock()
        """Held by whoever uses the connection."""
        self._commit_s = 0.0
        """How long a commit takes: a moving average."""
        self._committed_at = 0.0
        self._watching = False
        """The thread wakes up by itself to look for a quiet moment."""

    # -- called from the loop's thread ---------------------------------------------------------------------------------

    def start(
        self, loop: asyncio.AbstractEventLoop, on_commit: Committed, on_failure: Callable[[JournalError], None]
    ) -> None:
        """Begin to write. Both callbacks come in the loop's thread."""
        self._loop, self._on_commit, self._on_failure = loop, on_commit, on_failure
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def commit(self, row: Commit) -> bool:
        """Write a row in the caller's thread, where the disk is quick and this one has nothing to do. Whether it is on
        disk. There must be no row in the queue. Nothing is reported."""
        slow = self._commit_s >= DIRECT_COMMIT_S_MAX
        if slow or self._thread is None or not self._using.acquire(blocking=False):
            return False
        try:
            self._db.set_busy_timeout(0)  # the thread waits for other processes' locks
            try:
                self._insert([row])
            finally:
                self._db.set_busy_timeout(JOURNAL_BUSY_MS_MAX)
        except apsw.BusyError:
            return False
        except Exception as error:  # noqa: BLE001 - as in `_run`
            self._fail(error)
            return False
        finally:
            self._using.release()
        if self._wal_bytes >= WAL_BYTES_MAX or (self._wal_bytes >= WAL_IDLE_BYTES and not self._watching):
            self._watching = True
            self._queue.put(_nothing)  # the thread sees to the checkpoint
        return True

    def write(self, row: Commit) -> None:
        """Queue a row."""
        self._queue.put(row)

    def call(self, command: Callable[[], None]) -> None:
        """Run `command` in the writer's thread, after the commit of every row queued before it. It must not raise."""
        self._queue.put(command)

    def work(self, steps: Iterator[int]) -> None:
        """Queue long work; its first step comes after the commit of every row queued before it."""
        self._queue.put(lambda: self._steps.append(steps))

    def prune(self, through: int) -> None:
        """Queue the deletion of old rows; then what the file holds is measured."""
        self.work(self._prune(through))

    def _prune(self, through: int) -> Iterator[int]:
        yield from prune(self._db, through)
        self.counters.used_bytes = used_bytes(self._db)

    def clear(self) -> bool:
        """Whether there is space for the ballast again: then the writer goes on after a full disk. What was queued
        since the failure is dropped."""
        if not make_ballast(self._ballast):
            return False
        cleared: Future[bool] = Future()
        self._queue.put(lambda: cleared.set_result(self._clear()))
        return cleared.result()

    def stop(self) -> None:
        """Write everything queued, finish the long work, report, end the thread."""
        if self._thread is not None:
            self._queue.put(self._stop)
            self._thread.join()
            self._thread = None
            self._report()
        self._checkpoint_connection.close()

    def checkpoint(self, mode: int) -> None:
        """Move the WAL's pages into the file, so that the next commit begins the WAL anew. A reader may prevent that:
        then the next checkpoint does it."""
        self._wal_bytes = 0
        self.counters.checkpoints += 1
        with contextlib.suppress(apsw.BusyError):
            self._db.wal_checkpoint(mode=mode)

    def is_full(self, error: Exception, db: apsw.Connection | None = None) -> bool:
        """Whether an operation (of `db`, else of the connection for commits) failed for want of space, and may succeed
        when there is some."""
        if isinstance(error, apsw.FullError):
            return True
        extended: Any = getattr(error, "extendedresult", 0)
        errno_ = (db or self._db).system_errno
        return isinstance(error, apsw.IOError) and extended in _WRITES and errno_ in _DISK_FULL

    def _report(self) -> None:
        self._report_due = False
        while self._reports:
            self._on_commit(*self._reports.popleft())

    # -- the thread ----------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            if self.failure is not None:
                self._steps.clear()
            if self._stopping and self._queue.empty() and not self._steps:
                return
            rows, command = self._take()
            with self._using, self._failing():
                self._work(rows, command)
            if self._is_long():
                failed = self._checkpoint_apart()
                with self._using, self._failing():
                    if failed is not None:
                        self._fail(failed, self._checkpoint_connection)
                    elif self.failure is None:  # the loop may have met one meanwhile
                        self.checkpoint(apsw.SQLITE_CHECKPOINT_PASSIVE)

    @contextlib.contextmanager
    def _failing(self) -> Generator[None]:
        """Whatever goes wrong inside: nothing may be acknowledged after it."""
        try:
            yield
        except Exception as error:  # noqa: BLE001
            self._fail(error)

    def _work(self, rows: list[Commit], command: Callable[[], None] | None) -> None:
        if rows and self.failure is None:
            self._announce(rows[-1].number, self._insert(rows))
        if command is not None:
            command()
        if self._steps and self.failure is None:
            self._step()

    def _is_long(self) -> bool:
        """Whether a checkpoint is due: the WAL is long, or somewhat long in a quiet moment."""
        if self.failure is not None:
            return False
        quiet = self._watching and time.perf_counter() - self._committed_at >= WAL_IDLE_S
        return self._wal_bytes >= (WAL_IDLE_BYTES if quiet else WAL_BYTES_MAX)

    def _checkpoint_apart(self) -> Exception | None:
        """While commits go on: all that the WAL holds by now, then what came meanwhile, which is less each time. What
        failed: the connection that the loop may be using just now is needed to report it."""
        try:
            with contextlib.suppress(apsw.BusyError):
                for _ in range(CHECKPOINT_PASSES_MAX):
                    frames, moved = self._checkpoint_connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
                    if moved == frames or self.failure is not None:
                        break
        except (apsw.Error, OSError) as error:
            return error
        return None

    def _take(self) -> tuple[list[Commit], Callable[[], None] | None]:
        """What lies in the queue, up to one group or the first command; waits where there is nothing else to do, and
        between two steps of long work for whoever else wants the connection."""
        rows: list[Commit] = []
        self._watching = self._wal_bytes >= WAL_IDLE_BYTES and self.failure is None
        wait_s = WAL_IDLE_S if self._watching else None
        if self._steps:
            wait_s = 0.0 if self._stopping else STEP_PAUSE_S
        try:
            item = self._queue.get(timeout=wait_s)
        except Empty:
            return rows, None
        size = 0
        while isinstance(item, Commit):
            rows.append(item)
            size += len(item.row)
            if len(rows) >= COMMIT_GROUP_ROWS_MAX or size >= COMMIT_GROUP_BYTES_MAX or self._queue.empty():
                return rows, None
            item = self._queue.get()
        return rows, item

    def _insert(self, rows: list[Commit]) -> int:
        """One transaction. How many bytes it has."""
        began = time.perf_counter()
        values: list[int | bytes] = []
        size = 0
        for row in rows:
            number, wall_ms, body = row.number, row.now.wall_ms, row.row
            values += (number, wall_ms, checksum(number, wall_ms, body), body)
            size += len(body)
        sql = _INSERT if len(rows) == 1 else _INSERT + ",(?,?,?,?)" * (len(rows) - 1)
        self._execute(sql, values)
        at = time.perf_counter()
        counters = self.counters
        counters.commits += 1
        counters.rows += len(rows)
        counters.bytes += size
        counters.used_bytes += size
        counters.groups.append((len(rows), at - began))
        self._wal_bytes += size + TRANSACTION_BYTES
        self._committed_at = at
        self._commit_s += (at - began - self._commit_s) / 8
        return size

    def _announce(self, number: int, size: int) -> None:
        self._reports.append((number, self._committed_at, size))
        if not self._report_due:
            self._report_due = True
            self._notify(self._report)

    def _step(self) -> None:
        try:
            self._wal_bytes += next(self._steps[0])
        except StopIteration:
            self._steps.popleft()
        except apsw.CorruptError as error:
            # A rotten old row must not end a node that decides on new ones, again after each start.
            self._steps.popleft()
            self.damage = f"{self._path}: a page is damaged ({error}), so old rows or snapshots are not deleted"

    def _stop(self) -> None:
        self._stopping = True

    def _clear(self) -> bool:
        try:
            query(self._db, "DELETE FROM meta WHERE key = 'disk_full'")
        except apsw.Error as error:
            self._fail(error)
            return False
        self.failure = None
        return True

    def _fail(self, error: Exception, db: apsw.Connection | None = None) -> None:
        """Stop writing. What fails after that changes nothing, but that a full disk may turn out to be a broken one."""
        if isinstance(self.failure, JournalBroken):
            return
        if not self.is_full(error, db):
            what = "a page is damaged" if isinstance(error, apsw.CorruptError) else "the disk failed"
            self.failure = JournalBroken(
                f"{self._path}: {what} ({type(error).__name__}: {error}). The node stops. Look at the disk's health "
                "and the system's log before starting it again: the start names what it cannot read, and keeps a copy."
            )
        elif self.failure is not None:
            return
        else:
            self.failure = DiskFull(
                f"{self._path}: the disk is full. Nothing is accepted until "
                f"{2 * JOURNAL_BALLAST_BYTES >> 20} MB are free again: delete files, or shorten retention_days."
            )
            self._note_full()
        failure = self.failure
        self._notify(lambda: self._on_failure(failure))

    def _note_full(self) -> None:
        """Write down where it stopped, in the space of the ballast."""
        try:
            self._ballast.unlink(missing_ok=True)
            self.checkpoint(apsw.SQLITE_CHECKPOINT_PASSIVE)
            query(self._db, "INSERT OR REPLACE INTO meta VALUES ('disk_full', ?)", (read_bounds(self._db)[1],))
        except (apsw.Error, OSError) as error:
            if not self.is_full(error):  # else another was quicker; the log and the status page show it too
                self._fail(error)

    def _notify(self, callback: Callable[[], None]) -> None:
        # A closed loop listens no more; `stop` reports what was committed.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(callback)


def _nothing() -> None:
    """A command that only wakes the thread."""
