"""Doorstep itself, in both modes: each answer is on disk before it leaves."""

import contextlib
from collections.abc import AsyncIterator
from importlib import metadata
from pathlib import Path

from ..load.client.workload import riders, tills
from ..load.subjects import Subject, mosquitto, node
from .peer import Peer, Plan


@contextlib.asynccontextmanager
async def endpoint(folder: Path, plan: Plan) -> AsyncIterator[Peer]:
    """Clients connect to the node."""
    folder.mkdir()
    names = [*tills(plan.clients), *riders(plan.riders)]
    async with node(folder / "node", names) as subject:
        yield Peer(subject, metadata.version("doorstep"), passwords=True)


@contextlib.asynccontextmanager
async def broker(folder: Path, plan: Plan) -> AsyncIterator[Peer]:
    """Clients and node connect to a Mosquitto."""
    del plan
    folder.mkdir()
    async with (
        mosquitto(folder / "mosquitto") as through,
        node(folder / "node", [], broker=through) as subject,
    ):
        both = Subject("doorstep-broker", subject.door, [through, *subject.processes])
        yield Peer(both, metadata.version("doorstep"))
