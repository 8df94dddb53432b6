"""Settings from a centre to its nodes, as real processes: in stages, and back."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.enrolled import EnrolledSite, enrolling
from tests.waiting import wait_until

CLOCK = {"clock_speed": 100.0}
"""A trial of three windows takes 1.8 s."""


class Fleet:
    """A centre, and nodes that are enrolled at it and run."""

    def __init__(self, folder: Path, stack: ExitStack, count: int) -> None:
        self.first = stack.enter_context(enrolling(folder / "n-1", **CLOCK))
        self.first.centre.start()
        self.nodes = {"n-1": self.first}
        for number in range(2, count + 1):
            name = f"n-{number}"
            site = stack.enter_context(EnrolledSite(folder / name, node=name))
            site.configure((), CLOCK, centre=False)
            self.nodes[name] = site
        for name, site in self.nodes.items():
            assert site.enroll(self.central("invite", name, "--expires", "1d").strip()) == ""
            site.node.spawn()
        for site in self.nodes.values():
            site.node.wait_ready()

    def central(self, *words: str) -> str:
        """What a command at the centre prints."""
        done = self.first.command("central", *words, "--config", "central.toml")
        assert done.returncode == 0, done.stderr
        return done.stdout

    def push(self, options: str, *words: str) -> None:
        """Begin a roll-out."""
        (self.first.folder / "pushed.toml").write_text(options, encoding="utf-8")
        self.central("rollout", "start", "pushed.toml", *words)

    def newest(self) -> dict[str, Any]:
        """The newest roll-out."""
        return json.loads(self.central("rollout", "status", "--json"))[0]

    def until(self, state: str) -> dict[str, Any]:
        """The newest roll-out, once it is in this state."""
        wait_until(lambda: self.newest()["state"] != "running", seconds=90)
        found = self.newest()
        assert found["state"] == state, found
        return found

    def versions(self) -> dict[str, int]:
        """Of the settings in force at each node, by its own word."""
        return {name: site.status()["settings"]["version"] for name, site in self.nodes.items()}

    def known(self, count: int) -> bool:
        """Whether so many nodes have reported to the centre what they have."""
        return len(self.central("group").split()) == count + 1


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Of two nodes, which the centre knows; from test to test the same."""
    with ExitStack() as stack:
        made = Fleet(tmp_path_factory.mktemp("fleet"), stack, 2)
        wait_until(lambda: made.known(2))
        yield made


def test_a_good_version_comes_everywhere_and_a_bad_one_to_one_node(fleet: Fleet) -> None:
    """A version that stands its trial at one node goes to all, and outlives a kill; one that a node refuses stops
    there. What the operator wrote is not changed."""
    fleet.push("retention_days = 3\n[dispatch]\nreply_s = 45\n", "--stages", "1,all")
    done = fleet.until("done")
    good = done["id"]
    assert {each["state"] for each in done["nodes"].values()} == {"healthy"}
    assert set(fleet.versions().values()) == {good}

    fleet.push('listen = "127.0.0.1:1"\n', "--stages", "1,all")
    failed = fleet.until("failed")
    assert "has refused it" in failed["why"]
    assert "stays the node's own" in failed["why"]
    assert len(failed["nodes"]) == 1

    fleet.nodes["n-2"].node.kill()
    fleet.nodes["n-2"].node.start()
    assert set(fleet.versions().values()) == {good}
    assert "retention_days" not in (fleet.nodes["n-2"].folder / "edge.toml").read_text(encoding="utf-8")


def test_what_is_stopped_goes_back(fleet: Fleet) -> None:
    """A roll-out that a person stops after its first node leaves every node with what it had."""
    before = fleet.versions()
    fleet.push("retention_days = 2\n", "--stages", "1,all", "--deadline", "1d")
    new = fleet.newest()["id"]
    wait_until(lambda: new in fleet.versions().values(), seconds=60)
    fleet.central("rollout", "stop")
    wait_until(lambda: fleet.versions() == before, seconds=60)
    assert fleet.newest()["why"].startswith("by ")


def test_who_comes_into_a_group_gets_its_version(fleet: Fleet) -> None:
    """A group of one node has a version of its own; a node that joins it gets that one when it comes again."""
    fleet.central("group", "n-1", "--to", "cafes")
    fleet.push("retention_days = 4\n", "--group", "cafes", "--stages", "all")
    of_cafes = fleet.until("done")["id"]
    assert fleet.versions()["n-2"] != of_cafes
    fleet.central("group", "n-2", "--to", "cafes")
    fleet.nodes["n-2"].node.kill()
    fleet.nodes["n-2"].node.start()
    wait_until(lambda: set(fleet.versions().values()) == {of_cafes}, seconds=60)
