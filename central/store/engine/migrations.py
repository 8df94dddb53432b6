"""PostgreSQL's tables, and how those of an earlier version become those of this one: forwards only."""

from typing import Any, Final

import psycopg

from edge.errors import JournalError

from .schema import VERSION, added, tables

_REST: Final = "create table minute_rest partition of minute default"

_READER: Final = """
do $$ begin
    if exists (select from pg_roles where rolname = 'doorstep_reader') then
        grant select on all tables in schema public to doorstep_reader;
        alter default privileges in schema public grant select on tables to doorstep_reader;
    end if;
end $$"""

MIGRATIONS: Final[dict[int, list[str]]] = {4: [*tables("postgresql"), _REST, _READER], **added("postgresql")}
"""The statements that lead to each version from the one before."""

_LOCK: Final = 0x646F6F72_73746570  # two processes that start at one time migrate one after the other


def migrate(db: psycopg.Connection[Any]) -> None:
    """Bring the tables to this version, in one transaction. Raises JournalError where they are of a newer one."""
    with db.transaction():
        db.execute("select pg_advisory_xact_lock(%s)", (_LOCK,))
        db.execute("create table if not exists doorstep(version bigint not null)")
        row = db.execute("select version from doorstep").fetchone()
        version = row[0] if row else 0
        if version > VERSION:
            raise JournalError(
                f"The database was made by a newer doorstep (schema {version}; this one reads {VERSION}). "
                "Install that version again."
            )
        for number, statements in MIGRATIONS.items():
            if number > version:
                for statement in statements:
                    db.execute(statement)  # type: ignore[arg-type]
        if not row:
            db.execute("insert into doorstep values(%s)", (VERSION,))
        elif version < VERSION:
            db.execute("update doorstep set version = %s", (VERSION,))
