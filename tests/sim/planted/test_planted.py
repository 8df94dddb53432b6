"""Bugs planted on purpose in the real code: a simulator that does not find them proves nothing."""

import re
from importlib import import_module
from typing import Any

import msgspec
import pytest

from tests.repo.project import expect_none
from tests.sim.planted.bugs import BUGS, NO_BATCHES, NO_CHAIN
from tests.sim.planted.patching import Bug, planted

SEEDS_MAX = 40
INVARIANT = re.compile(r"[IL]\d")


def hunt(bug: Bug) -> Any:
    """The outcome of the first seed in which an invariant breaks; None where none does. From `bug.seed` on, and then
    around. An exception is no find: it would be one in a simulator that does not run at all."""
    draw, live = import_module("tests.sim.draw").draw, import_module("tests.sim.search").live
    for number in range(SEEDS_MAX):
        plan = draw((bug.seed + number) % SEEDS_MAX)
        if bug.faults is not None:
            plan = msgspec.structs.replace(plan, broker=False, faults=bug.faults)
            plan.limits["RECENT_MAX"] = 4
        outcome = live(plan)
        if outcome.why:
            assert INVARIANT.fullmatch(outcome.invariant), outcome.why
            return outcome
    return None


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_found(name: str) -> None:
    """The simulator finds each of these bugs within a bounded number of seeds."""
    with planted(BUGS[name]):
        assert hunt(BUGS[name]) is not None, f"{SEEDS_MAX} seeds do not find: {BUGS[name].what}"


def test_every_patch_applies() -> None:
    """What a bug changes is there once; the list shows every patch that its code has left behind."""

    def stale(bug: Bug) -> str:
        try:
            compile(bug.source, bug.file, "exec")
        except (ValueError, SyntaxError) as error:
            return str(error)
        return ""

    expect_none(why for bug in (*BUGS.values(), NO_CHAIN, NO_BATCHES) if (why := stale(bug)))


def test_a_bug_is_gone_afterwards() -> None:
    """Inside, everybody uses the patched code; outside, the modules are the ones from before."""
    before = import_module("edge.core.outbox")
    with planted(NO_BATCHES):
        inside = import_module("edge.core.node").Outbox
        assert inside is not before.Outbox
        assert inside is import_module("edge.core.outbox").Outbox
    assert import_module("edge.core.outbox") is before
    assert import_module("edge.core").outbox is before
