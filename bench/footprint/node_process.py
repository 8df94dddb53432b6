"""A node of our own, to be started, looked at and stopped: at any speed of its clock."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from edge.errors import DoorstepError

from ..demo.processes import Child, fetch, free_port, write_config, write_credentials
from ..load.client.connection import Door, connect
from ..load.client.workload import ignore_message
from ..load.subjects import NODE, QUOTA_BURST, QUOTA_PER_S, python, token_of, wait_for_line

START_S_MAX: Final = 30.0
RETRY_S: Final = 0.002
PROBE: Final = "probe"
"""The client that waits at the door while a node starts."""


class NodeProcess:
    """A folder with a configuration. Clients are `clients` and PROBE."""

    def __init__(self, folder: Path, clients: Iterable[str], speed: float = 1.0) -> None:
        folder.mkdir()
        self.folder = folder
        self.speed = speed
        self._anchor_ms = time.time_ns() // 1_000_000
        self._port, self._status_port = free_port(), free_port()
        self.door = Door(self._port)
        self._child: Child | None = None
        write_credentials(folder / "credentials", {name: token_of(name) for name in (*clients, PROBE)})
        write_config(
            folder / "edge.toml",
            {
                "node": NODE,
                "data_dir": "edge",
                "listen": f"127.0.0.1:{self._port}",
                "credentials": "credentials",
                "status_listen": f"127.0.0.1:{self._status_port}",
                "messages_per_s": QUOTA_PER_S,
                "messages_burst": QUOTA_BURST,
                "log_level": "warning",
                "clock_speed": speed,
                "clock_wall_anchor_ms": self._anchor_ms,
                "clock_real_anchor_ms": self._anchor_ms,
            },
        )

    def wall_ms(self) -> int:
        """What the node's wall clock shows."""
        return int(self._anchor_ms + (time.time() * 1000 - self._anchor_ms) * self.speed)

    @contextlib.asynccontextmanager
    async def node(self) -> AsyncIterator[float]:
        """The node while it runs; yields the seconds from its start until it let a client in."""
        words = ["edge", "edge", "--config", str(self.folder / "edge.toml")]
        self._child = python("node", self.folder, words, self._status_port)
        begin = perf_counter()
        start = asyncio.ensure_future(self._child.start())
        try:
            took_s = await self._let_in(begin, start)
            await start
            await wait_for_line(self._child, "is ready")
            yield took_s
        finally:
            start.cancel()
            await asyncio.gather(start, return_exceptions=True)
            await self._child.stop()

    @property
    def pid(self) -> int:
        """Of the running node."""
        assert self._child is not None
        return self._child.pid

    async def status(self) -> dict[str, Any]:
        """The node's account of itself."""
        token = (self.folder / "edge" / "status.token").read_text(encoding="utf-8").strip()
        return await fetch(self._status_port, "/api/status", token)

    async def _let_in(self, begin: float, start: asyncio.Future[None]) -> float:
        while perf_counter() - begin < START_S_MAX:
            if start.done():
                await start  # it failed: raises the reason
            try:
                connection = await connect(self.door, PROBE, token_of(PROBE), (), ignore_message)
            except OSError:
                await asyncio.sleep(RETRY_S)
                continue
            took_s = perf_counter() - begin
            connection.close()
            return took_s
        raise DoorstepError(f"The node let nobody in within {START_S_MAX:g} s. Its log is {self.folder}/node.log.")
