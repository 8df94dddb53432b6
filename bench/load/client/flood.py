"""As many positions as a node takes in.

Positions are QoS 0, without acknowledgement. So each burst ends with a PINGREQ, whose answer shows that the
node has come so far; two bursts of each rider are under way. At the end the node's own count must be what was sent.
"""

import asyncio
import time
from time import perf_counter
from typing import Final

from edge.errors import DoorstepError
from edge.mqtt.packets.codec import PingReqPacket

from ..latency_run import Progress
from ..subjects import NodeSubject
from .connection import Connection
from .mixed_load import position, taken
from .workload import Workload

BURST_MESSAGES: Final = 16
BURSTS_UNDER_WAY: Final = 2
DRAIN_S_MAX: Final = 30.0


async def flood(
    subject: NodeSubject, workload: Workload, points: int, seconds: float, progress: Progress
) -> dict[str, float]:
    """Messages of `points` points each from all riders at once, for so long, and what they cost the node."""
    progress(f"positions, {points} a message")
    before = taken(await subject.status())
    cpu_before = subject.cpu_s()[0]
    sender = _Sender(workload.riders, points, seconds)
    elapsed = await sender.run()
    used_s = subject.cpu_s()[0] - cpu_before
    arrived = taken(await subject.status()) - before
    return {
        "points": points,
        "messages": sender.sent,
        "lost": sender.sent - arrived,
        "messages_per_s": round(arrived / elapsed, 1),
        "points_per_s": round(arrived * points / elapsed, 1),
        "points_per_cpu_s": round(arrived * points / used_s, 1) if used_s else 0.0,
    }


class _Sender:
    """Keeps every rider's connection busy until the time is over."""

    def __init__(self, riders: list[Connection], points: int, seconds: float) -> None:
        self.sent = 0
        self._riders, self._seconds = riders, seconds
        at_ms = time.time_ns() // 1_000_000
        self._bursts = {
            rider.name: position(rider.name, points, at_ms) * BURST_MESSAGES + PingReqPacket().write()
            for rider in riders
        }
        self._under_way = 0
        self._until = 0.0
        self._done = asyncio.Event()

    async def run(self) -> float:
        """Seconds until the node had taken the last burst."""
        begin = perf_counter()
        self._until = begin + self._seconds
        for rider in self._riders:
            rider.on_pong = self._pong
            for _ in range(BURSTS_UNDER_WAY):
                self._burst(rider)
        try:
            await asyncio.wait_for(self._done.wait(), self._seconds + DRAIN_S_MAX)
        except TimeoutError:
            raise DoorstepError(
                f"{self._under_way} bursts of positions were not taken in within {DRAIN_S_MAX:g} s."
            ) from None
        return perf_counter() - begin

    def _burst(self, rider: Connection) -> None:
        rider.send(self._bursts[rider.name])
        rider.flush()
        self.sent += BURST_MESSAGES
        self._under_way += 1

    def _pong(self, rider: Connection) -> None:
        self._under_way -= 1
        if perf_counter() < self._until:
            self._burst(rider)
        elif not self._under_way:
            self._done.set()
