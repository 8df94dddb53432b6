"""The tables, the same on both engines: every key begins with a node or with a bucket of nodes.

node        who the nodes are; their row is what is locked while something of theirs is stored
batch       the hashes of their batches
minute      their windows, as they came, each with its number: what has to be summed up, and the finest tier
hour, day   sums of them for each node
fleet_*     sums over the nodes of each bucket, by minute, hour and day
rolled      up to which of its windows a node is in `hour`, `day` and `fleet_*`
quarantine  batches that could not be stored
statement   what nodes state of their days
ledger      how the ledgers of shops differ from the nodes' records
shops       what became of the orders of shops, by day: with the statement of the day that had it
rollout     versions of the settings, and how far each has come
placed      which nodes are in a roll-out, since when, and what each has reported of it last
node_settings  of each node its group, and its last report on its settings
alarm, age, bucket, kept    what a person must know; the centre's life; locks; from when on a tier is complete
"""

from typing import Final

from ..tiers import BUCKETS

VERSION: Final = 9
"""Of the tables. Those of an earlier version are migrated forwards."""

FIRST: Final = 4
"""The earliest version that is migrated."""

SUMS: Final = ("hour", "day", "fleet_minute", "fleet_hour", "fleet_day")

_COLUMNS: Final = "events INT not null, counters BLOB not null, measures BLOB not null, cells BLOB not null"

_SUM: Final = f"""
create table {{table}}(
    {{key}} INT not null, start INT not null, scenario text not null,
    first INT not null, until INT not null, nodes BLOB not null, {_COLUMNS},
    primary key({{key}}, start, scenario)
)"""

_MINUTE: Final = f"""
create table minute(
    node INT not null, number INT not null, at INT not null, start INT not null, width_s INT not null,
    scenario text not null, {_COLUMNS}
)"""

_TABLES: Final = """
create table node(
    id SERIAL primary key, name text not null unique, record BLOB, enrolled_at INT not null, last_seen INT not null,
    batches INT not null default 0, repeats INT not null default 0, refused INT not null default 0,
    bytes INT not null default 0, events INT not null default 0, windows INT not null default 0
);
create table batch(
    node INT not null, epoch INT not null, seq INT not null, sha256 BLOB not null,
    received_at INT not null, events INT not null, bytes INT not null, primary key(node, epoch, seq)
);
create table rolled(bucket INT not null, node INT not null, number INT not null, primary key(bucket, node));
create table bucket(id INT primary key);
create table alarm(
    node text not null, id INT not null, at INT not null, kind text not null, detail text not null,
    events INT not null, primary key(node, id)
);
create table quarantine(
    node text not null, epoch INT not null, seq INT not null, at INT not null, reason text not null,
    detail text not null, message BLOB not null, primary key(node, epoch, seq)
);
create table age(life_ms INT primary key, wall_ms INT not null);
create table kept(tier text primary key, since INT not null)"""

_ADDED: Final = {
    5: """
create table statement(
    node text not null, day INT not null, sha256 BLOB not null, at INT not null, message BLOB not null,
    primary key(node, day, sha256)
);
create table ledger(
    node text not null, date text not null, shop text not null, at INT not null, message BLOB not null,
    primary key(node, date, shop)
)""",
    6: """
create table rollout(
    id INT primary key, fleet text not null, options text not null, signature BLOB not null, signer BLOB not null,
    stages text not null, deadline_ms INT not null, at INT not null, state text not null, why text not null,
    stage INT not null, changed_at INT not null
);
create table placed(node text not null, rollout INT not null, at INT not null, primary key(node, rollout));
create table node_settings(
    node text primary key, fleet text not null, version INT not null, sha256 text not null, about INT not null,
    outcome text not null, detail text not null, at INT not null
)""",
    7: "alter table rollout add column started_by text not null default ''",
    8: """
alter table placed add column outcome text not null default '';
alter table placed add column detail text not null default '';
update placed set outcome = s.outcome, detail = s.detail from node_settings s
 where s.node = placed.node and s.about = placed.rollout""",
    9: """
create table shops(
    node text not null, day INT not null, instance text not null, since INT not null, at INT not null,
    message BLOB not null, primary key(node, day, instance, since)
)""",
}
"""What each later version has added."""

_TYPES: Final = {
    "sqlite": {" SERIAL": " integer", " INT": " integer", " BLOB": " blob"},
    "postgresql": {" SERIAL": " bigint generated always as identity", " INT": " bigint", " BLOB": " bytea"},
}


def added(engine: str) -> dict[int, list[str]]:
    """The statements that lead to each version from the one before, from 5 on."""
    found: dict[int, list[str]] = {}
    for version, text in _ADDED.items():
        for word, own in _TYPES[engine].items():
            text = text.replace(word, own)
        end = " strict" if engine == "sqlite" else ""
        found[version] = [each + (end if each.strip().startswith("create") else "") for each in text.split(";")]
    return found


def tables(engine: str) -> list[str]:
    """The statements that make the tables of version 4 for `sqlite` or `postgresql`."""
    lite = engine == "sqlite"
    statements = _TABLES.split(";")
    statements += [_SUM.format(table=name, key="bucket" if name.startswith("fleet") else "node") for name in SUMS]
    for word, own in _TYPES[engine].items():
        statements = [statement.replace(word, own) for statement in statements]
    if lite:
        # Rows without sketches stand in their key; the others would take an overflow page each.
        keyed = ("create table batch(", "create table rolled(", "create table alarm(")
        statements = [s + (" strict, without rowid" if s.strip().startswith(keyed) else " strict") for s in statements]
    minute = _MINUTE
    for word, own in _TYPES[engine].items():
        minute = minute.replace(word, own)
    return [
        *statements,
        minute + (" strict" if lite else " partition by range (at)"),
        "create index minute_by_number on minute(node, number)",
        "create index minute_by_start on minute(node, start)",
        f"insert into bucket(id) values {', '.join(f'({number})' for number in range(BUCKETS))}",  # noqa: S608 - numbers
    ]
