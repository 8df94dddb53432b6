"""A node of our own, to be started, looked at and stopped: at any speed of its clock."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from time import perf_counter
from typing import Final

from edge.errors import DoorstepError

from ..lab.site import UNLIMITED, Site
from ..load.client.connection import Door, connect
from ..load.client.workload import ignore_message
from ..load.subjects import NODE, token_of
from ..outage.people.day import Day

START_S_MAX: Final = 30.0
RETRY_S: Final = 0.002
PROBE: Final = "probe"
"""The client that waits at the door while a node starts."""


class NodeProcess:
    """A configured node. Clients are `clients` and PROBE."""

    def __init__(self, folder: Path, clients: Iterable[str], speed: float = 1.0) -> None:
        self.clock = Day(speed)
        tokens = {name: token_of(name) for name in (*clients, PROBE)}
        self.site = Site(folder, NODE)
        options = {**UNLIMITED, **self.clock.node_options(), "log_level": "warning"}
        options["dispatch"] = {"soon_free_s": 0}  # no order of a full house waits for a rider who is busy
        self.site.configure(tokens, options, centre=False)
        self.door = Door(self.site.port)

    @property
    def pid(self) -> int:
        """Of the running node."""
        return self.site.node.pid

    @contextlib.asynccontextmanager
    async def node(self) -> AsyncIterator[float]:
        """The node while it runs; yields the seconds from its start until it let a client in."""
        begin = perf_counter()
        self.site.node.spawn()
        try:
            took_s = await self._let_in(begin)
            await asyncio.to_thread(self.site.node.wait_ready)
            yield took_s
        finally:
            await asyncio.to_thread(self.site.node.stop)

    async def _let_in(self, begin: float) -> float:
        while perf_counter() - begin < START_S_MAX:
            if not self.site.node.alive:
                self.site.node.wait_ready()  # which raises the reason
            try:
                connection = await connect(self.door, PROBE, token_of(PROBE), (), ignore_message)
            except OSError:
                await asyncio.sleep(RETRY_S)
                continue
            took_s = perf_counter() - begin
            connection.close()
            return took_s
        raise DoorstepError(f"The node let nobody in within {START_S_MAX:g} s. Its log is {self.site.node.log}.")
