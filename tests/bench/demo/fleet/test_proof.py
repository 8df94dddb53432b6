"""Of bench.demo.fleet.proof: each rule finds what breaks it."""

from types import SimpleNamespace
from typing import Any

import pytest

from bench.demo.fleet.fleet import FleetEnded
from bench.demo.fleet.proof import RULES, check
from bench.demo.fleet.till import PLANTED
from bench.demo.proof.invariants import InvariantResult

AGREES = {"agrees": True, "gaps": [], "quarantined": [], "windows_node": 7, "sentence": "They agree."}
CAME = [("began", "behind"), ("ended", "behind"), ("began", "rollout"), ("began", "ledger")]


def ended(**changes: Any) -> FleetEnded:
    """A run of two nodes in which all went well, changed."""
    arrived = changes.pop("arrived", CAME)
    inbox = SimpleNamespace(
        has=lambda kind, alarm, _: (kind, alarm) in arrived, forged=changes.pop("forged", 0), texts=[]
    )
    cut = SimpleNamespace(node_name="shop-2")
    story = SimpleNamespace(
        cut=cut,
        bad=1,
        good=2,
        missing=changes.pop("missing", []),
        tried=changes.pop("tried", {"shop-1": "rolled_back"}),
    )
    held = changes.pop("held", True)
    node = SimpleNamespace(results=[InvariantResult("conservation", held, "one is gone.")])
    values: dict[str, Any] = {
        "nodes": {"shop-1": node, "shop-2": node},
        "reconciled": {"shop-1": AGREES, "shop-2": AGREES | changes.pop("side", {})},
        "placed": ["shop-1"],
        "settings": dict.fromkeys(("shop-1", "shop-2"), (2, 2, "healthy")),
        "ledger": dict(PLANTED),
        "counted": dict(PLANTED),
        "real_s": 1.0,
        "folder": "",
    }
    return FleetEnded(story=story, inbox=inbox, **values | changes)  # type: ignore[arg-type]


def broken(made: FleetEnded) -> list[str]:
    """The rules that do not hold."""
    return [result.name for result in check(made) if not result.held]


def test_a_run_in_which_all_went_well_holds() -> None:
    """No rule finds anything."""
    assert broken(ended()) == []
    assert len(check(ended())) == len(RULES)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"held": False}, "every_node_held"),
        ({"side": {"agrees": None}}, "every_batch_once"),
        ({"side": {"agrees": False}}, "every_batch_once"),
        ({"side": {"gaps": [(1, 2, 2)]}}, "every_batch_once"),
        ({"side": {"windows_node": 0}}, "every_batch_once"),
        ({"missing": ["waited in vain for shop-2 to be red, and first"]}, "cut_off_is_red_and_drains"),
        ({"placed": ["shop-1", "shop-2"]}, "bad_settings_on_one_node"),
        ({"tried": {"shop-1": "healthy"}}, "bad_settings_on_one_node"),
        ({"counted": {"missing_here": 1}}, "planted_differences_found"),
        ({"ledger": {}}, "planted_differences_found"),
        ({"arrived": CAME[:3]}, "alerts_sent"),
        ({"arrived": [each for each in CAME if each != ("ended", "behind")]}, "alerts_sent"),
        ({"forged": 1}, "alerts_sent"),
    ],
)
def test_each_rule_finds_what_breaks_it(change: dict[str, Any], rule: str) -> None:
    """And no other one does."""
    assert broken(ended(**change)) == [rule]


def test_settings_that_are_still_somewhere_are_found() -> None:
    """The bad ones, and a node without the good ones."""
    settings = {"shop-1": (1, 1, "healthy"), "shop-2": (2, 2, "healthy")}
    assert broken(ended(settings=settings)) == ["bad_settings_on_one_node", "good_settings_everywhere"]
