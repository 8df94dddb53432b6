"""The same orders, at the same rates, measured the same way, through each peer.

At each rate the rounds alternate between the peers, with the same arrival times for all. Then each is searched for the
highest rate that it holds without loss. A peer that fell behind at a rate is not asked for a higher one.
"""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

from msgspec.structs import asdict

from ..cli_options import Progress
from ..load.client.openloop import Outcome, Round, due_times
from ..load.client.workload import Workload
from ..load.latency_run import ORDERS_APART, medians
from ..load.lateness import lateness
from ..load.throughput_run import SETTLE_S, Tried, why_not
from .doorstep import broker, endpoint
from .node_red import node_red
from .peer import Missing, Peer, Plan, Start
from .script import script

PEERS: Final[dict[str, tuple[Start, str]]] = {
    "doorstep": (endpoint, "Doorstep, endpoint"),
    "doorstep-broker": (broker, "Doorstep through Mosquitto"),
    "script": (script, "aiomqtt script, Mosquitto"),
    "node-red": (node_red, "Node-RED, Mosquitto"),
}
"""By name: what starts it, and how it is called in tables. The first two have each answer on disk, the others none."""

START_RATE: Final = 200.0
QUIET_S: Final = 1.0
"""After a round in which a peer fell behind, before the next one begins."""


class Contest:
    """One peer with its clients, and what it showed so far."""

    def __init__(self, name: str, peer: Peer, workload: Workload) -> None:
        self.name, self.peer, self.workload = name, peer, workload
        self.fell_behind = False
        self.at_rates: dict[str, dict[str, Any]] = {}
        self.tried: list[Tried] = []
        self.everything: list[Outcome] = []
        self._next = 0

    async def round(self, rate: float, seconds: float, seed: int) -> tuple[Outcome, float]:
        """The outcome, and processor microseconds for each order, of all its processes."""
        before = self.peer.subject.cpu_s()
        outcome = await Round(self.workload, self._next, due_times(rate, seconds, seed)).run()
        self._next += ORDERS_APART
        self.everything.append(outcome)
        used_s = sum(self.peer.subject.cpu_s()) - sum(before)
        return outcome, round(used_s / max(outcome.answered, 1) * 1e6, 1)

    async def search(self, plan: Plan, progress: Progress) -> None:
        """Rates double until one fails, then the gap is halved. On a busy machine any round may fail once, so a rate
        has failed when it failed twice."""
        good, bad, rate = 0.0, 0.0, START_RATE
        for _ in range(plan.steps):
            progress(f"{self.name}: {rate:.0f} a second")
            held = await self._hold(rate, plan) or await self._hold(rate, plan)
            good, bad = (rate, bad) if held else (good, rate)
            if self.workload.broken:
                return
            rate = (good * bad) ** 0.5 if good and bad else rate / 2 if bad else rate * 2

    async def _hold(self, rate: float, plan: Plan) -> bool:
        if self.workload.broken:
            return False
        outcome, cpu_us = await self.round(rate, plan.try_seconds, plan.seed)
        why = why_not(outcome, self.workload)
        fields = {name: getattr(outcome, name) for name in ("p50", "p99", "lost", "refused", "late_p99")}
        self.tried.append(Tried(rate=rate, held=not why, cpu_us=cpu_us, why=why, **fields))
        await asyncio.sleep(QUIET_S if why else SETTLE_S)
        return not why

    def report(self) -> dict[str, Any]:
        """`at` by rate; `best`, or None where no rate was held; all that was `tried`."""
        best = max((one for one in self.tried if one.held), key=lambda one: one.rate, default=None)
        return {
            "what": PEERS[self.name][1],
            "version": self.peer.version,
            "at": self.at_rates,
            "best": asdict(best) if best else None,
            "tried": [asdict(one) for one in self.tried],
        }


async def measure(plan: Plan, names: tuple[str, ...], folder: Path, progress: Progress) -> dict[str, Any]:
    """Everything of the report but the machine."""
    contests: list[Contest] = []
    missing: dict[str, str] = {}
    async with AsyncExitStack() as stack:
        for name in names:
            progress(f"starting {name}")
            try:
                peer = await stack.enter_async_context(PEERS[name][0](folder / name, plan))
            except Missing as error:
                missing[name] = str(error)
                continue
            workload = await Workload.at_node(peer.subject.door, plan.clients, plan.riders, peer.passwords, json=True)
            stack.callback(workload.close)
            contests.append(Contest(name, peer, workload))
        for rate in sorted(plan.rates):
            await _at(rate, plan, contests, progress)
        for contest in contests:
            await contest.search(plan, progress)
        reports = {contest.name: contest.report() for contest in contests}
    return {
        "benchmark": "peers",
        "plan": asdict(plan),
        "peers": reports,
        "missing": missing,
        "generator_late": lateness(
            outcome for contest in contests for outcome in contest.everything if not outcome.cut_short
        ),
    }


async def _at(rate: float, plan: Plan, contests: list[Contest], progress: Progress) -> None:
    """All rounds at one rate."""
    found: dict[str, list[tuple[Outcome, float]]] = {contest.name: [] for contest in contests}
    for number in range(plan.rounds):
        for contest in contests:
            progress(f"{rate:g} a second, round {number + 1} of {plan.rounds}: {contest.name}")
            if contest.fell_behind:
                continue
            outcome, cpu_us = await contest.round(rate, plan.seconds / plan.rounds, plan.seed * 1000 + number)
            found[contest.name].append((outcome, cpu_us))
            if outcome.cut_short or outcome.lost:
                contest.fell_behind = outcome.cut_short
                await asyncio.sleep(QUIET_S)
    for contest in contests:
        rounds = found[contest.name]
        if rounds:
            outcomes = [outcome for outcome, _ in rounds]
            contest.at_rates[f"{rate:g}"] = {
                **medians(outcomes),
                "cpu_us": sorted(cpu_us for _, cpu_us in rounds)[len(rounds) // 2],
                **{name: sum(getattr(one, name) for one in outcomes) for name in ("sent", "lost", "duplicates")},
                "fell_behind": contest.fell_behind,
            }
