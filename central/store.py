"""What the centre keeps, in one SQLite file: who the nodes are, which batches came, and the sums of all their windows.

One connection writes, in one thread; WAL, `synchronous=FULL`. A batch and the node's record after it are one
transaction, so after a crash at any instant a batch has been merged once or not at all. Windows are deltas, so merging
is adding. Readers have connections of their own, read-only, which never checkpoint. All SQL of the centre is here.
"""

import os
import threading
from pathlib import Path
from typing import Any, Final

import apsw
import msgspec

from edge.errors import JournalError
from edge.limits import BATCHES_IN_FLIGHT_MAX
from edge.messages.batches import BatchMessage, Window, combine, quantiles

from .ingest.verify import EVENTS_MAX, Alarm, NodeRecord

ALARMS_PER_NODE_MAX: Final = 100
"""Alarms kept for one node; the oldest go."""

SUMMARY_CELLS_MAX: Final = 2_000
"""Cells in one summary, the busiest first; the answer has the number left out."""

SCHEMA_VERSION: Final = 3
FILE: Final = "centre.db"

SUM_MAX: Final = 2**40
"""The largest sum of one row, as of a single window: no honest node comes near it, and millions of such rows together
fit an integer."""

_SCHEMA: Final = f"""
create table node(
    name text primary key, record blob not null, enrolled_at integer not null, last_seen integer not null,
    batches integer not null default 0, repeats integer not null default 0, refused integer not null default 0,
    bytes integer not null default 0, events integer not null default 0
) without rowid, strict;
create table batch(
    node text not null, epoch integer not null, seq integer not null, sha256 blob not null,
    received_at integer not null, events integer not null, bytes integer not null,
    primary key(node, epoch, seq)
) without rowid, strict;
create index batch_by_age on batch(received_at);
create table span(
    node text not null, scenario text not null, start integer not null, width_s integer not null,
    events integer not null check(events <= {SUM_MAX}), primary key(start, node, scenario, width_s)
) without rowid, strict;
create table total(
    node text not null, scenario text not null, start integer not null, width_s integer not null, name text not null,
    count integer not null check(count <= {SUM_MAX}), primary key(start, node, scenario, width_s, name)
) without rowid, strict;
create table sketch(
    node text not null, scenario text not null, start integer not null, width_s integer not null, name text not null,
    count integer not null check(count <= {SUM_MAX}), total integer not null, digest blob not null,
    primary key(start, node, scenario, width_s, name)
) without rowid, strict;
create table cell(
    node text not null, scenario text not null, cell integer not null, name text not null,
    start integer not null, until integer not null, count integer not null check(count <= {SUM_MAX}),
    primary key(start, node, scenario, cell, name, until)
) without rowid, strict;
create table alarm(
    id integer primary key, node text not null, at integer not null, kind text not null, detail text not null,
    events integer not null
) strict;
create index alarm_by_node on alarm(node, id);
create table age(life_ms integer primary key, wall_ms integer not null) strict;
"""
"""`age` is what the wall clock showed at points of this centre's life."""

LIFE_STEP_MS_MAX: Final = 2 * 3_600_000
"""Between two rounds of pruning, an hour apart, a centre grows older by this much at most."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(NodeRecord).decode


class Store:
    """The writer. Every method is one transaction; call them from one thread. apsw.Error: nothing was kept."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        try:
            # Readable by its owner only; SQLite gives its WAL the same mode.
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._db = apsw.Connection(str(self.path))
            self._db.set_busy_timeout(5_000)
            self._db.pragma("journal_mode", "wal")
            self._db.pragma("synchronous", "full")
            with self._db:
                self._prepare()
        except (apsw.Error, OSError) as error:
            hint = "Restore it from a backup, or mend the disk."
            raise JournalError(f"{self.path} cannot be opened: {error}. {hint}") from None

    def _prepare(self) -> None:
        version = self._db.pragma("user_version")
        if version == 0:
            self._db.execute(_SCHEMA)
            self._db.pragma("user_version", SCHEMA_VERSION)
        elif version != SCHEMA_VERSION:
            age = "a newer" if version > SCHEMA_VERSION else "an older"
            raise JournalError(
                f"{self.path} was written by {age} doorstep (schema {version}; this one reads {SCHEMA_VERSION}). "
                "Install that version again, or start with another data directory."
            )

    def close(self) -> None:
        """Checkpoint and close."""
        self._db.close()

    def record(self, node: str) -> NodeRecord | None:
        """What is known of a node."""
        row = self._db.execute("select record from node where name = ?", (node,)).fetchone()
        return _decode(row[0]) if row else None

    def hash_of(self, node: str, epoch: int, seq: int) -> bytes | None:
        """The hash of a batch, None where there is none (any more)."""
        sql = "select sha256 from batch where node = ? and epoch = ? and seq = ?"
        row = self._db.execute(sql, (node, epoch, seq)).fetchone()
        return row[0] if row else None

    def save_hello(self, node: str, record: NodeRecord | None, alarm: Alarm | None, at: int) -> None:
        """A hello was answered."""
        with self._db:
            if record is not None:
                self._keep(record, at)
            self._seen(node, at)
            if alarm is not None:
                self._alarm(node, alarm, at)

    def merge(
        self, record: NodeRecord, batch: BatchMessage, windows: list[Window], at: int, alarm: Alarm | None = None
    ) -> None:
        """Store the next batch, and the record after it. apsw.ConstraintError: a sum would become too large."""
        node = record.node
        events = sum(window.events for window in windows)
        with self._db:
            self._db.execute(
                "insert into batch values(?, ?, ?, ?, ?, ?, ?)",
                (node, batch.epoch, batch.seq, batch.sha256, at, events, len(batch.body)),
            )
            for window in windows:
                self._add(node, window)
            self._keep(record, at)
            self._db.execute(
                "update node set batches = batches + 1, bytes = bytes + ?, events = events + ? where name = ?",
                (len(batch.body), events, node),
            )
            if alarm is not None:
                self._alarm(node, alarm, at)

    def repeated(self, node: str, at: int) -> None:
        """A batch came once more."""
        with self._db:
            self._seen(node, at)
            self._db.execute("update node set repeats = repeats + 1 where name = ?", (node,))

    def refused(self, node: str, alarm: Alarm | None, at: int) -> None:
        """A batch or a hello was not taken."""
        with self._db:
            self._seen(node, at)
            self._db.execute("update node set refused = refused + 1 where name = ?", (node,))
            if alarm is not None:
                self._alarm(node, alarm, at)

    def prune(self, wall_ms: int, lived_ms: int, retention_ms: int) -> int:
        """Forget windows, alarms and batches older than the retention, and return the Unix ms before which they were.
        The latest batches of each node stay, because a node that returns is recognised by their hashes; so do the sums
        in `node`.

        `lived_ms` is for how long this centre has run since it was last called, by a clock that no step of the wall
        clock touches. Nothing goes that the wall clock would not call old, and nothing from after what the wall clock
        showed a whole retention of this life ago: a clock that jumps ahead deletes nothing."""
        with self._db:
            life: Any = self._db.execute("select coalesce(max(life_ms), 0) from age").fetchone()
            life_ms = life[0] + min(max(lived_ms, 0), LIFE_STEP_MS_MAX)
            self._db.execute("insert or replace into age values(?, ?)", (life_ms, wall_ms))
            shown: Any = self._db.execute(
                "select life_ms, wall_ms from age where life_ms <= ? order by life_ms desc limit 1",
                (life_ms - retention_ms,),
            ).fetchone()
            if shown is None:
                return 0
            self._db.execute("delete from age where life_ms < ?", (shown[0],))
            before_ms = min(wall_ms - retention_ms, shown[1])
            for table in ("span", "total", "sketch", "cell"):
                self._db.execute(f"delete from {table} where start < ?", (before_ms,))  # noqa: S608 - four fixed names
            self._db.execute("delete from alarm where at < ?", (before_ms,))
            self._db.execute(
                "delete from batch where received_at < ? and seq <= ("
                "select max(seq) from batch other where other.node = batch.node and other.epoch = batch.epoch) - ?",
                (before_ms, 8 * BATCHES_IN_FLIGHT_MAX),
            )
        return before_ms

    def _keep(self, record: NodeRecord, at: int) -> None:
        sql = (
            "insert into node(name, record, enrolled_at, last_seen) values(?1, ?2, ?3, ?3)"
            " on conflict(name) do update set record = ?2, last_seen = ?3"
        )
        self._db.execute(sql, (record.node, _encode(record), at))

    def _seen(self, node: str, at: int) -> None:
        self._db.execute("update node set last_seen = ? where name = ?", (at, node))

    def _alarm(self, node: str, alarm: Alarm, at: int) -> None:
        """One that is the same again as the node's latest one is that one, with the events of both."""
        latest: Any = self._db.execute(
            "select id, kind, detail from alarm where node = ? order by id desc limit 1", (node,)
        ).fetchone()
        if latest is not None and latest[1:] == (alarm.kind, alarm.detail):
            sql = "update alarm set at = ?, events = min(events + ?, ?) where id = ?"
            self._db.execute(sql, (at, alarm.events, EVENTS_MAX, latest[0]))
            return
        self._db.execute(
            "insert into alarm(node, at, kind, detail, events) values(?, ?, ?, ?, ?)",
            (node, at, alarm.kind, alarm.detail, alarm.events),
        )
        self._db.execute(
            "delete from alarm where node = ?1 and id not in"
            " (select id from alarm where node = ?1 order by id desc limit ?2)",
            (node, ALARMS_PER_NODE_MAX),
        )

    def _add(self, node: str, window: Window) -> None:
        span = (window.start, node, window.scenario, window.width_s)
        self._db.execute(
            "insert into span(start, node, scenario, width_s, events) values(?, ?, ?, ?, ?)"
            " on conflict do update set events = events + excluded.events",
            (*span, window.events),
        )
        self._db.executemany(
            "insert into total(start, node, scenario, width_s, name, count) values(?, ?, ?, ?, ?, ?)"
            " on conflict do update set count = count + excluded.count",
            [(*span, name, count) for name, count in window.counters.items()],
        )
        self._db.executemany(
            "insert into cell(start, node, scenario, cell, name, until, count) values(?, ?, ?, ?, ?, ?, ?)"
            " on conflict do update set count = count + excluded.count",
            [(c.start, node, window.scenario, c.cell, c.name, c.end, c.count) for c in window.cells],
        )
        for name, measure in window.measures.items():
            where = "where start = ? and node = ? and scenario = ? and width_s = ? and name = ?"
            key = (*span, name)
            row = self._db.execute(f"select digest from sketch {where}", key).fetchone()  # noqa: S608 - fixed text
            digest = combine((row[0], measure.digest)) if row else measure.digest
            self._db.execute(
                "insert into sketch(start, node, scenario, width_s, name, count, total, digest)"
                " values(?, ?, ?, ?, ?, ?, ?, ?) on conflict do update set count = count + excluded.count,"
                " total = max(min(total + excluded.total, 1 << 61), -(1 << 61)), digest = excluded.digest",
                (*key, measure.count, measure.total, digest),
            )


class Reader:
    """Answers questions from what is committed. Safe to call from any thread."""

    def __init__(self, folder: Path) -> None:
        self._db = apsw.Connection(str(folder / FILE), flags=apsw.SQLITE_OPEN_READONLY)
        self._db.set_busy_timeout(5_000)
        self._db.wal_autocheckpoint(0)
        self._lock = threading.Lock()

    def close(self) -> None:
        """Let the file go."""
        with self._lock:
            self._db.close()

    def nodes(self) -> list[dict[str, Any]]:
        """One row for each node, by name, with its alarms, the latest first. Times are Unix ms."""
        with self._lock, self._db:
            alarms: dict[str, list[dict[str, Any]]] = {}
            latest: list[Any] = self._db.execute(
                "select node, at, kind, detail, events from alarm order by id desc"
            ).fetchall()
            for node, at, kind, detail, events in latest:
                alarms.setdefault(node, []).append({"at": at, "kind": kind, "detail": detail, "events": events})
            rows: list[Any] = self._db.execute(
                "select name, record, enrolled_at, last_seen, batches, repeats, refused, bytes, events"
                " from node order by name"
            ).fetchall()
        names = ("enrolled_at", "last_seen", "batches", "repeats", "refused", "bytes", "events")
        answer: list[dict[str, Any]] = []
        for name, blob, *numbers in rows:
            record = _decode(blob)
            known = {"node": name, "instance": record.instance, "epoch": record.epoch, "through": record.through}
            head = {"head_sha256": record.head.hex()}
            answer.append(known | head | dict(zip(names, numbers, strict=True)) | {"alarms": alarms.get(name, [])})
        return answer

    def summary(self, from_ms: int, to_ms: int) -> dict[str, Any]:
        """Sums over all windows that begin from `from_ms` up to but not at `to_ms` (Unix ms), of all nodes together."""
        reach = (from_ms, to_ms)
        counters: dict[str, dict[str, int]] = {}
        with self._lock, self._db:
            span: Any = self._db.execute(
                "select cast(total(events) as integer), count(distinct node), min(start), max(start + width_s * 1000)"
                " from span where start >= ? and start < ?",
                reach,
            ).fetchone()
            events, nodes, first, last = span
            for scenario, name, count in self._db.execute(
                "select scenario, name, cast(total(count) as integer) from total where start >= ? and start < ?"
                " group by scenario, name order by scenario, name",
                reach,
            ):
                counters.setdefault(scenario, {})[name] = count
            measures = self._measures(reach)
            cells = self._db.execute(
                "select scenario, cell, name, cast(total(count) as integer) as n from cell"
                " where start >= ? and start < ? group by scenario, cell, name"
                " order by n desc, scenario, cell, name limit ?",
                (*reach, SUMMARY_CELLS_MAX + 1),
            ).fetchall()
        kept = [{"scenario": s, "cell": f"{c:x}", "name": n, "count": k} for s, c, n, k in cells[:SUMMARY_CELLS_MAX]]
        return {
            "from": from_ms,
            "to": to_ms,
            "covers": None if first is None else {"from": first, "to": last},
            "nodes": nodes,
            "events": events,
            "counters": counters,
            "measures": measures,
            "cells": kept,
            "cells_complete": len(cells) <= SUMMARY_CELLS_MAX,
        }

    def totals(self) -> dict[str, Any]:
        """Sums for metrics: nodes with their numbers, and alarms by kind."""
        with self._lock, self._db:
            alarms = self._db.execute("select kind, count(*) from alarm group by kind order by kind").fetchall()
            nodes = self._db.execute(
                "select name, last_seen, batches, repeats, refused, bytes, events from node order by name"
            ).fetchall()
        return {"alarms": alarms, "nodes": nodes}

    def _measures(self, reach: tuple[int, int]) -> dict[str, dict[str, Any]]:
        grouped: dict[tuple[str, str], tuple[int, int, list[bytes]]] = {}
        for scenario, name, count, total, digest in self._db.execute(
            "select scenario, name, count, total, digest from sketch where start >= ? and start < ?"
            " order by start, node, scenario, width_s, name",
            reach,
        ):
            n, s, digests = grouped.get((scenario, name), (0, 0, []))
            digests.append(digest)
            if len(digests) >= 256:  # so that a year of sketches is never in memory at once
                digests = [combine(digests)]
            grouped[scenario, name] = (n + count, s + total, digests)
        answer: dict[str, dict[str, Any]] = {}
        for (scenario, name), (count, total, digests) in sorted(grouped.items(), key=lambda item: item[0]):
            p50, p90, p99 = quantiles(combine(digests), (0.5, 0.9, 0.99)) if count else (None, None, None)
            mean = total / count if count else None
            numbers = {"count": count, "sum": total, "mean": mean, "p50": p50, "p90": p90, "p99": p99}
            answer.setdefault(scenario, {})[name] = numbers
        return answer
