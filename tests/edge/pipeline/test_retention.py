"""Tests of edge.pipeline.retention: rows leave the journal by the node's own age, on a real journal."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from edge.clock import Clock
from edge.core.model import Configure
from edge.core.node import Node
from edge.health.status import Status
from edge.journal.journal import Journal
from edge.mqtt.seam import Pending, Publish
from edge.pipeline.pipeline import Pipeline
from edge.pipeline.retention import Retention
from edge.scenarios.dispatch import Dispatch
from tests.edge.district import RULES
from tests.messages import GOOD, text

RETENTION_S = 24 * 3600
YEARS_S = 10 * 365 * 86_400


class Times:
    """Stands where `time` stands for `edge.clock`: both clocks, each of which can be moved."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.ahead_s = self.wall_ahead_s = 0.0
        face = SimpleNamespace(
            monotonic=lambda: time.monotonic() + self.ahead_s,
            time=lambda: time.time() + self.ahead_s + self.wall_ahead_s,
        )
        patch.setattr("edge.clock.time", face)


class Desk:
    """One process on the data directory; what it acknowledged, and which rows its journal begins and ends with."""

    def __init__(self, pipeline: Pipeline, journal: Journal, clock: Clock) -> None:
        self.pipeline, self.journal = pipeline, journal
        self.retention = Retention(pipeline, journal, clock)
        self.acknowledged = 0
        self.reasons: list[str] = []
        self.dropped: dict[str, int] = {}
        self.repeated: list[bytes] = []
        pipeline.links.append(self)

    def wake(self, fresh: Mapping[str, Sequence[Pending]]) -> None:
        self.repeated += [one.payload for answers in fresh.values() for one, _ in answers if not one.sequence]

    def pause(self) -> None:
        pass

    def resume(self) -> None:
        pass

    def acknowledge(self, tokens: list[int], reasons: list[str]) -> None:
        self.acknowledged += len(tokens)
        self.reasons += reasons

    async def order(self, number: int) -> None:
        fields = {**GOOD[0][1], "id": f"e-{number}", "order": f"o-{number}"}
        before = self.acknowledged
        self.pipeline.received(self, [Publish("alice", "order.place", text(fields), 1, 1)], 0.0)
        for _ in range(4_000):
            if self.acknowledged > before:
                return
            await asyncio.sleep(0.005)
        raise AssertionError(f"order {number} was not acknowledged")

    async def receipts(self, number: int) -> list[bytes]:
        """All receipts of one order's event, once those under way have come."""
        await asyncio.sleep(0.05)
        answers = [answer.payload for answer, _ in self.pipeline.pending("alice", 0, 1_000)] + self.repeated
        return [payload for payload in answers if msgspec.json.decode(payload).get("id") == f"e-{number}"]

    async def first_row(self) -> int:
        """The first row that is left, after everything that was asked of the journal."""
        number = 1
        while await self.journal.lookup(number) is None:
            number += 1
        return number


def at_desk(folder: Path, work: Callable[[Desk], Awaitable[None]]) -> None:
    async def main() -> None:
        journal = Journal.open(folder / "journal.sqlite3")
        try:
            node, clock = Node([Dispatch]), Clock()
            recovery = journal.recover()
            node.recover(recovery.snapshot, recovery.rows)
            if node.number:
                clock.resume(node.last)
            status = Status("d-1", clock.now())
            pipeline = Pipeline(node, journal, clock, status, "wgs84", lambda error: pytest.fail(str(error)))
            rules = msgspec.structs.replace(RULES, retention_s=RETENTION_S)
            pipeline.start(Configure(rules) if node.rules != rules else None)
            desk = Desk(pipeline, journal, clock)
            await work(desk)
            assert status.report(clock.now())["counts"]["dropped"] == desk.dropped
            await pipeline.drain()
        finally:
            journal.close()

    asyncio.run(main())


def test_a_start_years_ahead_deletes_nothing_that_is_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under a wall clock ten years ahead the journal stays, and a repeat gets its recorded receipt, byte for byte."""
    times = Times(monkeypatch)
    recorded: list[bytes] = []

    async def yesterday(desk: Desk) -> None:
        for number in range(20):
            await desk.order(number)
            desk.pipeline.snapshots.take()
        recorded.extend(await desk.receipts(3))

    async def ahead(desk: Desk) -> None:
        for _ in range(3):
            desk.retention.check()
            await desk.order(100)
        await desk.order(3)
        assert await desk.first_row() == 1
        assert await desk.receipts(3) == recorded != []

    at_desk(tmp_path, yesterday)
    times.wall_ahead_s = YEARS_S
    times.ahead_s = 1.0
    at_desk(tmp_path, ahead)


def test_an_idle_node_forgets_what_is_past_its_retention(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing happens for two retentions: the rows of before are gone, and an id of then is decided as a new event."""
    times = Times(monkeypatch)

    async def work(desk: Desk) -> None:
        for number in range(5):
            await desk.order(number)
        last = desk.pipeline.node.number
        for _ in range(2 * RETENTION_S // 3000):
            times.ahead_s += 3_000
            desk.retention.check()
            await asyncio.sleep(0.002)
        assert await desk.first_row() > last
        assert desk.pipeline.node.counts.duplicate == 0
        await desk.order(3)
        assert desk.pipeline.node.counts.duplicate == 0

    at_desk(tmp_path, work)


def test_rows_stay_for_their_retention(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until the retention is over every row stays, however often the check comes."""
    times = Times(monkeypatch)

    async def work(desk: Desk) -> None:
        await desk.order(1)
        for _ in range(RETENTION_S // 3_000):
            times.ahead_s += 2_900
            desk.retention.check()
            await asyncio.sleep(0.002)
        assert await desk.first_row() == 1

    at_desk(tmp_path, work)


def test_a_full_journal_refuses_until_rows_are_past_their_retention(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing that was promised makes room for something new. What was refused comes again and is decided then."""
    times = Times(monkeypatch)

    async def work(desk: Desk) -> None:
        pipeline, counters = desk.pipeline, desk.journal.counters
        for number in range(150):
            await desk.order(number)
        bytes_max = counters.used_bytes
        desk.retention.bound(bytes_max)
        number = pipeline.node.number
        await desk.order(200)  # acknowledged with its refusal
        assert pipeline.node.number == number
        assert desk.reasons[-1] == "disk_full"
        for _ in range(2 * RETENTION_S // 3000):
            times.ahead_s += 3_000
            desk.retention.check()
            await asyncio.sleep(0.002)
        assert await desk.first_row() > number
        for _ in range(2_000):
            if counters.used_bytes < bytes_max:
                break
            await asyncio.sleep(0.005)
        desk.retention.bound(bytes_max)
        await desk.order(200)
        assert desk.reasons[-1] == "malformed"  # ready two retentions ago
        assert pipeline.node.counts.received == 151
        desk.dropped = {"disk_full": 1}

    at_desk(tmp_path, work)
