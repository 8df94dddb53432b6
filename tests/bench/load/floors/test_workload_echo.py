"""The server with the node's packets and nothing else."""

import asyncio
from pathlib import Path

import apsw
import pytest

from bench.load.client.openloop import Round, due_times
from bench.load.client.workload import Workload
from bench.load.subjects import same_packets


@pytest.mark.parametrize("kept", [False, True])
def test_every_order_reaches_a_rider_and_every_event_its_receipt(tmp_path: Path, kept: bool) -> None:
    """All orders of a round are answered once, and no publish stays unacknowledged or is refused; where answers are
    kept, all of them are on disk."""

    async def main() -> None:
        async with same_packets(tmp_path, kept) as subject:
            workload = await Workload.at_node(subject.door, 3, 5, passwords=False)
            outcome = await Round(workload, 0, due_times(100.0, 0.3, 1)).run()
            assert (outcome.sent, outcome.answered, outcome.lost, outcome.duplicates) == (30, 30, 0, 0)
            async with asyncio.timeout(20):
                while workload.unacknowledged:  # noqa: ASYNC110 - another process acknowledges
                    await asyncio.sleep(0.01)
            assert workload.refused == 0
            workload.close()

    asyncio.run(main())
    if kept:
        database = apsw.Connection(str(tmp_path / "workload-echo.db"))
        bodies = b"".join(body for (body,) in database.execute("select body from rows"))
        assert bodies.count(b"/down/rider-") >= 30
        assert bodies.count(b"/receipt") >= 3 * 30
