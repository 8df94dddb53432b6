"""A saturation phase, then a paced one, in which one of several collectors dies; then everything is counted."""

import asyncio
import time
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import asdict

from central.store.backlog import STEP_WORTH
from central.store.tiers import NODES_IN_A_ROW
from edge.errors import DoorstepError

from ..cli_options import Progress
from ..lab.postgresql import Postgresql
from .batches import BUSY, Maker
from .collectors import Collectors
from .nodes import BenchNode
from .sizes import bytes_per_node_day, copy_rates, counters_of
from .summary import summary_p99_ms

SATURATING: Final = 64
"""Sessions in the saturation phase: enough that a collector never waits for one."""

BUCKETS_FILLED: Final = SATURATING // NODES_IN_A_ROW + 1

SATURATION_S_MAX: Final = 20.0
EVERY_S: Final = 60.0
"""A node's cadence."""

KILL_AFTER: Final = 0.4
"""Of the paced phase."""

KILL_SEEN_S: Final = 10.0
"""Batches due so long after the death of a collector show the pause."""

SETTLE_S_MAX: Final = 60.0
CONNECTS_AT_ONCE: Final = 100


class Plan(Struct, frozen=True, kw_only=True):
    """What was asked for."""

    store: str = "sqlite"
    collectors: int = 1
    nodes: int = 500
    seconds: float = 75.0
    seed: int = 1
    drain: int = 0


def p99(values: Iterable[float]) -> float:
    """0 where there is none."""
    ordered = sorted(values)
    return ordered[int(0.99 * (len(ordered) - 1))] if ordered else 0.0


class Lags:
    """Of batches: when each was due, and how long until its acknowledgement."""

    def __init__(self) -> None:
        self.lags: list[tuple[float, float]] = []

    def add(self, node: BenchNode, due: float, now: float) -> None:
        del node
        self.lags.append((due, now - due))

    def p99(self) -> float:
        """Seconds."""
        return p99(lag for _, lag in self.lags)

    def worst_due(self, since: float, until: float) -> float:
        """The longest of those that were due in between."""
        return max((lag for due, lag in self.lags if since <= due < until), default=0.0)


async def measure(plan: Plan, folder: Path, progress: Progress) -> dict[str, Any]:
    """Everything of the report but the machine."""
    if plan.collectors > 1 and plan.store == "sqlite":
        raise DoorstepError("SQLite has one collector. Several need --store postgresql.")
    with ExitStack() as stack:
        progress("starting PostgreSQL")
        server = await asyncio.to_thread(lambda: stack.enter_context(Postgresql()))
        progress("bare COPY")
        copied, grouped = await asyncio.to_thread(copy_rates, server)
        own = server if plan.store == "postgresql" else None
        progress("a day of nodes, for its size")
        sizes = await asyncio.to_thread(bytes_per_node_day, folder, own)
        progress("summaries of a month")
        summary_ms = await asyncio.to_thread(summary_p99_ms, folder, own)
        collectors = Collectors(folder, own, plan.collectors)
        await asyncio.to_thread(collectors.start)
        stack.callback(collectors.stop)
        progress("saturation")
        saturated = await _saturate(collectors, plan)
        progress(f"{plan.nodes} nodes, a batch a minute each")
        paced = await _pace(collectors, plan)
        progress("counting")
        expected = saturated.pop("sent") + paced.pop("sent")
        stored, nodes = collectors.counted()
    wrong = max(stored, nodes) - expected, expected - min(stored, nodes)
    rate = saturated["batches_per_s"]
    return {
        "benchmark": "central",
        "store": plan.store,
        "collectors": plan.collectors,
        "nodes": plan.nodes,
        **saturated,
        "counters_per_s": round(rate * counters_of(BUSY)),
        "copied_per_s": round(copied),
        "stored_over_copy": round(rate * counters_of(BUSY) / copied, 3),
        "copied_in_groups_per_s": round(grouped),
        "stored_over_copy_in_groups": round(rate * counters_of(BUSY) / grouped, 3),
        **paced,
        "sent": expected,
        "lost": max(wrong[1], 0),
        "doubled": max(wrong[0], 0),
        "bytes_per_node_day": sizes,
        "summary_p99_ms": round(summary_ms, 1),
        "plan": asdict(plan),
    }


async def _saturate(collectors: Collectors, plan: Plan) -> dict[str, Any]:
    """All that the collectors take, validated, stored and summed up."""
    loop, maker = asyncio.get_running_loop(), Maker(BUSY, plan.seed)
    start = time.time_ns() // 60_000_000_000 * 60_000 - 86_400_000
    until = 0.0
    sent = 0

    def stored(node: BenchNode, due: float, now: float) -> None:
        del due
        nonlocal sent
        if now < until and node.has_room:
            node.send(maker.batch(node.chain, start + node.chain.seq * 60_000), now)
            sent += 1

    nodes = [BenchNode(f"s-{n}", collectors.turned(n), stored, n) for n in range(SATURATING)]
    tasks = await _connected(nodes)
    begin, spent = loop.time(), collectors.cpu_s()
    until = begin + min(SATURATION_S_MAX, plan.seconds)
    for node in nodes:
        while node.has_room:
            node.send(maker.batch(node.chain, start + node.chain.seq * 60_000), begin)
            sent += 1
    while any(node.waiting for node in nodes):
        await asyncio.sleep(0.01)
        if loop.time() > until + SETTLE_S_MAX:
            raise DoorstepError("The collectors did not acknowledge everything. See their logs.")
    acknowledged = loop.time() - begin
    spent = collectors.cpu_s() - spent
    await collectors.until_summed_up(max(len(BUSY.scenarios) * sent // 50, BUCKETS_FILLED * STEP_WORTH))
    seconds = loop.time() - begin
    await _closed(nodes, tasks)
    return {
        "sent": sent,
        "batches_per_s": round(sent / seconds),
        "acknowledged_per_s": round(sent / acknowledged),
        "collectors_cpu_us": round(1e6 * spent / sent),
        "summed_up_after_s": round(seconds - acknowledged, 2),
        "refused": sum(node.refused for node in nodes),
    }


async def _pace(collectors: Collectors, plan: Plan) -> dict[str, Any]:
    """Each node a batch a minute, at an instant of its own."""
    loop, maker, lags = asyncio.get_running_loop(), Maker(BUSY, plan.seed + 1), Lags()
    nodes = [BenchNode(f"p-{n}", collectors.turned(n), lags.add, n) for n in range(plan.nodes)]
    tasks = await _connected(nodes)
    begin = loop.time()
    every_s = min(EVERY_S, 0.8 * plan.seconds)
    dues = sorted(
        (begin + every_s * number / len(nodes) + every_s * turn, number)
        for number in range(len(nodes))
        for turn in range(int(plan.seconds // every_s) + 1)
    )
    killed, late = 0.0, 0.0
    for due, number in dues:
        if due > begin + plan.seconds:
            break
        if plan.collectors > 1 and not killed and due > begin + KILL_AFTER * plan.seconds:
            await asyncio.to_thread(collectors.processes[0].kill)
            killed = loop.time()
        if (wait_s := due - loop.time()) > 0:
            await asyncio.sleep(wait_s)
        late = max(late, loop.time() - due)
        start = time.time_ns() // 60_000_000_000 * 60_000 - 60_000
        nodes[number].send(maker.batch(nodes[number].chain, start), due)
    deadline = loop.time() + SETTLE_S_MAX
    while any(node.waiting for node in nodes):
        await asyncio.sleep(0.05)
        if loop.time() > deadline:
            break
    await _closed(nodes, tasks)
    return {
        "sent": sum(node.chain.seq for node in nodes),
        "lag_p99_s": round(lags.p99(), 3),
        "ack_pause_s": round(lags.worst_due(killed, killed + KILL_SEEN_S), 3) if killed else None,
        "generator_late_max_s": round(late, 3),
    }


async def _connected(nodes: list[BenchNode]) -> list[asyncio.Task[None]]:
    tasks: list[asyncio.Task[None]] = []
    for begin in range(0, len(nodes), CONNECTS_AT_ONCE):
        tasks += [asyncio.create_task(node.link.run()) for node in nodes[begin : begin + CONNECTS_AT_ONCE]]
        deadline = time.monotonic() + SETTLE_S_MAX
        while not all(node.is_welcome for node in nodes[begin : begin + CONNECTS_AT_ONCE]):
            if time.monotonic() > deadline:
                raise DoorstepError("The nodes could not connect. See the collectors' logs.")
            await asyncio.sleep(0.01)
    return tasks


async def _closed(nodes: list[BenchNode], tasks: list[asyncio.Task[None]]) -> None:
    await asyncio.gather(*(node.link.stop() for node in nodes))
    await asyncio.gather(*tasks)
