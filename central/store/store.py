"""The writer: groups of batches in, sums of them by and by, old rows out. SQL of both engines.

A group of publishes and the nodes' records after it are one transaction, so after a crash at any instant a batch is
stored once or not at all. A node's row is locked while something of the node is stored, and holds its highest
contiguous number: whichever process takes a batch, it counts once.

Windows are stored as they came (`minute`), each with its number among those of its node. `roll` adds up what is not yet
summed: hours, days and the fleet's sums, with the new numbers in `rolled`, in one transaction of bounded size. Readers
add what is not yet summed to what is. So acknowledgements never wait for sums, no row is hot, a late window is like any
other, and a window counts in every tier with the transaction that stored it.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any, Final

import msgspec

from ..ingest.verify import EVENTS_MAX, Alarm, NodeRecord, unpacker
from .backlog import Backlog
from .beside import SummingProcess
from .engine.driver import Driver
from .group import (
    LEDGER_DAYS_PER_NODE_MAX,
    SHOP_DAYS_PER_NODE_MAX,
    STATEMENTS_PER_NODE_MAX,
    Group,
    Kept,
    Known,
)
from .rows import MINUTE_COLUMNS, Codec, window_rows
from .sums import ROLLED_AT_ONCE, Sums, Work, upsert
from .tiers import Calendar, bucket_of

ALARMS_PER_NODE_MAX: Final = 100
"""Alarms kept for one node; the oldest go."""

_NODE: Final = "id, name, record, last_seen, batches, repeats, refused, bytes, events, windows"

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(NodeRecord).decode


class Store:
    """For one thread. Errors are those of `driver`: after each of them nothing of the transaction was kept, but after
    StoreLost it may have been."""

    def __init__(self, driver: Driver, calendar: Calendar) -> None:
        self.driver = driver
        self.calendar = calendar
        self.backlog = Backlog(monotonic())
        self.sums = Sums(driver, calendar)
        self.summing: SummingProcess | None = None
        """Where sums are worked out, if not here."""
        self.unpacker = unpacker()
        """Of the bodies of batches."""
        self._codec = Codec()

    def close(self) -> None:
        """Let the engine go."""
        if self.summing is not None:
            self.summing.close()
        self.driver.close()

    # -- batches -------------------------------------------------------------------------------------------------------

    @contextmanager
    def group(self, names: Iterable[str], newcomers: Iterable[str] = ()) -> Iterator[Group]:
        """What a few publishes of these nodes change, in one transaction; `newcomers` may be unknown."""
        with self.driver.transaction():
            group = Group(self._known(sorted(set(names)), sorted(set(newcomers))), self._hash_of, self._aside_of)
            yield group
            self._write(group)
        for stored in group.stored:
            if stored.windows:
                self.backlog.add(bucket_of(stored.node), len(stored.windows), monotonic())

    def _known(self, names: list[str], newcomers: list[str]) -> dict[str, Known]:
        # In the sequence of their names, so that two collectors never wait for each other in a circle.
        rows = self.driver.lock(names, _NODE)
        found = {row[1] for row in rows}
        missing = [name for name in newcomers if name not in found]
        if missing:
            sql = "insert into node(name, enrolled_at, last_seen) values(?, 0, 0) on conflict do nothing"
            self.driver.run_many(sql, [(name,) for name in missing])
            fresh = self.driver.lock(missing, _NODE)
            sql = "insert into rolled(bucket, node, number) values(?, ?, 0) on conflict do nothing"
            self.driver.run_many(sql, [(bucket_of(row[0]), row[0]) for row in fresh])
            rows += fresh
        known: dict[str, Known] = {}
        for id_, name, record, *numbers in rows:
            known[name] = Known(id_, name, _decode(record) if record else None, *numbers)
        return known

    def _hash_of(self, node: int, epoch: int, seq: int) -> bytes | None:
        rows = self.driver.rows("select sha256 from batch where node = ? and epoch = ? and seq = ?", (node, epoch, seq))
        return bytes(rows[0][0]) if rows else None

    def _aside_of(self, node: str) -> int:
        return int(self.driver.rows("select count(*) from quarantine where node = ?", (node,))[0][0])

    def _write(self, group: Group) -> None:
        batches = [
            (s.node, b.epoch, b.seq, b.sha256, s.at, sum(w.events for w in s.windows), len(b.body))
            for s in group.stored
            if (b := s.batch) is not None
        ]
        windows = [row for s in group.stored for row in window_rows(self._codec, s.node, s.number, s.at, s.windows)]
        if batches:
            self.driver.insert("batch", "node, epoch, seq, sha256, received_at, events, bytes", batches)
        if windows:
            self.driver.insert("minute", MINUTE_COLUMNS, windows)
        changed = [known for known in group.known.values() if known.changed]
        self.driver.run_many(
            "update node set record = ?, last_seen = ?, batches = ?, repeats = ?, refused = ?, bytes = ?, events = ?,"
            " windows = ?, enrolled_at = case when enrolled_at = 0 then ? else enrolled_at end where id = ?",
            [_node_values(known) for known in changed],
        )
        if group.aside:
            columns = "node, epoch, seq, at, reason, detail, message"
            aside = [
                (a.node, a.batch.epoch, a.batch.seq, a.at, a.reason, a.detail, _encode(a.batch)) for a in group.aside
            ]
            self.driver.insert("quarantine", columns, aside)
        if group.settled:
            self.driver.run_many("delete from quarantine where node = ? and epoch = ? and seq = ?", group.settled)
        for kept in group.statements:
            self._keep(kept)
        if group.ledger:
            sql = (
                "insert into ledger(node, date, shop, at, message) values(?, ?, ?, ?, ?) on conflict(node, date, shop)"
                " do update set at = excluded.at, message = excluded.message where ledger.at <= excluded.at"
            )
            ledgers = [(node, day.date, day.shop, day.at, _encode(day)) for node, day in group.ledger]
            self.driver.run_many(sql, ledgers)
            for node in sorted({node for node, _ in group.ledger}):
                self.driver.run(
                    "delete from ledger where node = ? and (date, shop) in (select date, shop from ledger"
                    " where node = ? order by date desc, shop limit ? offset ?)",
                    (node, node, LEDGER_DAYS_PER_NODE_MAX, LEDGER_DAYS_PER_NODE_MAX),
                )
        for node, alarm, at in group.alarms:
            self._alarm(node, alarm, at)

    def _keep(self, kept: Kept) -> None:
        sql = "insert into statement(node, day, sha256, at, message) values(?, ?, ?, ?, ?) on conflict do nothing"
        self.driver.run(sql, (kept.node, kept.day, kept.sha256, kept.at, kept.message))
        self.driver.run(
            "delete from statement where node = ? and at <"
            " (select min(at) from (select at from statement where node = ? order by at desc limit ?) latest)",
            (kept.node, kept.node, STATEMENTS_PER_NODE_MAX),
        )
        if kept.shops is not None:
            self.driver.run(
                "insert into shops(node, day, instance, since, at, message) values(?, ?, ?, ?, ?, ?)"
                " on conflict(node, day, instance, since) do update set at = excluded.at, message = excluded.message"
                " where shops.at <= excluded.at",
                (kept.node, kept.day, kept.shops.instance, kept.shops.since, kept.at, _encode(kept.shops.tables)),
            )
            self.driver.run(
                "delete from shops where node = ? and (day, instance, since) in (select day, instance, since from shops"
                " where node = ? order by day desc, since desc limit ? offset ?)",
                (kept.node, kept.node, SHOP_DAYS_PER_NODE_MAX, SHOP_DAYS_PER_NODE_MAX),
            )

    def alarm(self, node: str, alarm: Alarm, at: int) -> None:
        """Keep an alarm of its own, in one transaction."""
        with self.driver.transaction():
            self._alarm(node, alarm, at)

    def _alarm(self, node: str, alarm: Alarm, at: int) -> None:
        """One that is the same again as the node's latest one is that one, with the events of both."""
        latest = self.driver.rows(
            "select id, kind, detail, events from alarm where node = ? order by id desc limit 1", (node,)
        )
        if latest and latest[0][1:3] == (alarm.kind, alarm.detail):
            events = min(latest[0][3] + alarm.events, EVENTS_MAX)
            self.driver.run(
                "update alarm set at = ?, events = ? where node = ? and id = ?", (at, events, node, latest[0][0])
            )
            return
        number = latest[0][0] + 1 if latest else 1
        self.driver.run(
            "insert into alarm(node, id, at, kind, detail, events) values(?, ?, ?, ?, ?, ?)",
            (node, number, at, alarm.kind, alarm.detail, alarm.events),
        )
        self.driver.run("delete from alarm where node = ? and id <= ?", (node, number - ALARMS_PER_NODE_MAX))

    # -- sums ----------------------------------------------------------------------------------------------------------

    def sum_up(self, busy: bool = False) -> bool:
        """One step, where there is one to do now; `busy`: batches wait."""
        if self.summing is not None and self.summing.at_work:
            if (work := self.summing.answer()) is None:
                return False
            self._done(work)
        bucket = self.backlog.due(monotonic(), busy)
        if bucket is None:
            return False
        if self.summing is not None:
            self.summing.ask(bucket)
        else:
            self._done(self.sums.work(bucket))
        return True

    def _done(self, work: Work) -> None:
        """Write a step; one that another process was faster with is to be made again."""
        windows = self.apply(work)
        asked = ROLLED_AT_ONCE if windows == work.windows else windows
        self.backlog.summed(work.bucket, windows, asked, monotonic())

    @property
    def is_summing(self) -> bool:
        """Whether the other process works on a step."""
        return self.summing is not None and self.summing.at_work

    def roll(self, bucket: int, limit: int = ROLLED_AT_ONCE) -> int:
        """Sum up windows of a bucket that are not yet, `limit` of them at most. Returns how many there were."""
        return self.apply(self.sums.work(bucket, limit))

    def apply(self, work: Work) -> int:
        """Write what was worked out, if nobody else has meanwhile. Returns how many windows are summed up by it."""
        if not work.windows:
            return 0
        with self.driver.transaction():
            if not self.driver.lock_bucket(work.bucket):
                return 0
            known = dict(self.driver.rows("select node, number from rolled where bucket = ?", (work.bucket,)))
            if any(known.get(node) != before for node, before, _ in work.moved):
                return 0
            for table, rows in work.rows.items():
                self.driver.run_many(upsert(table), rows)
            self.driver.run_many(
                "update rolled set number = ? where bucket = ? and node = ?",
                [(after, work.bucket, node) for node, _, after in work.moved],
            )
        return work.windows


def _node_values(known: Known) -> tuple[Any, ...]:
    record = _encode(known.record) if known.record is not None else None
    numbers = (known.batches, known.repeats, known.refused, known.bytes, known.events, known.windows)
    return (record, known.last_seen, *numbers, known.last_seen, known.id)
