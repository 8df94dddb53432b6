"""The states that node and centre report during an outage, sampled at one pace in all phases, so that looking costs
every phase the same."""

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import apsw
from msgspec import Struct

from ..lab.site import Site

SAMPLE_S: Final = 0.25
TIMEOUT_S: Final = 60.0
LOOK_S: Final = 0.02
"""Between two looks at the centre while a backlog drains."""


class Sample(Struct, kw_only=True):
    """The node at one instant (`perf_counter` seconds): what waits for the centre, and what lies in its folder."""

    at: float
    wall_ms: int
    connected: bool
    backlog_bytes: int
    windows: int
    in_flight: int
    batches_acked: int
    events: int
    events_acked: int
    cpu_s: float
    rss_mb: float
    disk_bytes: int


class Watch:
    """Samples of a site's node until `close`. `samples` grow by one each SAMPLE_S while the node answers."""

    def __init__(self, site: Site) -> None:
        self.samples: list[Sample] = []
        self._site = site
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """No more samples."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def look(self) -> Sample | None:
        """The node now; None while it does not answer."""
        try:
            return await asyncio.to_thread(self.ask)
        except OSError:
            return None

    def ask(self) -> Sample:
        """The node now; blocks. Raises OSError while it does not answer."""
        report = self._site.status()
        sync = report["sync"]
        return Sample(
            at=perf_counter(),
            wall_ms=report["clock"]["wall_ms"],
            connected=bool(sync["connected"]),
            backlog_bytes=sync["backlog_bytes"],
            windows=sync["pool_windows"],
            in_flight=sync["in_flight"],
            batches_acked=sync["batches_acked"],
            events=sync["events_at_node"],
            events_acked=sync["events_acked"],
            cpu_s=report["process"]["cpu_s"],
            rss_mb=report["process"]["rss_mb"],
            disk_bytes=folder_bytes(self._site.node_data),
        )

    async def _run(self) -> None:
        due = perf_counter()
        while True:
            sample = await self.look()
            if sample is not None:
                self.samples.append(sample)
            due = max(due + SAMPLE_S, perf_counter())
            await asyncio.sleep(due - perf_counter())


def folder_bytes(folder: Path) -> int:
    """What the files of a folder take."""
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):  # a journal's WAL may be gone by now
            total += path.stat().st_size if path.is_file() else 0
    return total


def outage_bytes(journal: Path) -> int:
    """Bytes of all snapshots in a journal. That is where the windows that wait for the centre are kept: what an outage
    adds to the disk is at most this."""
    db = apsw.Connection(str(journal), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        row: Any = db.execute("select coalesce(sum(length(body)), 0) from piece").fetchone()
        return int(row[0])
    finally:
        db.close()


async def patiently(ask: Callable[[], Any]) -> Any:
    """The answer of a process that may be starting, or is starved by others. Raises OSError after TIMEOUT_S."""
    begin = perf_counter()
    while True:
        try:
            return await asyncio.to_thread(ask)
        except OSError:
            if perf_counter() - begin > TIMEOUT_S:
                raise
            await asyncio.sleep(0.1)


async def held(site: Site) -> dict[str, Any]:
    """The centre's state of this node; empty before it enrolled."""
    nodes = await patiently(site.nodes)
    return nodes[0] if nodes else {}
