"""SQLite: one file, one connection that writes, in one thread. WAL, `synchronous=FULL`.

Readers have connections of their own, read-only, which never checkpoint.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from time import monotonic
from typing import Any, Final, NamedTuple

import apsw

from edge.errors import JournalError

from .driver import Row, StoreFailed, StoreFull, StoreLost, StoreRefused, StoreSlow
from .schema import FIRST, added, tables

FILE: Final = "centre.db"

PAGE_BYTES: Final = 8_192
"""Most windows with their sketches fit one page with others."""

ROWS_AT_ONCE: Final = 500
"""Of one step of pruning."""

STEPS_BETWEEN_LOOKS: Final = 10_000
"""Of SQLite's machine, some milliseconds."""


class Schema(NamedTuple):
    """A file, and the statements that lead to each version of its tables from the one before."""

    file: str
    steps: dict[int, list[str]]


CENTRE: Final = Schema(FILE, {FIRST: tables("sqlite"), **added("sqlite")})


class Sqlite:
    """See `driver.Driver`. Raises JournalError where the file cannot be used."""

    name = "sqlite"
    fresh = "rolled r join minute m indexed by minute_by_number on m.node = r.node and m.number > r.number"

    def __init__(
        self,
        folder: Path,
        *,
        readonly: bool = False,
        beside: bool = False,
        schema: Schema = CENTRE,
        seconds_max: float = 0.0,
    ) -> None:
        """`beside`: another process may write at the same time, and it is the one that checkpoints. `seconds_max`:
        longest that one query may take, 0 for ever."""
        self._seconds_max, self._until = seconds_max, 0.0
        self._schema = schema
        self._path = folder / schema.file
        try:
            if readonly:
                self._db = apsw.Connection(str(self._path), flags=apsw.SQLITE_OPEN_READONLY)
            else:
                # Readable by its owner only; SQLite gives its WAL the same mode.
                os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
                self._db = apsw.Connection(str(self._path))
            self._db.set_busy_timeout(5_000)
            if seconds_max:
                self._db.set_progress_handler(lambda: monotonic() > self._until, STEPS_BETWEEN_LOOKS)
            if readonly or beside:
                self._db.wal_autocheckpoint(0)
            if not readonly:
                self._open()
        except (apsw.Error, OSError) as error:
            hint = "Restore it from a backup, or mend the disk."
            raise JournalError(f"{self._path} cannot be opened: {error}. {hint}") from None

    def _open(self) -> None:
        self._db.pragma("page_size", PAGE_BYTES)
        self._db.pragma("journal_mode", "wal")
        self._db.pragma("synchronous", "full")
        self._db.pragma("cache_size", -64 * 1024)
        with self._db:
            version, ours = self._db.pragma("user_version"), max(self._schema.steps)
            if version == 0 or min(self._schema.steps) <= version < ours:
                for number, statements in self._schema.steps.items():
                    for statement in statements if number > version else ():
                        self._db.execute(statement)
                self._db.pragma("user_version", ours)
            elif version != ours:
                age = "a newer" if version > ours else "an older"
                raise JournalError(
                    f"{self._path} was written by {age} doorstep (schema {version}; this one reads {ours}). "
                    "Install that version again, or start with another data directory."
                )

    @property
    def place(self) -> str:
        return str(self._path)

    def transaction(self) -> AbstractContextManager[None]:
        return self._between("begin immediate")

    def reading(self) -> AbstractContextManager[None]:
        return self._between("begin")

    @contextmanager
    def _between(self, begin: str) -> Iterator[None]:
        with _translated():
            self._db.execute(begin)
        try:
            yield
            with _translated():
                self._db.execute("commit")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("rollback")
            raise

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        self._until = monotonic() + self._seconds_max
        with _translated():
            found: list[Any] = self._db.execute(sql, values).fetchall()
            return found

    def run(self, sql: str, values: Sequence[Any] = ()) -> int:
        with _translated():
            self._db.execute(sql, values)
            return self._db.changes()

    def run_many(self, sql: str, values: Sequence[Sequence[Any]]) -> None:
        with _translated():
            self._db.executemany(sql, values)

    def insert(self, table: str, columns: str, values: Sequence[Sequence[Any]]) -> None:
        marks = ", ".join("?" * (columns.count(",") + 1))
        self.run_many(f"insert into {table}({columns}) values({marks})", values)

    def lock(self, names: Sequence[str], columns: str) -> list[Row]:
        marks = ", ".join("?" * len(names))
        return self.rows(f"select {columns} from node where name in ({marks})", names)  # noqa: S608 - fixed names

    def lock_bucket(self, bucket: int) -> bool:
        del bucket  # there is one writer
        return True

    def leads(self) -> bool:
        return True

    def drop_minutes(self, before_ms: int) -> int:
        # Rows are in the sequence in which they came, so old ones are the first.
        return self.run(
            "delete from minute where rowid in (select rowid from minute order by rowid limit ?) and at < ?",
            (ROWS_AT_ONCE, before_ms),
        )

    def prepare_days(self, at_ms: int) -> None:
        """Nothing: there are no partitions."""

    def bytes_of(self, table: str) -> int:
        sql = (
            "select coalesce(sum(pgsize), 0) from dbstat where aggregate = true and name in"
            " (select name from sqlite_schema where tbl_name = ?)"
        )
        return int(self.rows(sql, (table,))[0][0])

    def close(self) -> None:
        """Checkpoint and close."""
        self._db.close()


@contextmanager
def _translated() -> Iterator[None]:
    """SQLite's errors as the store's."""
    try:
        yield
    except apsw.FullError as error:
        raise StoreFull(f"The disk is full ({error}).") from None
    except (apsw.ConstraintError, apsw.MismatchError, apsw.TooBigError, OverflowError) as error:
        raise StoreRefused(f"{error}.") from None
    except apsw.InterruptError:
        raise StoreSlow("The question takes too long. Ask for a shorter time.") from None
    except apsw.BusyError as error:
        raise StoreLost(f"Another process holds the file ({error}).") from None
    except apsw.Error as error:
        raise StoreFailed(f"{error}.") from None
