"""`doorstep demo` as people call it: real processes, real clients, a short day."""

import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bench.demo.command import demo

SMALL = Path(__file__).parents[2] / "data" / "small-district"
HEADLESS = ["--headless", "--speed", "600", "--instance", str(SMALL)]


def call(*arguments: str) -> Result:
    """Run the command in this process. It must not raise anything but what click and Doorstep handle."""
    return CliRunner().invoke(demo, arguments)


def test_help_has_examples() -> None:
    """--help shows every option, and examples."""
    text = call("--help").output
    for option in ("--speed", "--seed", "--instance", "--broker", "--headless", "--minutes", "--json", "--kill-node"):
        assert option in text
    assert "doorstep demo --headless --speed 300" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--instance", "/nowhere"], "no such folder"),
        (["--json", "/nowhere/out.json"], "existing folder"),
        (["--data-dir", str(SMALL)], "no demonstration made it"),
        (["--broker", "http://127.0.0.1"], "no broker's address"),
    ],
)
def test_bad_input_is_named(arguments: list[str], message: str) -> None:
    """What cannot be used ends the command with a sentence about it, before anything is started."""
    result = call("--headless", *arguments)
    assert message in str(result.exception)


def test_a_whole_day_with_a_kill_is_checked(tmp_path: Path) -> None:
    """A whole small day, the node killed once on the way: every invariant holds, and the run can be replayed."""
    out = tmp_path / "out.json"
    arguments = [*HEADLESS, "--kill-node", "1", "--json", str(out)]
    result = call(*arguments)
    report = json.loads(out.read_text())
    assert report["evidence"] == {}
    assert result.exit_code == 0, result.output
    assert report["restarts"]["killed"] == report["restarts"]["count"] == 1
    assert report["orders"]["placed"] == 40
    assert report["orders"]["delivered"] > 0
    assert report["sync"]["events_at_node"] == report["sync"]["events_at_centre"] == report["events"]["received"]
    assert all(report["invariants"].values())
    assert str(tmp_path / "out-data" / "edge") in result.output

    journal = ["--journal", str(tmp_path / "out-data" / "edge")]
    replay = [sys.executable, "-m", "edge", "replay", *journal]
    assert subprocess.run(replay, check=False, capture_output=True).returncode == 0

    what_if = tmp_path / "what-if.json"
    changes = ["--what-if", "riders=+2", "--what-if", "kitchen=+20%"]
    asked = [sys.executable, "-m", "edge", "whatif", *journal, *changes, "--json", str(what_if)]
    assert subprocess.run(asked, check=False, capture_output=True).returncode == 0
    document = json.loads(what_if.read_text())
    assert document["recorded"]["delivered"] == report["orders"]["delivered"]
    assert document["changed"]["orders"] == document["simulated"]["orders"] == document["recorded"]["orders"]


def test_a_run_can_be_cut_short_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After --minutes the run ends and is checked as far as it went; without a place for its data none is left."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    result = call(*HEADLESS, "--minutes", "0.15")
    assert result.exit_code == 0, result.output
    assert "invariants held" in result.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("begun", ["doorstep-demo", "edge.log"])
def test_an_interrupt_ends_it_cleanly(tmp_path: Path, begun: str) -> None:
    """SIGINT stops node, centre and clients, names what was done so far, and shows no traceback: before anything is
    started, and while it is being started. (After that: the test in a terminal.)"""
    command = [sys.executable, "-m", "edge", "demo", *HEADLESS, "--data-dir", str(tmp_path / "data")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not (tmp_path / "data" / begun).exists() and process.poll() is None:
        time.sleep(0.01)  # a run that cannot start ends by itself
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert "Stopped after" in output, errors
    assert "Traceback" not in errors
    assert process.returncode == 130


def test_in_a_terminal_it_has_keys(tmp_path: Path) -> None:
    """The node is killed and comes back, the uplink is cut, Ctrl-C ends it; the terminal is as before: its lines, its
    echo, its cursor, and what stood on it."""
    typist, end = pty.openpty()
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 60, 160, 0, 0))
    before = termios.tcgetattr(end)
    demo_of_terminal = [sys.executable, "-m", "edge", "demo", "--speed", "120", *HEADLESS[3:]]
    # In a session of its own, whose terminal this is: so that Ctrl-C is a signal there.
    command = ["setsid", "--ctty", *demo_of_terminal, "--data-dir", str(tmp_path / "data")]
    terminal = {**os.environ, "TERM": "xterm", "COLUMNS": "160", "LINES": "60"}
    process = subprocess.Popen(command, stdin=end, stdout=end, stderr=end, env=terminal)
    os.close(end)
    shown = b""

    def until(wanted: bytes) -> None:
        nonlocal shown
        while wanted not in shown:
            data = os.read(typist, 65_536)
            assert data
            shown += data

    try:
        until(b"40 orders, ends in")
        os.write(typist, b"k")
        until(b"was killed")
        os.write(typist, b"u")
        until(b"uplink is cut")
        until(b"is back after")
        os.write(typist, b"\x03")
        until(b"Node and centre are stopped.")
        assert process.wait(60) == 0
        assert termios.tcgetattr(typist) == before
    finally:
        process.kill()
        os.close(typist)
    assert shown.rindex(b"\x1b[?1049l") > shown.rindex(b"\x1b[?1049h")
    assert shown.rindex(b"\x1b[?25h") > shown.rindex(b"\x1b[?25l")
    assert b"Traceback" not in shown


def test_a_terminal_that_cannot_be_drawn_on_gets_lines(tmp_path: Path) -> None:
    """As a file does: nothing moves the cursor, and Ctrl-C ends it."""
    typist, end = pty.openpty()
    command = ["setsid", "--ctty", sys.executable, "-m", "edge", "demo", *HEADLESS[3:]]
    terminal = {**os.environ, "TERM": "dumb"}
    words = [*command, "--data-dir", str(tmp_path / "data")]
    process = subprocess.Popen(words, stdin=end, stdout=end, stderr=end, env=terminal)
    os.close(end)
    shown = b""
    try:
        while b"running as with --headless" not in shown:
            shown += os.read(typist, 65_536)
        while not (tmp_path / "data").exists() and process.poll() is None:
            time.sleep(0.01)  # from then on it looks after signals
        os.write(typist, b"\x03")
        while b"Stopped after" not in shown:
            shown += os.read(typist, 65_536)
        assert process.wait(60) == 130
    finally:
        process.kill()
        os.close(typist)
    assert b"\x1b[" not in shown
