"""One assignment problem: which order goes to which rider, so that the whole round is served best.

An order that is served at all gains more than any cost can take away, and the longer it has waited the more; so first
as many orders as possible are served, then the oldest, then the cheapest way is chosen. Costs are whole numbers; equal
solutions are told apart by the sequence of the rows, then by the names, so the result is the same everywhere.
"""

from collections.abc import Sequence
from typing import Final

import lap
import numpy as np

_assign = lap.lapjvc  # looked up here, because lap loads its solvers at first use: not in the middle of an order

SERVED: Final = 100_000
"""What it is worth to serve an order, in seconds of cost: more than a day."""

WAITED_MAX: Final = 40_000
COST_MAX: Final = 50_000
_RANKS: Final = 4_096

Row = Sequence[tuple[str, int]]
"""The riders that can take one order, with their costs in seconds."""


def match(rows: Sequence[Row], waited: Sequence[int]) -> list[str]:
    """The rider for each row, or "". `waited` is how long each order has waited, in seconds."""
    first = [min(row, key=_rank)[0] if row else "" for row in rows]
    wanted = [rider for rider in first if rider]
    if len(set(wanted)) == len(wanted):
        return first  # everybody's first choice: nothing to weigh up
    chosen = [""] * len(rows)
    for members in _components(rows):
        if len(members) == 1:
            chosen[members[0]] = first[members[0]]
            continue
        part = _solve([rows[index] for index in members], [waited[index] for index in members])
        for index, rider in zip(members, part, strict=True):
            chosen[index] = rider
    return chosen


def _rank(edge: tuple[str, int]) -> tuple[int, str]:
    return edge[1], edge[0]


def _components(rows: Sequence[Row]) -> list[list[int]]:
    """Rows that compete for riders, directly or through others: problems that can be solved apart."""
    group = list(range(len(rows)))
    members = {index: [index] for index, row in enumerate(rows) if row}
    first: dict[str, int] = {}
    for index, row in enumerate(rows):
        for rider, _ in row:
            a, b = group[first.setdefault(rider, index)], group[index]
            if a != b:
                keep, gone = min(a, b), max(a, b)
                for moved in members.pop(gone):
                    group[moved] = keep
                    members[keep].append(moved)
    return [sorted(part) for part in members.values()]


def _solve(rows: Sequence[Row], waited: Sequence[int]) -> list[str]:
    riders = sorted({rider for row in rows for rider, _ in row})
    column = {rider: index for index, rider in enumerate(riders)}
    gain = np.zeros((len(rows), len(riders)))
    for index, row in enumerate(rows):
        worth = SERVED + min(WAITED_MAX, waited[index])
        for rider, cost in row:
            at = column[rider]
            net = (worth - min(COST_MAX, cost)) * len(rows) + len(rows) - 1 - index
            gain[index, at] = -(net * _RANKS - min(at, _RANKS - 1))
    # No edge costs nothing, an edge always gains: so leaving an order out never pays where it can be served.
    served, by = _assign(gain, return_cost=False)
    chosen = [""] * len(rows)
    for index, at in zip(served.tolist(), by.tolist(), strict=True):
        if gain[index, at] < 0:
            chosen[index] = riders[at]
    return chosen
