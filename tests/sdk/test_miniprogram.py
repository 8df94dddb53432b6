"""sdk/miniprogram, the client for mini-programs and web pages: its own tests, with real nodes, brokers and networks."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.repo.project import ROOT
from tests.sdk.built import need

FOLDER = ROOT / "sdk/miniprogram"
FILES = sorted(path.name for path in (FOLDER / "test").glob("*.test.mjs"))
TIMEOUT_S = 240


@pytest.mark.parametrize("name", FILES)
def test_the_client_passes_its_own_tests(name: str, program: Callable[[str], str]) -> None:
    """Each file of test/, as `npm test` runs it, against this node; through a broker too."""
    need(FOLDER / "dist/doorstep.whole.js")
    program("mosquitto")
    done = subprocess.run(
        [program("node"), "--test", f"test/{name}"],
        cwd=FOLDER,
        env={**os.environ, "DOORSTEP": f"{sys.executable} -m edge", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_wake_ups_are_counted(program: Callable[[str], str]) -> None:
    """wakeups.mjs prints them for each of its phones."""
    need(FOLDER / "dist/doorstep.js")
    done = subprocess.run(
        [program("node"), "wakeups.mjs", "0.02", "0.1"],
        cwd=FOLDER,
        env={**os.environ, "DOORSTEP": f"{sys.executable} -m edge", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    phones = [counts for name, counts in found.items() if name != "minutes"]
    assert [counts.keys() for counts in phones] == [{"timers", "sent", "received", "wake_ups"}] * 3


def test_the_board_has_the_client_that_is_built_of_this_source(program: Callable[[str], str], tmp_path: Path) -> None:
    """Byte for byte. Where it has not: `make miniprogram`, and commit what that changes."""
    need(FOLDER / "dist/doorstep.js")
    built = tmp_path / "client.js"
    subprocess.run([program("node"), "board.mjs", str(built)], cwd=FOLDER, timeout=TIMEOUT_S, check=True)
    assert built.read_text() == (ROOT / "edge/web/static/board/client.js").read_text()
