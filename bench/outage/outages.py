"""One outage after the other: settle, cut, restore, drain. The last one with kills of the node, if they are wanted.

Latency is measured in the rounds without kills. In a round with kills the node is away for a second or so, which shows
nothing about the uplink; it shows whether anything was lost or doubled, and how soon the node was back.
"""

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from msgspec import Struct

from edge.errors import DoorstepError
from edge.limits import BATCHES_IN_FLIGHT_MAX

from ..lab.site import Site
from .people.day import Day
from .people.orders import Orders
from .people.people import Crowd
from .people.scene import JOIN_S_MAX, Scene, scene
from .watch import LOOK_S, Watch, held, outage_bytes, patiently

NODE: Final = "outage"
QUIET_S_MIN: Final = 15.0
"""Real seconds before each cut, and after the last drain, with everything in order."""

WARM_UP_S: Final = 5.0
DRAIN_S_MAX: Final = 600.0
SETTLE_S_MAX: Final = 120.0
RECONNECT_S_MAX: Final = 120.0
KILL_AFTER_BATCHES: Final = BATCHES_IN_FLIGHT_MAX + 2
"""Stored at the centre when the node is killed for the second time: those that were numbered as the cut came, and two
of the backlog behind them."""

Progress = Callable[[str], None]


class Plan(Struct, frozen=True, kw_only=True):
    """What was asked for. `minutes_offline` are those of the day, `rate` is orders in a real second, `rounds` are
    outages without kills."""

    minutes_offline: float
    rate: float
    speed: float = 1440.0
    rounds: int = 1
    kills: bool = True
    seed: int = 1


class Kill(Struct, kw_only=True):
    """One SIGKILL of the node: when (`perf_counter`), real seconds until it answered and until everybody was connected
    again, and what waited for the centre as it came back."""

    at: float
    ready_s: float
    everybody_s: float
    backlog_bytes: int


class Outage(Struct, kw_only=True):
    """When things happened in one round (`perf_counter` seconds)."""

    quiet_at: float
    cut_at: float
    restored_at: float
    connected_at: float
    drained_at: float
    windows: int
    """In the pool when the uplink came back."""
    events: int
    """That those windows stand for, with the batches in flight."""
    backlog_bytes: int
    outbox_disk_bytes: int
    batches: int
    """Stored by the centre during the drain."""
    kills: list[Kill] = []


class Ended(Struct, kw_only=True):
    """A run that is over, before the evidence is checked."""

    plan: Plan
    day: Day
    orders: Orders
    crowd: Crowd
    watch: Watch
    site: Site
    outages: list[Outage]
    ended_at: float
    status: dict[str, Any]
    summary: dict[str, Any]
    centre: dict[str, Any]


async def run(plan: Plan, folder: Path, progress: Progress) -> Ended:
    """The whole run. Raises DoorstepError where a process does not come up, or nothing settles in the end."""
    day = Day(plan.speed)
    progress("starting")
    # Nothing is pruned, so that every event can be looked up at the end.
    async with scene(NODE, folder, day, plan.rate, plan.seed, 365.0, "warning") as on:
        site, crowd, orders = on.site, on.crowd, on.orders
        watch = Watch(site)
        try:
            watch.start()
            orders.start()
            await asyncio.sleep(WARM_UP_S)
            rounds = _Rounds(plan, day, on, watch, progress)
            outages = [await rounds.outage(kills=False) for _ in range(plan.rounds)]
            if plan.kills:
                outages.append(await rounds.outage(kills=True))
            progress("in order again")
            await asyncio.sleep(rounds.quiet_s)
            ended_at = perf_counter()
            orders.stop()
            await settle(site, crowd)
            return Ended(
                plan=plan,
                day=day,
                orders=orders,
                crowd=crowd,
                watch=watch,
                site=site,
                outages=outages,
                ended_at=ended_at,
                status=await patiently(site.status),
                summary=await patiently(site.summary),
                centre=await held(site),
            )
        finally:
            await watch.close()


class _Rounds:
    """Everything that a round needs."""

    def __init__(self, plan: Plan, day: Day, on: Scene, watch: Watch, progress: Progress) -> None:
        self._site, self._keeper, self._uplink, self._crowd = on.site, on.keeper, on.uplink, on.crowd
        self._watch, self._progress = watch, progress
        self.offline_s = day.real_s(plan.minutes_offline)
        self.quiet_s = max(QUIET_S_MIN, self.offline_s / 4)

    async def outage(self, *, kills: bool) -> Outage:
        """One round."""
        words = ", with kills" if kills else ""
        self._progress(f"in order{words}")
        quiet_at = perf_counter()
        await asyncio.sleep(self.quiet_s)
        self._progress(f"cut{words}")
        cut_at = perf_counter()
        found: list[Kill] = []
        await self._uplink.refuse()
        self._uplink.reset()
        await asyncio.sleep(self.offline_s / 2)
        if kills:
            found.append(await self._kill())
        await asyncio.sleep(max(cut_at + self.offline_s - perf_counter(), 0))
        before = await patiently(self._watch.ask)
        disk_bytes = await asyncio.to_thread(outage_bytes, self._site.journal)
        stored = int((await held(self._site))["batches"])
        self._progress(f"draining{words}")
        restored_at = perf_counter()
        await self._uplink.start()
        connected_at = await self._arrived(stored + 1, RECONNECT_S_MAX)
        if kills:
            await self._arrived(stored + KILL_AFTER_BATCHES, DRAIN_S_MAX)
            found.append(await self._kill())
        drained_at = await self._drained()
        return Outage(
            quiet_at=quiet_at,
            cut_at=cut_at,
            restored_at=restored_at,
            connected_at=connected_at,
            drained_at=drained_at,
            windows=before.windows,
            events=before.events - before.events_acked,
            backlog_bytes=before.backlog_bytes,
            outbox_disk_bytes=disk_bytes,
            batches=int((await held(self._site))["batches"]) - stored,
            kills=found,
        )

    async def _arrived(self, batches: int, timeout_s: float) -> float:
        """When the centre has stored so many batches."""
        try:
            async with asyncio.timeout(timeout_s):
                while int((await held(self._site))["batches"]) < batches:  # noqa: ASYNC110 - another process's
                    await asyncio.sleep(LOOK_S)
        except TimeoutError:
            raise DoorstepError(f"The centre had not stored {batches} batches after {timeout_s:.0f} s.") from None
        return perf_counter()

    async def _drained(self) -> float:
        """When the centre holds the backlog: no window is without a number, and then every batch that was under way at
        that instant is acknowledged. (New windows are sealed all the time.)"""
        begin = perf_counter()
        target: int | None = None
        while perf_counter() - begin < DRAIN_S_MAX:
            sample = self._watch.samples[-1]
            if sample.at > begin and sample.connected:
                if target is None and sample.windows == 0:
                    target = sample.batches_acked + sample.in_flight
                if target is not None and sample.batches_acked >= target:
                    return sample.at
            await asyncio.sleep(LOOK_S)
        raise DoorstepError(f"The backlog was not gone after {DRAIN_S_MAX:.0f} s: {self._watch.samples[-1]}")

    async def _kill(self) -> Kill:
        self._progress("kill -9 of the node")
        at = perf_counter()
        await self._keeper.kill(self._site.node)
        ready_s = perf_counter() - at
        sample = await self._watch.look()
        await self._crowd.everybody(JOIN_S_MAX)
        backlog_bytes = 0 if sample is None else sample.backlog_bytes
        return Kill(at=at, ready_s=ready_s, everybody_s=perf_counter() - at, backlog_bytes=backlog_bytes)


async def settle(site: Site, crowd: Crowd) -> None:
    """Until every event has its receipt; then everybody leaves, so that nothing more is sent, and the centre gets the
    time to count what the node received. What is missing after all that is in the report."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(SETTLE_S_MAX):
            while crowd.waiting:  # noqa: ASYNC110 - the node's answers end it
                await asyncio.sleep(0.2)
    await crowd.close()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(SETTLE_S_MAX):
            while True:
                at_node = (await patiently(site.status))["sync"]["events_at_node"]
                if (await patiently(site.summary))["events"] == at_node:
                    return
                await asyncio.sleep(0.2)
