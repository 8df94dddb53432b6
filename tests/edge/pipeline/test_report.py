"""Tests of edge.pipeline.report: what it reports of a district, and each stage that is made to stand still."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.clock import Clock
from edge.core.model import Configure, Presence, SyncWelcomed
from edge.core.node import Node
from edge.core.outbox import Outbox
from edge.health.status import Status
from edge.journal.journal import Journal
from edge.limits import STATUS_INTERVAL_S, WINDOW_GRACE_S, WINDOW_S
from edge.messages.grants import EVERYBODY
from edge.mqtt.seam import Publish
from edge.mqtt.server.endpoint import Endpoint, EndpointOptions
from edge.pipeline.pipeline import Pipeline
from edge.pipeline.report import PipelineReport, warn_recovered
from edge.scenarios.dispatch import Dispatch
from edge.scenarios.dispatch.options import DispatchOptions
from edge.uplink.figures import gauges, queues
from edge.uplink.options import UplinkOptions
from edge.uplink.sync import Sync
from tests.edge.district import HOME, RULES, SHOP, event, position
from tests.messages import GOOD, text


class Stage:
    """A node without sockets. `real_s` moves the status' clock, `ahead_s` the core's."""

    pipeline: Pipeline
    status: Status
    sync: Sync
    report: PipelineReport

    def __init__(self) -> None:
        self.real_s = self.ahead_s = 0.0

    def acknowledge(self, tokens: list[int], reasons: list[str]) -> None:
        """It is a source, too."""

    def order(self) -> None:
        """An order comes in."""
        fields = {**GOOD[0][1], "prep_s": 600}
        del fields["ready_at"]  # the node's clock is the real one
        self.pipeline.received(self, [Publish("alice", "order.place", text(fields), 1, 1)], 0.0)

    async def settle(self) -> None:
        """Until the disk has everything."""
        await asyncio.sleep(0.01)
        for _ in range(2_000):
            if not self.pipeline.in_flight:
                return
            await asyncio.sleep(0.005)
        raise AssertionError("the disk did not answer")

    def stalls(self, intervals: int = 3) -> list[str]:
        """The problems after some intervals in which nothing happens."""
        for _ in range(intervals):
            self.real_s += STATUS_INTERVAL_S
            self.status.tick(self.pipeline._clock.now())
        return [problem["name"] for problem in self.status.report(self.pipeline._clock.now())["problems"]]


def nothing(*_: object) -> None:
    """What a stalled stage does."""


def on_stage(folder: Path, monkeypatch: pytest.MonkeyPatch, test: Callable) -> None:
    async def main() -> None:
        stage = Stage()
        journal = Journal.open(folder / "journal.sqlite3")
        clock = Clock()
        status = Status("n-1", clock.now(), seconds=lambda: stage.real_s)
        pipeline = Pipeline(Node([Dispatch]), journal, clock, status, "wgs84", lambda error: pytest.fail(str(error)))
        endpoint = Endpoint("n-1", pipeline, lambda *_: EVERYBODY, EndpointOptions(anonymous=True))
        sync = Sync(
            UplinkOptions(node="n-1", centre="centre", urls=["mqtt://127.0.0.1:1"]),
            batches=pipeline.batches,
            hello=lambda boot: pipeline.node.outbox.hello("i-1", boot),
            post=lambda item: pipeline.post([item]),
        )
        stage.pipeline, stage.status, stage.sync = pipeline, status, sync
        honest = clock.now

        def later():
            now = honest()
            return type(now)(now.mono + stage.ahead_s, now.wall_ms + int(stage.ahead_s * 1000))

        monkeypatch.setattr(clock, "now", later)
        report = PipelineReport(pipeline, journal, clock, lambda: endpoint.unsent)
        status.register("pipeline", report.gauges, report.queues())
        status.register("sync", dict, queues(sync))
        stage.report = report
        status.phase = "running"
        pipeline.start(Configure(RULES))
        await stage.settle()
        try:
            assert stage.stalls() == []
            await test(stage)
        finally:
            journal.close()

    asyncio.run(main())


def test_reads_that_nobody_looks_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn of the loop that never comes: what was read is not decoded."""

    async def test(stage: Stage) -> None:
        monkeypatch.setattr(stage.pipeline, "_take_in", nothing)
        stage.order()
        assert stage.stalls() == ["stall_decode"]

    on_stage(tmp_path, monkeypatch, test)


def test_a_timer_that_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A deadline of the core passes and no round comes: of an order without a rider, and of its window."""

    async def test(stage: Stage) -> None:
        monkeypatch.setattr(stage.pipeline, "_arm", nothing)
        stage.order()
        await stage.settle()
        assert stage.stalls() == []
        stage.ahead_s = DispatchOptions().give_up_s + 900.0
        assert stage.stalls() == ["stall_decide", "stall_seal"]

    on_stage(tmp_path, monkeypatch, test)


def test_a_disk_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that are handed over and never reported."""

    async def test(stage: Stage) -> None:
        monkeypatch.setattr(stage.pipeline._journal, "commit", lambda *_: False)
        monkeypatch.setattr(stage.pipeline._journal, "submit", nothing)
        stage.order()
        await asyncio.sleep(0.01)
        assert stage.stalls() == ["stall_commit"]
        assert stage.status.needs_restart()

    on_stage(tmp_path, monkeypatch, test)


def test_windows_that_stay_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A window past its end, though rounds go on."""

    async def test(stage: Stage) -> None:
        monkeypatch.setattr(stage.pipeline.node.windows, "seal", lambda now: [])
        monkeypatch.setattr(stage.pipeline, "_arm", nothing)
        stage.order()
        await stage.settle()
        stage.ahead_s = WINDOW_S + WINDOW_GRACE_S + 60.0
        assert "stall_seal" in stage.stalls()

    on_stage(tmp_path, monkeypatch, test)


def test_an_outbox_that_hands_nothing_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sealed windows, an epoch, room, and no batch."""

    async def test(stage: Stage) -> None:
        monkeypatch.setattr(Outbox, "cut", lambda self, now: [])
        stage.pipeline.post([SyncWelcomed(1, 0)])
        stage.order()
        await stage.settle()
        stage.ahead_s = WINDOW_S + WINDOW_GRACE_S + 60.0
        stage.pipeline.post([Configure(RULES)])
        await stage.settle()
        assert stage.stalls() == ["stall_cut"]

    on_stage(tmp_path, monkeypatch, test)


def test_batches_that_are_not_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Welcomed by the centre, with batches on disk, and nothing is sent: a stall. Without a welcome it is none."""

    async def test(stage: Stage) -> None:
        stage.pipeline.post([SyncWelcomed(1, 0)])
        stage.order()
        await stage.settle()
        stage.ahead_s = WINDOW_S + WINDOW_GRACE_S + 60.0
        stage.pipeline.post([Configure(RULES)])
        await stage.settle()
        assert stage.stalls() == []
        stage.sync._welcomed, stage.sync._epoch = True, 1
        assert stage.stalls() == ["stall_send"]
        assert not stage.status.needs_restart()

    on_stage(tmp_path, monkeypatch, test)


def test_the_report_and_the_map_show_the_district(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Orders and riders by state, durable counts, the journal, the uplink: in the report; places only on the map."""

    async def test(stage: Stage) -> None:
        pipeline, clock = stage.pipeline, stage.pipeline._clock
        at_s = (clock.now().wall_ms - 1_790_000_000_000) / 1000
        order = {"order": "o-1", "shop": "shop-1", "pickup": SHOP, "dropoff": HOME, "prep_s": 60}
        pipeline.post([Presence("r-1", True), event("r-1", "rider.shift", "on", at_s, on=True)])
        pipeline.post([position("r-1", [(clock.now().wall_ms, 31.201, 121.401)])])
        pipeline.post([event("alice", "order.place", "e-1", at_s, **order)])
        await pipeline.drain()
        report = stage.status.report(clock.now())
        assert report["orders"] == {"offered": 1}
        assert report["riders"] == {"offered": 1}
        assert report["core"]["received"] == report["core"]["accepted"] == 2
        assert report["journal"]["rows"] == pipeline.node.number > 0
        sync = gauges(stage.sync, pipeline.node)["sync"]
        assert (sync["connected"], sync["events_at_node"], sync["error"]) == (False, 2, None)
        layers = stage.report.layers()
        assert [(dot.id, dot.lat, dot.lon) for dot in layers["riders"]] == [("r-1", 31.201, 121.401)]
        assert [(dot.id, dot.state) for dot in layers["orders"]] == [("o-1", "offered")]
        assert [dot.id for dot in layers["shops"]] == ["shop-1"]
        assert "31.201" not in str(report)

    on_stage(tmp_path, monkeypatch, test)


def test_what_recovery_found_is_a_problem_each(caplog: pytest.LogCaptureFixture) -> None:
    """In the status and in the log; rows that came out otherwise are one more."""
    node, status = Node([]), Status("n1", Clock().now())
    node.recovery_differences = 3
    warn_recovered(status, ["The end was cut off."], node)
    assert "The end was cut off." in caplog.text
    assert "3 rows of the journal came out otherwise" in caplog.text
    names = {problem["name"] for problem in status.report(Clock().now())["problems"]}
    assert {"recovery-0", "recovery-1"} <= names
