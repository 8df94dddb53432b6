"""Tests of edge.scenarios.loader: scenarios by name, from a folder, and what cannot be loaded."""

import sys
from pathlib import Path

import pytest

from edge.errors import DoorstepError
from edge.scenarios.dispatch import Dispatch
from edge.scenarios.loader import available, load, package_in

GOOD = """
from edge.core.scenario import Scenario


class Mine(Scenario):
    name = "NAME"
    messages = ()


SCENARIO = Mine
"""


def package(folder: Path, name: str, text: str = GOOD) -> Path:
    (folder / name).mkdir(parents=True)
    (folder / name / "__init__.py").write_text(text.replace("NAME", name))
    return folder


@pytest.fixture(autouse=True)
def forget():
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_a_built_in_scenario_is_found_by_name():
    """Dispatch is an entry point like any other."""
    assert load(["dispatch"]) == [Dispatch]
    assert "dispatch" in available()


def test_a_scenario_is_found_in_a_folder(tmp_path):
    """A package in the folder, or in a project of its name there; what is installed is still found."""
    package(tmp_path, "one")
    package(tmp_path / "two", "two")
    assert [kind.name for kind in load(["dispatch", "one", "two"], str(tmp_path))] == ["dispatch", "one", "two"]
    assert {"one", "two"} <= set(available(str(tmp_path)))
    assert package_in(tmp_path / "two", "two") == tmp_path / "two" / "two"


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("absent", None, "There is no scenario 'absent' installed or in .* Known: .*dispatch"),
        ("broken", "import nowhere_at_all", "cannot be imported: ModuleNotFoundError.*doorstep scenario check broken"),
        ("bare", "x = 1", "has no scenario: set SCENARIO"),
        ("exits", "import sys\n\nsys.exit(0)", "cannot be imported: SystemExit"),
        ("wrong", GOOD.replace("NAME", "other"), "has the name 'other'; it must be 'wrong'"),
        ("json", GOOD, "A module 'json' exists already"),
    ],
)
def test_what_cannot_be_loaded_is_named_with_what_to_do(tmp_path, name, text, words):
    """Each refusal is a sentence."""
    if text is not None:
        package(tmp_path, name, text)
    with pytest.raises(DoorstepError, match=words):
        load([name], str(tmp_path))


@pytest.mark.parametrize("ask", [lambda folder: load(["dispatch"], folder), available])
def test_a_folder_that_does_not_exist_is_named(tmp_path, ask):
    """Even where only installed scenarios are asked for: the operator meant that folder."""
    with pytest.raises(DoorstepError, match=r"missing.*no existing folder"):
        ask(str(tmp_path / "missing"))
