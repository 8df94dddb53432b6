"""Riders who keep what they have, and clients that come again. (Kills and cuts run in test_command.)"""

import asyncio
from collections.abc import Callable
from pathlib import Path

from bench.peers.doorstep import ENDPOINT
from bench.peers.peer import Plan
from bench.peers.survival import Crowd


def test_riders_deliver_what_they_kept_once_they_come_again(tmp_path: Path, program: Callable[[str], str]) -> None:
    """Orders stay with their riders while everybody is cut off; then all ten are delivered, none is offered twice."""
    program("mosquitto")
    plan = Plan(clients=2, riders=3)

    async def main() -> None:
        async with ENDPOINT.start(tmp_path / "doorstep", plan, None) as peer:
            crowd = await Crowd.at(peer, plan)
            crowd.keeps = True
            for number in range(10):
                crowd.place(number)
            async with asyncio.timeout(20):
                while not crowd.kept or crowd.unacknowledged:  # noqa: ASYNC110 - another process answers
                    await asyncio.sleep(0.01)
            # How many of the ten are offered at once depends on how many rounds they came in.
            crowd.close()
            await asyncio.sleep(0.1)
            assert crowd.broken == 5
            await crowd.first_answer()
            await crowd.come_again()
            assert (crowd.broken, crowd.kept) == (0, [])
            mine = {f"o{number:09}" for number in range(10)}
            async with asyncio.timeout(60):
                while crowd.unacknowledged or not mine <= crowd.seen.keys():  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            assert set(crowd.seen.values()) == {1}
            crowd.close()

    asyncio.run(main())
