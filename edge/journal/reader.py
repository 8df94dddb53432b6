"""How a journal is read: by the node when it starts, and by `replay` and `explain` while it runs.

A journal is one SQLite file (in WAL mode) with these tables:

    row(number, wall_ms, crc, body)          one call of the core; numbers grow by one from 1
    snapshot(number, wall_ms, crc, pieces)   the core's state after row `number`; exists only when all its pieces do
    piece(snapshot, part, body)              the snapshot's body, zstd, cut
    meta(key, value)                         alarms; the last row that `doorstep forget` has changed

Every checksum is looked at on every read: a disk may lose a write, and SQLite itself does not notice.
Readers open read-only and never checkpoint, and they fetch in short transactions, so that the node's own
checkpoints are not held up by them.
"""

import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final, Self

import apsw
import zstandard

from ..errors import InputError, JournalError

JOURNAL_BUSY_MS_MAX: Final = 2_000
"""How long another process's lock on the journal (an operator's sqlite3 shell) delays a commit before it fails."""

READ_ROWS: Final = 256
"""Rows fetched at once by a reader: its read transaction ends with them, so that it never holds up a checkpoint."""

APPLICATION_ID: Final = 0x44535450  # "DSTP"
FORMAT: Final = 3
"""Written as SQLite's user_version. Grows when an older doorstep could not read the file any more."""

FILE_NAME: Final = "journal.sqlite3"

FORGOTTEN: Final = "forgotten"
"""The key in `meta` of the last row that `doorstep forget` has changed: a replay begins behind it."""

UNREADABLE: Final = (apsw.CorruptError, apsw.IOError)
"""A page that is not what SQLite wrote, and one that the disk does not give back."""

_head = struct.Struct("<qq")


class RowError(JournalError):
    """What is on disk is not what was written. `number` is the row or snapshot (0: SQLite's own structure)."""

    def __init__(self, path: Path, number: int, what: str) -> None:
        super().__init__(f"{path}: {what}")
        self.path, self.number = path, number


@dataclass(frozen=True, slots=True)
class StoredSnapshot:
    """A snapshot that is in the journal: `number` is the last row that it contains."""

    number: int
    wall_ms: int
    crc: int
    pieces: int


def checksum(number: int, wall_ms: int, body: bytes) -> int:
    """CRC-32 of a record: its number and its stamp are covered too, so that a body in the wrong place is found."""
    return zlib.crc32(body, zlib.crc32(_head.pack(number, wall_ms)))


def query(db: apsw.Connection, sql: str, bindings: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Run `sql` to its end: what it yields. No cursor stays open, so no read transaction does.

    Raises:
        apsw.Error: also where a damaged page makes text of bytes that are none.
    """
    untyped: Any = db  # apsw's stubs name a type of Python 3.12
    try:
        return untyped.execute(sql, bindings).fetchall()
    except UnicodeDecodeError as error:
        raise apsw.CorruptError(f"text that is none: {error.reason}") from error


def value(db: apsw.Connection, sql: str, *bindings: Any) -> Any:
    """The first column of the first row that `sql` yields; None where it yields none."""
    found = query(db, sql, bindings)
    return found[0][0] if found else None


def check_format(db: apsw.Connection, path: Path) -> None:
    """Refuse a file that is no journal, or one that this version cannot read.

    Raises:
        JournalError: with what to do about it.
    """
    if value(db, "PRAGMA application_id") != APPLICATION_ID:
        raise JournalError(f"{path} is an SQLite database, but no journal of doorstep. Name another file.")
    if (found := value(db, "PRAGMA user_version")) != FORMAT:
        age = "a newer" if int(found or 0) > FORMAT else "an older"
        raise JournalError(
            f"{path} was written by {age} doorstep (journal format {found}; this one reads {FORMAT}). "
            "Install that version again, or start with another data directory."
        )


def read_bounds(db: apsw.Connection) -> tuple[int, int]:
    """The numbers of the first and the last row; (1, 0) where there is none."""
    first, last = query(db, "SELECT (SELECT min(number) FROM row), (SELECT max(number) FROM row)")[0]
    return (1, 0) if first is None else (int(first), int(last))


def read_row(db: apsw.Connection, path: Path, number: int) -> bytes | None:
    """One row's body, or None where the journal does not hold it (any more).

    Raises:
        RowError: its checksum does not fit.
    """
    try:
        found = query(db, "SELECT wall_ms, crc, body FROM row WHERE number = ?", (number,))
    except UNREADABLE as error:
        raise _unreadable(path, error) from error
    return _verified(path, number, *found[0]) if found else None


def read_rows(db: apsw.Connection, path: Path, after: int, at_once: int = READ_ROWS) -> Iterator[tuple[int, bytes]]:
    """Every row above `after`, in order: (number, body); the first one must be `after + 1`. `at_once` are fetched.

    Raises:
        RowError: a row is missing, or its checksum does not fit.
    """
    sql = "SELECT number, wall_ms, crc, body FROM row WHERE number > ? ORDER BY number LIMIT ?"
    while True:
        try:
            rows = query(db, sql, (after, at_once))
        except UNREADABLE as error:
            raise _unreadable(path, error) from error
        for number, wall_ms, crc, body in rows:
            after += 1
            if number != after:
                raise RowError(path, after, f"row {after} is missing: the next one is {number}")
            yield number, _verified(path, number, wall_ms, crc, body)
        if len(rows) < at_once:
            return


def read_snapshots(db: apsw.Connection) -> list[StoredSnapshot]:
    """The snapshots that the journal holds, oldest first, unverified."""
    return [
        StoredSnapshot(*found)
        for found in query(db, "SELECT number, wall_ms, crc, pieces FROM snapshot ORDER BY number")
    ]


def read_snapshot(db: apsw.Connection, path: Path, kept: StoredSnapshot) -> bytes:
    """The body of a snapshot.

    Raises:
        RowError: pieces are missing, its checksum does not fit, or it cannot be decompressed.
    """
    try:
        pieces = query(db, "SELECT body FROM piece WHERE snapshot = ? ORDER BY part", (kept.number,))
        packed = b"".join(bytes(piece) for (piece,) in pieces if isinstance(piece, bytes))
        if len(pieces) != kept.pieces or not _fits(kept.number, kept.wall_ms, packed, kept.crc):
            raise RowError(path, kept.number, f"the snapshot at row {kept.number} fails its checksum")
        return zstandard.ZstdDecompressor().decompressobj().decompress(packed)
    except UNREADABLE as error:
        raise _unreadable(path, error) from error
    except zstandard.ZstdError as error:
        raise RowError(path, kept.number, f"the snapshot at row {kept.number} cannot be read: {error}") from error


def _verified(path: Path, number: int, wall_ms: int, crc: int, body: bytes) -> bytes:
    if not _fits(number, wall_ms, body, crc):
        raise RowError(path, number, f"row {number} fails its checksum")
    return body


def _fits(number: int, wall_ms: int, body: bytes, crc: int) -> bool:
    """Whether a record has its checksum. In a damaged page anything may stand in place of numbers and bytes."""
    try:
        return checksum(number, wall_ms, body) == crc
    except (struct.error, TypeError):
        return False


def _unreadable(path: Path, error: Exception) -> RowError:
    what = "the disk cannot read a part of it" if isinstance(error, apsw.IOError) else "a page of it is damaged"
    return RowError(path, 0, f"{what} ({error})")


class JournalReader:
    """A journal opened for reading only: a copy, or the file of a node that runs."""

    def __init__(self, db: apsw.Connection, path: Path) -> None:
        self._db = db
        self.path = path

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the journal at `path`: the file, or the data directory that holds it.

        Raises:
            InputError: there is none, or it cannot be read.
        """
        if path.is_dir():
            path = path / FILE_NAME
        if not path.is_file():
            raise InputError(str(path), None, "no such journal. Give the file, or the node's data directory.")
        try:
            db = _connect(path)
            check_format(db, path)
            return cls(db, path)
        except JournalError as error:
            raise InputError(str(path), None, str(error)) from error
        except UNREADABLE as error:
            raise InputError(str(path), None, f"{_unreadable(path, error)}. Read a copy from before.") from error
        except apsw.Error as error:
            raise InputError(
                str(path), None, f"this is no readable journal ({error}). Name another file, or another user."
            ) from error

    def bounds(self) -> tuple[int, int]:
        """The numbers of the first and the last row that it holds now; (1, 0) where there is none."""
        return read_bounds(self._db)

    def base(self) -> tuple[bytes | None, int]:
        """Where a replay begins: at row 1 with (None, 0), or where that is pruned, or rows were changed by `doorstep
        forget`, after the oldest snapshot behind it that is whole, with its body and number.

        Raises:
            RowError: row 1 is pruned, and no snapshot is whole.
        """
        first, _ = self.bounds()
        forgotten = value(self._db, "SELECT value FROM meta WHERE key = ?", FORGOTTEN) or 0
        snapshots = [kept for kept in read_snapshots(self._db) if kept.number >= forgotten]
        if (first == 1 and not forgotten) or not snapshots:
            return None, 0
        for kept in snapshots[:-1]:
            with suppress(RowError):
                return read_snapshot(self._db, self.path, kept), kept.number
        return read_snapshot(self._db, self.path, snapshots[-1]), snapshots[-1].number

    def newest(self) -> tuple[bytes | None, int]:
        """The newest snapshot that is whole, with its number: where the state at the end is fastest to reach; (None, 0)
        where there is none."""
        for kept in reversed(read_snapshots(self._db)):
            with suppress(RowError):
                return read_snapshot(self._db, self.path, kept), kept.number
        return None, 0

    def snapshots(self) -> list[StoredSnapshot]:
        """The snapshots that it holds now, oldest first.

        Raises:
            RowError: the file's own structure is damaged.
        """
        return read_snapshots(self._db)

    def snapshot(self, kept: StoredSnapshot) -> bytes:
        """The body of a snapshot.

        Raises:
            RowError: it is not what was written.
        """
        return read_snapshot(self._db, self.path, kept)

    def rows(self, after: int, most: int | None = None) -> Iterator[tuple[int, bytes]]:
        """Every row above `after`, or the first `most` of them, those included that the node adds meanwhile: (number,
        body), in order.

        Raises:
            RowError: a row is missing, or its checksum does not fit.
        """
        return islice(read_rows(self._db, self.path, after, READ_ROWS if most is None else most), most)

    def row(self, number: int) -> bytes | None:
        """One row's body; None where the journal does not hold it.

        Raises:
            RowError: its checksum does not fit.
        """
        return read_row(self._db, self.path, number)

    def close(self) -> None:
        """Close the file. It is as it was."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _connect(path: Path) -> apsw.Connection:
    """Open read-only. A journal in a directory where nothing may be written (a mounted backup) has no room for the
    shared memory of WAL mode: where it has no WAL either it cannot change, and SQLite may read it as it is."""
    try:
        db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
        db.set_busy_timeout(JOURNAL_BUSY_MS_MAX)
        value(db, "SELECT count(*) FROM sqlite_schema")
    except (apsw.CantOpenError, apsw.ReadOnlyError):
        wal = path.with_name(path.name + "-wal")
        if wal.exists() and wal.stat().st_size:
            raise
        flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
        return apsw.Connection(f"{path.absolute().as_uri()}?immutable=1", flags=flags)
    return db
