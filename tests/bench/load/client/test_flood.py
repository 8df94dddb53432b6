"""Positions by the thousand, against a real node."""

import asyncio
from pathlib import Path

from bench.load.client.flood import flood
from bench.load.client.workload import Workload, riders, tills
from bench.load.subjects import node


def test_the_node_counts_what_was_sent(tmp_path: Path) -> None:
    """Two floods on the same connections: each is accounted for on its own, to the last message."""

    async def main() -> None:
        async with node(tmp_path / "node", [*tills(1), *riders(5)]) as subject:
            workload = await Workload.at_node(subject.door, 1, 5, passwords=True)
            lines: list[str] = []
            for points in (1, 10):
                found = await flood(subject, workload, points, 0.2, lines.append)
                assert (found["points"], found["lost"]) == (points, 0)
                assert found["messages"] >= 5 * 2 * 16
            assert len(lines) == 2
            workload.close()

    asyncio.run(main())
