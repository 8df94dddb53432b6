"""Positions by the thousand, against a real node."""

import asyncio
from pathlib import Path

import pytest

from bench.load.flood import flood, position
from bench.load.street import Street, riders, tills
from bench.load.subjects import node
from edge.mqtt.codec import PublishPacket, read
from edge.wire import POSITION_KIND


@pytest.mark.parametrize("points", [1, 10])
def test_a_position_is_a_qos_0_publish(points: int) -> None:
    """It has no packet identifier, and its topic is its rider's own."""
    packet = read(memoryview(position(3, "rider-3", points)))
    assert isinstance(packet, PublishPacket)
    assert packet.packet_id is None
    assert packet.topic.endswith(f"/rider-3/{POSITION_KIND}")


def test_the_node_counts_what_was_sent(tmp_path: Path) -> None:
    """Two floods on the same connections: each is accounted for on its own, to the last message."""

    async def main() -> None:
        async with node(tmp_path / "node", [*tills(1), *riders(5)], "tcp", None) as subject:
            street = await Street.at_node(subject.door, 1, 5, passwords=True)
            said: list[str] = []
            for points in (1, 10):
                found = await flood(subject, street, points, 0.2, said.append)
                assert (found["points"], found["lost"]) == (points, 0)
                assert found["messages"] >= 5 * 2 * 16
            assert len(said) == 2
            street.close()

    asyncio.run(main())
