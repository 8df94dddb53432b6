"""Works out the sums of windows that are not yet summed up: hours and days of each node, and the fleet's.

Reading and working out change nothing, so that another process can do it; `store.Store.apply` writes the outcome.
"""

from typing import Any, Final

from msgspec import Struct

from ..ingest.verify import EVENTS_MAX
from .engine.driver import Driver, Row
from .rows import Codec, Sum
from .tiers import Calendar, bit_of

ROLLED_AT_ONCE: Final = 2_048
"""Windows that one step takes: working it out takes tenths of a second, writing it some milliseconds."""

_READ_AT_ONCE: Final = 64

_COLUMNS: Final = "start, scenario, first, until, nodes, events, counters, measures, cells"

Places = dict[tuple[int, int, str], Sum]
Rows = list[tuple[int, int, str, int, int, bytes, int, bytes, bytes, bytes]]


class Work(Struct, array_like=True):
    """New rows for each table, and which windows they have: of each node those after `before` up to `after`."""

    bucket: int
    windows: int = 0
    moved: list[tuple[int, int, int]] = []
    rows: dict[str, Rows] = {}


class Sums:
    """For one thread; the driver may be one that only reads."""

    def __init__(self, driver: Driver, calendar: Calendar) -> None:
        self._driver = driver
        self._calendar = calendar
        self._codec = Codec()

    def work(self, bucket: int, limit: int = ROLLED_AT_ONCE) -> Work:
        """The sums after the next windows of a bucket, `limit` of them at most."""
        with self._driver.reading():
            fresh = self._driver.rows(
                "select m.node, m.number, m.start, m.width_s, m.scenario, m.events, m.counters, m.measures, m.cells,"  # noqa: S608
                f" r.number from {self._driver.fresh} where r.bucket = ? order by m.node, m.number limit ?",
                (bucket, limit),
            )
            if not fresh:
                return Work(bucket)
            new = self._new(bucket, fresh)
            rows = {table: self._with_known(table, sums) for table, sums in new.items()}
        before = {row[0]: row[9] for row in fresh}
        after = {row[0]: row[1] for row in fresh}
        return Work(bucket, len(fresh), [(node, before[node], after[node]) for node in after], rows)

    def _new(self, bucket: int, fresh: list[Row]) -> dict[str, Places]:
        """What is to be added to each table."""
        hours: Places = {}
        minutes: Places = {}
        for node, _, start, width_s, scenario, events, *columns, _ in fresh:
            parts = self._codec.unpack(*columns)
            for sums, key in (
                (hours, (node, self._calendar.hour(start), scenario)),
                (minutes, (bucket, self._calendar.minute(start), scenario)),
            ):
                total = sums.get(key)
                if total is None:
                    total = sums[key] = Sum()
                total.reach(start, start + width_s * 1000, bit_of(node), events)
                total.add_parts(parts)
        days: Places = {}
        fleet_hours: Places = {}
        for (node, hour, scenario), total in hours.items():
            days.setdefault((node, self._calendar.day(hour), scenario), Sum()).add(total)
            fleet_hours.setdefault((bucket, hour, scenario), Sum()).add(total)
        fleet_days: Places = {}
        for (_, hour, scenario), total in fleet_hours.items():
            fleet_days.setdefault((bucket, self._calendar.day(hour), scenario), Sum()).add(total)
        return {
            "hour": hours,
            "day": days,
            "fleet_minute": minutes,
            "fleet_hour": fleet_hours,
            "fleet_day": fleet_days,
        }

    def _with_known(self, table: str, sums: Places) -> Rows:
        """Rows with what the table has already."""
        key = _key(table)
        places = list(sums)
        for begin in range(0, len(places), _READ_AT_ONCE):
            asked = [value for place in places[begin : begin + _READ_AT_ONCE] for value in place]
            marks = ", ".join(["(?, ?, ?)"] * (len(asked) // 3))
            where = f"where ({key}, start, scenario) in (values {marks})"
            rows = self._driver.rows(f"select {key}, {_COLUMNS} from {table} {where}", asked)  # noqa: S608 - fixed names
            for owner, start, scenario, first, until, nodes, events, *columns in rows:
                total = sums[owner, start, scenario]
                total.reach(first, until, int.from_bytes(nodes, "little"), events)
                total.add_parts(self._codec.unpack(*columns))
        return [self._row(place, total) for place, total in sums.items()]

    def _row(self, place: tuple[int, int, str], total: Sum) -> tuple[Any, ...]:
        nodes = total.nodes.to_bytes((total.nodes.bit_length() + 7) // 8, "little")
        events = min(total.events, EVENTS_MAX)
        return (*place, total.first, total.until, nodes, events, *self._codec.sums(total))


def upsert(table: str) -> str:
    """The statement that puts a row of `Work` in its place."""
    key = _key(table)
    return (
        f"insert into {table}({key}, {_COLUMNS}) values(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        f" on conflict({key}, start, scenario) do update set first = excluded.first, until = excluded.until,"
        " nodes = excluded.nodes, events = excluded.events, counters = excluded.counters,"
        " measures = excluded.measures, cells = excluded.cells"
    )


def _key(table: str) -> str:
    return "bucket" if table.startswith("fleet") else "node"
