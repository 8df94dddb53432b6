"""Tests of central.alerts.conditions: what is wrong, each once, in names and counts."""

import msgspec
import pytest

from central.alerts.conditions import Condition, Raised, WentBack, conditions, differences
from central.fleet.health import NodeHealth
from edge.messages.sync.ledger import ShopDay

WELL = NodeHealth(node="n1", state="current", sentence="Everything of it is here.", is_green=True, certificate_days=60)
DAY = ShopDay(shop="noodle-bar", date="2026-01-31", at=1, here=3, there=3)


def of(**changes: object) -> list[Condition]:
    """What is wrong with the node above, changed."""
    return conditions([msgspec.structs.replace(WELL, **changes)], [], [], [])


def test_a_node_that_is_well_is_no_condition() -> None:
    """Nor is one that never came, or was retired."""
    assert of() == of(state="never") == of(state="retired", problems=["disk_low"], certificate_days=1) == []


@pytest.mark.parametrize("state", ["stalled", "behind", "quarantined", "clock"])
def test_a_state_is_one(state: str) -> None:
    """With how many batches are kept aside."""
    (found,) = of(state=state, quarantined=3)
    assert found == Condition(state, "n1", "", "3 batches" if state == "quarantined" else "")


def test_each_problem_is_one_of_its_own() -> None:
    """So a second one is notified, though the first one stands."""
    assert of(problems=["disk_low", "task"]) == [
        Condition("problem", "n1", "disk_low"),
        Condition("problem", "n1", "task"),
    ]


def test_a_certificate_that_was_not_renewed_is_one() -> None:
    """Also one that is over."""
    assert of(certificate_days=6.5) == [Condition("certificate", "n1", "", "6.5 days")]
    assert of(certificate_days=-2) == [Condition("certificate", "n1", "", "0.0 days")]
    assert of(certificate_days=None) == of(certificate_days=7) == []


def test_what_collectors_raise_counts_by_kind() -> None:
    """What is a state of the node already is no second condition; the same kind twice is one."""
    raised = [Raised("n1", "batches_lost", 7), Raised("n1", "batches_lost", 0), Raised("n1", "no_progress", 0)]
    assert conditions([], raised, [], []) == [Condition("data", "n1", "batches_lost")]


def test_roll_outs_and_ledgers() -> None:
    """The node where it went back; shops with differences, and how many of which kind."""
    day = msgspec.structs.replace(DAY, missing_here=1, other_amount=2)
    assert differences(DAY) == ""
    assert conditions([], [], [WentBack(4, "n2")], [("n1", DAY), ("n1", day)]) == [
        Condition("rollout", "n2", "4"),
        Condition("ledger", "n1", "noodle-bar 2026-01-31", "missing_here 1, other_amount 2"),
    ]
