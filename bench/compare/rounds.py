"""Both revisions in turn under the same load: each round a new node, the first of a pair in turn too (A B, B A, …).

Orders come in open loop from this tree's load generator, at the same times for both nodes of a pair.
"""

import asyncio
import shutil
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import asdict

from edge.errors import DoorstepError

from ..cli_options import Progress
from ..lab.process import Process, cpu_s, running
from ..lab.site import UNLIMITED, Site
from ..load.client.connection import Door
from ..load.client.openloop import Outcome, Round, due_times
from ..load.client.workload import Workload
from ..load.latency_run import ORDERS_APART
from ..load.lateness import lateness
from ..load.quotable import busy_s
from ..load.search import SETTLE_S
from ..load.subjects import NODE
from . import start_node
from .paired import evaluate
from .tree import Tree, other_tree, this_tree

WARM_UP_S: Final = 1.0
NEW: Final = ("rows_per_day_max",)
"""Options that older revisions refuse; no load here comes near their defaults."""

MEASURED: Final = ("cpu_us", "p50", "p99")


class Plan(Struct, frozen=True, kw_only=True):
    """What was asked for: orders a second, and seconds of them for each revision in each round."""

    revision: str
    rate: float = 500.0
    seconds: float = 10.0
    rounds: int = 7
    riders: int = 200
    clients: int = 200
    seed: int = 1
    threshold: float | None = None


class Measured(Struct, frozen=True, kw_only=True):
    """One node's round. `cpu_us` for each answered order; `others_cores`: what neither node nor generator used."""

    cpu_us: float
    others_cores: float
    outcome: Outcome


async def measure(plan: Plan, folder: Path, progress: Progress) -> dict[str, Any]:
    """Everything of the report but the machine."""
    for name in ("this", "other"):
        (folder / name).mkdir()
    trees = this_tree(folder / "this"), other_tree(plan.revision, folder / "other", progress)
    found: dict[str, list[Measured]] = {tree.name: [] for tree in trees}
    for number in range(plan.rounds):
        for tree in trees if number % 2 == 0 else reversed(trees):
            progress(f"round {number + 1} of {plan.rounds}: {tree.name}")
            found[tree.name].append(await _round(plan, tree, folder / "round", number))
    return _report(plan, trees, found)


async def _round(plan: Plan, tree: Tree, folder: Path, number: int) -> Measured:
    site = _site(tree, folder)
    try:
        async with running(site.node):
            check(site.node, tree)
            workload = await Workload.at_node(Door(site.port), plan.clients, plan.riders, passwords=False)
            try:
                await Round(workload, 0, due_times(plan.rate, WARM_UP_S, plan.seed)).run()
                await asyncio.sleep(SETTLE_S)
                return await _loaded(plan, tree, site.node, workload, number)
            finally:
                workload.close()
    finally:
        shutil.rmtree(folder)


async def _loaded(plan: Plan, tree: Tree, process: Process, workload: Workload, number: int) -> Measured:
    due = due_times(plan.rate, plan.seconds, plan.seed * 1000 + number)
    before = cpu_s(process.pid), process_time(), busy_s(), perf_counter()
    outcome = await Round(workload, ORDERS_APART, due).run()
    if not process.alive or not outcome.answered:
        what = "answered no order" if process.alive else "died"
        raise DoorstepError(f"The node of {tree.folder} {what} under load. The end of its log:\n{process.tail()}")
    after = cpu_s(process.pid), process_time(), busy_s(), perf_counter()
    node_s, generator_s, all_s, wall_s = (later - earlier for later, earlier in zip(after, before, strict=True))
    return Measured(
        cpu_us=round(node_s / outcome.answered * 1e6, 1),
        others_cores=round(max(all_s - node_s - generator_s, 0.0) / wall_s, 3),
        outcome=outcome,
    )


def _site(tree: Tree, folder: Path) -> Site:
    """Its own code with options that every revision has, quotas that no load here reaches; all else as by default."""
    known = {name: value for name, value in UNLIMITED.items() if name not in NEW}
    options = {**known, "anonymous": True, "log_level": "warning"}  # credentials differ between revisions
    site = Site(folder, NODE).configure((), options, centre=False)
    begin = [tree.python, "-I", start_node.__file__, str(tree.folder)]
    site.node.command = [*begin, *site.node.command[3:]]  # in place of `python -m edge`
    return site


def check(process: Process, tree: Tree) -> None:
    """The process names the code that it runs, so nothing is measured by mistake."""
    first = process.log.read_text(encoding="utf-8").partition("\n")[0]
    where = Path(first.removeprefix(start_node.RUNS)).resolve()
    if where.parent != (tree.folder / "edge").resolve():
        raise DoorstepError(
            f"The node of {tree.folder} runs other code ({first}). Is doorstep installed in a second way?"
        )


def _report(plan: Plan, trees: tuple[Tree, Tree], found: dict[str, list[Measured]]) -> dict[str, Any]:
    everything = [one for rounds in found.values() for one in rounds]
    rows = {
        name: [{"cpu_us": one.cpu_us, "others_cores": one.others_cores, **asdict(one.outcome)} for one in rounds]
        for name, rounds in found.items()
    }
    report: dict[str, Any] = {"benchmark": "compare", "plan": asdict(plan)}
    for tree in trees:
        report[tree.name] = {"commit": tree.commit, "dirty": tree.dirty, "environment": tree.environment}
        for field in ("sent", "lost", "refused", "duplicates"):
            report[tree.name][field] = sum(row[field] for row in rows[tree.name])
    report["other"]["revision"] = plan.revision
    ours, theirs = (rows[tree.name] for tree in trees)
    report["figures"] = {
        name: evaluate(name, [row[name] for row in ours], [row[name] for row in theirs], plan.threshold)
        for name in MEASURED
    }
    return {**report, "generator_late": lateness(one.outcome for one in everything), "rounds": rows}
