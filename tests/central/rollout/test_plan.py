"""When a roll-out goes on, ends or goes back: examples, and what holds for every one."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.rollout.plan import (
    PLACED_AT_ONCE,
    GroupState,
    NodeState,
    Report,
    Rollout,
    Stand,
    Step,
    mixed,
    next_step,
    node_state,
    stages_of,
)

DEADLINE_MS = 1_000
NODES = [f"n-{number}" for number in range(12)]


def rollout(stages: str = "1,10%,all", stage: int = 0) -> Rollout:
    """Number 7, which runs."""
    return Rollout(id=7, group="all", stages=stages_of(stages), deadline_ms=DEADLINE_MS, stage=stage)


def progress(
    made: Rollout, placed: dict[str, int], reports: dict[str, Report], members: list[str], now: int
) -> GroupState:
    """What the store counts: `placed` are the nodes in it and since when."""
    found: dict[NodeState, list[str]] = {}
    for node, at in placed.items():
        found.setdefault(node_state(made, reports.get(node), at, now), []).append(node)
    stands: dict[NodeState, Stand] = {stand: Stand(len(nodes), min(nodes)) for stand, nodes in found.items()}
    refusal = reports[stands["failed"].first] if "failed" in stands else None
    return GroupState(len(members), len(set(members) - placed.keys()), stands, refusal)


def step_of(
    made: Rollout, placed: dict[str, int], reports: dict[str, Report], members: list[str], now: int
) -> Step | None:
    """The next step of one that stands so."""
    return next_step(made, progress(made, placed, reports, members, now))


HEALTHY = Report(True, "healthy")
TRIES = Report(True, "trial")
REFUSED = Report(False, "refused", "It stays the node's own.")
BACK = Report(False, "rolled_back", "The node reports disk_low since.")


@pytest.mark.parametrize("text", ["all", "1,all", "1,10%,all", "5 , 50%, 100%"])
def test_stages_are_numbers_shares_and_all(text: str) -> None:
    """Spaces do not count."""
    assert ",".join(stages_of(text)) == text.replace(" ", "")


@pytest.mark.parametrize("text", ["", "1", "0,all", "10%", "101%,all", "all,", "-1,all", "some,all", "1," * 10 + "all"])
def test_other_stages_are_refused_with_a_sentence(text: str) -> None:
    """The sentence has how they are written."""
    with pytest.raises(ValueError, match=r"write a number|last stage is all"):
        stages_of(text)


def test_one_node_tries_it_first() -> None:
    """Nothing else happens before its word."""
    assert step_of(rollout(), {}, {}, NODES, 0) == Step("running", "", 0, 1)
    assert step_of(rollout(), {"n-0": 0}, {}, NODES, 500) is None
    assert step_of(rollout(), {"n-0": 0}, {"n-0": TRIES}, NODES, 500) is None


def test_a_stage_that_is_healthy_leads_to_the_next() -> None:
    """Up to the last one, after which it is done."""
    assert step_of(rollout(), {"n-0": 0}, {"n-0": HEALTHY}, NODES, 1) == Step("running", "", 1)
    assert step_of(rollout(stage=1), {"n-0": 0}, {"n-0": HEALTHY}, NODES, 1) == Step("running", "", 1, 1)
    placed, reports = dict.fromkeys(NODES, 0), dict.fromkeys(NODES, HEALTHY)
    assert step_of(rollout(stage=2), placed, reports, NODES, 1) == Step("done", "", 2)


@pytest.mark.parametrize(("report", "why"), [(REFUSED, "n-1 has refused it"), (BACK, "n-1 has gone back from it")])
def test_one_node_that_refuses_ends_it(report: Report, why: str) -> None:
    """With its reason, whatever the others report."""
    step = step_of(rollout(stage=2), dict.fromkeys(NODES, 0), {"n-0": HEALTHY, "n-1": report}, NODES, 1)
    assert step is not None
    assert (step.state, step.add) == ("failed", 0)
    assert step.why == f"{why}: {report.detail}"


def test_a_silent_node_blocks_nothing_and_is_named() -> None:
    """Past the deadline the stage goes on without it; but not where nobody has tried it, then another node does."""
    late = DEADLINE_MS + 1
    step = step_of(rollout(stage=1), {"n-0": 0, "n-1": 0}, {"n-0": HEALTHY}, NODES, late)
    assert step == Step("running", "no answer from n-1", 2)
    assert step_of(rollout(), {"n-0": 0}, {}, NODES, late) == Step("running", "no answer from n-0", 0, 1)
    assert step_of(rollout(), {"n-0": 0}, {}, ["n-0"], late) is None


def test_a_large_stage_is_filled_step_by_step() -> None:
    """A no of an early node reaches the rest before the version does."""
    many = [f"n-{number}" for number in range(3 * PLACED_AT_ONCE)]
    placed = dict.fromkeys(many[:2], 0)
    assert step_of(rollout(stage=2), placed, {"n-0": HEALTHY}, many, 0) == Step("running", "", 2, PLACED_AT_ONCE)
    step = step_of(rollout(stage=2), placed, {"n-0": HEALTHY, "n-1": BACK}, many, 0)
    assert step is not None
    assert step.state == "failed"


def test_who_has_not_answered_waits_until_the_deadline() -> None:
    """Who has it in force without a trial has it since long; who has another one since the end has answered."""
    assert node_state(rollout(), Report(False), 0, DEADLINE_MS) == "waiting"
    assert node_state(rollout(), Report(False), 0, DEADLINE_MS + 1) == "silent"
    assert node_state(rollout(), Report(True), 0, 0) == "healthy"
    over = msgspec.structs.replace(rollout(), state="stopped")
    assert node_state(over, Report(False, "healthy"), 0, DEADLINE_MS + 1) == "left"
    assert node_state(over, Report(False), 0, DEADLINE_MS + 1) == "silent"
    assert node_state(rollout(), Report(False, "healthy"), 0, 0) == "waiting"


def test_not_always_the_same_shop_tries_first() -> None:
    """The sequence is another one for each version, of the same nodes."""
    firsts = {mixed(number, NODES)[0] for number in range(40)}
    assert len(firsts) > 6
    assert sorted(mixed(7, NODES)) == sorted(NODES)


REPORTS = st.sampled_from([None, HEALTHY, TRIES, REFUSED, BACK, Report(False)])


@given(
    st.sampled_from(["all", "1,all", "1,10%,all", "2,50%,100%"]),
    st.integers(1, 12),
    st.lists(REPORTS, min_size=12, max_size=12),
    st.integers(100, 3 * DEADLINE_MS),
)
def test_whatever_nodes_report_it_ends_and_a_bad_version_goes_no_further(
    stages: str, count: int, reported: list[Report | None], silence: int
) -> None:
    """Step by step, with the same word of each node from its beginning on: it comes to an end or waits for a word;
    after a no nobody else gets it; nodes come in one stage after the other, and stay."""
    running, placed, now = rollout(stages), dict[str, int](), 0
    members = NODES[:count]
    words = {node: report for node, report in zip(members, reported, strict=False) if report is not None}
    for _ in range(1_000):
        known = {node: words[node] for node in placed if node in words}
        step = step_of(running, placed, known, members, now)
        if step is None:
            if now > max(placed.values()) + DEADLINE_MS:
                break
            now += silence
            continue
        assert step.stage in (running.stage, running.stage + 1)
        failed = any(words.get(node) in (REFUSED, BACK) for node in placed)
        assert (step.state == "failed") is failed
        assert not (failed and step.add)
        placed |= dict.fromkeys([node for node in members if node not in placed][: step.add], now)
        running = Rollout(id=7, group="all", stages=running.stages, deadline_ms=DEADLINE_MS, stage=step.stage)
        if step.state != "running":
            assert step.state == "failed" or {n for n in placed if words.get(n) == HEALTHY}
            assert step.state == "failed" or len(placed) == count
            return
    assert all(words.get(node) not in (REFUSED, BACK, HEALTHY) for node in placed)
    assert len(placed) == count
