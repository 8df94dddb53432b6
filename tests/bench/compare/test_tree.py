"""The folders of the two revisions, and that each runs its own code."""

import subprocess
import sys
from pathlib import Path

import pytest

from bench.compare import start_node
from bench.compare.rounds import check
from bench.compare.tree import OWN, SHARED, Tree, other_tree, pins, this_tree
from bench.lab.process import Process
from bench.source import git
from edge.errors import DoorstepError, InputError

PYPROJECT = '[project]\nversion = "7.0"\n[project.entry-points."doorstep.scenarios"]\nhello = "edge.hello:Hello"\n'


def silent(what: str) -> None:
    """Nobody looks."""
    del what


def test_both_trees_are_whole_and_share_the_interpreter(tmp_path: Path) -> None:
    """A revision with the same lock runs with this interpreter, and git knows which one it is."""
    for name in ("this", "other"):
        (tmp_path / name).mkdir()
    ours, theirs = this_tree(tmp_path / "this"), other_tree("HEAD", tmp_path / "other", silent)
    assert (ours.commit, theirs.commit, theirs.dirty) == (theirs.commit, git("rev-parse", "HEAD"), False)
    assert pins(theirs.folder)
    for tree in (ours, theirs):
        assert (tree.python, tree.environment) == (sys.executable, SHARED)
        assert (tree.folder / "edge" / "__main__.py").is_file()
        (found,) = tree.folder.glob("doorstep-*.dist-info")
        listed = (found / "entry_points.txt").read_text(encoding="utf-8")
        assert "[doorstep.scenarios]\ndispatch = " in listed


def test_another_lock_gets_an_environment_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it cannot be made, here for want of any package, the error shows what pip printed."""
    monkeypatch.setattr("bench.compare.tree.pins", lambda folder: frozenset({f"x=={folder}"}))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    (tmp_path / "other").mkdir()
    progress: list[str] = []
    with pytest.raises(DoorstepError, match=r"(?s)environment could not be made.*No matching distribution"):
        other_tree("HEAD", tmp_path / "other", progress.append)
    assert progress == ["installing what HEAD locks"]
    assert (tmp_path / "other" / "environment" / "bin" / "python").exists()
    assert OWN != SHARED


def test_a_lock_is_read_without_its_comments(tmp_path: Path) -> None:
    """Versions count, hashes and reasons do not; no lock has none."""
    assert pins(tmp_path) == frozenset()
    (tmp_path / "requirements.lock").write_text("# made by\na==1 \\\n    --hash=sha256:00\n    # via b\nb==2\n")
    assert pins(tmp_path) == {"a==1", "b==2"}


def test_the_code_of_the_folder_runs(tmp_path: Path) -> None:
    """Its own package and its own entry points come before those that are installed, and it prints that first."""
    (tmp_path / "edge").mkdir()
    (tmp_path / "edge" / "__init__.py").write_text("")
    script = "import sys\nfrom importlib.metadata import version\ndef main(): print(version('doorstep'), *sys.argv)\n"
    (tmp_path / "edge" / "__main__.py").write_text(script)
    found = tmp_path / "doorstep-7.0.dist-info"
    found.mkdir()
    (found / "METADATA").write_text("Metadata-Version: 2.1\nName: doorstep\nVersion: 7.0\n")
    command = [sys.executable, "-I", start_node.__file__, str(tmp_path), "edge", "--config", "x"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout == f"{start_node.RUNS}{tmp_path}/edge/__init__.py\n7.0 doorstep edge --config x\n"


@pytest.mark.parametrize(("where", "right"), [("other/edge/__init__.py", True), ("this/edge/__init__.py", False)])
def test_a_node_of_other_code_is_not_measured(tmp_path: Path, where: str, right: bool) -> None:
    """The first line of the log decides."""
    process = Process("node", [], tmp_path, 1)
    process.log.write_text(f"{start_node.RUNS}{tmp_path}/{where}\nready\n")
    tree = Tree(name="other", commit=None, dirty=None, folder=tmp_path / "other")
    if right:
        check(process, tree)
    else:
        with pytest.raises(DoorstepError, match="runs other code"):
            check(process, tree)


def test_a_revision_needs_a_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A revision without pyproject.toml, or without a version in it, is refused with what to do."""
    monkeypatch.setattr("bench.compare.tree.ROOT", tmp_path)
    (tmp_path / "edge").mkdir()
    (tmp_path / "pyproject.toml").write_text(PYPROJECT.replace("version", "other"))
    (tmp_path / "copy").mkdir()
    with pytest.raises(InputError, match="Take a later revision"):
        this_tree(tmp_path / "copy")
