"""A centre that is back after a day: nodes send what they merged meanwhile, and go on with a batch a minute."""

import asyncio
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from msgspec.structs import asdict

from central.store.backlog import STEP_WORTH
from central.store.tiers import NODES_IN_A_ROW
from edge.errors import DoorstepError
from edge.log.event import LOGGER

from ..cli_options import Progress
from ..lab.postgresql import Postgresql
from .batches import BUSY, Maker
from .collectors import Collectors
from .measure import EVERY_S, Plan, p99
from .returning import MINUTE_MS, ReturningNode, merged

AWAY_MINUTES: Final = 1_440

VARIANTS: Final = 4
"""Different days. Each node has one of them, so that making them costs little."""

KNOCK_S: Final = 15.0
"""For so long nodes try before the centre is there: their pauses are long then, as after a day."""

DRAIN_S_MAX: Final = 200.0
LOOK_S: Final = 0.05
REST: Final = 0.02
"""Of the windows: so many may wait for their sums at the end, and what is too little for a step."""


async def drain(plan: Plan, folder: Path, progress: Progress) -> dict[str, Any]:
    """Everything of the report but the machine."""
    with ExitStack() as stack:
        server = None
        if plan.store == "postgresql":
            progress("starting PostgreSQL")
            server = await asyncio.to_thread(lambda: stack.enter_context(Postgresql()))
        # Thousands of sentences that nobody is there would fill the terminal.
        stack.callback(setattr, LOGGER, "disabled", LOGGER.disabled)
        LOGGER.disabled = True
        collectors = Collectors(folder, server, plan.collectors)
        stack.callback(collectors.stop)
        progress(f"a day of {plan.drain} nodes")
        maker, lags = Maker(BUSY, plan.seed), list[float]()
        begin = time.time_ns() // 60_000_000_000 * MINUTE_MS - AWAY_MINUTES * MINUTE_MS
        days = [merged(maker, begin, AWAY_MINUTES, variant) for variant in range(VARIANTS)]
        nodes = [
            ReturningNode(f"d-{number}", collectors.turned(number), days[number % VARIANTS], lags.append)
            for number in range(plan.drain)
        ]
        figures, sealed = await _drained(nodes, collectors, maker, progress)
        progress("counting")
        stored, taken = collectors.counted()
    minutes, sent = plan.drain * AWAY_MINUTES + sealed, sum(node.batches for node in nodes)
    return {
        "benchmark": "central",
        "store": plan.store,
        "collectors": plan.collectors,
        "nodes": plan.drain,
        "windows": plan.drain * len(days[0]) + len(BUSY.scenarios) * sealed,
        **figures,
        "live": len(lags),
        "live_lag_p99_s": round(p99(lags), 2),
        "sent": sent,
        "lost": max(minutes - stored, sent - taken, 0),
        "doubled": max(stored - minutes, taken - sent, 0),
        "plan": asdict(plan),
    }


async def _drained(
    nodes: list[ReturningNode], collectors: Collectors, maker: Maker, progress: Progress
) -> tuple[dict[str, Any], int]:
    """What was measured until all have sent everything, and how many minutes ended meanwhile."""
    loop = asyncio.get_running_loop()
    progress("nobody answers them")
    tasks = [asyncio.create_task(node.sync.run()) for node in nodes]
    await asyncio.sleep(KNOCK_S)
    progress("the centre is back")
    await asyncio.to_thread(collectors.start)
    back, sealed, waiting = loop.time(), 0, set(nodes)
    while waiting:
        due = back + EVERY_S * sealed / len(nodes)
        if (wait_s := due - loop.time()) > 0:
            await asyncio.sleep(min(wait_s, LOOK_S))
        else:
            minute = time.time_ns() // 60_000_000_000 * MINUTE_MS - MINUTE_MS
            nodes[sealed % len(nodes)].seal(maker.windows(minute, sealed))
            sealed += 1
        waiting = {node for node in waiting if not node.was_drained}
        if loop.time() - back > DRAIN_S_MAX:
            taken = sum(node.batches for node in nodes)
            text = f"After {DRAIN_S_MAX:.0f} s {len(waiting)} of {len(nodes)} nodes still had windows of their day"
            raise DoorstepError(f"{text}; {taken:,} batches were stored. Ask for fewer nodes, on a quieter machine.")
    drained_s = loop.time() - back
    for node in nodes:
        while not node.is_empty:
            await asyncio.sleep(LOOK_S)
            if loop.time() - back > 2 * DRAIN_S_MAX:
                raise DoorstepError("The collectors did not acknowledge everything. See their logs.")
    rest = round(REST * sum(node.windows for node in nodes))
    await collectors.until_summed_up(max(rest, (len(nodes) // NODES_IN_A_ROW + 1) * STEP_WORTH))
    summed_s = loop.time() - back
    await asyncio.gather(*(node.sync.close() for node in nodes))
    await asyncio.gather(*tasks)
    figures = {
        "drain_s": round(drained_s, 1),
        "summed_up_after_s": round(summed_s - drained_s, 1),
        "repeated": sum(node.sync.batches_repeated for node in nodes),
        "refused": sum(sum(node.sync.refused.values()) for node in nodes),
    }
    return figures, sealed
