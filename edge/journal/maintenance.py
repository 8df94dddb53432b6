"""Long work on the journal, cut into steps that take their turn between commits: each generator's step is one short
transaction and yields about how many bytes it added to the WAL. A process that dies between two steps leaves nothing
that the next one would mistake for a whole.
"""

import contextlib
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import apsw
import zstandard

from ..limits import SNAPSHOT_SPACING_MS
from .reader import JOURNAL_BUSY_MS_MAX, StoredSnapshot, checksum, query, read_snapshots, value

SNAPSHOTS_KEPT: Final = 3
"""A corrupt newest snapshot costs time, not data."""

SNAPSHOT_PIECE_BYTES: Final = 32 * 1024
"""A snapshot is written in pieces of this size between commits: 1 ms of the disk instead of 20. (Pieces of 128 kB held
up commits for 5 to 12 ms each.)"""

PRUNE_ROWS: Final = 64
"""Rows deleted in one step between commits."""

VACUUM_PAGES: Final = 64
"""Free pages given back to the disk in one step between commits."""

EMPTY_WAL_TRIES_MAX: Final = 1_000
"""After so many steps the next deletion tries again."""

BALLAST_NAME: Final = "ballast"

JOURNAL_BALLAST_BYTES: Final = 4 * 1024 * 1024
"""Freed when the disk is full, so that the node can still write down why it stopped accepting."""

PAGE_BYTES = 4096
"""SQLite's default."""

TRANSACTION_BYTES = 2 * PAGE_BYTES
"""What a transaction adds to the WAL besides its rows: about one leaf's other rows and one inner page."""


def write_snapshot(db: apsw.Connection, number: int, wall_ms: int, body: bytes) -> Iterator[int]:
    """Write a snapshot piece by piece; it exists from its head on, which comes last. Then let older ones go. A snapshot
    that is there already stays as it is: the state after a row is always the same."""
    snapshots = read_snapshots(db)
    if any(kept.number == number for kept in snapshots):
        return
    packer = zstandard.ZstdCompressor().compressobj(size=len(body))
    pieces = 0
    crc = checksum(number, wall_ms, b"")
    packed = bytearray()
    for start in range(0, len(body) + SNAPSHOT_PIECE_BYTES, SNAPSHOT_PIECE_BYTES):
        end = start >= len(body)
        packed += packer.flush() if end else packer.compress(body[start : start + SNAPSHOT_PIECE_BYTES])
        if len(packed) < SNAPSHOT_PIECE_BYTES and not end:
            yield 0
            continue
        piece = bytes(packed)
        packed.clear()
        query(db, "INSERT OR REPLACE INTO piece VALUES (?, ?, ?)", (number, pieces, piece))
        crc = zlib.crc32(piece, crc)
        pieces += 1
        yield len(piece) + TRANSACTION_BYTES
    dropped = expired_snapshots([*snapshots, StoredSnapshot(number, wall_ms, crc, pieces)])
    with db:
        query(db, "INSERT OR REPLACE INTO snapshot VALUES (?, ?, ?, ?)", (number, wall_ms, crc, pieces))
        for kept in dropped:
            query(db, "DELETE FROM snapshot WHERE number = ?", (kept.number,))
    yield TRANSACTION_BYTES
    yield from _forget(db, dropped)


def prune(db: apsw.Connection, through: int) -> Iterator[int]:
    """Delete rows up to the newest snapshot that is at row `through` or before, and what came before that snapshot; it
    stays, for a replay begins there. The SNAPSHOTS_KEPT newest and the rows after them always stay."""
    snapshots = read_snapshots(db)
    old = [kept for kept in snapshots[: len(snapshots) - SNAPSHOTS_KEPT + 1] if kept.number <= through]
    if not old:
        return
    base, dropped = old[-1], old[:-1]
    # The heads go first: a reader then begins at `base`, whose rows all stay.
    query(db, "DELETE FROM snapshot WHERE number < ?", (base.number,))
    yield TRANSACTION_BYTES
    yield from _forget(db, dropped)
    sql = "DELETE FROM row WHERE number IN (SELECT number FROM row WHERE number <= ? ORDER BY number LIMIT ?)"
    while True:
        query(db, sql, (base.number, PRUNE_ROWS))
        if not (deleted := db.changes()):
            break
        yield deleted * PAGE_BYTES
    yield from _vacuum(db)
    yield from _empty_wal(db)


def used_bytes(db: apsw.Connection) -> int:
    """What rows and snapshots take in the file: its pages without the free ones."""
    return PAGE_BYTES * (int(value(db, "PRAGMA page_count")) - int(value(db, "PRAGMA freelist_count")))


def expired_snapshots(snapshots: list[StoredSnapshot]) -> list[StoredSnapshot]:
    """Which snapshots (oldest first) may go: all but the SNAPSHOTS_KEPT newest, the oldest, and one for each
    SNAPSHOT_SPACING_MS between them."""
    dropped: list[StoredSnapshot] = []
    stays: StoredSnapshot | None = None
    for kept in snapshots[:-SNAPSHOTS_KEPT]:
        if stays is not None and abs(kept.wall_ms - stays.wall_ms) < SNAPSHOT_SPACING_MS:
            dropped.append(kept)
        else:
            stays = kept
    return dropped


def _forget(db: apsw.Connection, dropped: list[StoredSnapshot]) -> Iterator[int]:
    """Delete the pieces of snapshots whose heads are gone."""
    for kept in dropped:
        for part in range(kept.pieces):
            query(db, "DELETE FROM piece WHERE snapshot = ? AND part = ?", (kept.number, part))
            yield SNAPSHOT_PIECE_BYTES


def _vacuum(db: apsw.Connection) -> Iterator[int]:
    """Free pages are used for new rows; they go back to the disk only where they are more than a quarter of the file,
    as after a shorter retention."""
    while int(value(db, "PRAGMA freelist_count")) * 4 > int(value(db, "PRAGMA page_count")):
        query(db, f"PRAGMA incremental_vacuum({VACUUM_PAGES})")
        yield VACUUM_PAGES * PAGE_BYTES


def _empty_wal(db: apsw.Connection) -> Iterator[int]:
    """The WAL is written over from its beginning, so behind what is new it may hold rows from long ago: cut it off. A
    reader prevents that for a moment; commits do not wait for it."""
    for _ in range(EMPTY_WAL_TRIES_MAX):
        db.set_busy_timeout(0)
        try:
            db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        except apsw.BusyError:
            yield 0
        else:
            return
        finally:
            db.set_busy_timeout(JOURNAL_BUSY_MS_MAX)


def make_ballast(path: Path) -> bool:
    """Whether the ballast is there. It is made only where there is as much space again beside it: else the next row
    would only fill the disk up once more."""
    try:
        if path.exists() and path.stat().st_size == JOURNAL_BALLAST_BYTES:
            return True
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, 2 * JOURNAL_BALLAST_BYTES)
            os.ftruncate(descriptor, JOURNAL_BALLAST_BYTES)
        finally:
            os.close(descriptor)
    except OSError:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
        return False
    return True
