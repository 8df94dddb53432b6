"""Tests of edge.scenarios.check.purity: what pure code may not do is found, and honest code is left alone."""

import ast
from pathlib import Path

import pytest

from edge.scenarios.check.purity import impure_calls, impurities, is_impure, set_walks


@pytest.mark.parametrize(
    ("code", "walks"),
    [
        ("for x in {1, 2}: pass", 1),
        ("a = set()\nfor x in a: pass", 1),
        ("def f(a: set[int]): return [x for x in a]", 1),
        ("class C:\n def f(self): self.a = set()\n def g(self): return list(self.a)", 1),
        ("a = {1} | {2}\nprint(*a)", 1),
        ("a = {1}\nfor x in sorted(a): pass", 0),
        ("a = {1: 2}\nfor x in a: pass", 0),
        ("a = {1}\nb = 3 in a", 0),
    ],
)
def test_the_search_for_set_walks_finds_them(code: str, walks: int) -> None:
    """The search sees each way of walking through a set, and leaves honest uses alone."""
    assert len(set(set_walks(ast.parse(code)))) == walks


@pytest.mark.parametrize("module", ["time", "os.path", "random", "urllib.request", "datetime", "socket"])
def test_modules_of_the_outside_world_are_known(module: str) -> None:
    """What reads clocks, files, sockets or chance is impure, its submodules too."""
    assert is_impure(module)
    assert not is_impure("msgspec")
    assert not is_impure("urllib.parse")


@pytest.mark.parametrize("code", ["hash(x)", "open(x)", "print(x)", "numpy.random.default_rng()", "id(x)"])
def test_calls_of_the_outside_world_are_found(code: str) -> None:
    """A call that differs from process to process, or leaves it, is found in its line."""
    assert [line for line, _ in impure_calls(ast.parse(f"\n{code}"))] == [2]


def test_a_package_is_searched_whole_and_its_findings_name_file_and_line(tmp_path: Path) -> None:
    """Every module of a package counts, its tests do not; of the node only what is pure may be imported."""
    package = tmp_path / "tips"
    (package / "tests").mkdir(parents=True)
    (package / "tests/test_it.py").write_text("import time\n")
    (package / "__init__.py").write_text("from . import parts\nfrom edge.core.model import Now\n")
    (package / "parts.py").write_text("def f():\n    from time import monotonic\n\n\nimport edge.journal.journal\n")
    found = impurities(package)
    assert found == [
        "tips/parts.py:2 imports time.monotonic",
        "tips/parts.py:5 imports edge.journal.journal, which is not pure",
    ]
