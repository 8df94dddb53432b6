"""The search for the highest rate that a server holds.

Rates double until one fails (or halve until one holds); then the gap between the last good and the first bad one is
halved, in proportion. A rate has failed when it failed twice: on a shared machine one stall of somebody else must not
end a search. The number of rates is bounded, so the result is a rate that was held, never one that was extrapolated.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import asdict

from .client.openloop import Outcome
from .client.workload import Workload

P99_MS_MAX: Final = 50.0
SETTLE_S: Final = 0.3
"""Between two rates: what the last one left behind is done by then."""

QUIET_S: Final = 1.0
"""The same after a rate that was not held."""

GAP_MIN: Final = 1.03
"""Between the last good and the first bad rate; nearer ones would show nothing but chance."""


class Tried(Struct, frozen=True, kw_only=True):
    """One rate. `cpu_us` is the processor time of the subject for each order; `broken`: it has closed connections."""

    rate: float
    held: bool
    p50: float
    p99: float
    lost: int
    refused: int
    cpu_us: float
    late_p99: float
    why: str
    broken: bool = False


def tried(rate: float, outcome: Outcome, cpu_us: float, workload: Workload) -> Tried:
    """What a round at this rate showed."""
    why = why_not(outcome, workload)
    fields = {name: getattr(outcome, name) for name in ("p50", "p99", "lost", "refused", "late_p99")}
    return Tried(rate=rate, held=not why, cpu_us=cpu_us, why=why, broken=workload.broken > 0, **fields)


async def search(attempt: Callable[[float], Awaitable[Tried]], start: float, rates: int) -> dict[str, Any]:
    """Try at most so many rates, each once more where it failed. Returns `best` (None where no rate was held) and all
    that was `tried`."""
    done: list[Tried] = []
    good, bad, rate = 0.0, 0.0, start
    for _ in range(rates):
        for _ in range(2):
            done.append(await attempt(rate))
            await asyncio.sleep(SETTLE_S if done[-1].held else QUIET_S)
            if done[-1].held or done[-1].broken:
                break
        good, bad = (rate, bad) if done[-1].held else (good, rate)
        if done[-1].broken or (good and bad and bad / good < GAP_MIN):
            break
        rate = (good * bad) ** 0.5 if good and bad else rate / 2 if bad else rate * 2
    best = max((one for one in done if one.held), key=lambda one: one.rate, default=None)
    return {"best": asdict(best) if best else None, "tried": [asdict(one) for one in done]}


def why_not(outcome: Outcome, workload: Workload) -> str:
    """Why a rate was not held; nothing where it was."""
    if workload.broken:
        return f"{workload.broken} connections were closed by the peer"
    if outcome.cut_short:
        return "answers fell behind for good"
    if outcome.lost or outcome.refused:
        return f"{outcome.lost} lost, {outcome.refused} refused"
    if outcome.p99 >= P99_MS_MAX:
        # Where the generator was as late as that, it is the bound, not the subject: the two share the machine.
        whose = " (the load generator was the late one)" if outcome.late_p99 > outcome.p99 / 2 else ""
        return f"p99 of {outcome.p99:.1f} ms{whose}"
    return ""


def ended(found: dict[str, Any]) -> bool:
    """Whether a higher rate than the best one failed: else the search ran out of rates, and the best is a bound."""
    best = found["best"]
    return bool(best) and any(not one["held"] and one["rate"] > best["rate"] for one in found["tried"])


def highest(found: dict[str, Any]) -> str:
    """The highest rate for people: "≥ N, search ended" where no rate failed. Empty where none was tried."""
    best = found["best"]
    if best is None:
        return f"below {min(one['rate'] for one in found['tried']):g}" if found["tried"] else ""
    return f"{best['rate']:,.0f}" if ended(found) else f"≥ {best['rate']:,.0f}, search ended"
