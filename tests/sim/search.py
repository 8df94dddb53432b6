"""Runs seeds, and makes a failure short: fewer ticks, then fewer kinds of faults."""

from collections.abc import Callable

import msgspec
from msgspec import Struct

from .checks import Broken
from .draw import TICKS, Plan, draw
from .world import World


class Outcome(Struct):
    """What became of one plan. `why` is empty where every invariant held."""

    plan: Plan
    trace_hash: str
    why: str
    invariant: str
    lines: list[str]
    rows: int


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
    return Outcome(plan, world.trace_hash, why, invariant, world.lines, len(world.disk.rows))


def run(seed: int, ticks: int = TICKS) -> Outcome:
    """One seed."""
    return live(draw(seed, ticks))


def shrink(outcome: Outcome, attempt: Callable[[Plan], Outcome] = live) -> Outcome:
    """The shortest failure of the same invariant that bisection finds."""
    low, high = 0, outcome.plan.ticks
    while low < high:
        middle = (low + high) // 2
        shorter = attempt(msgspec.structs.replace(outcome.plan, ticks=middle))
        if shorter.invariant == outcome.invariant:
            outcome, high = shorter, middle
        else:
            low = middle + 1
    for name in list(outcome.plan.faults):
        fewer = {other: rate for other, rate in outcome.plan.faults.items() if other != name}
        simpler = attempt(msgspec.structs.replace(outcome.plan, faults=fewer))
        if simpler.invariant == outcome.invariant:
            outcome = simpler
    return outcome


def report(outcome: Outcome, lines_max: int = 60) -> str:
    """What a person needs in order to look at it."""
    plan = outcome.plan
    shown = outcome.lines[-lines_max:]
    head = f"seed {plan.seed}, {plan.ticks} ticks, faults {', '.join(plan.faults) or 'none'}: {outcome.why}"
    return "\n".join([head, f"again: python -m tests.sim --seeds {plan.seed} --trace", *shown])
