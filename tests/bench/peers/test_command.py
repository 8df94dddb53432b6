"""The contest as a user calls it, without Node-RED, which is 120 MB from elsewhere."""

from collections.abc import Callable
from pathlib import Path

import click
import pytest

from bench.peers import survival
from bench.peers.command import Rates, peers_lines, peers_tables
from tests.bench.cli_options import call, read
from tests.bench.pages.reports import REPORTS

LOAD = ("--seconds", "1", "--rounds", "1", "--clients", "3", "--riders", "20")


def test_peers_do_the_same_job(tmp_path: Path, program: Callable[[str], str]) -> None:
    """Each peer answers every order at the rate; the tables have each by its name, and each one's search."""
    program("mosquitto")
    names = ("doorstep", "doorstep-broker", "script-sqlite", "script")
    chosen = [word for name in names for word in ("--peer", name)]
    result, report = read(
        tmp_path, "peers", *chosen, "--rates", "30", "--steps", "1", "--cut-s", "0", "--no-kill", *LOAD
    )
    assert result.exit_code == 0, result.output
    assert tuple(report["peers"]) == names
    for peer in report["peers"].values():
        at = peer["at"]["30"]
        assert (at["sent"], at["lost"], at["duplicates"]) == (30, 0, 0)
        assert 0 < at["p50"] <= at["p99"]
        assert all(one["held"] == (not one["why"]) for one in peer["tried"])
        assert 1 <= len(peer["tried"]) <= 2
        assert "kill" not in peer
    assert list(report["missing"]) == ["ekuiper"]
    assert report["over_reference"]["rounds"] == 1
    assert report["generator_late"].keys() == {"over_ms", "share", "p99_ms", "too_late"}
    for words in ("each answer is on disk", "nothing is kept", "1 paired rounds", "ekuiper was not measured"):
        assert words in result.output


def test_a_kill_costs_those_who_keep_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: Callable[[str], str]
) -> None:
    """What is on disk is still assigned, by both; what a script had in memory is gone. The uplink's cut costs nobody
    more than what was on its way, and a missing peer is named while the others go on."""
    program("mosquitto")
    monkeypatch.setattr(survival, "QUIET_S", 1.0)
    monkeypatch.setattr(survival, "KILL_ORDERS", 60)
    monkeypatch.setattr("bench.peers.node_red.which", lambda name: None)
    scripts = ("--peer", "script-sqlite", "--peer", "script", "--peer", "node-red")
    asked = ("--rates", "20", "--steps", "0", *LOAD)
    result, report = read(tmp_path, "peers", *scripts, *asked, "--cut-s", "1")
    kills = {name: peer["kill"] for name, peer in report["peers"].items()}
    assert all(kill["acknowledged"] == 60 and kill["hole_s"] > 0 for kill in kills.values())
    assert (kills["script-sqlite"]["lost"], kills["script-sqlite"]["twice"]) == (0, 20)
    assert kills["script"]["lost"] == 40
    assert report["peers"]["script-sqlite"]["uplink_cut"]["lost"] == 0
    assert report["peers"]["script"]["uplink_cut"]["lost"] <= 1
    assert "Install the packages nodejs and npm" in report["missing"]["node-red"]
    assert "node-red was not measured" in result.output
    for path in tmp_path.iterdir():
        path.unlink()
    _, report = read(tmp_path, "peers", "--peer", "doorstep", *asked, "--cut-s", "0")
    kill = report["peers"]["doorstep"]["kill"]
    assert (kill["acknowledged"], kill["lost"]) == (60, 0)


def test_both_tables_have_what_a_kill_and_a_cut_cost() -> None:
    """In the first line of a peer; a peer that held no rate has the bound."""
    durable, memory = peers_tables(REPORTS["peers"])
    assert durable.rows[0] == (
        "Doorstep, endpoint", "100", "0.50", "2.00", "0", "900", "0, 3 of 500", "0.54", "0 of 3,500",
    )  # fmt: skip
    assert durable.rows[1][:3] == ("", "200 (highest)", "1.00")
    assert memory.rows == [("a script", "below 400 (highest)", *[""] * 7)]
    assert "geometric mean × 1.00" in peers_lines(REPORTS["peers"])[0]


@pytest.mark.parametrize("text", ["", "a", "100,", "0", "100;500"])
def test_what_is_no_list_of_rates_is_refused(text: str) -> None:
    """With an example."""
    with pytest.raises(click.BadParameter, match="such as 100,500,1000"):
        Rates().convert(text, None, None)
    assert call("peers", "--rates", text).exit_code == 2
