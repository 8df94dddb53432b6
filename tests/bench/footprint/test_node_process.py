"""A node that is watched from its start."""

import asyncio
import os
import threading
import time
from pathlib import Path

import pytest

from bench.footprint.day import Day
from bench.footprint.measure import wake_ups
from bench.footprint.node_process import NodeProcess
from edge.errors import DoorstepError


async def test_orders_are_delivered_when_their_time_on_the_road_is_over(tmp_path: Path) -> None:
    """On a fast clock orders are placed, accepted, and delivered 25 minutes later by that clock, none before."""
    process = NodeProcess(tmp_path / "node", ["till-0", *(f"rider-{n}" for n in range(15))], speed=1200)
    async with process.node() as took_s:
        assert took_s > 0
        day = Day(process)
        try:
            await day.open(1, 15)
            await day.hour(20, 1.0, 1)
            for _ in range(40):  # on a machine that was held up, the last order waits for riders' positions
                if day.accepted < day.placed:
                    await day.hour(1, 0.05, 1)  # three minutes of the node's clock, no further order
            assert day.placed == day.accepted == 20
            assert 0 < day.delivered < 20  # the last 25 minutes' orders are under way
            assert day.positions > 100
            assert (await asyncio.to_thread(process.site.status))["counts"]["refused"] == {}
        finally:
            day.close()


async def test_a_node_that_cannot_start_reports_why(tmp_path: Path) -> None:
    """A broken configuration ends the measurement with the node's own words."""
    process = NodeProcess(tmp_path / "node", [])
    with (tmp_path / "node" / "edge.toml").open("a") as file:
        file.write('no_such_option = "x"\n')
    with pytest.raises(DoorstepError, match="no_such_option"):
        async with process.node():
            pass


def test_wake_ups_are_counted() -> None:
    """A thread that sleeps twenty times wakes up at least ten times, whatever other threads begin or end."""
    thread = threading.get_native_id()
    before = wake_ups(os.getpid())[thread]
    for _ in range(20):
        time.sleep(0.001)
    assert wake_ups(os.getpid())[thread] >= before + 10
