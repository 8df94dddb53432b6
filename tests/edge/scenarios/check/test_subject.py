"""Tests of edge.scenarios.check.subject: a scenario is found by name or folder, or the error names the reason."""

from pathlib import Path

import pytest

from edge.errors import InputError
from edge.scenarios.check import project
from edge.scenarios.check.subject import find
from edge.scenarios.dispatch import Dispatch


def test_an_installed_scenario_is_found_by_its_name() -> None:
    """Its package is where its files are."""
    found = find("dispatch")
    assert (found.kind, found.package.name, found.folder) == (Dispatch, "dispatch", "")


def test_a_folder_may_be_the_project_or_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its name in the current folder, by its path, by the package's path, below a scenario_path, renamed."""
    project.write("findable", tmp_path)
    package = tmp_path / "findable" / "findable"
    monkeypatch.chdir(tmp_path)
    for target in ("findable", "./findable", str(tmp_path / "findable"), "findable/findable"):
        assert find(target).package == package, target
    assert find("findable", str(tmp_path)).package == package
    monkeypatch.chdir(package)
    assert find(".").package == package


def test_a_project_folder_may_have_another_name(tmp_path: Path) -> None:
    """As a clone of a repository has."""
    project.write("renamed", tmp_path).rename(tmp_path / "my-clone")
    assert find(str(tmp_path / "my-clone")).name == "renamed"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "holds no Python package"),
        ("x = 1", "has no scenario: set SCENARIO"),
        ("def f(:\n    pass", r"invalid syntax.*__init__.py:1\). Mend that line"),
        ("\n\nimport nowhere_at_all", r"ModuleNotFoundError: .*__init__.py:3\)"),
    ],
)
def test_what_cannot_be_loaded_is_reported_with_its_line(tmp_path: Path, text: str | None, words: str) -> None:
    """The error names the reason and, where the author's code failed, file and line."""
    name = f"broken{len(words)}"
    (tmp_path / name).mkdir()
    if text is not None:
        (tmp_path / name / "__init__.py").write_text(text)
    with pytest.raises(InputError, match=words):
        find(str(tmp_path / name))


def test_a_name_that_is_nowhere_gets_a_hint() -> None:
    """The error names the command that writes one."""
    with pytest.raises(InputError, match="doorstep scenario new NAME"):
        find("nowhere")
