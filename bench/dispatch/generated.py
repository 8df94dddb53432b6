"""Districts larger than any published one, to time decisions in: a steady stream of orders through the simulator.

Orders come evenly and are prepared for so long that, once the stream is steady, as many are open (placed and not picked
up) as a case asks for. Only calls of the policy at such moments count, and none that only reports pickups.
"""

import random
from collections.abc import Callable, Iterator
from typing import Any, Final

from msgspec import Struct, to_builtins

from ..demo.district.instance import Courier, Instance, Order, Parameters, Restaurant
from .policies.policy import Day, Policy
from .report import DecideMs, timing_of
from .simulator.strict import simulate


class Case(Struct, frozen=True):
    """So many open orders, so many riders, and what p99 of one decision must not exceed, milliseconds."""

    orders: int
    riders: int
    p99_max_ms: float

    @property
    def name(self) -> str:
        """Orders x riders."""
        return f"{self.orders}x{self.riders}"


CASES: Final = (Case(117, 211, 10), Case(500, 2_000, 100), Case(2_000, 2_000, 1_000))
"""The peak of the published days, and two beyond them."""

PREPARATION_MIN: Final = (20, 50)
"""From placement until ready, uniform."""

STREAM_MIN: Final = 150
"""How long orders come; steady after the first hour."""

CROWDED: Final = 0.9

SIDE_M: Final = 9_000
"""The district is a square: half an hour across at the set's 320 m a minute."""

SHIFT_AFTER_MIN: Final = 90
"""Riders stay for so long after the last order."""

ORDERS_PER_SHOP: Final = 8


class Timed(Struct, frozen=True):
    """What a case took. `calls` counts those with at least CROWDED of the open orders that the case asks for, and
    `open_mean` is how many there were. Where `cpu_ms` is well below `decide_ms`, the machine was busy with others."""

    orders: int
    riders: int
    calls: int
    open_mean: float
    decide_ms: DecideMs
    cpu_ms: DecideMs
    p99_max_ms: float


def district(case: Case, seed: int = 0) -> Instance:
    """A day for a case. The same seed gives the same day."""
    rng = random.Random(seed)
    # An order is open for its preparation, and a little until somebody comes: the mean of both is what fills the queue.
    per_minute = case.orders / (sum(PREPARATION_MIN) / 2)
    shops = [Restaurant(f"r{n}", *_place(rng)) for n in range(max(1, case.orders // ORDERS_PER_SHOP))]
    orders: list[Order] = []
    for number in range(int(per_minute * STREAM_MIN)):
        shop = rng.choice(shops)
        x, y = (round(rng.gauss(centre, SIDE_M / 6)) for centre in (shop.x, shop.y))
        placed = int(number / per_minute)
        orders.append(Order(f"o{number}", x, y, placed, shop.name, placed + rng.randint(*PREPARATION_MIN)))
    couriers = [Courier(f"c{n}", *_place(rng), 0, STREAM_MIN + SHIFT_AFTER_MIN) for n in range(case.riders)]
    return Instance(case.name, orders, couriers, shops, Parameters())


def times(make: Callable[[Day], Policy], cases: tuple[Case, ...] = CASES) -> Iterator[Timed]:
    """Each case as it is done."""
    for case in cases:
        outcome = simulate(district(case), make)
        counted = [
            call for call in outcome.calls if call.open_orders >= CROWDED * case.orders and not call.only_pickups
        ]
        open_mean = sum(call.open_orders for call in counted) / max(1, len(counted))
        decide, cpu = (timing_of(took) for took in ([c.ms for c in counted], [c.cpu_ms for c in counted]))
        yield Timed(case.orders, case.riders, len(counted), open_mean, decide, cpu, case.p99_max_ms)


def build(timed: list[Timed]) -> dict[str, Any]:
    """As it stands in the report."""
    return {f"{each.orders}x{each.riders}": to_builtins(each) for each in timed}


def lines(timed: list[Timed]) -> list[str]:
    """For a person."""
    return [
        f"{each.orders} open orders x {each.riders} riders: p50 {each.decide_ms.p50:.1f} ms, "
        f"p99 {each.decide_ms.p99:.1f} ms (must: {each.p99_max_ms:g}), max {each.decide_ms.max:.1f} ms, "
        f"{each.calls} calls with {each.open_mean:.0f} open in the mean; of the processor alone p99 "
        f"{each.cpu_ms.p99:.1f} ms."
        for each in timed
    ]


def _place(rng: random.Random) -> tuple[int, int]:
    return rng.randint(0, SIDE_M), rng.randint(0, SIDE_M)
