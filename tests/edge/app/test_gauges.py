"""Tests of edge.app.gauges: the status and the map of a running pipeline."""

import asyncio

from edge.app.gauges import live, register
from edge.clock import Clock
from edge.core.model import Configure, Presence
from edge.core.node import Node
from edge.health.status import Status
from edge.journal.journal import Journal
from edge.pipeline.pipeline import Pipeline
from edge.scenarios.dispatch import Dispatch
from tests.edge.district import HOME, RULES, SHOP, event, position


def test_the_report_and_the_map_show_the_district(tmp_path):
    """Orders and riders by state, durable counts, the journal: all in the report; places only on the map."""

    async def main() -> None:
        journal = Journal.open(tmp_path / "journal.sqlite3")
        clock = Clock()
        status = Status("n-1", clock.now())
        pipeline = Pipeline(Node([Dispatch]), journal, clock, status, "wgs84", lambda error: None)
        pipeline.start([Configure(RULES)])
        register(status, pipeline, journal, clock, None, None, None)
        at_s = (clock.now().wall_ms - 1_790_000_000_000) / 1000
        order = {"order": "o-1", "shop": "shop-1", "pickup": SHOP, "dropoff": HOME, "prep_s": 60}
        pipeline.post([Presence("r-1", True), event("r-1", "rider.shift", "on", at_s, on=True)])
        pipeline.post([position("r-1", [(clock.now().wall_ms, 31.201, 121.401)])])
        pipeline.post([event("alice", "order.place", "e-1", at_s, **order)])
        await pipeline.drain()
        report = status.report(clock.now())
        assert report["orders"] == {"offered": 1}
        assert report["riders"] == {"offered": 1}
        assert report["core"]["received"] == report["core"]["accepted"] == 2
        assert report["journal"]["rows"] == 2
        assert report["sync"] == {}
        layers = live(pipeline, clock).layers
        assert [(dot.id, dot.lat, dot.lon) for dot in layers["riders"]] == [("r-1", 31.201, 121.401)]
        assert [(dot.id, dot.state) for dot in layers["orders"]] == [("o-1", "offered")]
        assert [dot.id for dot in layers["shops"]] == ["shop-1"]
        assert "31.201" not in str(report)
        journal.close()

    asyncio.run(main())
