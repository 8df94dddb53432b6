"""`doorstep explain --for`: what a rider may know of the decisions about itself."""

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from edge.cli.journal.explain import explain
from edge.errors import DoorstepError


def call(*arguments: str) -> Result:
    return CliRunner().invoke(explain, list(arguments), env={"COLUMNS": "300", "TZ": "UTC"})


def test_a_rider_reads_its_own_story(path: Path) -> None:
    """How it stood, by its own figures; its offers, what it answered, what came of it."""
    result = call("--for", "r-1", "--journal", str(path))
    assert result.exit_code == 0, result.output
    for words in (
        "r-1, from 2026-09-21",
        "o-1: the lowest cost of 3 riders: offered to you. 0:",
        "rider.reply  ",
        "o-1, declines offer 1, accepted",
    ):
        assert words in result.stdout
    second = call("--for", "r-2", "--journal", str(path)).stdout
    assert "an order: number 2 by cost of 3 riders: another rider was chosen" in second
    assert "o-1, offer 2, no answer" in second


@pytest.mark.parametrize("rider", ["r-1", "r-2", "r-3", "r-4"])
def test_nobody_else_is_in_it(path: Path, rider: str) -> None:
    """No other name, no place, no order that it was not offered; as text and as JSON."""
    text = call("--for", rider, "--journal", str(path)).stdout
    packed = call("--for", rider, "--journal", str(path), "--json").stdout
    entries = json.loads(packed)["entries"]
    assert entries
    offered = {each["order"] for each in entries if each.get("order")}
    for found in (text, packed):
        assert set(re.findall(r"\br-\d\b", found)) == {rider}
        assert set(re.findall(r"\bo-\d\b", found)) <= offered
        assert not re.search(r"alice|31\.20|121\.40", found)


def test_one_of_both_is_asked_for(path: Path) -> None:
    """An order, or a rider who is in the journal."""
    for arguments in ((), ("o-1", "--for", "r-1")):
        assert call(*arguments, "--journal", str(path)).exit_code == 2
    failed = call("--for", "r-77", "--journal", str(path)).exception
    assert isinstance(failed, DoorstepError)
    assert "No decision about" in str(failed)
