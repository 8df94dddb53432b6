"""Answers questions from what is committed: sums, and what is not yet summed. Safe to call from any thread."""

import threading
from typing import Any, Final

import msgspec
from msgspec.structs import asdict

from edge.messages.batches import Measure, Window, decode_batch, quantiles
from edge.messages.sync.ledger import ShopDay
from edge.messages.sync.statement import DAY_MS, decode_signed, decode_statement

from ..fleet.health import NodeFacts
from ..fleet.reconcile import Aside, BatchHash, Evidence, Stored
from ..ingest.verify import NodeRecord, held
from .engine.driver import Driver, Row
from .rows import Codec, Sum
from .tiers import BUCKETS, Calendar, Piece, bit_of, bucket_of

SUMMARY_CELLS_MAX: Final = 2_000
"""Cells in one summary, the busiest first; the answer shows whether there were more."""

LEDGER_ROWS_MAX: Final = 10_000
"""Days of shops in one answer."""

_NUMBERS: Final = ("enrolled_at", "last_seen", "batches", "repeats", "refused", "bytes", "events")

_decode = msgspec.msgpack.Decoder(NodeRecord).decode
_decode_day = msgspec.msgpack.Decoder(ShopDay).decode


class Reader:
    """Its connection cannot write. Errors are those of `driver`."""

    def __init__(self, driver: Driver, calendar: Calendar) -> None:
        self._driver = driver
        self._calendar = calendar
        self._codec = Codec()
        self._lock = threading.Lock()

    def close(self) -> None:
        """Let the engine go."""
        with self._lock:
            self._driver.close()

    def nodes(self) -> list[dict[str, Any]]:
        """One row for each node, by name, with its alarms, the latest first. Times are Unix ms."""
        with self._lock, self._driver.reading():
            alarms: dict[str, list[dict[str, Any]]] = {}
            for node, at, kind, detail, events in self._driver.rows(
                "select node, at, kind, detail, events from alarm order by node, id desc"
            ):
                alarms.setdefault(node, []).append({"at": at, "kind": kind, "detail": detail, "events": events})
            rows = self._driver.rows(
                f"select name, record, {', '.join(_NUMBERS)} from node where record is not null order by name"  # noqa: S608
            )
        answer: list[dict[str, Any]] = []
        for name, blob, *numbers in rows:
            record = _decode(blob)
            known = {"node": name, "instance": record.instance, "epoch": record.epoch, "through": record.through}
            head = {"head_sha256": record.head.hex()}
            answer.append(known | head | dict(zip(_NUMBERS, numbers, strict=True)) | {"alarms": alarms.get(name, [])})
        return answer

    def facts(self) -> list[NodeFacts]:
        """What `fleet.health` needs: every node that ever connected."""
        with self._lock, self._driver.reading():
            aside = dict(self._driver.rows("select node, count(*) from quarantine group by node"))
            rows = self._driver.rows("select name, record, last_seen from node where record is not null")
        return [NodeFacts(name, _decode(blob), seen, aside.get(name, 0)) for name, blob, seen in rows]

    def summary(self, from_ms: int, to_ms: int) -> dict[str, Any]:
        """Sums over all windows that begin from `from_ms` up to but not at `to_ms` (Unix ms), of all nodes together.
        What is older than the minutes, or hours, that are kept counts by the hours, or days, that begin there."""
        with self._lock, self._driver.reading():
            kept = dict(self._driver.rows("select tier, since from kept"))
            sums: dict[str, Sum] = {}
            nodes = [0] * BUCKETS
            for piece in self._calendar.pieces(from_ms, to_ms, kept):
                self._add_sums(piece, sums, nodes)
                self._add_fresh(piece, sums, nodes)
        events = sum(total.events for total in sums.values())
        first = min((total.first for total in sums.values()), default=None)
        until = max((total.until for total in sums.values()), default=None)
        counted = [(s, cell, name, count) for s in sums for (cell, name), (_, _, count) in sums[s].cells.items()]
        cells = sorted(counted, key=lambda item: (-item[3], *item[:3]))
        kept_cells = cells[:SUMMARY_CELLS_MAX]
        return {
            "from": from_ms,
            "to": to_ms,
            "covers": None if first is None else {"from": first, "to": until},
            "nodes": sum(bits.bit_count() for bits in nodes),
            "events": events,
            "counters": {s: dict(sorted(sums[s].counters.items())) for s in sorted(sums) if sums[s].counters},
            "measures": {s: _measures(sums[s]) for s in sorted(sums) if sums[s].measures},
            "cells": [{"scenario": s, "cell": f"{c:x}", "name": n, "count": k} for s, c, n, k in kept_cells],
            "cells_complete": len(cells) <= SUMMARY_CELLS_MAX,
        }

    def totals(self) -> dict[str, Any]:
        """Sums for metrics: nodes with their numbers, and alarms by kind."""
        with self._lock, self._driver.reading():
            alarms = self._driver.rows("select kind, count(*) from alarm group by kind order by kind")
            nodes = self._driver.rows(
                "select name, last_seen, batches, repeats, refused, bytes, events from node"
                " where record is not null order by name"
            )
            aside = self._driver.rows("select count(*) from quarantine")[0][0]
        return {"alarms": alarms, "nodes": nodes, "quarantined": aside}

    def quarantine(self) -> list[dict[str, Any]]:
        """The batches that are kept aside, the oldest first. Times are Unix ms."""
        with self._lock, self._driver.reading():
            rows = self._driver.rows(
                "select node, epoch, seq, at, reason, detail, message from quarantine order by at, node, epoch, seq"
            )
        names = ("node", "epoch", "seq", "at", "reason", "detail")
        return [dict(zip(names, row[:-1], strict=True)) | {"message": decode_batch(row[-1])} for row in rows]

    def ledger(self, first: str, last: str, node: str = "") -> list[dict[str, Any]]:
        """How the ledgers of shops differ, of the days from `first` to `last` (2026-01-31), of one node or of all: the
        latest day first."""
        of_node, values = (" and node = ?", (first, last, node)) if node else ("", (first, last))
        with self._lock, self._driver.reading():
            rows = self._driver.rows(
                f"select node, message from ledger where date >= ? and date <= ?{of_node}"  # noqa: S608 - fixed text
                " order by date desc, node, shop limit ?",
                (*values, LEDGER_ROWS_MAX),
            )
        return [{"node": node} | asdict(_decode_day(message)) for node, message in rows]

    def evidence(self, node: str, day: int) -> Evidence | None:
        """What there is of a node on a day (of UTC, counted from 1970), for `fleet.reconcile`; None where there is no
        such node. Windows that are not kept as they came any more are summed up by the hour; ValueError where not even
        that is."""
        start, end = day * DAY_MS, (day + 1) * DAY_MS
        with self._lock, self._driver.reading():
            known = self._driver.rows("select id, record, repeats, refused from node where name = ?", (node,))
            if not known or known[0][1] is None:
                return None
            id_, record, repeats, refused = known[0]
            kept = dict(self._driver.rows("select tier, since from kept"))
            if start < kept.get("hour", 0):
                raise ValueError("the centre keeps neither windows nor hours of that day any more")
            exact = start >= kept.get("minute", 0)
            table, more = ("minute", "at, width_s") if exact else ("hour", "0, 3600")
            rows = self._driver.rows(  # the table has one of two names
                f"select scenario, start, {more}, events, counters, measures, cells from {table}"  # noqa: S608
                " where node = ? and start >= ? and start < ? order by start, scenario",
                (id_, start, end),
            )
            stored = [Stored(self._window(*row[:2], *row[3:]), row[2]) for row in rows]
            batches = self._driver.rows(
                "select epoch, seq, sha256, received_at from batch where node = ? order by epoch, seq", (id_,)
            )
            aside = self._driver.rows("select epoch, seq, reason, message from quarantine where node = ?", (node,))
            signed = self._driver.rows("select message from statement where node = ? and day = ?", (node, day))
            latest = self._driver.rows("select message from statement where node = ? order by at desc limit 8", (node,))
        of_day, recent = ([decode_signed(row[0]) for row in some] for some in (signed, latest))
        stated = [decode_statement(each.body) for each in recent]
        return Evidence(
            node=node,
            day=day,
            signed=of_day,
            latest=max(stated, key=lambda each: (each.epoch, each.through), default=None),
            stored=stored,
            is_exact=exact,
            batches=[BatchHash(*row) for row in batches],
            aside=[
                Aside(f"{node}/{epoch}/{seq}", reason, held(decode_batch(message)))
                for epoch, seq, reason, message in aside
            ],
            history=_decode(record).history,
            repeats=repeats,
            refused=refused,
        )

    def _window(self, scenario: str, start: int, width_s: int, events: int, *columns: bytes) -> Window:
        counters, measures, _ = self._codec.unpack(*columns)
        return Window(
            scenario, start, width_s, events, counters, {n: Measure(*value) for n, value in measures.items()}, []
        )

    def _add_sums(self, piece: Piece, sums: dict[str, Sum], nodes: list[int]) -> None:
        rows = self._driver.rows(  # the table has one of three names
            "select s.bucket, s.scenario, s.first, s.until, s.nodes, s.events, s.counters, s.measures, s.cells"  # noqa: S608
            f" from bucket b join fleet_{piece.tier} s on s.bucket = b.id where s.start >= ? and s.start < ?",
            (piece.start, piece.end),
        )
        for bucket, scenario, first, until, bits, events, *columns in rows:
            nodes[bucket] |= int.from_bytes(bits, "little")
            self._add(sums, scenario, (first, until, events), columns)

    def _add_fresh(self, piece: Piece, sums: dict[str, Sum], nodes: list[int]) -> None:
        """What is stored and not summed yet: its period begins in the piece."""
        last = self._calendar.ceiling(piece.tier, piece.end) if piece.tier != "minute" else piece.end
        for node, scenario, start, width_s, events, *columns in self._driver.rows(
            "select m.node, m.scenario, m.start, m.width_s, m.events, m.counters, m.measures, m.cells"  # noqa: S608
            f" from {self._driver.fresh} where m.start >= ? and m.start < ?",
            (piece.start, last),
        ):
            if piece.start <= self._calendar.start(piece.tier, start) < piece.end:
                nodes[bucket_of(node)] |= bit_of(node)
                self._add(sums, scenario, (start, start + width_s * 1000, events), columns)

    def _add(self, sums: dict[str, Sum], scenario: str, reach: tuple[int, int, int], columns: Row | list[Any]) -> None:
        total = sums.get(scenario)
        if total is None:
            total = sums[scenario] = Sum()
        total.reach(reach[0], reach[1], 0, reach[2])
        total.add_parts(self._codec.unpack(*columns))


def _measures(total: Sum) -> dict[str, Any]:
    answer: dict[str, Any] = {}
    for name, (count, whole, digest) in sorted(total.merged().items()):
        p50, p90, p99 = quantiles(digest, (0.5, 0.9, 0.99)) if count else (None, None, None)
        mean = whole / count if count else None
        answer[name] = {"count": count, "sum": whole, "mean": mean, "p50": p50, "p90": p90, "p99": p99}
    return answer
