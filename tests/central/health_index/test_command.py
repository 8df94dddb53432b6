"""`doorstep central health` as an operator calls it, beside a running centre or without one."""

import json
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from central.command import central
from central.health_index.command import in_words
from central.health_index.parts import PARTS, Part
from tests.central.consoles import fill


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A centre with three hours of three nodes."""
    folder = tmp_path_factory.mktemp("health")
    (folder / "central.toml").write_text("k_anonymity = 2\n", encoding="utf-8")
    fill(folder / "data")
    return folder / "central.toml"


def call(config: Path, *words: str) -> Result:
    """The command's outcome."""
    return CliRunner().invoke(central, ["health", *words, "--config", str(config)])


def test_scores_are_shown_with_what_to_do(config: Path) -> None:
    """The worst first, each with its parts, units and a sentence."""
    shown = call(config).output
    assert shown.startswith("dispatch  shop-3  ")
    assert "dispatch  all nodes  " in shown
    assert "Mend promise, first at shop-3" in shown
    assert "promise      0  80.0% of 180 kept" in shown
    assert "Too little data: quality" in shown


def test_programs_get_the_same(config: Path) -> None:
    """By scenario, node and days; what is not there is a sentence."""
    (one,) = json.loads(call(config, "--json", "--node", "shop-1", "--scenario", "dispatch", "--days", "1").output)
    assert (one["node"], one["advice"], [part["name"] for part in one["parts"]]) == ("shop-1", "keep", list(PARTS))
    assert "Nothing came of such" in str(call(config, "--node", "nobody").exception)
    assert call(config, "--days", "91").exit_code == 2


def test_each_value_has_its_unit() -> None:
    """Whatever part it is."""
    words = [in_words(Part(name=name, weight=1, value=0.5, count=2, budget_ms=1_000)) for name in PARTS]
    assert words == [
        "9 of 10 within 0.0 s, of 2; the budget is 1.0 s",
        "0.5 min beyond the earliest possible, of 2",
        "50.0% of 2 kept",
        "50.0% of 2 declined or lapsed",
        "50.0% of 2 refused",
        "50.0% of 2 nodes current",
        "50.0% of 2 lost",
        "0 events a day and node",
        "50.0% of the 2 events of the time before",
    ]


def test_days_are_those_of_the_centres_clock(config: Path, tmp_path: Path) -> None:
    """In a rehearsal: three hours of now are not of the last day where its clock is a month ahead."""
    real = time.time_ns() // 1_000_000
    ahead = tmp_path / "central.toml"
    clock = f"clock_wall_anchor_ms = {real + 30 * 86_400_000}\nclock_real_anchor_ms = {real}\n"
    ahead.write_text(f'data_dir = "{config.parent / "data"}"\n{clock}', encoding="utf-8")
    assert "Nothing was stored in this time." in call(ahead, "--days", "1").output
    assert "dispatch  all nodes" in call(ahead, "--days", "31").output


def test_shops_are_shown_where_their_node_names_them(config: Path) -> None:
    """The worst first, with orders in place of events; and how many orders were at others."""
    shown = call(config, "--shops").output
    assert shown.startswith("dispatch  noodle-bar at shop-1  ")
    assert "Mend promise: it costs most" in shown
    assert "use        100  80.0 orders a day" in shown
    assert "4 orders more were at shops that have too few customers to be named." in shown
    (one,) = json.loads(call(config, "--shop", "tea-house", "--json").output)
    assert (one["shop"], one["node"], one["events"], one["advice"]) == ("tea-house", "shop-1", 80, "keep")
    assert call(config, "--shops", "--node", "shop-2").exit_code == 1
    assert "Nothing came of such a scenario, node or shop" in str(call(config, "--shop", "nobody").exception)
