"""How long from an order to its rider's phone, beside what the same machine needs at the least.

Rounds alternate between the subjects, so that whatever else the machine does meanwhile meets all of them; the figures
are medians over the rounds. Per round the same arrival times for all subjects, other ones in the next round.
"""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import mean, median
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import asdict

from edge.core.model import decode_row
from edge.journal.reader import JournalReader
from edge.scenarios.dispatch.records import record_in

from ..lab.programs import make_certificates
from .client.openloop import P999_SAMPLES_MIN, Outcome, Round, due_times, quantiles
from .client.spans import Spans
from .client.workload import Workload, riders, tills
from .floors.disk import sync_times
from .lateness import lateness
from .subjects import NodeSubject, bare_echo, broker_echo, mosquitto, node, same_packets

RIDERS: Final = 200
"""On shift: at 500 orders/s a rider is busy for some milliseconds, so somebody is free through a stall of 0.4 s."""

WARM_UP_S: Final = 0.5
SYNCS_MAX: Final = 300
QUANTILES: Final = ("p50", "p99", "p999")
ORDERS_APART: Final = 1_000_000
"""Between the numbers of the first orders of two rounds."""


class Plan(Struct, frozen=True, kw_only=True):
    """What was asked for. `seconds` are for each subject, over all rounds."""

    rate: float
    seconds: float
    mode: str = "endpoint"
    transport: str = "tcp"
    clients: int = 200
    riders: int = RIDERS
    rounds: int = 5
    seed: int = 1


Progress = Callable[[str], None]
"""Called between rounds, with what comes next: nothing is drawn while something is measured."""


async def measure(plan: Plan, folder: Path, progress: Progress, spans: Spans | None = None) -> dict[str, Any]:
    """Everything of the report but the machine. `spans` gets every order."""
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        certificates = make_certificates(folder) if plan.transport == "tls" else None
        broker = await enter(mosquitto(folder / "mosquitto", plan.transport, certificates))
        echo = await enter(broker_echo(folder, broker))
        through = plan.mode == "broker"
        floor = echo if through else await enter(bare_echo(folder, plan.transport, certificates))
        names = [*tills(plan.clients), *riders(plan.riders)]
        subject = await enter(node(folder / "node", names, plan.transport, certificates, broker if through else None))
        workloads: dict[str, Workload] = {}
        workloads["floor"] = await Workload.at_echo(floor.door, plan.clients)
        stack.callback(workloads["floor"].close)
        if through:
            workloads["mosquitto"] = workloads["floor"]
        else:
            workloads["mosquitto"] = await Workload.at_echo(echo.door, plan.clients)
            stack.callback(workloads["mosquitto"].close)
        if plan.mode == "endpoint" and plan.transport == "tcp":
            packets = await enter(same_packets(folder, kept=True))
            workloads["packets"] = await Workload.at_node(packets.door, plan.clients, plan.riders, False)
            stack.callback(workloads["packets"].close)
        workloads["doorstep"] = await Workload.at_node(subject.door, plan.clients, plan.riders, not through)
        stack.callback(workloads["doorstep"].close)
        return await _rounds(plan, folder, progress, workloads, subject, spans)


async def _rounds(
    plan: Plan,
    folder: Path,
    progress: Progress,
    workloads: dict[str, Workload],
    subject: NodeSubject,
    spans: Spans | None,
) -> dict[str, Any]:
    numbers = iter(range(0, 1_000_000_000, ORDERS_APART))
    for name, workload in workloads.items():
        progress(f"warming up: {name}")
        await Round(workload, next(numbers), due_times(plan.rate, WARM_UP_S, plan.seed)).run()
    row_bytes = await asyncio.to_thread(row_bytes_of, subject.journal)
    outcomes: dict[str, list[Outcome]] = {name: [] for name in workloads}
    syncs: list[tuple[float, float, float, float]] = []
    for number in range(plan.rounds):
        due = due_times(plan.rate, plan.seconds / plan.rounds, plan.seed * 1000 + number)
        for name, workload in workloads.items():
            progress(f"round {number + 1} of {plan.rounds}: {name}")
            one = Round(workload, next(numbers), due)
            outcomes[name].append(await one.run())
            if spans is not None:
                await asyncio.to_thread(spans.add, name, number, one.orders())
        progress(f"round {number + 1} of {plan.rounds}: disk")
        count = min(max(len(due), 10), SYNCS_MAX)
        syncs.append(quantiles(await asyncio.to_thread(sync_times, folder, row_bytes, count, 1 / plan.rate)))
    report = await subject.status()
    return _report(plan, outcomes, syncs, report, row_bytes)


def row_bytes_of(journal: Path) -> int:
    """The mean size of the rows in which orders were decided; of all rows where there is no such one."""
    with JournalReader.open(journal) as reader:
        bodies = [body for _, body in reader.rows(0)]
    sizes = [len(body) for body in bodies if record_in(decode_row(body)).decisions] or [len(body) for body in bodies]
    return round(mean(sizes))


def _report(
    plan: Plan,
    outcomes: dict[str, list[Outcome]],
    syncs: list[tuple[float, float, float, float]],
    status: dict[str, Any],
    row_bytes: int,
) -> dict[str, Any]:
    floor, through, ours = (medians(outcomes[name]) for name in ("floor", "mosquitto", "doorstep"))
    p50, p99, *_ = (round(median(values), 4) for values in zip(*syncs, strict=True))
    fsync = {"p50": p50, "p99": p99, "p999": None}
    node_rounds = outcomes["doorstep"]
    report = {
        "benchmark": "latency",
        "floor_ms": floor,
        "fsync_ms": fsync,
        "mosquitto_ms": through,
        "doorstep_ms": ours,
        "stages_ms": status["latency_ms"]["total"],
        "ratio": {name: round(ours[name] / (floor[name] + fsync[name]), 3) for name in ("p50", "p99")},
        "ratio_mosquitto": _over(ours, through),
        "rate": plan.rate,
        "sent": sum(outcome.sent for outcome in node_rounds),
        "answered": sum(outcome.answered for outcome in node_rounds),
        "lost": sum(outcome.lost for outcome in node_rounds),
        "duplicates": sum(outcome.duplicates for outcome in node_rounds),
        "refused": sum(outcome.refused for outcome in node_rounds),
        "generator_late": lateness(outcome for rounds in outcomes.values() for outcome in rounds),
        "node": {**status["process"], "rows_per_commit": status["journal"]["rows_per_commit"], "row_bytes": row_bytes},
        "plan": asdict(plan),
        "rounds": {name: [asdict(outcome) for outcome in rounds] for name, rounds in outcomes.items()},
        "cut_short": any(outcome.cut_short for outcome in node_rounds),
    }
    if "packets" in outcomes:
        packets = medians(outcomes["packets"])
        report |= {"packets_ms": packets, "ratio_packets": _over(ours, packets)}
    return report


def _over(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, float]:
    return {name: round(ours[name] / theirs[name], 3) for name in ("p50", "p99")}


def medians(outcomes: list[Outcome]) -> dict[str, Any]:
    """Of each quantile, over the rounds; no p99.9 where they have fewer than P999_SAMPLES_MIN together."""
    found = {name: round(median(getattr(outcome, name) for outcome in outcomes), 4) for name in QUANTILES}
    return found if sum(outcome.answered for outcome in outcomes) >= P999_SAMPLES_MIN else {**found, "p999": None}
