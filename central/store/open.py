"""Which engine: SQLite in a folder, or PostgreSQL by its URL."""

from pathlib import Path
from typing import Final, NamedTuple

from edge.errors import JournalError

from .beside import Order, SummingProcess
from .engine.driver import Driver
from .engine.sqlite import Schema, Sqlite
from .reader import Reader
from .store import Store
from .tiers import Calendar

Where = Path | str
"""A folder, or a `postgresql://` URL without a password."""

_WORDS: Final = {
    "sqlite": {"int": "integer", "blob": "blob", "serial": "integer primary key", "o": " strict"},
    "postgresql": {
        "int": "bigint",
        "blob": "bytea",
        "serial": "bigint generated always as identity primary key",
        "o": "",
    },
}


class OwnTables(NamedTuple):
    """Tables of one part of the centre: in a file of their own beside SQLite's store, so that no batch waits for them;
    in a schema of the same PostgreSQL, which collectors share. `statements` have {s} before the name of a table and
    {int}, {blob}, {serial} and {o} for what the engines call otherwise; `sqlite` and `postgresql` are more of them for
    one engine. `lock` is a number of its own, for two collectors that start at one time."""

    file: str
    schema: str
    lock: int
    statements: str
    sqlite: tuple[str, ...] = ()
    postgresql: tuple[str, ...] = ()

    def prefix(self, engine: str) -> str:
        """What stands before the name of a table."""
        return "" if engine == "sqlite" else f"{self.schema}."

    def open(self, where: Where, password: str = "") -> Driver:
        """The tables, made where they are not there. Raises JournalError where they cannot be used."""
        if isinstance(where, Path):
            where.mkdir(mode=0o700, parents=True, exist_ok=True)
            return Sqlite(where, schema=Schema(self.file, {1: [*self._made("sqlite"), *self.sqlite]}))
        driver = open_driver(where, password)
        with driver.transaction():
            for statement in (
                f"select pg_advisory_xact_lock({self.lock})",
                f"create schema if not exists {self.schema}",
                *self._made("postgresql"),
                *self.postgresql,
            ):
                driver.run(statement)
        return driver

    def _made(self, engine: str) -> list[str]:
        return self.statements.format(s=self.prefix(engine), **_WORDS[engine]).split(";")


def open_store(
    where: Where, timezone: str = "UTC", password: str = "", *, beside: bool = False, sums_beside: bool = False
) -> Store:
    """The store; its tables are made, or migrated. `beside`: another process has it open, and this one only changes
    something. `sums_beside`: sums are worked out in another process. Raises JournalError where it cannot be used."""
    store = Store(open_driver(where, password, beside=beside), Calendar(timezone))
    if sums_beside:
        folder, url = (str(where), "") if isinstance(where, Path) else ("", where)
        store.summing = SummingProcess(Order(folder, url, password, timezone))
    return store


def open_reader(where: Where, timezone: str = "UTC", password: str = "") -> Reader:
    """To ask it. Raises JournalError where it cannot be used."""
    return Reader(open_driver(where, password, readonly=True), Calendar(timezone))


def open_driver(
    where: Where, password: str = "", *, readonly: bool = False, beside: bool = False, seconds_max: float = 0.0
) -> Driver:
    """The engine itself. `seconds_max`: longest that one query may take, 0 for ever."""
    if isinstance(where, str):
        try:
            from .engine.postgresql import Postgresql
        except ImportError as error:
            hint = "Install it: pip install 'doorstep[postgresql]', or Debian's doorstep-bench of this version."
            raise JournalError(f"A store on PostgreSQL needs psycopg, which is not here ({error}). {hint}") from None
        return Postgresql(where, password, readonly=readonly, seconds_max=seconds_max)
    return Sqlite(where, readonly=readonly, beside=beside, seconds_max=seconds_max)
