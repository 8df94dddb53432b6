"""The same orders, at the same rates, measured the same way, through each peer.

At each rate the rounds alternate between the peers, with the same arrival times for all. Then each is searched for the
highest rate that it holds without loss. A peer that fell behind at a rate is not asked for a higher one.
"""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import geometric_mean
from typing import Any, Final

from msgspec.structs import asdict

from ..cli_options import Progress
from ..load.client.openloop import Outcome, Round, due_times
from ..load.client.workload import Workload
from ..load.latency_run import ORDERS_APART, medians
from ..load.lateness import lateness
from ..load.search import QUIET_S, Tried, search, tried
from .doorstep import BROKER, ENDPOINT
from .node_red import NODE_RED
from .peer import Missing, Peer, Plan
from .script import DURABLE, PLAIN
from .survival import survive

PEERS: Final = {kind.name: kind for kind in (ENDPOINT, BROKER, DURABLE, PLAIN, NODE_RED)}
"""By name, the durable ones first."""

NOT_HERE: Final = {
    "ekuiper": "its Go module is not served by the Go module proxy, and no other package registry has the program."
}
"""A peer that nobody here could start, and why."""

START_RATE: Final = 200.0
REFERENCE: Final = DURABLE.name
"""The peer over which the ratios of Doorstep are: it promises as much, and a good engineer would write it."""


class Contest:
    """One peer with its clients, and what it showed so far."""

    def __init__(self, name: str, peer: Peer, workload: Workload) -> None:
        self.name, self.peer, self.workload = name, peer, workload
        self.fell_behind = False
        self.rounds: dict[str, list[dict[str, Any]]] = {}
        """By rate."""
        self.searched: dict[str, Any] = {"best": None, "tried": []}
        self.everything: list[Outcome] = []
        self._next = 0

    async def round(self, rate: float, seconds: float, seed: int) -> tuple[Outcome, float]:
        """The outcome, and processor microseconds for each order, of all its processes."""
        before = self.peer.subject.cpu_s()
        outcome = await Round(self.workload, self._next, due_times(rate, seconds, seed)).run()
        self._next += ORDERS_APART
        self.everything.append(outcome)
        return outcome, self.peer.subject.cpu_us(before, outcome.answered)

    async def search(self, plan: Plan, progress: Progress) -> None:
        """For the highest rate that it holds."""

        async def attempt(rate: float) -> Tried:
            progress(f"{self.name}: {rate:.0f} a second")
            return tried(rate, *await self.round(rate, plan.try_seconds, plan.seed), self.workload)

        self.searched = await search(attempt, START_RATE, plan.steps)

    def report(self) -> dict[str, Any]:
        """`at` by rate; `best`, or None where no rate was held; all that was `tried`; `rounds` by rate."""
        kind = PEERS[self.name]
        at = {rate: self._at(rows) for rate, rows in self.rounds.items()}
        described = {"what": kind.what, "durable": kind.durable, "version": self.peer.version}
        return {**described, "at": at, **self.searched, "rounds": self.rounds}

    def _at(self, rows: list[dict[str, Any]]) -> dict[str, Any]:
        """All rounds at one rate."""
        outcomes = [Outcome(**{name: row[name] for name in Outcome.__struct_fields__}) for row in rows]
        return {
            **medians(outcomes),
            "cpu_us": sorted(row["cpu_us"] for row in rows)[len(rows) // 2],
            **{name: sum(row[name] for row in rows) for name in ("sent", "lost", "duplicates")},
            "fell_behind": any(row["cut_short"] for row in rows),
        }


async def measure(plan: Plan, names: tuple[str, ...], folder: Path, progress: Progress) -> dict[str, Any]:
    """Everything of the report but the machine."""
    contests: list[Contest] = []
    missing = dict(NOT_HERE)
    async with AsyncExitStack() as stack:
        for name in names:
            progress(f"starting {name}")
            try:
                peer = await stack.enter_async_context(PEERS[name].start(folder / name, plan, None))
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
    survived = await survive(plan, [PEERS[name] for name in reports], folder, progress)
    reports = {name: {**one, **survived[name]} for name, one in reports.items()}
    return {
        "benchmark": "peers",
        "plan": asdict(plan),
        "peers": reports,
        "over_reference": over_reference(reports),
        "missing": missing,
        "generator_late": lateness(
            outcome for contest in contests for outcome in contest.everything if not outcome.cut_short
        ),
    }


def over_reference(reports: dict[str, dict[str, Any]]) -> dict[str, Any] | None:
    """Doorstep over REFERENCE: geometric means of the ratios of paired rounds, by rate and quantile, and over all of
    them; without the rates at which one fell behind. None where one of the two did not run."""
    if ENDPOINT.name not in reports or REFERENCE not in reports:
        return None
    ours, theirs = (reports[name]["rounds"] for name in (ENDPOINT.name, REFERENCE))
    pairs = {
        rate: list(zip(ours[rate], theirs[rate], strict=True))
        for rate in ours
        if rate in theirs and not any(row["cut_short"] for row in (*ours[rate], *theirs[rate]))
    }
    by_rate = {
        rate: {
            name: round(geometric_mean(our[name] / their[name] for our, their in rows), 3) for name in ("p50", "p99")
        }
        for rate, rows in pairs.items()
        if all(one["p99"] for row in rows for one in row)
    }
    every = [ratio for row in by_rate.values() for ratio in row.values()]
    return {
        "reference": REFERENCE,
        "rounds": min((len(rows) for rows in pairs.values()), default=0),
        "at": by_rate,
        "geometric_mean": round(geometric_mean(every), 3) if every else None,
    }


async def _at(rate: float, plan: Plan, contests: list[Contest], progress: Progress) -> None:
    """All rounds at one rate, in turns."""
    for number in range(plan.rounds):
        for contest in contests:
            progress(f"{rate:g} a second, round {number + 1} of {plan.rounds}: {contest.name}")
            if contest.fell_behind:
                continue
            outcome, cpu_us = await contest.round(rate, plan.seconds / plan.rounds, plan.seed * 1000 + number)
            row = {**asdict(outcome), "cpu_us": cpu_us}
            contest.rounds.setdefault(f"{rate:g}", []).append(row)
            if outcome.cut_short or outcome.lost:
                contest.fell_behind = outcome.cut_short
                await asyncio.sleep(QUIET_S)
