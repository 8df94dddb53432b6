"""A node of the benchmark resends what was not acknowledged, to whichever collector it comes."""

import asyncio
from pathlib import Path

from bench.central.batches import SMALL, Maker
from bench.central.collectors import Collectors
from bench.central.nodes import BenchNode
from tests.central.stores import START
from tests.waiting import until


async def test_nothing_is_lost_or_doubled_over_a_kill(tmp_path: Path) -> None:
    """The collector dies while batches are on their way: each is acknowledged once, and stored once."""
    collectors = Collectors(tmp_path, None, 1)
    await asyncio.to_thread(collectors.start)
    stored: list[float] = []
    node, maker = BenchNode("n1", collectors.urls, lambda _, due, now: stored.append(now - due), 1), Maker(SMALL)
    task = asyncio.create_task(node.link.run())
    try:
        for minute in range(60):
            await until(lambda: node.has_room)
            node.send(maker.batch(node.chain, START + minute * 60_000), 0.0)
            if minute % 20 == 10:
                await asyncio.to_thread(collectors.processes[0].kill)
                await asyncio.to_thread(collectors.processes[0].start)
        await until(lambda: not node.waiting)
        assert (len(stored), node.acked, node.refused) == (60, 60, 0)
        assert collectors.counted() == (60, 60)
        assert 0 <= collectors.not_summed_up() <= 60
    finally:
        await node.link.stop()
        await task
        collectors.stop()
