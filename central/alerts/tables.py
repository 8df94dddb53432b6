"""The tables of alerts: in a file of their own beside SQLite's store, so that no batch waits for them; in the schema
`alerts` of the same PostgreSQL, which collectors share.

receiver    each one's message that is under way, when it may be sent, and what became of all before
active      what is wrong now, for each receiver; whether that was sent
change      what the next message has
lease       which collector sends, and until when
"""

import secrets
from pathlib import Path
from typing import Final

from ..store.engine.driver import Driver
from ..store.engine.sqlite import Schema, Sqlite
from ..store.open import Where, open_driver

FILE: Final = "alerts.db"

_TABLES: Final = """
create table if not exists {s}receiver(
    name text primary key, number {int} not null default 0, message text not null default '',
    composed_at {int} not null default 0, attempts {int} not null default 0, refusals {int} not null default 0,
    due_at {int} not null default 0, free_at {int} not null default 0, more {int} not null default 0,
    delivered {int} not null default 0, failed {int} not null default 0, dead {int} not null default 0,
    delivered_at {int} not null default 0, error text not null default ''
){o};
create table if not exists {s}active(
    receiver text not null, alarm text not null, node text not null, about text not null,
    since {int} not null, sent {int} not null, primary key(receiver, alarm, node, about)
){o};
create table if not exists {s}change(
    id {serial}, receiver text not null, ended {int} not null, at {int} not null, since {int} not null,
    alarm text not null, node text not null, about text not null, detail text not null
){o};
create table if not exists {s}lease(
    id {int} primary key, holder text not null, until {int} not null, instance text not null
){o}"""

_WORDS: Final = {
    "sqlite": {"s": "", "int": "integer", "serial": "integer primary key", "o": " strict"},
    "postgresql": {
        "s": "alerts.",
        "int": "bigint",
        "serial": "bigint generated always as identity primary key",
        "o": "",
    },
}

_SQLITE: Final = Schema(FILE, {1: _TABLES.format(**_WORDS["sqlite"]).split(";")})

NOW: Final = {
    "sqlite": "cast(unixepoch('subsec') * 1000 as integer)",
    "postgresql": "cast(extract(epoch from clock_timestamp()) * 1000 as bigint)",
}
"""Unix ms by the store's clock: collectors on several machines have several."""


def open_tables(where: Where, password: str = "") -> Driver:
    """The tables, made where they are not there. Raises JournalError where they cannot be used."""
    if isinstance(where, Path):
        where.mkdir(mode=0o700, parents=True, exist_ok=True)
        driver: Driver = Sqlite(where, schema=_SQLITE)
    else:
        driver = open_driver(where, password)
        with driver.transaction():
            for statement in (
                "select pg_advisory_xact_lock(7237970109966541173)",  # two that start at one time
                "create schema if not exists alerts",
                *_TABLES.format(**_WORDS["postgresql"]).split(";"),
            ):
                driver.run(statement)
    s = prefix(driver)
    with driver.transaction():
        driver.run(
            f"insert into {s}lease(id, holder, until, instance) values(1, '', 0, ?) on conflict do nothing",
            (secrets.token_hex(6),),
        )
    return driver


def prefix(driver: Driver) -> str:
    """What stands before the name of a table."""
    return _WORDS[driver.name]["s"]
