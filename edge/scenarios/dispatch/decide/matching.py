"""Matching for a burst of orders with enough riders: each order gets a rider of its own at the least total cost.

Minimum-cost bipartite matching by shortest augmenting paths with prices (Jonker and Volgenant, 1987), on the few riders
that each order looks at. Most orders get their first choice by one look-up, so a burst costs little more than its
orders one by one: a fifth of the plan of a round (`round_plan`), at 32 orders and 400 riders.

Against that plan, on random streets: in 1,500 rounds of 2 to 7 orders of different shops, with two idle riders or more
for each, drop-offs came as soon, to 0.01 s on the mean; in 720 bursts of 8 to 40 orders, with one to four riders for
each, they came 0.1 to 5 % sooner, and the ways to the shops were 1 to 17 % longer, most where riders were few.
"""

import heapq
from collections.abc import Container, Sequence

from ....limits import MATCHED_STEPS_MAX
from .candidates import CandidateCost


def match(
    choices: Sequence[Sequence[CandidateCost]], taken: Container[str], extra_s: Sequence[int]
) -> list[CandidateCost | None]:
    """For each order one of its options, with a rider that nobody else has and `taken` does not name.

    None where that would cost more than the order's `extra_s` over its first choice, the detours of others included.
    Earlier orders come first: none loses its rider to a later one, but it may move on to another.
    """
    matching = _Matching([[option for option in row if option.rider not in taken] for row in choices])
    for order, (row, extra) in enumerate(zip(choices, extra_s, strict=True)):
        if matching.rows[order]:
            matching.add(order, row[0].total + extra)
    return matching.chosen


class _Matching:
    """The matching so far. `price` is the dual variable of a rider: 0 or negative."""

    def __init__(self, rows: list[list[CandidateCost]]) -> None:
        self.rows = rows
        self.chosen: list[CandidateCost | None] = [None] * len(rows)
        self._holder: dict[str, int] = {}
        self._price: dict[str, int] = {}

    def add(self, order: int, most: int) -> None:
        """Match one more order if that adds at most `most` in total; other orders may change their riders for it."""
        first = self.rows[order][0]
        if first.total > most:
            return
        if first.rider not in self._holder:
            # Free riders have no price and others a negative one: nothing in the row can be nearer than its first.
            self.chosen[order] = first
            self._holder[first.rider] = order
            return
        chosen, holder, price = self.chosen, self._holder, self._price
        via: dict[str, tuple[int, CandidateCost]] = {}
        near: dict[str, int] = {}
        heap: list[tuple[int, str]] = []
        done: dict[str, int] = {}
        self._reach(order, 0, via, near, heap)
        while heap:
            distance, rider = heapq.heappop(heap)
            if rider in done:
                continue
            if distance > most or len(done) == MATCHED_STEPS_MAX:
                return
            held_by = holder.get(rider)
            if held_by is None:
                break
            done[rider] = distance
            held = chosen[held_by]
            assert held is not None
            self._reach(held_by, distance - held.total + price.get(rider, 0), via, near, heap)
        else:
            return
        for other, nearer in done.items():
            price[other] = price.get(other, 0) + nearer - distance
        while True:
            number, option = via[rider]
            before = chosen[number]
            chosen[number] = option
            holder[rider] = number
            if before is None:
                return
            rider = before.rider

    def _reach(
        self,
        order: int,
        base: int,
        via: dict[str, tuple[int, CandidateCost]],
        near: dict[str, int],
        heap: list[tuple[int, str]],
    ) -> None:
        """Relax the riders of an order: `base` plus the reduced cost."""
        price = self._price
        for option in self.rows[order]:
            name = option.rider
            distance = base + option.total - price.get(name, 0)
            if distance < near.get(name, distance + 1):
                near[name] = distance
                via[name] = order, option
                heapq.heappush(heap, (distance, name))
