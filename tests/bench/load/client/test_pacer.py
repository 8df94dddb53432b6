"""The timer of the open loop."""

import asyncio
from time import perf_counter

import pytest

from bench.load.client.pacer import Pacer


@pytest.mark.parametrize("ahead_s", [0.02, 0.0, -5.0])
def test_it_fires_once_and_never_before_its_time(ahead_s: float) -> None:
    """A time to come is waited for, a past one fires at once; each setting fires once."""

    async def main() -> None:
        fired: list[float] = []
        woken = asyncio.Event()

        def fire() -> None:
            fired.append(perf_counter())
            woken.set()

        pacer = Pacer(asyncio.get_running_loop(), fire)
        try:
            when = perf_counter() + ahead_s
            pacer.at(when)
            await asyncio.wait_for(woken.wait(), 10)
            await asyncio.sleep(0.02)
        finally:
            pacer.close()
        assert len(fired) == 1
        assert fired[0] >= when

    asyncio.run(main())
