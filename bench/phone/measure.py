"""All networks at once against one node: taps in open loop, each counted from when it was due."""

import asyncio
from array import array
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import numpy as np
from msgspec import Struct
from msgspec.structs import asdict

from ..cli_options import Progress
from ..load.client.openloop import LATE_S, LEAD_S, due_times
from ..load.client.pacer import Pacer
from ..load.lateness import late
from ..load.subjects import node
from .district import District, Network

GRACE_S: Final = 45.0
"""After the last tap, and after the dead spot: an offer that nobody answers lapses after 60 s and is another matter."""


class Plan(Struct, frozen=True, kw_only=True):
    """What was asked for. `rate` is of each network."""

    rtts: tuple[float, ...] = (50.0, 300.0, 1000.0)
    stalls: tuple[float, ...] = (0.0, 1.0, 5.0)
    stall_s: float = 1.0
    dead_spot_s: float = 10.0
    dead_spot_rtt: float = 300.0
    rate: float = 10.0
    seconds: float = 60.0
    customers: int = 20
    riders: int = 40
    seed: int = 1


def networks(plan: Plan) -> list[Network]:
    """Every round trip with every share of stalls, and one network with a dead spot."""
    found = [
        Network(rtt_ms=rtt, stalls_pct=stalls, stall_s=plan.stall_s) for rtt in plan.rtts for stalls in plan.stalls
    ]
    if plan.dead_spot_s:
        found.append(Network(rtt_ms=plan.dead_spot_rtt, dead_spot_s=plan.dead_spot_s))
    return found


async def measure(plan: Plan, folder: Path, progress: Progress) -> dict[str, Any]:
    """Everything of the report but the machine."""
    districts = [
        District(network, number, plan.customers, plan.riders, plan.seed)
        for number, network in enumerate(networks(plan))
    ]
    async with AsyncExitStack() as stack:
        progress("starting the node")
        names = [name for district in districts for name in (*district.names, *district.rider_names)]
        subject = await stack.enter_async_context(node(folder / "node", names))
        for district in districts:
            progress(f"connecting: {district.network.name}")
            stack.push_async_callback(district.close)
            await district.open(subject.door.port)
        progress(f"{plan.seconds:g} s of taps in {len(districts)} networks")
        spots = [asyncio.ensure_future(_dead_spot(plan, d)) for d in districts if d.network.dead_spot_s]
        lateness = await _taps(plan, districts)
        await asyncio.gather(*spots)
        progress("waiting for the last")
        await asyncio.gather(*(district.settle(GRACE_S) for district in districts))
        status = await subject.status()
        stages = status["latency_ms"]["total"]
        node_ms = stages["commit"]["p50"] + stages["publish"]["p50"]
        found = [district.report(node_ms) for district in districts]
    return {
        "benchmark": "phone",
        "plan": asdict(plan),
        "networks": found,
        "stages_ms": stages,
        "generator_late": lateness,
    }


async def _dead_spot(plan: Plan, district: District) -> None:
    await asyncio.sleep(LEAD_S + plan.seconds / 2)
    await district.dead_spot()


async def _taps(plan: Plan, districts: Sequence[District]) -> dict[str, Any]:
    """Every tap at its time; how late they were."""
    when = [due_times(plan.rate, plan.seconds, plan.seed * 100 + number) for number in range(len(districts))]
    due = sorted((float(at), number, tap) for number, times in enumerate(when) for tap, at in enumerate(times))
    late_s = array("d")
    done = asyncio.Event()
    begin = perf_counter() + LEAD_S

    def fire() -> None:
        while len(late_s) < len(due) and due[len(late_s)][0] <= perf_counter() - begin:
            at, number, tap = due[len(late_s)]
            late_s.append(perf_counter() - begin - at)
            districts[number].tap(tap, begin + at)
        if len(late_s) == len(due):
            done.set()
        else:
            pacer.at(begin + due[len(late_s)][0])

    pacer = Pacer(asyncio.get_running_loop(), fire)
    try:
        pacer.at(begin + due[0][0])
        await done.wait()
    finally:
        pacer.close()
    lateness = np.array(late_s)
    return late(round(float(np.mean(lateness > LATE_S)), 5), round(float(np.quantile(lateness, 0.99)) * 1000, 4))
