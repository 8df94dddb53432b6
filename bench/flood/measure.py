"""Orders at a modest rate, in open loop, and beside them one client that floods: the node, then a sink.

The flooder and the load generator share the machine with the node, so a flood costs others something even where the
node does not look at it. The sink shows how much: the same flood goes to a listener that reads and drops it, while the
orders go to the node as before. A turn is calm, flood, sink; figures are medians over the turns.
"""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import asdict

from edge.mqtt.server.budgets import REFUSALS

from ..cli_options import Progress
from ..lab.process import running
from ..lab.settings import free_port
from ..lab.site import Site
from ..load.client.connection import Door
from ..load.client.openloop import Outcome, Round, due_times
from ..load.client.workload import Workload, riders, tills
from ..load.latency_run import ORDERS_APART, WARM_UP_S, medians
from ..load.lateness import lateness
from ..load.subjects import NODE, NodeSubject, python, token_of
from ..source import ROOT
from . import flooder, sink
from .floods import FLOODS, flooder_of

PHASES: Final = ("before", "during", "sink")
RATIO_MAX: Final = 2.0
"""What a flood may cost the others: twice their 99th percentile without it."""


class Plan(Struct, frozen=True, kw_only=True):
    """What was asked for. `seconds` are for each phase of each flood, over all turns; `rate` is in orders a second."""

    floods: tuple[str, ...] = tuple(FLOODS)
    rate: float = 100.0
    seconds: float = 10.0
    turns: int = 5
    clients: int = 50
    megabytes_per_s: float = 100.0
    connects_per_s: float = 7_000.0
    seed: int = 1


class Scene(Struct):
    """What runs: the node, the sink, and everybody but the flooder."""

    subject: NodeSubject
    workload: Workload
    ports: dict[str, int]
    sink_port: int
    orders: Iterator[int]


async def measure(plan: Plan, folder: Path, progress: Progress) -> dict[str, Any]:
    """Everything of the report but the machine."""
    async with AsyncExitStack() as stack:
        progress("starting the node")
        site = Site(folder / "node", NODE)
        ports = {"mqtt": site.port, "ws": free_port(), "page": site.status_port}
        names = [*tills(plan.clients), *riders(plan.clients), *map(flooder_of, FLOODS)]
        options = {"listen_ws": f"127.0.0.1:{ports['ws']}"}
        site.configure({name: token_of(name) for name in names}, options, centre=False)
        sink_port = free_port()
        listener = python("sink", folder, [sink.__name__, str(sink_port)], sink_port)
        await stack.enter_async_context(running(site.node, listener))
        subject = NodeSubject(Door(site.port), site)
        workload = await Workload.at_node(subject.door, plan.clients, plan.clients, passwords=True)
        stack.callback(workload.close)
        scene = Scene(subject, workload, ports, sink_port, count(0, ORDERS_APART))
        await Round(workload, next(scene.orders), due_times(plan.rate, WARM_UP_S, plan.seed)).run()
        floods: dict[str, dict[str, Any]] = {}
        outcomes: list[Outcome] = []
        for name in plan.floods:
            floods[name], found = await _flood(plan, name, scene, progress)
            outcomes += found
        status = await subject.status()
    return {
        "benchmark": "flood",
        "floods": floods,
        "ratio_max": max(flood["ratio"] for flood in floods.values()),
        "sent": sum(outcome.sent for outcome in outcomes),
        "lost": sum(outcome.lost for outcome in outcomes),
        "refused": sum(outcome.refused for outcome in outcomes),
        "generator_late": lateness(outcomes),
        "node": status["process"],
        "plan": asdict(plan),
    }


async def _flood(plan: Plan, name: str, scene: Scene, progress: Progress) -> tuple[dict[str, Any], list[Outcome]]:
    """One flood's part of the report, and all rounds of orders beside it."""
    outcomes: dict[str, list[Outcome]] = {phase: [] for phase in PHASES}
    did = {phase: Counter[str]() for phase in PHASES}
    noted = Counter[str]()
    cpu_s = 0.0
    targets = {"during": scene.ports[FLOODS[name].door], "sink": scene.sink_port}
    seconds = plan.seconds / plan.turns
    for turn in range(plan.turns):
        due = due_times(plan.rate, seconds, plan.seed * 1000 + turn)
        for phase in PHASES:
            progress(f"{name}, turn {turn + 1} of {plan.turns}: {phase}")
            orders = Round(scene.workload, next(scene.orders), due, to_the_end=True)
            if phase == "before":
                outcomes[phase].append(await orders.run())
                continue
            before, cpu_before = refusals(await scene.subject.status()), scene.subject.cpu_s()[0]
            process = await _start(plan, name, targets[phase], seconds)
            outcomes[phase].append(await orders.run())
            output, _ = await process.communicate()
            did[phase].update(json.loads(output))
            if phase == "during":
                cpu_s += scene.subject.cpu_s()[0] - cpu_before
                noted.update(refusals(await scene.subject.status()) - before)
    p99 = {phase: medians(rounds)["p99"] for phase, rounds in outcomes.items()}
    return {
        **{f"p99_{phase}_ms": value for phase, value in p99.items()},
        "ratio": round(p99["during"] / max(p99["before"], p99["sink"]), 3),
        "megabytes": round(did["during"]["bytes"] / 1e6, 3),
        "sink_megabytes": round(did["sink"]["bytes"] / 1e6, 3),
        "connections": did["during"]["connections"],
        "sink_connections": did["sink"]["connections"],
        "noted": dict(noted),
        "node_cores": round(cpu_s / plan.seconds, 3),
    }, [outcome for rounds in outcomes.values() for outcome in rounds]


async def _start(plan: Plan, name: str, port: int, seconds: float) -> asyncio.subprocess.Process:
    """A flooder that has just begun."""
    words = [name, str(port), str(seconds), str(plan.megabytes_per_s), str(plan.connects_per_s)]
    command = [sys.executable, "-m", flooder.__name__, *words]
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdin=PIPE, stdout=PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    await process.stdout.readline()
    process.stdin.write(b"go\n")
    return process


def refusals(status: dict[str, Any]) -> Counter[str]:
    """What a node has refused, dropped, answered as a repeat, and held back, from its report."""
    counts, link = status["counts"], status["link"]
    found = Counter[str]({"duplicate": counts["duplicate"], "held_back": link["held_back"]})
    found.update(counts["refused"])
    found.update(counts["dropped"])
    found.update({f"connects_refused_{reason}": link[f"connects_refused_{reason}"] for reason in REFUSALS})
    found.update({name: link[name] for name in ("connections_refused", "takeovers", "slow_readers")})
    return found
