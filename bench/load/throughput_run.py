"""How much: the highest rate at which nothing is lost and p99 stays bounded, and the processor time that it takes.

Rates double until one fails (or halve until one holds); then the gap between the last good and the first bad one is
halved, in proportion. A rate has failed when it failed twice: on a shared machine one stall of somebody else must not
end a search. The count of tries is bounded, so the result is a lower bound: a rate that was held, never one that was
extrapolated.
"""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import asdict

from .client.flood import flood
from .client.mixed_load import EVENTS_PER_MIX, MixedLoad, taken
from .client.openloop import Outcome, Round, due_times
from .client.workload import EVENTS_PER_ORDER, Workload, riders, tills
from .latency_run import ORDERS_APART, Progress
from .subjects import NodeSubject, Subject, bare_echo, broker_echo, mosquitto, node, same_packets

P99_MS_MAX: Final = 50.0
RIDERS: Final = 400
SETTLE_S: Final = 0.3
"""Between two rates: what the last one left behind is done by then."""

ORDERS_A_TURN: Final = 100 * ORDERS_APART

WARM_UP_RATE: Final = 100.0


class Search(Struct, frozen=True, kw_only=True):
    """What was asked for: load at each rate, tries for each subject, the first rate, connections that place orders."""

    seconds: float = 3.0
    steps: int = 12
    start: float = 200.0
    clients: int = 200
    riders: int = RIDERS
    seed: int = 1


class Tried(Struct, frozen=True, kw_only=True):
    """One rate. `cpu_us` is the processor time of the subject for each order."""

    rate: float
    held: bool
    p50: float
    p99: float
    lost: int
    refused: int
    cpu_us: float
    late_p99: float
    why: str


async def measure(search: Search, folder: Path, progress: Progress) -> dict[str, Any]:
    """Everything of the report but the machine."""
    report: dict[str, Any] = {"benchmark": "throughput", "search": asdict(search), "events_per_order": EVENTS_PER_ORDER}
    async with AsyncExitStack() as stack:
        broker = await stack.enter_async_context(mosquitto(folder / "mosquitto"))
        echo = await stack.enter_async_context(broker_echo(folder, broker))
        report["mosquitto"] = await _search(search, echo, await Workload.at_echo(echo.door, search.clients), progress)
    async with bare_echo(folder) as floor:
        report["floor"] = await _search(search, floor, await Workload.at_echo(floor.door, search.clients), progress)
    async with same_packets(folder) as packets:
        workload = await Workload.at_node(packets.door, search.clients, search.riders, False)
        report["packets"] = await _search(search, packets, workload, progress)
    names = [*tills(search.clients), *riders(search.riders)]
    async with node(folder / "node", names) as subject:
        workload = await Workload.at_node(subject.door, search.clients, search.riders, True)
        report["doorstep"] = await _search(search, subject, workload, progress)
        report["stages_ms"] = (await subject.status())["latency_ms"]["total"]
        report["mix"] = [
            await _mixed(search, subject, points, progress, turn) for turn, points in enumerate((1, 10), 1)
        ]
    async with node(folder / "flooded", names) as subject:
        workload = await Workload.at_node(subject.door, 1, search.riders, True)
        report["positions"] = [await flood(subject, workload, points, search.seconds, progress) for points in (1, 10)]
        workload.close()
    ours, theirs, bare, packets = (report[name]["best"] for name in ("doorstep", "mosquitto", "floor", "packets"))
    if ours and theirs and bare and packets:
        report["ratio_mosquitto"] = round(ours["rate"] / theirs["rate"], 3)
        report["ratio_packets"] = round(ours["rate"] / packets["rate"], 3)
        report["ratio_cpu"] = _cpu_over(ours, report["floor"])
        report["ratio_cpu_event"] = report["ratio_cpu"] and round(report["ratio_cpu"] / EVENTS_PER_ORDER, 2)
        report["ratio_cpu_packets"] = _cpu_over(ours, report["packets"])
        report["durable_events_per_s"] = round(ours["rate"] * EVENTS_PER_ORDER, 1)
        report["orders_per_day"] = round(ours["rate"] * 86_400)
    return report


async def _mixed(search: Search, subject: NodeSubject, points: int, progress: Progress, turn: int) -> dict[str, Any]:
    """Orders with positions beside them. An event is a durable one or one position, whatever message brought it."""
    workload = await Workload.at_node(subject.door, search.clients, search.riders, True)
    mix = MixedLoad(workload, points)
    workload.beside = mix.with_order
    before = taken(await subject.status())
    found = await _search(search, subject, workload, progress, turn)
    best = found["best"]
    rate, cpu_us = (best["rate"], best["cpu_us"]) if best else (0.0, 0.0)
    return {
        "points": points,
        **found,
        "events_per_s": round(rate * EVENTS_PER_MIX, 1),
        "events_per_cpu_s": round(EVENTS_PER_MIX / cpu_us * 1e6, 1) if cpu_us else 0.0,
        "events_per_day": round(rate * EVENTS_PER_MIX * 86_400),
        "position_messages": mix.sent,
        "lost": mix.sent - (taken(await subject.status()) - before),
    }


def _cpu_over(ours: dict[str, Any], other: dict[str, Any]) -> float | None:
    """The processor time of an order over that of another subject, at the nearest rate that was tried there: the faster
    a server is asked, the more each of its reads brings, and the less a message costs."""
    near = min(other["tried"], key=lambda one: abs(one["rate"] - ours["rate"]))
    return round(ours["cpu_us"] / near["cpu_us"], 2) if near["cpu_us"] else None


async def _search(
    search: Search, subject: Subject, workload: Workload, progress: Progress, turn: int = 0
) -> dict[str, Any]:
    """`best` (None where no rate was held) and all that was `tried`. `turn` counts the searches at the same subject:
    an order's number is used once, or it would be a repeat."""
    tried: list[Tried] = []
    numbers = iter(range(turn * ORDERS_A_TURN, (turn + 1) * ORDERS_A_TURN, ORDERS_APART))
    await Round(workload, next(numbers), due_times(WARM_UP_RATE, 0.5, search.seed)).run()
    good, bad, rate, again = 0.0, 0.0, search.start, False
    try:
        for _ in range(search.steps):
            progress(f"{subject.name}: {rate:.0f} a second")
            one = await _try(search, subject, workload, rate, next(numbers))
            tried.append(one)
            if workload.broken:
                break
            again = not one.held and not again
            if not again:
                good, bad = (rate, bad) if one.held else (good, rate)
                rate = (good * bad) ** 0.5 if good and bad else rate / 2 if bad else rate * 2
            await asyncio.sleep(SETTLE_S)
    finally:
        workload.close()
    held = [one for one in tried if one.held]
    best = max(held, key=lambda one: one.rate, default=None)
    return {"best": asdict(best) if best else None, "tried": [asdict(one) for one in tried]}


async def _try(search: Search, subject: Subject, workload: Workload, rate: float, first: int) -> Tried:
    before = subject.cpu_s()
    outcome = await Round(workload, first, due_times(rate, search.seconds, search.seed)).run()
    used_s = sum(after - earlier for after, earlier in zip(subject.cpu_s(), before, strict=True))
    why = why_not(outcome, workload)
    return Tried(
        rate=rate,
        held=not why,
        p50=outcome.p50,
        p99=outcome.p99,
        lost=outcome.lost,
        refused=outcome.refused,
        cpu_us=round(used_s / max(outcome.answered, 1) * 1e6, 1),
        late_p99=outcome.late_p99,
        why=why,
    )


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
