"""Positions beside orders."""

import asyncio
from pathlib import Path

import pytest

from bench.load.client.mixed_load import POSITIONS_PER_ORDER, MixedLoad, position, taken
from bench.load.client.workload import Workload, riders, tills
from bench.load.subjects import node
from edge.mqtt.packets.codec import PublishPacket, read
from edge.scenarios.dispatch.messages.up import POSITION_KIND


@pytest.mark.parametrize("points", [1, 10])
def test_a_position_is_a_qos_0_publish(points: int) -> None:
    """It has no packet identifier, and its topic is its rider's own."""
    packet = read(memoryview(position("rider-3", points, 1_700_000_000_000)))
    assert isinstance(packet, PublishPacket)
    assert packet.packet_id is None
    assert packet.topic.endswith(f"/rider-3/{POSITION_KIND}")


def test_the_node_counts_what_comes_with_each_order(tmp_path: Path) -> None:
    """Three orders bring sixty positions in messages of ten, and the node has counted every message."""

    async def main() -> None:
        async with node(tmp_path / "node", [*tills(1), *riders(5)]) as subject:
            workload = await Workload.at_node(subject.door, 1, 5, passwords=True)
            mix = MixedLoad(workload, 10)
            workload.beside = mix.with_order
            for number in range(3):
                workload.place(number)
            async with asyncio.timeout(20):
                while taken(await subject.status()) < mix.sent:  # noqa: ASYNC110 - another process counts
                    await asyncio.sleep(0.05)
            assert mix.sent == 3 * POSITIONS_PER_ORDER // 10
            workload.close()

    asyncio.run(main())
