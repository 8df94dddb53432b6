"""What a fault does. (The whole run: test_command.)"""

import asyncio
import time
from collections import Counter
from pathlib import Path

from bench.lab.process import Keeper
from bench.lab.proxy import Proxy
from bench.lab.site import Site
from bench.outage.people.orders import Orders
from bench.outage.people.people import Crowd, names
from bench.outage.people.scene import Scene
from bench.soak.faults import Fault
from bench.soak.soak import NODE, Driver


def test_a_cut_ends_when_its_time_is_over(tmp_path: Path) -> None:
    """While it is cut the uplink takes no connection; then it does again, and every fault was counted."""

    output: list[str] = []

    async def main() -> Counter[str]:
        site = Site(tmp_path, NODE)
        tokens = dict.fromkeys(names(1, 1), "t")
        crowd = Crowd(NODE, f"mqtt://127.0.0.1:{site.port}", tokens, lambda: 1, 1)
        async with Proxy(("127.0.0.1", site.centre_port)) as uplink:
            driver = Driver(Scene(site, Keeper(), uplink, crowd, Orders(1.0, 1, crowd.place)), 1)
            await driver.do(Fault(0.0, "cut", 0.1))
            assert not await _takes(uplink.port)
            faults = [Fault(0.0, "storm"), Fault(0.05, "nonsense")]
            await driver.drive(faults, time.perf_counter(), 0.5, output.append)
            assert await _takes(uplink.port)
        return driver.driven

    assert asyncio.run(main()) == {"cut": 1, "storm": 1, "nonsense": 1}


async def _takes(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
