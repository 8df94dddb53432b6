"""What a city has and the strict track has not: riders who look before they answer, decline or are silent, positions
that are old and inexact, and kitchens in which orders wait for a cook. All of it is drawn by a seed."""

import heapq
import math
import random
from collections.abc import Sequence
from typing import Final

from edge.scenarios.dispatch.travel.ride_times import METRES_PER_DEG

from ...demo.district.instance import Order
from ...whatif.day import Place, Reply

DECLINE: Final = 0.1
"""Probability that a rider declines an offer."""

SILENT: Final = 0.05
"""Probability that a rider does not answer one."""

REPLY_S: Final = (3.0, 40.0)
"""How long a rider looks at an offer; the node waits for 60 s."""

REPLIES: Final = 97
"""Drawn for each rider, who then begins again."""

POSITION_S: Final = 300
"""A phone in a pocket reports this often, and not with what its rider sends."""

NOISE_M: Final = 50
"""Standard deviation of a position, north and east, among high houses."""

COOK_BUSY: Final = 0.8
"""Share of the time between the first and the last order in which a kitchen's cooks are at work."""

COOK_SPREAD: Final = 0.3
"""Standard deviation of the logarithm of a cooking time around what the instance has."""


def replies(rider: str, seed: int) -> tuple[Reply, ...]:
    """The answers of a rider to its offers, one after the other."""
    draw = random.Random(f"replies {seed} {rider}")
    made: list[Reply] = []
    for _ in range(REPLIES):
        die, after_ms = draw.random(), round(draw.uniform(*REPLY_S) * 1000)
        made.append(Reply("lapse" if die < SILENT else "decline" if die < SILENT + DECLINE else "accept", after_ms))
    return tuple(made)


def errors(rider: str, seed: int) -> tuple[Place, ...]:
    """By how much the positions of a rider are off, degrees north and east, one after the other."""
    draw = random.Random(f"positions {seed} {rider}")
    return tuple(
        (draw.gauss(0, NOISE_M) / METRES_PER_DEG, draw.gauss(0, NOISE_M) / METRES_PER_DEG) for _ in range(REPLIES)
    )


def cooked(orders: Sequence[Order], seed: int) -> dict[str, float]:
    """When each order of one shop is ready, minutes: it waits for a free cook, who takes about what the instance has
    for it. There are as many cooks as keep up with the day."""
    draw = random.Random(f"kitchen {seed} {orders[0].restaurant}")
    waiting = sorted(orders, key=lambda order: (order.placed, order.name))
    takes = [max(order.ready - order.placed, 1) * math.exp(draw.gauss(0, COOK_SPREAD)) for order in waiting]
    span = max(waiting[-1].placed - waiting[0].placed, 1)
    free = [0.0] * max(1, math.ceil(sum(takes) / span / COOK_BUSY))
    ready: dict[str, float] = {}
    for order, minutes in zip(waiting, takes, strict=True):
        done = max(heapq.heappop(free), order.placed) + minutes
        heapq.heappush(free, done)
        ready[order.name] = done
    return ready
