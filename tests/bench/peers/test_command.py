"""The contest as a user calls it, without Node-RED, which is 120 MB from elsewhere."""

from collections.abc import Callable
from pathlib import Path

from tests.bench.cli_options import read


def test_peers_do_the_same_job(tmp_path: Path, program: Callable[[str], str]) -> None:
    """Each peer answers every order at the rate; the table has each by its name, and each one's search."""
    program("mosquitto")
    names = ("doorstep", "doorstep-broker", "script")
    chosen = [word for name in names for word in ("--peer", name)]
    load = ("--rate", "30", "--seconds", "1", "--rounds", "1", "--steps", "1", "--clients", "3", "--riders", "20")
    result, report = read(tmp_path, "peers", *chosen, *load)
    assert result.exit_code == 0, result.output
    assert tuple(report["peers"]) == names
    for peer in report["peers"].values():
        at = peer["at"]["30"]
        assert (at["sent"], at["lost"], at["duplicates"]) == (30, 0, 0)
        assert 0 < at["p50"] <= at["p99"]
        assert all(one["held"] == (not one["why"]) for one in peer["tried"])
        assert 1 <= len(peer["tried"]) <= 2
    assert report["missing"] == {}
    assert report["generator_late"].keys() == {"over_ms", "share", "p99_ms", "too_late"}


def test_a_peer_that_is_not_there_is_named_and_the_others_go_on(
    tmp_path: Path, monkeypatch, program: Callable[[str], str]
) -> None:
    """Without Node.js the report names what is missing and how to get it, in place of figures."""
    program("mosquitto")
    monkeypatch.setattr("bench.peers.node_red.which", lambda name: None)
    load = ("--rate", "20", "--seconds", "1", "--rounds", "1", "--steps", "0", "--clients", "3", "--riders", "20")
    result, report = read(tmp_path, "peers", "--peer", "node-red", "--peer", "script", *load)
    assert list(report["peers"]) == ["script"]
    assert "Install the packages nodejs and npm" in report["missing"]["node-red"]
    assert "node-red was not measured" in result.output
