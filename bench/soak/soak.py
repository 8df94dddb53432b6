"""The soak itself: load, faults when they are due, samples, and rest at the end."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Any, Final

from msgspec import Struct

from edge.messages.envelope import topic_down, topic_up

from ..load.client.connection import Door, connect
from ..load.client.workload import ignore_message
from ..outage.outages import settle
from ..outage.people.day import Day
from ..outage.people.orders import Orders
from ..outage.people.people import Crowd
from ..outage.people.scene import VANDAL, Scene, scene
from ..outage.watch import patiently
from .faults import MALFORMED, Fault, schedule
from .sampler import Sampler

NODE: Final = "soak"
RETENTION_DAYS: Final = 0.25
"""Of the node's journal: so short that it is full, and rows leave it, long before the warm-up is over."""

MALFORMED_BURST: Final = 100
STORM_SHARE: Final = 0.7
STEP_S: Final = 0.2
PROGRESS_S: Final = 30.0

Progress = Callable[[str], None]


class Plan(Struct, frozen=True, kw_only=True):
    """What was asked for: real minutes, orders a real second, and how much faster than life the node's clock runs."""

    minutes: float
    rate: float = 40.0
    speed: float = 288.0
    seed: int = 1


class Ended(Struct, kw_only=True):
    """A run that is over."""

    plan: Plan
    orders: Orders
    crowd: Crowd
    sampler: Sampler
    faults: list[Fault]
    driven: dict[str, int]
    status: dict[str, Any]
    summary: dict[str, Any]
    nodes: Any
    restarts: dict[str, int]
    unordered: dict[str, int]
    """Deaths of a process that nobody ordered."""


async def run(plan: Plan, folder: Path, progress: Progress) -> Ended:
    """The whole run. Raises DoorstepError where a process does not come up."""
    seconds = plan.minutes * 60
    async with scene(NODE, folder, Day(plan.speed), plan.rate, plan.seed, RETENTION_DAYS, "error") as on:
        site, crowd, orders = on.site, on.crowd, on.orders
        sampler = Sampler(site)
        try:
            orders.start()
            sampler.start(orders.begun)
            faults = schedule(seconds, plan.seed)
            driver = Driver(on, plan.seed)
            await driver.drive(faults, orders.begun, seconds, progress)
            await sampler.close()
            orders.stop()
            await settle(site, crowd)
            return Ended(
                plan=plan,
                orders=orders,
                crowd=crowd,
                sampler=sampler,
                faults=faults,
                driven=dict(driver.driven),
                status=await patiently(site.status),
                summary=await patiently(site.summary),
                nodes=await patiently(site.nodes),
                restarts={"node": site.node.restarts, "centre": site.centre.restarts},
                unordered={child.name: child.restarts - child.kills for child in (site.node, site.centre)},
            )
        finally:
            await sampler.close()


class Driver:
    """Runs the schedule. `driven` counts it."""

    def __init__(self, on: Scene, seed: int) -> None:
        self.driven: Counter[str] = Counter()
        self._site, self._crowd, self._uplink = on.site, on.crowd, on.uplink
        self._dice = Random(f"driver {seed}")
        self._back_at = float("inf")

    async def drive(self, faults: list[Fault], begun: float, seconds: float, progress: Progress) -> None:
        """Until the time is over."""
        left, reported_s = list(faults), 0.0
        while (now := perf_counter() - begun) < seconds:
            if now >= self._back_at:
                self._back_at = float("inf")
                await self._uplink.start()
            while left and left[0].at_s <= now:
                await self.do(left.pop(0))
            if now >= reported_s:
                reported_s += PROGRESS_S
                progress(f"{now / 60:.1f} min, {sum(self.driven.values())} faults")
            await asyncio.sleep(STEP_S)
        await self._uplink.start()

    async def do(self, fault: Fault) -> None:
        """One fault."""
        self.driven[fault.name] += 1
        if fault.name == "kill_node":
            await asyncio.to_thread(self._site.node.kill)
        elif fault.name == "kill_centre":
            await asyncio.to_thread(self._site.centre.kill)
        elif fault.name == "cut":
            self._back_at = fault.at_s + fault.length_s
            await self._uplink.refuse()
            self._uplink.reset()
        elif fault.name == "nonsense":
            await self._malformed()
        else:
            self._crowd.storm(STORM_SHARE)

    async def _malformed(self) -> None:
        """A burst of messages that no client means, from one that is none of the crowd."""
        down = (topic_down(NODE, VANDAL, "#"),)
        try:
            connection = await connect(
                Door(self._site.port), VANDAL, self._site.tokens.get(VANDAL, ""), down, ignore_message
            )
        except OSError:
            return  # the node is being started again
        for _ in range(MALFORMED_BURST):
            kind, payload = self._dice.choice(MALFORMED)
            connection.publish(topic_up(NODE, VANDAL, kind), payload)
        connection.flush()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STEP_S * 10):
                while connection.in_flight:  # noqa: ASYNC110 - the node's acknowledgements end it
                    await asyncio.sleep(STEP_S / 10)
        connection.close()
