"""Doorstep itself, in both modes: each answer is on disk before it leaves."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from edge.limits import WINDOW_GRACE_S, WINDOW_S
from edge.log.writer import VERSION

from ..lab.proxy import Proxy
from ..load.client.workload import EVENTS_PER_ORDER, riders, tills
from ..load.subjects import NodeSubject, Subject, mosquitto, node
from .peer import PROBES, Kind, Peer, Plan

DRAIN_S: Final = WINDOW_S + WINDOW_GRACE_S + 10.0
"""A window leaves some seconds after its end."""


@contextlib.asynccontextmanager
async def endpoint(folder: Path, plan: Plan, uplink: Proxy | None) -> AsyncIterator[Peer]:
    """Clients connect to the node."""
    folder.mkdir()
    names = [*tills(plan.clients), *riders(plan.riders), *PROBES]
    async with node(folder / "node", names, uplink=uplink) as subject:
        yield _peer(subject, subject, uplink, passwords=True)


@contextlib.asynccontextmanager
async def broker(folder: Path, plan: Plan, uplink: Proxy | None) -> AsyncIterator[Peer]:
    """Clients and node connect to a Mosquitto."""
    del plan
    folder.mkdir()
    async with (
        mosquitto(folder / "mosquitto") as through,
        node(folder / "node", [], broker=through, uplink=uplink) as subject,
    ):
        both = Subject("doorstep-broker", subject.door, [through, *subject.processes])
        yield _peer(both, subject, uplink, passwords=False)


def _peer(all_of_it: Subject, node: NodeSubject, uplink: Proxy | None, passwords: bool) -> Peer:
    async def not_at_centre(orders: int) -> int:
        del orders  # each of the node's events is at the centre or is not
        status, summary = await node.status(), await asyncio.to_thread(node.site.summary)
        return -(-(status["sync"]["events_at_node"] - summary["events"]) // EVENTS_PER_ORDER)

    return Peer(all_of_it, VERSION, node.site.node, passwords, not_at_centre if uplink else None, DRAIN_S)


ENDPOINT: Final = Kind("doorstep", "Doorstep, endpoint", True, endpoint)
BROKER: Final = Kind("doorstep-broker", "Doorstep, Mosquitto", True, broker)
