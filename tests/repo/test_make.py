"""The way in: what `make` offers, and its output on a machine where something is missing."""

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

from tests.repo.project import ROOT

PROMISED = set(
    "venv miniprogram demo test faults fuzz lint bench pieces soak clean lock help report-size mutants "
    "interop-foreign deb deb-test audit".split()
)


def test_help_lists_every_target(program: Callable[[str], str]) -> None:
    """`make` alone names what there is."""
    # The suite may itself run under make, whose flags would make this one print where it is.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run([program("make")], cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    listed = {line.split()[0]: line.split(maxsplit=1)[1] for line in done.stdout.splitlines() if line[0].isalpha()}
    assert set(listed) == PROMISED
    assert all(listed.values())


def test_ci_runs_the_linters_and_the_tests() -> None:
    """`.ci/run` can be executed and calls `make test` with CI=true, which begins with `make lint`."""
    script = ROOT / ".ci/run"
    assert os.access(script, os.X_OK)
    text = script.read_text(encoding="utf-8")
    assert "CI=true" in text
    assert "make test" in text
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^test: lint\b", makefile, re.MULTILINE)


def test_without_python_make_shows_what_to_install(tmp_path: Path, program: Callable[[str], str]) -> None:
    """On a machine without a new enough Python the message names the package and the way round."""
    environment = {"PATH": str(tmp_path), "LC_ALL": "C"}
    command = [program("make"), f"VENV={tmp_path}/venv", f"SYSTEM_PYTHON={tmp_path}/python3", "venv"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode != 0
    assert "No Python 3.11 or newer" in done.stderr
    assert "apt install python3 python3-venv" in done.stderr
    assert not (tmp_path / "venv").exists()


def test_setup_reports_what_is_missing(tmp_path: Path, program: Callable[[str], str]) -> None:
    """Where nothing can be installed, setup.sh names program, package and purpose; it fails under CI=true only."""
    (tmp_path / "id").symlink_to(program("id"))
    command = [program("sh"), str(ROOT / "tests/setup.sh")]
    for ci, code in (("", 0), ("true", 1)):
        done = subprocess.run(command, env={"PATH": str(tmp_path), "CI": ci}, capture_output=True, text=True)
        assert done.returncode == code
        assert "chromium (package chromium): the status page in a browser" in done.stderr
        assert "apt-get install" in done.stderr
