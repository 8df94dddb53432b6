"""Many small worlds in which everything goes wrong; every invariant holds in each, and each is the same every time."""

import os
import subprocess
import sys
from importlib import import_module

import msgspec
import pytest

from tests.repo.project import ROOT
from tests.sim.draw import FAULTS, TICKS, draw
from tests.sim.planted.bugs import NO_BATCHES
from tests.sim.planted.patching import planted
from tests.sim.search import live, report, run, shrink

SEEDS = 60
GROUP = 15
HASHES = "from tests.sim.search import run; print([run(seed, 40).trace_hash for seed in (3, 5, 8)])"


@pytest.mark.parametrize("first", range(0, SEEDS, GROUP))
def test_every_invariant_holds(first: int) -> None:
    """Nothing is lost, doubled, silent or stuck in these worlds; a failure prints seed and shortest trace."""
    for seed in range(first, first + GROUP):
        outcome = run(seed)
        assert not outcome.why, report(shrink(outcome))


@pytest.mark.parametrize("seed", [0, 2, 8])
def test_counts_survive_a_full_disk_and_a_crash_together(seed: int) -> None:
    """What one process could not write down is not lost by the next one, whose first row finds no room either."""
    plan = msgspec.structs.replace(draw(seed), broker=False, faults={"disk_full": 0.1, "crash_within": 0.1})
    plan.limits["RECENT_MAX"] = 4
    outcome = live(plan)
    assert not outcome.why, report(outcome)


def test_the_seeds_draw_every_fault_and_both_links() -> None:
    """What the seeds never draw would be proven by nothing."""
    plans = [draw(seed) for seed in range(SEEDS)]
    assert {name for plan in plans for name, rate in plan.faults.items() if rate} == set(FAULTS)
    assert {plan.broker for plan in plans} == {True, False}
    assert {plan.price_rate > 0 for plan in plans} == {plan.unconfirmed > 0 for plan in plans} == {True, False}


def test_the_same_seed_is_the_same_world() -> None:
    """Two processes with different hash seeds live through the same trace, to the byte."""
    traces = []
    for hash_seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        command = [sys.executable, "-W", "ignore", "-c", HASHES]
        traces.append(subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=True).stdout)
    assert traces[0] == traces[1]
    assert len(traces[0]) > 50


def test_a_failure_becomes_short() -> None:
    """A failing seed is cut down to fewer ticks, faults, people and events that fail in the same way, and the report
    has the words that show it again."""
    with planted(NO_BATCHES):
        draw, search = import_module("tests.sim.draw"), import_module("tests.sim.search")
        outcome = search.run(0, 20)
        assert outcome.why
        shortest = search.shrink(outcome)
        assert shortest.invariant == outcome.invariant
        assert shortest.plan.ticks < outcome.plan.ticks < TICKS
        assert len(shortest.sent_ids) <= 1 < len(outcome.sent_ids)
        assert not shortest.plan.faults
        text = search.report(shortest)
        assert "python -m tests.sim --seeds 0" in text
        plan = text.split("--plan '")[1].split("'\n")[0]
        assert search.live(msgspec.json.decode(plan, type=draw.Plan)).lines == shortest.lines
