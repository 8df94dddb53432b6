"""Memory, descriptors and files of both processes, read from outside: nobody is asked, so nobody is disturbed."""

import asyncio
import os
from pathlib import Path
from time import perf_counter
from typing import Final

from msgspec import Struct

from ..lab.process import Process
from ..lab.site import Site
from ..outage.watch import folder_bytes

SAMPLE_S: Final = 1.0


class Series(Struct):
    """One process and its folder: columns by second. `life` counts its starts; `age_s` is how old the process is."""

    seconds: list[float] = []
    life: list[int] = []
    age_s: list[float] = []
    rss_mb: list[float] = []
    fds: list[float] = []
    disk_mb: list[float] = []


class Sampler:
    """Both processes of a site, each SAMPLE_S until `close`."""

    def __init__(self, site: Site) -> None:
        self.series = {"node": Series(), "centre": Series()}
        self._watched: dict[str, tuple[Process, Path]] = {
            "node": (site.node, site.node_data),
            "centre": (site.centre, site.centre_data),
        }
        self._born: dict[int, tuple[int, float]] = {}
        self._begun = 0.0
        self._task: asyncio.Task[None] | None = None

    def start(self, begun: float) -> None:
        """Begin; seconds count from `begun` (`perf_counter`)."""
        self._begun = begun
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """No more samples."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def take(self) -> None:
        """One sample of each process that is alive."""
        now = perf_counter() - self._begun
        for name, (child, folder) in self._watched.items():
            try:
                rss_mb, fds = resources(child.pid)
            except OSError:
                continue  # it is being started again
            life, born = self._born.setdefault(child.pid, (len(self._born), now))
            series = self.series[name]
            series.seconds.append(round(now, 2))
            series.life.append(life)
            series.age_s.append(round(now - born, 2))
            series.rss_mb.append(rss_mb)
            series.fds.append(fds)
            series.disk_mb.append(round(folder_bytes(folder) / 1e6, 4))

    async def _run(self) -> None:
        while True:
            self.take()
            await asyncio.sleep(SAMPLE_S)


def resources(pid: int) -> tuple[float, int]:
    """Resident MB and open descriptors. Raises OSError where there is no such process. Source: /proc, proc(5)."""
    process = Path(f"/proc/{pid}")
    pages = int((process / "statm").read_text(encoding="ascii").split()[1])
    if not pages:
        raise OSError(f"process {pid} has ended")
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 3), sum(1 for _ in (process / "fd").iterdir())
