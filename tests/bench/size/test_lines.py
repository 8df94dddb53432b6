"""Lines, on a small tree of our own making."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

from bench.size.lines import FOLDER_FILES_MAX, full_folders, lines, words_left


def test_each_line_is_counted_where_it_belongs(tmp_path: Path) -> None:
    """The kernel is `edge/` without its doors and plug-ins; what is not ours is not counted."""
    sizes = {
        "edge/limits.py": 1,
        "edge/core/node.py": 2,
        "edge/mqtt/server/endpoint.py": 4,
        "edge/scenarios/dispatch/planner/routes.py": 8,
        "edge/scenarios/labels/events.py": 16,
        "bench/command.py": 32,
        "tests/interop/node_modules/tool.py": 64,
        "tests/test_all.py": 128,
        "README.md": 256,
    }
    for name, count in sizes.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x\n" * count, encoding="utf-8")
    found = lines(tmp_path)
    assert (found["edge"], found["kernel"], found["dispatch"]) == (31, 3, 8)
    assert (found["bench_and_tests"], found["readme"]) == (160, 256)
    assert list(found["largest"].items())[:2] == [("tests/test_all.py", 128), ("bench/command.py", 32)]
    assert found["full_folders"] == {}


def test_a_folder_is_full_without_its_init(tmp_path: Path) -> None:
    """`__init__.py` does not count, and neither do the files of folders below."""
    names = [f"a/f{number}.py" for number in range(FOLDER_FILES_MAX)]
    assert full_folders(tmp_path, [tmp_path / name for name in (*names, "a/__init__.py", "a/b/more.py")]) == {}
    assert full_folders(tmp_path, [tmp_path / name for name in (*names, "a/more.py")]) == {"a": FOLDER_FILES_MAX + 1}


@pytest.mark.parametrize(("left", "count"), [(3, 3), ({"a": 1, "b": 2}, 3), ({"a": ["x", "y"]}, 2), (["x"], 1)])
def test_words_are_counted_where_the_tree_counts_them(
    monkeypatch: pytest.MonkeyPatch, left: object, count: int
) -> None:
    """A number, a list of uses, or uses by word."""
    module = ModuleType("tests.repo.words")
    module.__dict__["left"] = lambda: left
    monkeypatch.setitem(sys.modules, "tests.repo.words", module)
    assert words_left() == count


def test_without_the_list_of_words_nothing_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing figure is None, not zero."""
    monkeypatch.setitem(sys.modules, "tests.repo.words", None)
    assert words_left() is None
