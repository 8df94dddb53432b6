"""What imports what, on a small tree of our own making."""

from pathlib import Path

import pytest

from bench.size.structure import arrows_of, circles_of, floors_of, layers_of, parts_of, structure

FILES = {
    "edge/__init__.py": "",
    "edge/limits.py": "import os",
    "edge/core/__init__.py": "",
    "edge/core/node.py": "from ..limits import A\nfrom .model import B",
    "edge/core/model.py": "def f():\n    from ..scenarios.dispatch import late",
    "edge/scenarios/__init__.py": "",
    "edge/scenarios/dispatch/__init__.py": "from ...core import model",
    "edge/scenarios/dispatch/late.py": "from ... import limits",
    "edge/app/__init__.py": "",
    "edge/app/run.py": "import edge.core.node\nfrom edge import core, limits",
    "edge/app/pages/style.css": "",
    "edge/web/style.css": "",
    "pyproject.toml": """
        [[tool.importlinter.contracts]]
        type = "layers"
        layers = ["bench", "edge.app", "edge.scenarios | edge.web", "(edge.core)", "edge.limits"]
    """,
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The tree: core and scenarios import each other, and core is below scenarios."""
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def test_parts_are_files_and_folders_with_python(root: Path) -> None:
    """`__init__.py` is no flat file, and a folder without Python is no part."""
    assert parts_of(root / "edge") == (["limits"], ["app", "core", "scenarios"])


def test_an_arrow_is_drawn_once_however_it_is_imported(root: Path) -> None:
    """Absolute, relative, of a package, inside a function: a pair of parts counts once, with the files that draw it."""
    assert arrows_of(root / "edge") == {
        ("app", "core"): ["app/run.py"],
        ("app", "limits"): ["app/run.py"],
        ("core", "limits"): ["core/node.py"],
        ("core", "scenarios"): ["core/model.py"],
        ("scenarios", "core"): ["scenarios/dispatch/__init__.py"],
        ("scenarios", "limits"): ["scenarios/dispatch/late.py"],
    }


def test_a_circle_and_an_upward_arrow_are_named(root: Path) -> None:
    """A circle is one floor and is named with its arrows; what the layers forbid is named with its files."""
    found = structure(root)
    assert (found["flat_files"], found["parts"], found["floors"], found["arrows"]) == (["limits"], 4, 3, 6)
    assert found["floor_of"] == {"limits": 1, "core": 2, "scenarios": 2, "app": 3}
    (circle,) = found["circles"]
    assert circle["parts"] == ["core", "scenarios"]
    assert [(arrow["from"], arrow["to"]) for arrow in circle["arrows"]] == [
        ("core", "scenarios"),
        ("scenarios", "core"),
    ]
    assert found["upward"] == [{"from": "core", "to": "scenarios", "files": ["core/model.py"]}]


def test_without_a_contract_nothing_is_upward(root: Path) -> None:
    """Which way is up is not known then, which is another thing than no upward arrow."""
    (root / "pyproject.toml").write_text("", encoding="utf-8")
    assert structure(root)["upward"] is None


def test_layers_may_stand_in_a_container() -> None:
    """Both ways to write a contract of layers are understood; one about another package is passed over."""
    contracts = [
        {"type": "forbidden"},
        {"type": "layers", "layers": ["other.a", "other.b"]},
        {"type": "layers", "containers": ["other"], "layers": ["a"]},
        {"type": "layers", "containers": ["edge"], "layers": ["app", "core : (web)"]},
    ]
    assert layers_of({"tool": {"importlinter": {"contracts": contracts}}}, "edge") == [["app"], ["core", "web"]]


def test_a_longer_circle_is_found_whole() -> None:
    """Three that reach each other are one circle, and what they stand on is below them."""
    arrows = [("a", "b"), ("b", "c"), ("c", "a"), ("c", "d"), ("e", "a")]
    assert circles_of("abcde", arrows) == [["a", "b", "c"]]
    assert floors_of("abcde", arrows) == {"d": 1, "a": 2, "b": 2, "c": 2, "e": 3}
