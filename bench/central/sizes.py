"""What a node-day takes on disk in each tier, and what COPY of the same counters reaches."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from central.ingest.receive import GROUP_MAX
from central.ingest.verify import NodeRecord, taken
from central.store.open import Where, open_store
from central.store.store import Store
from central.store.tiers import BUCKETS, DAY_MS

from ..lab.postgresql import Postgresql
from .batches import BUSY, SMALL, Chain, Maker, Shape

if TYPE_CHECKING:
    import psycopg

START: Final = 1_767_225_600_000
NODES: Final = 16
"""In one bucket: a larger fleet takes less for its sums, for each node."""

MINUTES: Final = 1_440
DAYS: Final = 3
"""The first one makes the room in which sums of a day under way are rewritten, which later days use again."""

TABLES: Final = {
    "minutes": ("minute", "fleet_minute", "batch"),
    "hours": ("hour", "fleet_hour"),
    "days": ("day", "fleet_day"),
}
"""Hashes of batches are kept as long as minutes."""

HOUR_MINUTES: Final = 60
_VACUUM: Final = "vacuum hour, day, fleet_minute, fleet_hour, fleet_day"
"""What PostgreSQL does by itself within minutes of a real day, here once for each hour of the day."""

GROUP: Final = 128
COPIED: Final = 500_000


def bytes_per_node_day(folder: Path, server: Postgresql | None) -> dict[str, dict[str, int]]:
    """By tier and shape: what another day of NODES nodes with a batch a minute adds, on average after the first."""
    sizes: dict[str, dict[str, int]] = {tier: {} for tier in TABLES}
    for name, shape in (("small", SMALL), ("busy", BUSY)):
        own = folder / f"sizes-{name}"
        own.mkdir(parents=True)
        where: Where = server.make_database(f"sizes_{name}") if server else own
        store = open_store(where, password=server.password if server else "")
        vacuum = (lambda: server.sql(_VACUUM, f"sizes_{name}")) if server else lambda: None  # noqa: B023 - used at once
        maker, chains = Maker(shape), {f"n-{number}": Chain() for number in range(NODES)}
        _fill(store, maker, chains, START, vacuum)
        first = _sizes(store)
        for day in range(1, DAYS):
            _fill(store, maker, chains, START + day * DAY_MS, vacuum)
        all_of_them = _sizes(store)
        for tier in TABLES:
            sizes[tier][name] = round((all_of_them[tier] - first[tier]) / NODES / (DAYS - 1))
        store.close()
    return sizes


def _sizes(store: Store) -> dict[str, int]:
    return {tier: sum(store.driver.bytes_of(table) for table in tables) for tier, tables in TABLES.items()}


def _fill(store: Store, maker: Maker, chains: dict[str, Chain], start: int, vacuum: Callable[[], object]) -> None:
    """A day that begins at `start`, Unix ms."""
    at = start + DAY_MS
    store.driver.prepare_days(at)
    for begin in range(0, MINUTES, GROUP // NODES):
        with store.group(chains, chains) as group:
            for minute in range(begin, min(begin + GROUP // NODES, MINUTES)):
                for name, chain in chains.items():
                    record = group.record(name) or NodeRecord(node=name, instance="i", boot="b", epoch=1)
                    windows = maker.windows(start + minute * 60_000, chain.seq)
                    batch = maker.batch(chain, start + minute * 60_000)
                    group.merge(taken(record, batch, windows), batch, windows, at)
        while store.sum_up(busy=True):
            pass
        if begin % HOUR_MINUTES < GROUP // NODES:
            vacuum()
    for bucket in range(BUCKETS):
        while store.roll(bucket):
            pass
    vacuum()


def copy_rates(server: Postgresql) -> tuple[float, float]:
    """Counters a second through COPY from this process, a row each, into a table without an index. First the fastest
    that its values get into PostgreSQL: in binary form, in one transaction. Then with the durability of a collector: in
    the usual form, and as many at a time as its largest groups have, each committed before the next."""
    from psycopg import connect

    url = server.make_database("copied")
    maker, rows = Maker(BUSY), list[tuple[int, int, str, str, int]]()
    while len(rows) < COPIED:
        for window in maker.windows(START + len(rows), len(rows)):
            rows += [(len(rows), START, window.scenario, name, count) for name, count in window.counters.items()]
    at_once = GROUP_MAX * counters_of(BUSY)
    groups = [rows[begin : begin + at_once] for begin in range(0, len(rows), at_once)]
    with connect(url, password=server.password) as db:
        bare = len(rows) / _copied(db, "bare", [rows], binary=True)
        return bare, len(rows) / _copied(db, "grouped", groups, binary=False)


def _copied(
    db: "psycopg.Connection[Any]", table: str, groups: Sequence[Sequence[tuple[Any, ...]]], *, binary: bool
) -> float:
    """Seconds until all groups are committed, one after the other."""
    db.execute(f"create table {table}(node bigint, start bigint, scenario text, name text, count bigint)")  # type: ignore[arg-type]
    db.commit()
    begin = time.perf_counter()
    for rows in groups:
        into = f"copy {table} from stdin{' with (format binary)' if binary else ''}"
        with db.cursor() as cursor, cursor.copy(into) as copy:  # type: ignore[arg-type]
            if binary:
                copy.set_types(["int8", "int8", "text", "text", "int8"])
            for row in rows:
                copy.write_row(row)
        db.commit()
    return time.perf_counter() - begin


def counters_of(shape: Shape) -> int:
    """In one batch."""
    return len(shape.scenarios) * shape.counters
