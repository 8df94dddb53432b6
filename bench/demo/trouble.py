"""What goes wrong on purpose: the node is killed, its uplink is cut. By the seed, or by who watches."""

import asyncio
import random
from collections.abc import Callable
from time import perf_counter
from typing import Final

from ..lab.process import Keeper
from ..lab.proxy import Proxy
from ..lab.site import Site
from .people.world import World
from .proof.records import Records
from .watch import Watch

UPLINK: Final = "127.0.0.1"


class Trouble:
    """`uplink_cut` is whether the centre is out of reach now."""

    def __init__(self, site: Site, keeper: Keeper, watch: Watch, records: Records) -> None:
        self.uplink_cut = False
        self.log: Callable[[int, str], None] = records.log
        """Called with the instant (wall ms) and what happens."""
        self._site, self._keeper, self._watch = site, keeper, watch
        self._proxy: Proxy | None = None
        self._killing = asyncio.Lock()

    async def open_uplink(self) -> str:
        """A way to the centre that can be cut; its URL, for the node."""
        self._proxy = Proxy((UPLINK, self._site.centre_port))
        await self._proxy.start()
        return f"{self._site.scheme}://{UPLINK}:{self._proxy.port}"

    async def cut(self, wall_ms: int) -> None:
        """Cut the uplink, or mend it."""
        if self._proxy is None:
            return
        if self.uplink_cut:
            await self.mend(wall_ms)
            return
        self.uplink_cut = True
        self.log(wall_ms, "the uplink is cut: decisions go on, the centre's figures wait")
        await self._proxy.refuse()
        self._proxy.reset()

    async def mend(self, wall_ms: int) -> None:
        """Let the node reach its centre again."""
        if self._proxy is not None and self.uplink_cut:
            self.uplink_cut = False
            await self._proxy.start()
            self.log(wall_ms, "the uplink is whole again")

    async def kill(self, world: World) -> None:
        """SIGKILL the node; returns when it is back. One kill at a time: another one meanwhile does nothing."""
        if self._killing.locked():
            return
        async with self._killing:
            killed = perf_counter()
            self.log(world.scheduler.now_ms(), "the node was killed (SIGKILL)")
            await self._keeper.kill(self._site.node)
            took_s = perf_counter() - killed
            self._watch.ready_s_max = max(self._watch.ready_s_max, took_s)
            self.log(world.scheduler.now_ms(), f"the node is back after {took_s:.1f} s")

    async def kill_by_the_seed(self, world: World, draw: random.Random, kills: int, end_real_s: float) -> None:
        """So many kills at moments that are drawn, while orders are placed; all of them before `end_real_s` from now,
        where that is not 0."""
        began = perf_counter()
        first = min(order.placed for order in world.instance.orders)
        last = max(order.ready for order in world.instance.orders)
        # A tenth of the day is kept free on both sides, so that a kill always meets work.
        moments = sorted(draw.uniform(first + (last - first) / 10, last) for _ in range(kills))
        for number, minute in enumerate(moments, 1):
            wait_s = world.scheduler.clock.real_s((world.ms(minute) - world.scheduler.now_ms()) / 1000)
            if end_real_s:
                # In a run that is cut short the moments are squeezed into it.
                wait_s = min(wait_s, number * end_real_s / (kills + 2) - (perf_counter() - began))
            await asyncio.sleep(max(wait_s, 0))
            await self.kill(world)

    async def close(self) -> None:
        """Nothing goes through any more."""
        if self._proxy is not None:
            await self._proxy.close()
