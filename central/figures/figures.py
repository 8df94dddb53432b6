"""Sums by period, by node and by place, each from the tier that has them ready, with what is not summed up yet.

For people's pages and exports, on a connection of its own that cannot write. A question has SECONDS_MAX; what takes
longer ends with StoreSlow.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from time import monotonic
from typing import Any, Final, TypeVar

from ..store.engine.driver import Driver, Row, StoreSlow
from ..store.rows import Codec, Sum
from ..store.tiers import Calendar
from .span import Span

SECONDS_MAX: Final = 5.0
"""Longest that one question may take: a page of 30 days and 100 busy nodes takes a hundredth of it."""

LOOK_EVERY: Final = 64
"""Rows that are added up between two looks at the clock."""

NODES_AT_ONCE: Final = 64
"""Of which one question asks: for a month by the hour some megabytes."""

Series = dict[str, dict[int, Sum]]
"""For each scenario the sums of its periods, by when they begin."""

T = TypeVar("T")

_ALL: Final = ("counters", "measures", "cells")


class Figures:
    """Safe to call from any thread, one at a time. Errors are those of the driver, and StoreSlow."""

    def __init__(self, driver: Driver, calendar: Calendar) -> None:
        self._driver, self.calendar = driver, calendar
        self._codec = Codec()
        self._lock = threading.Lock()

    def close(self) -> None:
        """Let the engine go."""
        with self._lock:
            self._driver.close()

    def over_time(self, span: Span, node: str = "", of: tuple[str, ...] = _ALL) -> Series:
        """Each scenario's periods: of one node, or of all together. `of`: which columns are needed."""
        series: Series = {}
        wanted = {f"{name}": name in of for name in _ALL}
        with self._lock, self._driver.reading():
            for _, start, scenario, first, until, events, *columns in timed(self._rows(span, node)):
                total = series.setdefault(scenario, {}).setdefault(self.calendar.start(span.tier, start), Sum())
                total.reach(first, until, 0, events)
                kept = [column if wanted[name] else b"" for name, column in zip(_ALL, columns, strict=True)]
                total.add_parts(self._codec.unpack(kept[0] or b"\x80", kept[1], kept[2]))
        return {scenario: dict(sorted(series[scenario].items())) for scenario in sorted(series)}

    def by_node(self, span: Span, scenario: str, names: Sequence[str]) -> dict[str, Sum]:
        """These counters of one scenario, of each node over the whole stretch."""
        found: dict[int, Sum] = {}
        with self._lock, self._driver.reading():
            nodes = dict(self._driver.rows("select id, name from node where record is not null order by name"))
            rows = (
                row
                for tier, start, end in self._whole_days(span)
                for row in self._of_nodes(nodes, "counters", Span(start, end, tier), scenario)
            )
            for number, counters in timed(rows):
                self._add_named(found, number, counters, names)
            if span.tier != "minute":
                for node, _, of, _, _, _, counters, *_ in timed(self._fresh(span, "")):
                    if of == scenario:
                        self._add_named(found, node, counters, names)
        return {name: found.get(number, Sum()) for number, name in nodes.items()}

    def _whole_days(self, span: Span) -> list[tuple[str, int, int]]:
        """What to read for a sum over the whole stretch: hours only at its edges, where days lie in between."""
        first, last = self.calendar.ceiling("day", span.start), self.calendar.day(span.end)
        if span.tier != "hour" or first >= last:
            return [(span.tier, span.start, span.end)]
        return [("hour", span.start, first), ("day", first, last), ("hour", last, span.end)]

    def by_scenario(self, span: Span, measures: Mapping[str, str]) -> dict[str, dict[str, Sum]]:
        """Counters of each scenario and node over the whole stretch, and of a scenario's measures the one that is
        named."""
        found: dict[str, dict[str, Sum]] = {}
        with self._lock, self._driver.reading():
            nodes = dict(self._driver.rows("select id, name from node where record is not null order by name"))
            rows = self._of_nodes(nodes, "scenario, first, until, events, counters, measures", span)
            fresh = ((node, scenario, *more[:-1]) for node, _, scenario, *more in self._fresh(span, ""))
            for number, scenario, first, until, events, counters, sketches in timed(chain(rows, fresh)):
                total = found.setdefault(scenario, {}).setdefault(nodes[number], Sum())
                total.reach(first, until, 0, events)
                name = measures.get(scenario, "")
                named, measured, _ = self._codec.unpack(counters, sketches if name else b"", b"")
                total.add_counters(named)
                if name in measured:
                    total.add_measures({name: measured[name]})
        return {scenario: dict(sorted(found[scenario].items())) for scenario in sorted(found)}

    def events(self, span: Span) -> dict[tuple[str, str], int]:
        """Events of each node and scenario over a stretch that is summed up."""
        sql = (
            f"select n.name, s.scenario, sum(s.events) from node n join {span.tier} s on s.node = n.id"  # noqa: S608 - hour or day
            " where s.start >= ? and s.start < ? group by n.name, s.scenario"
        )
        with self._lock, self._driver.reading():
            rows = self._driver.rows(sql, (span.start, span.end))
        return {(node, scenario): int(count) for node, scenario, count in rows}

    def _of_nodes(self, nodes: Iterable[int], columns: str, span: Span, scenario: str = "") -> Iterator[Row]:
        """Of each row of these nodes: the node, and the columns. A question is for many nodes, because its way to the
        engine takes as long as reading one; and not for all, because their rows would be in memory at one time."""
        numbers = list(nodes)
        for begin in range(0, len(numbers), NODES_AT_ONCE):
            some = numbers[begin : begin + NODES_AT_ONCE]
            sql = (
                f"select node, {columns} from {span.tier} where node in ({', '.join('?' * len(some))})"  # noqa: S608 - fixed names, marks
                f" and start >= ? and start < ?{' and scenario = ?' if scenario else ''}"
            )
            yield from self._driver.rows(sql, (*some, span.start, span.end, *([scenario] if scenario else [])))

    def _add_named(self, found: dict[int, Sum], node: int, packed: bytes, names: Sequence[str]) -> None:
        counters = self._codec.unpack(packed, b"", b"")[0]
        total = found.setdefault(node, Sum())
        total.add_counters({name: counters[name] for name in names if name in counters})

    def node(self, name: str) -> dict[str, Any]:
        """What is known of one node: its sums, and its alarms, the latest first. Empty where there is none."""
        numbers = "enrolled_at, last_seen, batches, repeats, refused, bytes, events"
        with self._lock, self._driver.reading():
            rows = self._driver.rows(f"select {numbers} from node where name = ?", (name,))  # noqa: S608 - fixed names
            alarms = self._driver.rows(
                "select at, kind, detail, events from alarm where node = ? order by id desc", (name,)
            )
        if not rows:
            return {}
        listed = [dict(zip(("at", "kind", "detail", "events"), alarm, strict=True)) for alarm in alarms]
        return dict(zip(numbers.split(", "), rows[0], strict=True)) | {"alarms": listed}

    def aside(self, limit: int) -> list[dict[str, Any]]:
        """The batches that are kept aside, the oldest first, without what is in them."""
        names = "node, epoch, seq, at, reason, detail"
        with self._lock, self._driver.reading():
            rows = self._driver.rows(
                f"select {names} from quarantine order by at, node, epoch, seq limit ?",  # noqa: S608 - fixed names
                (limit,),
            )
        return [dict(zip(names.split(", "), row, strict=True)) for row in rows]

    def read(self, question: Callable[[Driver], T]) -> T:
        """Any other question: all that it reads is of one instant."""
        with self._lock, self._driver.reading():
            return question(self._driver)

    def version(self) -> int:
        """Another number whenever something was stored, or refused."""
        with self._lock, self._driver.reading():
            rows = self._driver.rows("select coalesce(sum(batches + repeats + refused), 0) from node")
        return int(rows[0][0])

    def _rows(self, span: Span, node: str) -> Iterator[Row]:
        """Owner, start, scenario, first, until, events, counters, measures, cells."""
        columns = "s.start, s.scenario, {reach}, s.events, s.counters, s.measures, s.cells"
        if not node:
            columns = columns.format(reach="s.first, s.until")
            yield from self._driver.rows(
                f"select s.bucket, {columns} from bucket b join fleet_{span.tier} s on s.bucket = b.id"  # noqa: S608 - one of three names
                " where s.start >= ? and s.start < ?",
                (span.start, span.end),
            )
            yield from self._fresh(span, "")
            return
        reach = "s.start, s.start + 1000 * s.width_s" if span.tier == "minute" else "s.first, s.until"
        yield from self._driver.rows(
            f"select s.node, {columns.format(reach=reach)} from node n join {span.tier} s on s.node = n.id"  # noqa: S608 - one of three names
            " where n.name = ? and s.start >= ? and s.start < ?",
            (node, span.start, span.end),
        )
        if span.tier != "minute":
            yield from self._fresh(span, node)

    def _fresh(self, span: Span, node: str) -> Iterator[Row]:
        """Windows that are stored and not summed up yet, where their period begins in the stretch."""
        last = self.calendar.ceiling(span.tier, span.end) if span.tier != "minute" else span.end
        of_node = " and r.node = (select id from node where name = ?)" if node else ""
        values = (span.start, last, node) if node else (span.start, last)
        rows = self._driver.rows(
            "select m.node, m.start, m.scenario, m.start, m.start + 1000 * m.width_s, m.events, m.counters, m.measures,"  # noqa: S608 - fixed text
            f" m.cells from {self._driver.fresh} where m.start >= ? and m.start < ?{of_node}",
            values,
        )
        for row in rows:
            if span.start <= self.calendar.start(span.tier, row[1]) < span.end:
                yield row


def timed(rows: Iterator[T]) -> Iterator[T]:
    """The same, as long as there is time. Raises StoreSlow."""
    until = monotonic() + SECONDS_MAX
    for number, row in enumerate(rows):
        if number % LOOK_EVERY == 0 and monotonic() > until:
            raise StoreSlow("The question takes too long. Ask for a shorter time.")
        yield row
