"""The tables of alerts: in a file of their own beside SQLite's store, so that no batch waits for them; in the schema
`alerts` of the same PostgreSQL, which collectors share.

receiver    each one's message that is under way, when it may be sent, and what became of all before
active      what is wrong now, for each receiver; whether that was sent
change      what the next message has
lease       which collector sends, and until when
"""

import secrets
from typing import Final

from ..store.engine.driver import Driver
from ..store.open import OwnTables, Where

FILE: Final = "alerts.db"

_STATEMENTS: Final = """
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

TABLES: Final = OwnTables(FILE, "alerts", 7237970109966541173, _STATEMENTS)

NOW: Final = {
    "sqlite": "cast(unixepoch('subsec') * 1000 as integer)",
    "postgresql": "cast(extract(epoch from clock_timestamp()) * 1000 as bigint)",
}
"""Unix ms by the store's clock: collectors on several machines have several."""


def open_tables(where: Where, password: str = "") -> Driver:
    """The tables, with the one row of the lease. Raises JournalError where they cannot be used."""
    driver = TABLES.open(where, password)
    s = TABLES.prefix(driver.name)
    with driver.transaction():
        driver.run(
            f"insert into {s}lease(id, holder, until, instance) values(1, '', 0, ?) on conflict do nothing",
            (secrets.token_hex(6),),
        )
    return driver
