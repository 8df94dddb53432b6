"""The commit that a report names."""

import subprocess
from pathlib import Path

import pytest

from bench.source import PACKAGES, compile_code, git, source


def test_the_commit_is_that_of_this_checkout() -> None:
    """Whole, and the flag is whether a tracked file differs."""
    found = source()
    assert found["commit"] == git("rev-parse", "HEAD")
    assert found["dirty"] == bool(git("diff", "--name-only", "HEAD"))


def test_a_changed_file_makes_it_dirty_and_a_new_one_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that nothing tracked imports changes nothing, and a report that lies there neither."""
    monkeypatch.setattr("bench.source.ROOT", tmp_path)
    (tmp_path / "tracked").write_text("a")
    who = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    for words in (["init", "-q"], ["add", "tracked"], [*who, "commit", "-q", "-m", "x"]):
        subprocess.run(["git", "-C", str(tmp_path), *words], check=True)
    (tmp_path / "new").write_text("b")
    assert source() == {"commit": git("rev-parse", "HEAD"), "dirty": False}
    (tmp_path / "tracked").write_text("b")
    assert source()["dirty"] is True


def test_an_installed_wheel_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside a checkout, inside somebody else's, and where git is missing."""
    monkeypatch.setattr("bench.source.ROOT", tmp_path)
    nothing = {"commit": None, "dirty": None}
    assert source() == nothing
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / "site-packages").mkdir()
    monkeypatch.setattr("bench.source.ROOT", tmp_path / "site-packages")
    assert source() == nothing
    monkeypatch.setenv("PATH", "")
    assert source() == nothing


def test_a_project_gets_its_byte_code_and_an_installation_keeps_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where Python itself may write none; nothing is written where a package manager has."""
    monkeypatch.setattr("bench.source.ROOT", tmp_path)
    for package in PACKAGES:
        (tmp_path / package).mkdir()
        (tmp_path / package / "module.py").write_text("a = 1\n")
    compile_code()
    assert not list(tmp_path.rglob("*.pyc"))
    (tmp_path / "pyproject.toml").write_text("")
    compile_code()
    assert len(list(tmp_path.rglob("*.pyc"))) == len(PACKAGES)
