"""The tables of operators: in a file of their own beside SQLite's store, so that no log-in waits for a batch or makes
one wait; in the schema `console` of the same PostgreSQL, which collectors share and `doorstep_reader` cannot read.

The audit log is append-only: the engine itself refuses to change a row, and to delete one of the latest.
"""

from typing import Final

from ..store.open import OwnTables

FILE: Final = "operators.db"
AUDIT_ROWS_KEPT: Final = 100_000
"""The latest entries, which nothing deletes: years of a busy team, some 20 MB."""

_STATEMENTS: Final = """
create table if not exists {s}operator(
    name text primary key, role text not null, password text not null, totp text not null,
    totp_step {int} not null, made_at {int} not null
){o};
create table if not exists {s}session(
    hash {blob} primary key, operator text not null, made_at {int} not null, seen_at {int} not null
){o};
create table if not exists {s}token(
    name text primary key, hash {blob} not null unique, scopes text not null, made_at {int} not null,
    ends_at {int} not null, used_at {int} not null
){o};
create table if not exists {s}audit(
    number {serial}, at {int} not null, who text not null, address text not null,
    what text not null, detail text not null
)"""

_UNCHANGED: Final = """
create trigger audit_unchanged before update on audit
begin select raise(abort, 'the audit log is append-only'); end"""
_LATE: Final = """
create trigger audit_kept before delete on audit when old.number > (select max(number) from audit) - {kept}
begin select raise(abort, 'the audit log is append-only'); end"""
_KEEP: Final = """
create or replace function console.keep() returns trigger language plpgsql as $$ begin
    if tg_op = 'UPDATE' or old.number > (select max(number) from console.audit) - {kept} then
        raise exception 'the audit log is append-only';
    end if;
    return old;
end $$"""
_KEPT: Final = """
create or replace trigger audit_kept before update or delete on console.audit
for each row execute function console.keep()"""

TABLES: Final = OwnTables(
    FILE,
    "console",
    7237970109966541172,
    _STATEMENTS,
    sqlite=(_UNCHANGED, _LATE.format(kept=AUDIT_ROWS_KEPT)),
    postgresql=(_KEEP.format(kept=AUDIT_ROWS_KEPT), _KEPT),
)
