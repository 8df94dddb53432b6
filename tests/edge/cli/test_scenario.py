"""`doorstep scenario`, as it is typed: from an empty folder to a node that runs the new scenario."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.lab.process import Process
from bench.lab.site import Site
from edge.cli.scenario import scenario
from edge.errors import InputError
from edge.scenarios.check.harness import CHECKS
from tests.phone import Phone
from tests.repo.project import ROOT

EDGE_TOML = """
node = "n-1"
listen = "127.0.0.1:0"
status_listen = ""
anonymous = true
scenarios = ["dispatch", "tips"]
scenario_path = "PATH"

[tips]
order_cents_max = 1000
"""


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, the current one; processes started there find this Doorstep."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])))
    return tmp_path


def doorstep(*arguments: str) -> subprocess.CompletedProcess[str]:
    """One command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "edge", *arguments], capture_output=True, text=True, timeout=300, check=False
    )


@contextmanager
def running(folder: Path) -> Iterator[Process]:
    """A node with `edge.toml` of this folder, gone afterwards."""
    node = Site(folder).node
    try:
        node.start()
        yield node
    finally:
        node.kill()


def port(folder: Path) -> int:
    """Where the running node listens."""
    return json.loads((folder / "data/ports.json").read_text())["listen"]


def total(rider: Phone) -> int:
    """The next sum that a rider receives; JSON, as to everybody who has not sent MessagePack."""
    return json.loads(rider.raw("tips.total"))["cents"]


@pytest.mark.parametrize("path", ["tips", "."])
def test_from_an_empty_folder_to_a_running_node(empty: Path, path: str) -> None:
    """`scenario new`, `scenario check`, and a node decides the new kind; after SIGKILL a repeat of an event gets the
    recorded receipt, to the byte, and the sums go on from where they were."""
    assert doorstep("scenario", "new", "tips").returncode == 0
    checked = doorstep("scenario", "check", "tips", "--seeds", "1")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    (empty / "edge.toml").write_text(EDGE_TOML.replace("PATH", path))
    tip = {"order": "o-1", "to": "rider-7", "cents": 200, "at": 1_790_000_000_000}
    with running(empty) as node:
        alice, rider = Phone("alice", port(empty), ""), Phone("rider-7", port(empty), "")
        assert alice.send("tips.add", id="a-1", **tip) == 0
        recorded = alice.raw("receipt")
        assert json.loads(recorded)["status"] == "accepted"
        assert total(rider) == 200
        alice.send("tips.add", id="a-2", **{**tip, "cents": 900})
        assert alice.answer("receipt")["reason"] == "over_quota"  # the option of edge.toml, not the default
        alice.close()
        rider.close()
        node.kill()
        node.start()
        alice, rider = Phone("alice", port(empty), ""), Phone("rider-7", port(empty), "")
        alice.send("tips.add", id="a-1", **tip)
        receipts = [alice.raw("receipt")]
        while json.loads(receipts[-1])["id"] != "a-1":  # answers whose acknowledgement was not on disk come again, too
            receipts.append(alice.raw("receipt"))
        assert receipts[-1] == recorded
        alice.send("tips.add", id="a-3", **tip)
        totals = [total(rider)]
        while totals[-1] == 200:
            totals.append(total(rider))
        assert totals[-1] == 400
        alice.close()
        rider.close()
        assert node.stop() == 0
    replayed = doorstep("replay", "--journal", "data", "--scenario-path", "tips")
    assert "No difference" in replayed.stdout, replayed.stdout + replayed.stderr


def test_findings_end_with_1_and_are_written_as_json(empty: Path) -> None:
    """A planted mistake: its line begins with `failed`, the exit code is 1, and the file has every check."""
    assert doorstep("scenario", "new", "tips").returncode == 0
    path = empty / "tips/tips/scenario.py"
    path.write_text(path.read_text().replace("import msgspec\n", "import time\n\nimport msgspec\n"))
    checked = doorstep("scenario", "check", "tips", "--seeds", "1", "--json", "found.json")
    assert checked.returncode == 1
    lines = checked.stdout.splitlines()
    (failed,) = [line for line in lines if line.startswith("failed")]
    assert "tips/scenario.py:10 imports time" in failed
    assert sum(line.startswith("ok ") for line in lines) == len(CHECKS) - 1
    found = json.loads((empty / "found.json").read_text())
    assert (found["scenario"], found["seeds"], found["ok"]) == ("tips", 1, False)
    assert [each["check"] for each in found["findings"]] == list(CHECKS)
    assert [each["check"] for each in found["findings"] if not each["ok"]] == ["purity"]


def test_what_cannot_be_loaded_ends_with_2(empty: Path) -> None:
    """No scenario of this name, and one whose code cannot be imported."""
    absent = doorstep("scenario", "check", "nowhere")
    assert (absent.returncode, absent.stdout) == (2, "")
    assert absent.stderr.startswith("doorstep: nowhere: There is no such folder")
    (empty / "bad").mkdir()
    (empty / "bad/__init__.py").write_text("import nowhere_at_all\n")
    broken = doorstep("scenario", "check", "bad")
    assert broken.returncode == 2
    assert "bad/__init__.py:1" in broken.stderr
    assert "Traceback" not in broken.stderr


def test_new_writes_into_the_folder_of_its_option(tmp_path: Path) -> None:
    """`--in` names the folder; a second time, and for an option's name, it refuses with a hint."""
    run = CliRunner().invoke
    made = run(scenario, ["new", "tips", "--in", str(tmp_path)])
    assert made.exit_code == 0
    assert f"doorstep scenario check {tmp_path / 'tips'}" in made.stdout
    assert isinstance(run(scenario, ["new", "tips", "--in", str(tmp_path)]).exception, InputError)
    taken = run(scenario, ["new", "link", "--in", str(tmp_path)])
    assert "option of edge.toml" in str(taken.exception)


@pytest.mark.parametrize("command", ["new", "check"])
def test_every_help_has_an_example(command: str) -> None:
    """Help shows a line that can be copied, and the exit codes."""
    text = CliRunner().invoke(scenario, [command, "--help"]).stdout
    assert f"doorstep scenario {command} tips" in text
    assert "Exit codes:" in text


def test_the_messages_of_a_new_scenario_are_written_for_clients(empty: Path) -> None:
    """Of a scenario in a folder, with its kinds and no others; into a folder that is made."""
    doorstep("scenario", "new", "tips")
    done = doorstep("scenario", "protocol", "tips", "--to", "web/types")
    assert done.returncode == 0, done.stderr
    written = {Path(line).name for line in done.stdout.split()[1::2]}
    assert {path.name for path in (empty / "web/types").iterdir()} == written
    types = (empty / "web/types/doorstep.d.ts").read_text(encoding="utf-8")
    assert '"tips.add": Add;' in types
    assert "/** Whom it is for: a client." in types
    assert "order.place" not in types
    missing = doorstep("scenario", "protocol", "tipz")
    assert missing.returncode == 2
    assert "no scenario of this name is installed" in missing.stderr
    twice = doorstep("scenario", "protocol", "tips", "tips")
    assert twice.returncode == 1
    assert "both have the kind 'tips.add'" in twice.stderr
