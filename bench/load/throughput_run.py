"""How much: the highest rate at which nothing is lost and p99 stays bounded, and the processor time that it takes."""

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import asdict

from .client.flood import flood
from .client.mixed_load import EVENTS_PER_MIX, MixedLoad, taken
from .client.openloop import Round, due_times
from .client.workload import EVENTS_PER_ORDER, Workload, riders, tills
from .latency_run import ORDERS_APART, Progress
from .search import Tried, tried
from .search import search as search_rates
from .subjects import NodeSubject, Subject, bare_echo, broker_echo, mosquitto, node, same_packets

RIDERS: Final = 400
ORDERS_A_TURN: Final = 100 * ORDERS_APART

WARM_UP_RATE: Final = 100.0


class Search(Struct, frozen=True, kw_only=True):
    """What was asked for: load at each rate, rates for each subject, the first one, connections that place orders."""

    seconds: float = 3.0
    steps: int = 12
    start: float = 200.0
    clients: int = 200
    riders: int = RIDERS
    seed: int = 1


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
        report["ratio_cpu"] = cpu_over(ours, report["floor"])
        report["ratio_cpu_event"] = report["ratio_cpu"] and round(report["ratio_cpu"] / EVENTS_PER_ORDER, 2)
        report["ratio_cpu_packets"] = cpu_over(ours, report["packets"])
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


def cpu_over(ours: dict[str, Any], other: dict[str, Any]) -> float | None:
    """The processor time of an order over that of another subject, at the nearest rate that was tried there: the faster
    a server is asked, the more each of its reads brings, and the less a message costs."""
    near = min(other["tried"], key=lambda one: abs(one["rate"] - ours["rate"]))
    return round(ours["cpu_us"] / near["cpu_us"], 2) if near["cpu_us"] else None


async def _search(
    search: Search, subject: Subject, workload: Workload, progress: Progress, turn: int = 0
) -> dict[str, Any]:
    """`turn` counts the searches at the same subject: an order's number is used once, or it would be a repeat."""
    numbers = iter(range(turn * ORDERS_A_TURN, (turn + 1) * ORDERS_A_TURN, ORDERS_APART))
    await Round(workload, next(numbers), due_times(WARM_UP_RATE, 0.5, search.seed)).run()

    async def attempt(rate: float) -> Tried:
        progress(f"{subject.name}: {rate:.0f} a second")
        before = subject.cpu_s()
        outcome = await Round(workload, next(numbers), due_times(rate, search.seconds, search.seed)).run()
        return tried(rate, outcome, subject.cpu_us(before, outcome.answered), workload)

    try:
        return await search_rates(attempt, search.start, search.steps)
    finally:
        workload.close()
