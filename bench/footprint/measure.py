"""Start-up, memory, wake-ups: of an empty node, after an hour of a day's load, and at full load."""

import asyncio
import contextlib
import math
from pathlib import Path
from statistics import median
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import asdict

from ..cli_options import Progress
from ..lab.process import cpu_s
from ..load.client.workload import riders, tills
from ..scale.core import resident_mb
from ..scale.measure import DESCRIPTORS_SPARE, descriptors
from .day import UNDER_WAY_S, Day
from .installed import installed
from .node_process import NodeProcess

SETTLE_S: Final = 2.0
"""After a start or a load, before anything is looked at."""

HOUR_TILLS: Final = 40
RIDERS_PER_ORDER: Final = 1.3
"""On shift for each order that is under way: so that hardly any has to wait for one."""

FULL_TILLS: Final = 50


class Plan(Struct, frozen=True, kw_only=True):
    """What was asked for. The hour goes `speed` times faster than life; `idle_s` are real seconds of looking."""

    starts: int = 5
    idle_s: float = 10.0
    orders_per_hour: int = 360
    hours: float = 1.0
    speed: float = 60.0
    full_riders: int = 1_000
    full_orders: int = 1_000
    seed: int = 1


STEPS: Final = 5
"""Of the progress bar."""


async def measure(plan: Plan, folder: Path, progress: Progress) -> dict[str, Any]:
    """Everything of the report but the machine."""
    progress(f"{plan.starts} starts of an empty node")
    empty = NodeProcess(folder / "empty", [])
    starts: list[float] = []
    for _ in range(plan.starts):
        async with empty.node() as took_s:
            starts.append(took_s)
    async with empty.node():
        progress(f"{plan.idle_s:g} s of rest")
        await asyncio.sleep(SETTLE_S)
        idle = await _look(empty, plan.idle_s)
    hour = NodeProcess(folder / "hour", [*tills(HOUR_TILLS), *riders(hour_riders(plan))], plan.speed)
    progress(f"{plan.hours:g} h of a day's load, {plan.speed:g} times faster than life")
    async with hour.node():
        after_hour = await _hour(plan, hour)
    progress(f"{plan.starts} starts after it")
    again: list[float] = []
    for _ in range(plan.starts):
        async with hour.node() as took_s:
            again.append(took_s)
    progress(f"{plan.full_riders:,} riders, {plan.full_orders:,} open orders")
    full = NodeProcess(folder / "full", [*tills(FULL_TILLS), *riders(plan.full_riders)])
    with descriptors(plan.full_riders + FULL_TILLS + DESCRIPTORS_SPARE):
        async with full.node():
            full_node = await _full(plan, full)
    return {
        "benchmark": "footprint",
        "plan": asdict(plan),
        "start_s": {"empty": _spread(starts), "after_hour": _spread(again)},
        "idle": idle,
        "after_hour": after_hour,
        "full_house": full_node,
        "installed": installed(),
    }


def hour_riders(plan: Plan) -> int:
    """How many are on shift in the hour."""
    return math.ceil(plan.orders_per_hour * UNDER_WAY_S / 3600 * RIDERS_PER_ORDER) + 5


async def _hour(plan: Plan, running_node: NodeProcess) -> dict[str, Any]:
    day = Day(running_node)
    try:
        await day.open(HOUR_TILLS, hour_riders(plan))
        begin_mb, begin_cpu = resident_mb(running_node.pid), cpu_s(running_node.pid)
        begin_written = disk_written(running_node.pid)
        await day.hour(round(plan.orders_per_hour * plan.hours), plan.hours, plan.seed)
        used_s = cpu_s(running_node.pid) - begin_cpu
        await asyncio.sleep(SETTLE_S)
        status = await asyncio.to_thread(running_node.site.status)
        written = disk_written(running_node.pid)
        return {
            "rss_mb": round(resident_mb(running_node.pid), 1),
            "rss_at_its_begin_mb": round(begin_mb, 1),
            "cpu_s": round(used_s, 2),
            "riders": hour_riders(plan),
            "orders": day.placed,
            "delivered": day.delivered,
            "orders_open": day.accepted - day.delivered,
            "positions": day.positions,
            "rows": status["journal"]["rows"],
            "disk_written_kb_per_order": round((written - begin_written) / 1000 / day.placed, 1),
            "data_mb": round(sum(file.stat().st_size for file in running_node.site.node_data.iterdir()) / 1e6, 1),
        }
    finally:
        day.close()


async def _full(plan: Plan, running_node: NodeProcess) -> dict[str, Any]:
    day = Day(running_node)
    try:
        await day.open(FULL_TILLS, plan.full_riders)
        await day.fill(plan.full_orders)
        await asyncio.sleep(SETTLE_S)
        looked = await _look(running_node, plan.idle_s)
        return {**looked, "riders": plan.full_riders, "orders_open": day.accepted}
    finally:
        day.close()


async def _look(running_node: NodeProcess, seconds: float) -> dict[str, float]:
    """Memory, and what the node does while nobody sends anything."""
    before, used = wake_ups(running_node.pid), cpu_s(running_node.pid)
    await asyncio.sleep(seconds)
    woken = sum(count - before.get(thread, 0) for thread, count in wake_ups(running_node.pid).items())
    return {
        "rss_mb": round(resident_mb(running_node.pid), 1),
        "wake_ups_per_s": round(woken / seconds, 2),
        "cpu_share": round((cpu_s(running_node.pid) - used) / seconds, 5),
    }


def wake_ups(pid: int) -> dict[int, int]:
    """By thread of a process, how often it has gone to sleep of its own accord, each of which ended with a wake-up.
    By thread, since one that ends takes its count with it. Source: voluntary_ctxt_switches of
    /proc/<pid>/task/*/status, proc(5)."""
    found: dict[int, int] = {}
    for status in Path(f"/proc/{pid}/task").glob("*/status"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # the thread ended meanwhile
            lines = status.read_text(encoding="ascii", errors="replace").splitlines()
            count = next(line.split()[1] for line in lines if line.startswith("voluntary_ctxt_switches:"))
            found[int(status.parent.name)] = int(count)
    return found


def disk_written(pid: int) -> int:
    """Bytes that a process has sent to its disk, what wears that out: whole pages, each sync of the journal again. 0 on
    a file system in memory. Source: write_bytes of /proc/<pid>/io, proc(5)."""
    lines = Path(f"/proc/{pid}/io").read_text(encoding="ascii").splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("write_bytes:")))


def _spread(times: list[float]) -> dict[str, float]:
    return {"median": round(median(times), 3), "min": round(min(times), 3), "max": round(max(times), 3)}
