"""How Node-RED is found, and what it is given. (It is 120 MB from elsewhere, so no test installs it.)"""

import json
from pathlib import Path

import pytest

from bench.peers.node_red import FUNCTION, VERSION, default_home, flows, installed, version_of
from bench.peers.peer import Missing


def pretend(home: Path) -> Path:
    """An installation, as far as it is looked at."""
    package = home / "node_modules" / "node-red"
    package.mkdir(parents=True)
    (package / "red.js").touch()
    (package / "package.json").write_text(json.dumps({"version": "4.9.9"}))
    return package


def test_an_installation_is_used_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Node-RED is there, npm is not asked."""
    package = pretend(tmp_path)
    monkeypatch.setattr("bench.peers.node_red.which", lambda name: "/bin/node" if name == "node" else None)
    assert installed(tmp_path) == ["/bin/node", str(package / "red.js")]
    assert version_of(tmp_path) == "Node-RED 4.9.9"


def test_without_npm_the_way_round_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the package npm, the version, and the option for another folder."""
    monkeypatch.setattr("bench.peers.node_red.which", lambda name: "/bin/node" if name == "node" else None)
    with pytest.raises(Missing, match=rf"package npm.*node-red@{VERSION}.*--node-red"):
        installed(tmp_path)


def test_an_npm_that_fails_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The output of npm is in the message."""
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho no network here >&2\nexit 1\n")
    npm.chmod(0o700)
    monkeypatch.setattr("bench.peers.node_red.which", lambda name: str(npm))
    with pytest.raises(Missing, match="no network here"):
        installed(tmp_path / "home")


def test_the_flow_is_wired(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In, function, out, and the centre; every wire and every broker names a node of the flow; QoS 1 on both sides."""
    assert len(flows(18830)) == 5
    found = {node["id"]: node for node in flows(18830, 18831)}
    assert found[found["report"]["broker"]]["port"] == "18831"
    assert all(target in found for node in found.values() for wires in node.get("wires", []) for target in wires)
    assert {found[name]["qos"] for name in ("in", "out")} == {"1"}
    assert found[found["in"]["broker"]]["port"] == "18830"
    assert found["choose"]["func"] == FUNCTION.read_text(encoding="utf-8")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_home().is_relative_to(tmp_path)
