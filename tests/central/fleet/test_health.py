"""How a node is, from what came of it: only progress is green."""

import msgspec
import pytest

from central.fleet.health import (
    BEHIND,
    CLOCK,
    CURRENT,
    CURRENT_S,
    NEVER,
    QUARANTINED,
    RETIRED,
    STALLED,
    STATES,
    NodeFacts,
    fleet_health,
    node_health,
)
from central.ingest.verify import NodeRecord
from edge.messages.sync.report import NodeReport
from tests.central.stores import START

HOUR_MS = 3_600_000
RECORD = NodeRecord(
    node="n1",
    instance="i1",
    boot="b1",
    epoch=1,
    newest=START,
    progress_at=START,
    hello_at=START - HOUR_MS,
    report=NodeReport(at=START, version="1.2", waiting=3),
    reported_at=START,
)
STANDING = NodeFacts("n1", RECORD, START)


def facts(seen: int = START, aside: int = 0, **changes: object) -> NodeFacts:
    """The one above, changed."""
    return NodeFacts("n1", msgspec.structs.replace(RECORD, **changes), seen, aside)


@pytest.mark.parametrize(
    ("known", "later_s", "state"),
    [
        (STANDING, 0, CURRENT),
        (STANDING, CURRENT_S - 1, CURRENT),
        (STANDING, CURRENT_S, BEHIND),
        (STANDING, 86_400, BEHIND),
        # It speaks, also to refuse or repeat, and nothing new is stored.
        (facts(START + 600_000), 600, STALLED),
        # It has just come back.
        (facts(START + 600_000, hello_at=START + 590_000), 600, BEHIND),
        (facts(START + 600_000, report=None), 600, BEHIND),
        (facts(aside=2), 0, QUARANTINED),
        (facts(aside=2), 86_400, BEHIND),
        (facts(report=NodeReport(at=START + HOUR_MS)), 0, CLOCK),
        # Its windows are of yesterday, because its clock is.
        (facts(report=NodeReport(at=START - 24 * HOUR_MS), newest=START - 24 * HOUR_MS), 0, CLOCK),
        (facts(report=NodeReport(at=START - 24 * HOUR_MS), newest=START - 24 * HOUR_MS), 3600, BEHIND),
        # An earlier version, and a record from before there was anything of it.
        (facts(report=None, newest=0, seen_until=START), 0, CURRENT),
        (facts(report=None, newest=0, seen_until=START + HOUR_MS), 0, CLOCK),
        (NodeFacts("n1"), 0, NEVER),
    ],
)
def test_each_state_has_its_reason(known: NodeFacts, later_s: int, state: str) -> None:
    """Nothing is green but what is current, and each sentence has its end."""
    found = node_health(known, {}, START + later_s * 1000)
    assert (found.state, found.is_green) == (state, state == CURRENT)
    assert found.sentence.endswith((".", "quarantine."))


def test_a_node_with_a_session_and_no_word_has_stalled() -> None:
    """A session alone is no progress: that is what people took for green."""
    assert node_health(STANDING, {}, START + 86_400_000, connected=True).state == STALLED


def test_a_node_with_a_hello_alone_is_as_far_behind_as_that() -> None:
    """Between its first hello and its first report it is behind by seconds, not by all the time since 1970."""
    fresh = facts(START + 2_000, newest=0, progress_at=0, report=None, reported_at=0, hello_at=START)
    found = node_health(fresh, {}, START + 2_000, connected=True)
    assert (found.state, found.behind_s, found.is_green) == (BEHIND, 2.0, False)
    assert found.sentence == "It has just connected, and is sending what it has."
    later = node_health(fresh, {}, START + 600_000)
    assert (later.state, later.behind_s) == (BEHIND, 600.0)


def test_problems_are_not_green() -> None:
    """A node that is current and has a problem is current, and not green."""
    found = node_health(facts(report=NodeReport(at=START, problems=["disk_low"])), {}, START)
    assert (found.state, found.is_green, found.problems) == (CURRENT, False, ["disk_low"])
    assert "disk_low" in found.sentence


def test_figures_are_those_of_the_report() -> None:
    """How far, how silent, how much waits, and how long its certificate is good."""
    found = node_health(STANDING, {"certificate_until": START + 86_400_000}, START + 12_000)
    assert (found.behind_s, found.silent_s, found.waiting, found.version) == (12.0, 12.0, 3, "1.2")
    assert found.certificate_days == pytest.approx(1, abs=0.01)
    assert found.clock_ahead_s == 0
    for until, seen in ((START, START + 5_000), (START + 5_000, START)):
        known = facts(seen, newest=0, seen_until=until, report=None)
        assert node_health(known, {}, START + 12_000).behind_s == 12.0


def test_a_retired_node_is_no_alarm() -> None:
    """Whether it ever connected or not; a revoked one is named."""
    state = {"retired_at": START}
    assert node_health(STANDING, state, START + 10**9).state == RETIRED
    assert node_health(NodeFacts("n1"), state, START).state == RETIRED
    assert "revoked" in node_health(STANDING, {"revoked_at": START}, START + 10**9).sentence
    for again in ({}, {"revoked_at": START, "certificate_until": START + 10**10}):
        assert "revoked" not in node_health(STANDING, again, START + 10**9).sentence


def test_the_worst_come_first() -> None:
    """In the sequence of STATES; in each, who has a problem, then who is furthest behind. Nobody is left out."""
    late = msgspec.structs.replace(RECORD, newest=START - HOUR_MS, hello_at=START - HOUR_MS)
    ill = msgspec.structs.replace(RECORD, report=NodeReport(at=START, problems=["disk"]))
    facts = [
        NodeFacts("fine", RECORD, START),
        NodeFacts("ill", ill, START),
        NodeFacts("later", msgspec.structs.replace(late, newest=START - 9 * HOUR_MS), START - 9 * HOUR_MS),
        NodeFacts("late", late, START - HOUR_MS),
    ]
    states = {"new": {"invited_until": START}, "old": {"retired_at": START}}
    found = fleet_health(facts, states, START + 1_000)
    assert [each.node for each in found] == ["later", "late", "new", "ill", "fine", "old"]
    places = [STATES.index(each.state) for each in found]
    assert places == sorted(places)
