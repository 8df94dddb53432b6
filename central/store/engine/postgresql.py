"""PostgreSQL: for several collectors on one store, a standby, and questions in SQL.

A commit is on disk (and at synchronous standbys) before it returns. A connection that is lost is made anew with the
next transaction; what was under way is reported as StoreLost. `minute` has a partition for each day (of UTC) by when
its rows came.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final, cast

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.sql import SQL
from psycopg.types.numeric import Int8Dumper

from edge.errors import JournalError
from edge.log.events import PARTITION_MISSING

from ..tiers import DAY_MS
from .driver import Row, StoreFailed, StoreFull, StoreLost, StoreRefused, StoreSlow
from .migrations import migrate

CONNECT_S: Final = 5
"""Seconds until a server counts as gone: for a connection, for a lock, and for what it does not acknowledge."""

DAYS_AHEAD: Final = 3
ROWS_AT_ONCE: Final = 500

_LEADER: Final = 0x646F6F72  # the advisory lock of the process that prunes
# Queries take milliseconds; compiling them takes tens.
_SETTINGS: Final = f"-c jit=off -c lock_timeout={CONNECT_S}s -c idle_in_transaction_session_timeout={2 * CONNECT_S}s"

_READING: Final = " -c default_transaction_read_only=on -c default_transaction_isolation=repeatable\\ read"

_TEXTS: Final = ("scenario", "reason", "detail")
_BYTES: Final = ("sha256", "counters", "measures", "cells", "message")


class Postgresql:
    """See `driver.Driver`. Raises JournalError where the database cannot be used."""

    name = "postgresql"
    fresh = (
        "rolled r cross join lateral"
        " (select * from minute where minute.node = r.node and minute.number > r.number offset 0) m"
    )

    def __init__(self, url: str, password: str = "", *, readonly: bool = False, seconds_max: float = 0.0) -> None:
        own: dict[str, Any] = {
            "application_name": "doorstep",
            "connect_timeout": CONNECT_S,
            "tcp_user_timeout": 1000 * CONNECT_S,
        }
        own |= {"password": password} if password else {}
        self._db: psycopg.Connection[Row] | None = None
        self._leads = False
        self._queries: dict[str, SQL] = {}
        try:
            known = conninfo_to_dict(url)
            if readonly and known.get("target_session_attrs") == "read-write":
                own["target_session_attrs"] = "primary"  # our own setting makes the session one that cannot write
            settings = _SETTINGS + (_READING if readonly else "") + f" -c statement_timeout={seconds_max * 1000:.0f}"
            self._conninfo = make_conninfo(url, options=f"{known.get('options', '')} {settings}".strip(), **own)
            self.place = f"PostgreSQL at {known.get('host', 'this machine')}, database {known.get('dbname', '')}"
            with self._translated():
                if not readonly:
                    migrate(self._connected())
        except (psycopg.Error, StoreLost, StoreFailed, StoreRefused, StoreFull) as error:
            hint = "Check store and its password, and whether PostgreSQL runs and lets this role in (pg_hba.conf)."
            raise JournalError(f"The store cannot be opened: {' '.join(str(error).split())} {hint}") from None

    def transaction(self) -> AbstractContextManager[None]:
        return self._between()

    def reading(self) -> AbstractContextManager[None]:
        return self._between()

    @contextmanager
    def _between(self) -> Iterator[None]:
        with self._translated(), self._connected().transaction():
            yield

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        with self._translated():
            return self._connected().execute(self._query(sql), values, binary=True).fetchall()

    def run(self, sql: str, values: Sequence[Any] = ()) -> int:
        with self._translated():
            return self._connected().execute(self._query(sql), values).rowcount

    def run_many(self, sql: str, values: Sequence[Sequence[Any]]) -> None:
        with self._translated(), self._connected().cursor() as cursor:
            cursor.executemany(self._query(sql), values)

    def insert(self, table: str, columns: str, values: Sequence[Sequence[Any]]) -> None:
        names = columns.split(", ")
        types = [_type(table, name) for name in names]
        into = self._query(f"copy {table}({columns}) from stdin with (format binary)")
        with self._translated(), self._connected().cursor() as cursor, cursor.copy(into) as copy:
            copy.set_types(types)
            for row in values:
                copy.write_row(row)

    def lock(self, names: Sequence[str], columns: str) -> list[Row]:
        sql = f"select {columns} from node where name = any(?) order by name for update"  # noqa: S608 - fixed names
        return self.rows(sql, (list(names),))

    def lock_bucket(self, bucket: int) -> bool:
        return bool(self.rows("select id from bucket where id = ? for update skip locked", (bucket,)))

    def leads(self) -> bool:
        if not self._leads or self._db is None or self._db.closed:
            self._leads = bool(self.rows("select pg_try_advisory_lock(?)", (_LEADER,))[0][0])
        return self._leads

    def drop_minutes(self, before_ms: int) -> int:
        with self.transaction():
            for (name,) in self.rows(
                "select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid"
                " where i.inhparent = 'minute'::regclass and c.relname ~ '^minute_[0-9]+$' order by c.relname"
            ):
                if (int(name.removeprefix("minute_")) + 1) * DAY_MS <= before_ms:
                    self.run("set local lock_timeout = '500ms'")
                    self.run(f"drop table {name}")
                    return 1
            sql = "ctid = any(array(select ctid from minute_rest where at < ? limit ?))"
            return self.run(f"delete from minute_rest where {sql}", (before_ms, ROWS_AT_ONCE))  # noqa: S608

    def prepare_days(self, at_ms: int) -> None:
        for day in range(at_ms // DAY_MS - 1, at_ms // DAY_MS + DAYS_AHEAD):
            bounds = f"from ({day * DAY_MS}) to ({(day + 1) * DAY_MS})"
            try:
                with self.transaction():
                    if not self.rows("select to_regclass(?)", (f"minute_{day}",))[0][0]:
                        self.run(f"create table minute_{day} partition of minute for values {bounds}")
            except StoreRefused as error:
                # Rows of that day came before its partition: they stay with the rest, and are deleted one by one.
                PARTITION_MISSING.write(day=day, sentence=str(error))

    def bytes_of(self, table: str) -> int:
        own = "select oid from pg_class where oid = cast(? as regclass)"
        parts = "select inhrelid from pg_inherits where inhparent = cast(? as regclass)"
        sql = f"select sum(pg_total_relation_size(oid)) from ({own} union {parts}) all_parts"  # noqa: S608 - fixed text
        return int(self.rows(sql, (table, table))[0][0])

    def close(self) -> None:
        """Let go."""
        if self._db is not None:
            self._db.close()

    def _query(self, sql: str) -> SQL:
        query = self._queries.get(sql)
        if query is None:
            query = self._queries[sql] = SQL(cast(Any, sql.replace("?", "%s")))
        return query

    def _connected(self) -> psycopg.Connection[Row]:
        if self._db is None or self._db.closed:
            self._leads = False
            self._db = psycopg.connect(self._conninfo, autocommit=True)
            self._db.adapters.register_dumper(int, Int8Dumper)
        return self._db

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """PostgreSQL's errors as the store's."""
        try:
            yield
        except errors.DiskFull as error:
            raise StoreFull(f"The disk of PostgreSQL is full ({_text(error)}).") from None
        except errors.QueryCanceled:
            raise StoreSlow("The question takes too long. Ask for a shorter time.") from None
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            raise StoreRefused(f"{_text(error)}.") from None
        except (psycopg.OperationalError, psycopg.InterfaceError, errors.ReadOnlySqlTransaction) as error:
            if self._db is not None:
                self._db.close()
            raise StoreLost(f"{_text(error)}.") from None
        except psycopg.Error as error:
            raise StoreFailed(f"{_text(error)}.") from None


def _type(table: str, column: str) -> str:
    if column in _TEXTS or (table, column) == ("quarantine", "node"):
        return "text"
    return "bytea" if column in _BYTES else "int8"


def _text(error: psycopg.Error) -> str:
    """The first line, which names no password."""
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
