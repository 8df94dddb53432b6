"""The proof can fail: each way of losing or doubling an event is found."""

from collections import Counter
from typing import Any

import pytest

from bench.demo.proof.evidence import Evidence
from bench.outage.proof import compare

PROMISED = {("till-0", "o1"), ("till-0", "o2")}


def evidence() -> Evidence:
    """A journal of three accepted events, one of which came twice, and two refused ones."""
    found = Evidence()
    found.received, found.accepted, found.duplicate = 6, 3, 1
    found.refused = Counter({"unknown_order": 1, "unknown_kind": 1})
    found.receipts = dict.fromkeys([*PROMISED, ("rider-0", "s")], b"r")
    return found


def summary(**change: int) -> dict[str, Any]:
    """What the centre counts of that: by scenario, and what belongs to none of them as the node's."""
    names = {
        "accepted.order.place": 2,
        "accepted.rider.shift": 1,
        "duplicate.order.place": 1,
        "refused.unknown_order": 1,
    }
    node = {"refused.unknown_kind": 1, "shed.over_quota": 7, "answer.expired": 2}
    events = change.pop("events", 6)
    return {"events": events, "counters": {"dispatch": {**names, "located.x": 9, **change}, "node": node}}


def test_three_witnesses_that_agree() -> None:
    """Nothing lost, nothing doubled, nothing to report."""
    proof = compare(evidence(), PROMISED, 0, summary())
    assert (proof.lost, proof.doubled, proof.counters_equal, proof.sentences) == (0, 0, True, [])


def test_a_promise_without_a_row_is_a_loss() -> None:
    """An event that a client holds an acknowledgement for and no row has."""
    proof = compare(evidence(), PROMISED | {("till-1", "gone")}, 0, summary())
    assert (proof.lost, proof.doubled) == (1, 0)
    assert "gone" in proof.sentences[0]


def test_an_event_without_an_answer_is_a_loss() -> None:
    """What still waits for its receipt when all is quiet."""
    assert compare(evidence(), PROMISED, 2, summary()).lost == 2


@pytest.mark.parametrize(("at_centre", "lost", "doubled"), [(4, 2, 0), (10, 0, 4)])
def test_other_sums_at_the_centre(at_centre: int, lost: int, doubled: int) -> None:
    """Fewer events than the journal holds are lost, more are doubled."""
    proof = compare(evidence(), PROMISED, 0, summary(events=at_centre))
    assert (proof.lost, proof.doubled) == (lost, doubled)


def test_a_second_decision_is_doubled() -> None:
    """Two receipts for one id."""
    found = evidence()
    found.found("one_decision_per_id", "row 7: a second receipt")
    assert compare(found, PROMISED, 0, summary()).doubled == 1


def test_equal_sums_of_unequal_outcomes_are_reported() -> None:
    """The centre has as many events, but not the same ones."""
    proof = compare(evidence(), PROMISED, 0, summary(**{"accepted.order.place": 1, "duplicate.order.place": 2}))
    assert not proof.counters_equal
    assert proof.sentences
