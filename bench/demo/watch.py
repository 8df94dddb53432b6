"""The states that the node and the centre report while a demonstration runs, restarts of the node included.

A process that is killed takes its counters with it, so they are kept by process number and added up.
"""

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import Mapping
from time import perf_counter
from typing import Any, Final

from ..lab.site import Site
from .report import Process

RATE_SAMPLES: Final = 240
"""Samples of the decision rate kept for the screen: two minutes."""

MINUTE_S: Final = 60.0
"""Real seconds over which a rate is taken: long enough to be read, and not of the whole day."""


class Watch:
    """The last accounts of both processes, and the sums over all of them."""

    def __init__(self, site: Site) -> None:
        self.status: Mapping[str, Any] = {}
        self.summary: Mapping[str, Any] = {}
        self.rates: deque[float] = deque(maxlen=RATE_SAMPLES)
        self._made: deque[tuple[float, int]] = deque()
        """(real time, decisions made since the look before) of the last minute."""
        self.queues: dict[str, tuple[int, int]] = {}
        """The greatest depth that was seen of each queue, and its limit."""
        self.ready_s_max = 0.0
        """Real seconds of the slowest restart, from the kill to the first answer."""
        self._site = site
        self._rss_mb = 0.0
        self._cpu_s: dict[int, float] = {}
        self._dropped: dict[int, Mapping[str, int]] = {}
        self._sync: dict[int, Mapping[str, Any]] = {}
        self._decisions = (0, 0, 0.0)

    async def look(self) -> None:
        """Ask both processes how they are. Silence is no news: one of them may be restarting."""
        with contextlib.suppress(OSError):
            self.seen(await asyncio.to_thread(self._site.status))
        with contextlib.suppress(OSError):
            self.summary = await asyncio.to_thread(self._site.summary)

    def seen(self, status: Mapping[str, Any], now_real: float | None = None) -> None:
        """An account of the node, which came now."""
        self.status = status
        process, counts = status["process"], status["counts"]
        pid = int(process["pid"])
        self._cpu_s[pid] = float(process["cpu_s"] or 0)
        self._dropped[pid] = counts["dropped"]
        self._sync[pid] = status["sync"]
        self._rss_mb = max(self._rss_mb, float(process["rss_mb"] or 0))
        for name, queue in status["queues"].items():
            deepest, _ = self.queues.get(name, (0, 0))
            self.queues[name] = (max(deepest, int(queue["depth"])), int(queue["limit"]))
        decisions = int(counts["decisions"])
        now_real = perf_counter() if now_real is None else now_real
        last_pid, last, last_real = self._decisions
        if last_pid == pid and now_real > last_real:
            self.rates.append(max(decisions - last, 0) / (now_real - last_real))
            self._made.append((now_real, max(decisions - last, 0)))
        while self._made and self._made[0][0] < now_real - MINUTE_S:
            self._made.popleft()
        self._decisions = (pid, decisions, now_real)

    def rate(self) -> float:
        """Decisions a second over the last real minute, or since the first look where that is less."""
        if len(self._made) < 2:
            return 0.0
        made = sum(count for _, count in self._made) - self._made[0][1]
        return made / (self._made[-1][0] - self._made[0][0])

    def events(self) -> tuple[int, int]:
        """Events received by the node, and counted by the centre."""
        return int(self.status.get("sync", {}).get("events_at_node") or 0), int(self.summary.get("events") or 0)

    def in_step(self) -> bool:
        """The centre has counted what the node received."""
        at_node, at_centre = self.events()
        return at_node == at_centre > 0

    def process(self) -> Process:
        """Memory and processor time of the node, and its restarts."""
        node = self._site.node
        return Process(self._rss_mb, sum(self._cpu_s.values()), node.restarts, node.kills, self.ready_s_max)

    def dropped(self) -> Counter[str]:
        """What the node could not answer, by reason."""
        total: Counter[str] = Counter()
        for counts in self._dropped.values():
            total.update(counts)
        return total

    def sync(self) -> dict[str, int]:
        """What went to the centre. What a killed node did since it was last asked is lost."""
        names = ("batches_sent", "batches_acked", "bytes")
        return {name: sum(int(sync.get(name) or 0) for sync in self._sync.values()) for name in names}
