"""Runs seeds, and makes a failure short: fewer ticks, fewer kinds of faults, fewer people, fewer events."""

from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec import Struct

from tests.sim.checks.broken import Broken
from tests.sim.draw import TICKS, Plan, draw
from tests.sim.people.shelves import GATEWAYS, SHOP
from tests.sim.world import World

ATTEMPTS_MAX: Final = 150
"""Worlds lived through to make one failure short: about a minute."""


class Outcome(Struct):
    """What became of one plan. `why` is empty where every invariant held."""

    plan: Plan
    trace_hash: str
    why: str
    invariant: str
    lines: list[str]
    rows: int
    sent_ids: list[str]
    """Ids of the events that people sent."""


def live(plan: Plan) -> Outcome:
    """One world from start to end."""
    world = World(plan)
    why = invariant = ""
    try:
        world.run()
    except Broken as broken:
        why, invariant = str(broken), broken.invariant
    except Exception as error:  # noqa: BLE001 - whatever the code raises in a world is a finding
        why, invariant = f"{type(error).__name__}: {error}", type(error).__name__
    return Outcome(plan, world.trace_hash, why, invariant, world.lines, len(world.disk.rows), world.sent_ids)


def run(seed: int, ticks: int = TICKS) -> Outcome:
    """One seed."""
    return live(draw(seed, ticks))


def shrink(outcome: Outcome, attempt: Callable[[Plan], Outcome] = live) -> Outcome:
    """The shortest failure of the same invariant that ATTEMPTS_MAX worlds come to: fewer ticks, kinds of faults,
    people and vices, then fewer events, half of them at a time, then a quarter, down to each by itself."""
    search = _Search(outcome, attempt)
    search.ticks()
    plan = search.outcome.plan
    for name in plan.faults:
        rest = {other: rate for other, rate in search.outcome.plan.faults.items() if other != name}
        search.holds(faults=rest)
    for number in range(plan.customers):
        search.holds(absent=[*search.outcome.plan.absent, f"c-{number}"])
    for number in range(plan.riders):
        search.holds(absent=[*search.outcome.plan.absent, f"r-{number}"])
    for name in ("shop-1", SHOP, *GATEWAYS):
        search.holds(absent=[*search.outcome.plan.absent, name])
    for vice in ("bad_rate", "decline", "ignore", "lie", "unconfirmed"):
        search.holds(**{vice: 0.0})
    search.ticks()
    size = len(search.outcome.sent_ids)
    while size := size // 2:
        at = 0
        while at < len(search.outcome.sent_ids):
            if not search.holds(skipped=[*search.outcome.plan.skipped, *search.outcome.sent_ids[at : at + size]]):
                at += size
    search.ticks()
    return search.outcome


class _Search:
    """The shortest failure so far, and how many worlds may still be tried."""

    def __init__(self, outcome: Outcome, attempt: Callable[[Plan], Outcome]) -> None:
        self.outcome = outcome
        self._attempt = attempt
        self._left = ATTEMPTS_MAX

    def holds(self, **change: Any) -> bool:
        """Whether the failure is still there after this change; then it is the one to go on with."""
        if self._left == 0:
            return False
        self._left -= 1
        simpler = self._attempt(msgspec.structs.replace(self.outcome.plan, **change))
        if simpler.invariant != self.outcome.invariant:
            return False
        self.outcome = simpler
        return True

    def ticks(self) -> None:
        """Bisect how long it goes on."""
        low, high = 0, self.outcome.plan.ticks
        while low < high:
            middle = (low + high) // 2
            if self.holds(ticks=middle):
                high = middle
            else:
                low = middle + 1


def report(outcome: Outcome, lines_max: int = 60) -> str:
    """What a person needs in order to look at it: why, how to see it again, the end of the trace."""
    plan = outcome.plan
    shown = outcome.lines[-lines_max:]
    faults = ", ".join(plan.faults) or "none"
    head = f"seed {plan.seed}, {plan.ticks} ticks, {len(outcome.sent_ids)} events, faults {faults}: {outcome.why}"
    short = f"python -m tests.sim --trace --plan '{msgspec.json.encode(plan).decode()}'"
    return "\n".join([head, f"whole: python -m tests.sim --seeds {plan.seed} --trace", f"this: {short}", *shown])
