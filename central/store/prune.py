"""What is old goes, in bounded steps between which batches are stored.

Nothing goes that the wall clock would not call old, and nothing from after what the wall clock showed a whole retention
of this centre's life ago: a clock that jumps ahead deletes nothing. `lived_ms` is for how long this centre has run, by
a clock that no step of the wall clock touches.
"""

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from edge.limits import BATCHES_IN_FLIGHT_MAX

from .store import Store
from .tiers import BUCKETS, DAY_MS

LIFE_STEP_MS_MAX: Final = 2 * 3_600_000
"""Between two rounds of pruning, an hour apart, a centre grows older by this much at most."""

ROWS_AT_ONCE: Final = 500
NODES_AT_ONCE: Final = 50

HASHES_KEPT: Final = 8 * BATCHES_IN_FLIGHT_MAX
"""The latest batches of each epoch of a node stay, because a node that returns is recognised by their hashes."""


class Kept(Struct, frozen=True, kw_only=True):
    """For how long each tier is kept, in ms. The hashes of batches are kept as long as the minutes, alarms and
    statements as long as the hours, differences of ledgers and figures of shops as long as the days."""

    minute: int = 7 * DAY_MS
    hour: int = 90 * DAY_MS
    day: int = 3 * 365 * DAY_MS


def prune(store: Store, wall_ms: int, lived_ms: int, kept: Kept) -> Iterator[int]:
    """Forget what is older than `kept`: each step is one transaction, and yields how many rows it deleted. The sums in
    `node` stay."""
    driver = store.driver
    if not driver.leads():
        return
    driver.prepare_days(wall_ms)
    ages = _ages(store, wall_ms, lived_ms, kept)
    yield 0
    calendar = store.calendar
    nodes = driver.rows("select id, name from node order by id")
    if (before := ages.get("minute")) is not None and not _waits(store, before):
        _complete_from(store, "minute", calendar.hour(before))
        while gone := driver.drop_minutes(before):
            yield gone
        yield from _sums(store, "fleet_minute", [(number,) for number in range(BUCKETS)], calendar.hour(before))
        for node, _ in nodes:
            while gone := _batches(store, node, before):
                yield gone
    if (before := ages.get("hour")) is not None:
        _complete_from(store, "hour", calendar.day(before))
        yield from _sums(store, "fleet_hour", [(number,) for number in range(BUCKETS)], calendar.day(before))
        yield from _sums(store, "hour", nodes, calendar.day(before))
        for _, name in nodes:
            with driver.transaction():
                gone = driver.run("delete from alarm where node = ? and at < ?", (name, before))
                gone += driver.run("delete from statement where node = ? and at < ?", (name, before))
            yield gone
    if (before := ages.get("day")) is not None:
        for _, name in nodes:
            with driver.transaction():
                gone = driver.run("delete from ledger where node = ? and at < ?", (name, before))
                gone += driver.run("delete from shops where node = ? and at < ?", (name, before))
            yield gone
        yield from _sums(store, "fleet_day", [(number,) for number in range(BUCKETS)], calendar.day(before))
        yield from _sums(store, "day", nodes, calendar.day(before))


def _ages(store: Store, wall_ms: int, lived_ms: int, kept: Kept) -> dict[str, int]:
    """Unix ms before which a tier is old, where anything can be."""
    driver = store.driver
    found: dict[str, int] = {}
    with driver.transaction():
        life_ms = int(driver.rows("select coalesce(max(life_ms), 0) from age")[0][0])
        life_ms += min(max(lived_ms, 0), LIFE_STEP_MS_MAX)
        driver.run(
            "insert into age values(?, ?) on conflict(life_ms) do update set wall_ms = excluded.wall_ms",
            (life_ms, wall_ms),
        )
        for tier, kept_ms in (("minute", kept.minute), ("hour", kept.hour), ("day", kept.day)):
            shown = driver.rows(
                "select life_ms, wall_ms from age where life_ms <= ? order by life_ms desc limit 1",
                (life_ms - kept_ms,),
            )
            if shown:
                found[tier] = min(wall_ms - kept_ms, shown[0][1])
                if tier == "day":
                    driver.run("delete from age where life_ms < ?", (shown[0][0],))
    return found


def _waits(store: Store, before_ms: int) -> bool:
    """Whether some of these windows are not summed up yet."""
    sql = f"select 1 from {store.driver.fresh} where m.at < ? limit 1"  # noqa: S608 - the engine's own words
    return bool(store.driver.rows(sql, (before_ms,)))


def _complete_from(store: Store, tier: str, since: int) -> None:
    """Readers ask a tier only for what it still has completely."""
    with store.driver.transaction():
        known = store.driver.rows("select since from kept where tier = ?", (tier,))
        if not known or known[0][0] < since:
            sql = "insert into kept values(?, ?) on conflict(tier) do update set since = excluded.since"
            store.driver.run(sql, (tier, since))


def _sums(store: Store, table: str, places: list[tuple[int, ...]], before_ms: int) -> Iterator[int]:
    key = "bucket" if table.startswith("fleet") else "node"
    for begin in range(0, len(places), NODES_AT_ONCE):
        with store.driver.transaction():
            gone = 0
            for place in places[begin : begin + NODES_AT_ONCE]:
                sql = f"delete from {table} where {key} = ? and start < ?"  # noqa: S608 - fixed names
                gone += store.driver.run(sql, (place[0], before_ms))
        yield gone


def _batches(store: Store, node: int, before_ms: int) -> int:
    with store.driver.transaction():
        return store.driver.run(
            "delete from batch where node = ? and received_at < ? and (epoch, seq) in"
            " (select epoch, seq from batch where node = ? order by epoch, seq limit ?) and seq <="
            " (select max(seq) from batch other where other.node = batch.node and other.epoch = batch.epoch) - ?",
            (node, before_ms, node, ROWS_AT_ONCE, HASHES_KEPT),
        )
