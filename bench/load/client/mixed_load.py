"""The realistic mix: with each order, twenty positions of riders, in messages of 1 or of 10 points.

Positions are QoS 0, so none is acknowledged: what the node took in is read from its own counts.
"""

import time
from typing import Any, Final

from edge.messages.envelope import encode, topic_up
from edge.mqtt.packets.codec import PublishPacket
from edge.scenarios.dispatch.messages.up import RiderPosition

from ..subjects import NODE
from .workload import EVENTS_PER_ORDER, Workload, place_of

POSITIONS_PER_ORDER: Final = 20
EVENTS_PER_MIX: Final = EVENTS_PER_ORDER + POSITIONS_PER_ORDER


class MixedLoad:
    """The positions beside the orders of a workload, whose riders report in turn from where they stand."""

    def __init__(self, workload: Workload, points: int) -> None:
        self.sent = 0
        """Messages."""
        self._workload, self._points = workload, points
        self._next = 0

    def with_order(self) -> None:
        """What comes with one order."""
        at_ms = time.time_ns() // 1_000_000
        riders = self._workload.riders
        for _ in range(POSITIONS_PER_ORDER // self._points):
            rider = riders[self._next % len(riders)]
            self._next += 1
            self.sent += 1
            rider.send(position(rider.name, self._points, at_ms))
            rider.flush()


def position(rider: str, points: int, at_ms: int) -> bytes:
    """One QoS 0 message on the wire: a rider who waits where it began its shift, a point a second up to now."""
    place = place_of(rider)
    track = [(at_ms - 1000 * (points - 1 - step), place.lat, place.lon) for step in range(points)]
    body = encode(RiderPosition(points=track), json=False)
    return PublishPacket(topic_up(NODE, rider, "rider.position"), body).write()


def taken(status: dict[str, Any]) -> int:
    """Position messages that the node has counted, from its report."""
    return int(status["counts"]["received"].get("rider.position", 0))
