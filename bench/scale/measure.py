"""Each size in a process of its own: riders and orders in the core alone, connections at a whole node."""

import asyncio
import contextlib
import json
import math
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import asdict

from edge.errors import DoorstepError

from ..cli_options import Progress
from ..load.client.openloop import Outcome, Round, due_times
from ..load.client.workload import Workload, riders, tills
from ..load.latency_run import ORDERS_APART, medians
from ..load.lateness import lateness
from ..load.subjects import node
from . import core
from .core import resident_mb
from .fit import exponent

RIDERS_FIXED: Final = 2_000
"""On the map while orders grow."""

CARRIED_FIXED: Final = 50
"""Orders under way while riders grow; half as many as the fewest riders."""

POINT_S_MAX: Final = 300.0
DESCRIPTORS_SPARE: Final = 200
ROUNDS: Final = 3
CLIENT_RIDERS: Final = 50


class Plan(Struct, frozen=True, kw_only=True):
    """What was asked for: the sizes, timed orders at each, the load on connections."""

    riders: tuple[int, ...] = (100, 1_000, 10_000, 100_000)
    orders: tuple[int, ...] = (10, 100, 1_000)
    clients: tuple[int, ...] = (10, 1_000, 5_000)
    count: int = 200
    rate: float = 100.0
    seconds: float = 6.0
    seed: int = 1


def points(plan: Plan) -> list[tuple[str, int, tuple[int, int, int]]]:
    """What is varied, the size, and (riders, carried orders, waiting orders)."""
    return [
        *(("riders", size, (size, CARRIED_FIXED, 0)) for size in plan.riders),
        *(("carried", size, (RIDERS_FIXED, size, 0)) for size in plan.orders),
        *(("waiting", size, (RIDERS_FIXED, 0, size)) for size in plan.orders),
    ]


async def measure(plan: Plan, folder: Path, progress: Progress) -> dict[str, Any]:
    """Everything of the report but the machine."""
    report: dict[str, Any] = {"benchmark": "scale", "plan": asdict(plan), "riders": [], "carried": [], "waiting": []}
    for what, size, sizes in points(plan):
        progress(f"{size:,} {what}")
        report[what].append({"size": size, **await _point(plan, sizes)})
    clients: list[dict[str, Any]] = []
    rounds: list[Outcome] = []
    with descriptors(max(plan.clients, default=0) + CLIENT_RIDERS + DESCRIPTORS_SPARE):
        for size in plan.clients:
            progress(f"{size:,} connections")
            found, outcomes = await _connected(plan, size, folder / f"clients-{size}")
            clients.append({"size": size, **found})
            rounds += outcomes
    report["clients"] = clients
    report["exponents"] = exponents(report)
    report["generator_late"] = lateness(rounds)
    return report


def exponents(report: dict[str, Any]) -> dict[str, float | None]:
    """Of time and of memory against each size; None where it cannot be estimated."""
    found: dict[str, float | None] = {}
    for what, field in (("riders", "decide_ms"), ("carried", "decide_ms"), ("waiting", "decide_ms"), ("clients", "ms")):
        rows = report[what]
        sizes = [row["size"] for row in rows]
        for name, costs in (
            (f"{what}_p50", [row[field]["p50"] for row in rows]),
            (f"{what}_memory", [row["memory_mb"] for row in rows]),
        ):
            slope = exponent(sizes, costs) if rows else math.nan
            found[name] = None if math.isnan(slope) else slope
    return found


@contextlib.contextmanager
def descriptors(count: int) -> Iterator[None]:
    """So many files may be open, in this process and in those that it starts. Raises DoorstepError."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and count > hard:
        raise DoorstepError(f"{count} connections need as many open files, and {hard} are allowed: ulimit -Hn {count}.")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(count, soft), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def _point(plan: Plan, sizes: tuple[int, int, int]) -> dict[str, Any]:
    words = [sys.executable, "-m", core.__name__, *map(str, (*sizes, plan.count, plan.seed))]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*words, stdout=pipe, stderr=pipe)
    try:
        out, err = await asyncio.wait_for(process.communicate(), POINT_S_MAX)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise DoorstepError(
            f"{sizes} (riders, carried, waiting) took longer than {POINT_S_MAX:.0f} s. Take --count lower."
        ) from None
    if process.returncode:
        raise DoorstepError(f"{sizes} (riders, carried, waiting) failed: {err.decode().strip()[-500:]}")
    return json.loads(out)


async def _connected(plan: Plan, clients: int, folder: Path) -> tuple[dict[str, Any], list[Outcome]]:
    """A node with so many connections, all of which place orders in turn, at the same rate in all."""
    names = [*tills(clients), *riders(CLIENT_RIDERS)]
    async with node(folder, names) as subject:
        empty_mb = resident_mb(subject.pid)
        workload = await Workload.at_node(subject.door, clients, CLIENT_RIDERS, True)
        try:
            await Round(workload, 0, due_times(plan.rate, 0.5, plan.seed)).run()
            outcomes = [
                await Round(
                    workload, number * ORDERS_APART, due_times(plan.rate, plan.seconds / ROUNDS, plan.seed + number)
                ).run()
                for number in range(1, ROUNDS + 1)
            ]
            memory = resident_mb(subject.pid) - empty_mb
        finally:
            workload.close()
    lost = sum(outcome.lost + outcome.refused for outcome in outcomes)
    return {"ms": medians(outcomes), "memory_mb": round(memory, 2), "lost": lost}, outcomes
