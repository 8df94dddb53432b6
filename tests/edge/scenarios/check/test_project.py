"""Tests of edge.scenarios.check.project: what `doorstep scenario new` writes is clean, and works installed by pip."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from edge.errors import InputError
from edge.scenarios.check.project import FILES, write
from tests.repo.project import ROOT


def test_the_project_has_its_files_and_no_placeholder_left(tmp_path: Path) -> None:
    """Every file is written, with the name in place."""
    folder = write("tips", tmp_path)
    assert folder == tmp_path / "tips"
    for path in FILES:
        text = (folder / path.format(name="tips")).read_text(encoding="utf-8")
        assert "$" not in text.replace("$(", ""), path
        assert "tips" in text, path


@pytest.mark.parametrize(
    "name", ["Tips", "my-tips", "tips2", "t", "class", "tests", "node", "labels", "json", "edge", "a" * 25, ""]
)
def test_a_name_that_cannot_work_is_refused(tmp_path: Path, name: str) -> None:
    """It must be a Python name, a scenario's name and the first part of a topic's level, and not be taken."""
    with pytest.raises(InputError):
        write(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_existing_folder_is_left_alone(tmp_path: Path) -> None:
    """The hint names what to do instead."""
    (tmp_path / "tips").mkdir()
    with pytest.raises(InputError, match=r"exists already.*doorstep scenario check"):
        write("tips", tmp_path)
    assert list((tmp_path / "tips").iterdir()) == []


def test_the_code_is_formatted_and_its_own_tests_pass(tmp_path: Path) -> None:
    """Linter, formatter and plain pytest find nothing in it."""
    folder = write("tips", tmp_path)
    ruff = [str(Path(sys.executable).parent / "ruff")]
    commands = [
        [*ruff, "check", "--isolated", "--no-cache", "--line-length=120", "--select=B,E,F,I,PT,RUF,UP", "."],
        [*ruff, "format", "--isolated", "--no-cache", "--line-length=120", "--check", "."],
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
    ]
    for command in commands:
        done = subprocess.run(command, cwd=folder, env=_environment(), capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr


def test_pip_installs_it_and_a_node_finds_it_by_its_name(tmp_path: Path) -> None:
    """The entry point leads to the scenario without scenario_path."""
    folder, site = write("tips", tmp_path), tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-deps"]
    subprocess.run([*pip, "--no-build-isolation", "--no-index", "--target", str(site), str(folder)], check=True)
    script = "from edge.scenarios.loader import load; print(load(['tips'])[0].name)"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=site.parent / "tips" / "tests",
        env=_environment(str(site)),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == "tips\n", done.stderr


def _environment(*folders: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join([*folders, str(ROOT)])}
