"""The two revisions as folders of their own, each with the interpreter that runs it.

A copy of this tree too: who edits it meanwhile changes nothing of what is measured.
"""

import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Final

from msgspec import Struct

from edge.errors import DoorstepError, InputError

from ..cli_options import Progress
from ..source import ROOT, git, source

LOCK: Final = "requirements.lock"
BUILD_LOCK: Final = "requirements-build.lock"
SHARED: Final = "this interpreter, its own folder first on the path"
OWN: Final = "a virtual environment of its own, from its lock files"
LINES_SHOWN: Final = 6


class Tree(Struct, frozen=True, kw_only=True):
    """One revision: its `folder`, whose `edge` the interpreter `python` runs. `environment` is SHARED or OWN."""

    name: str
    commit: str | None
    dirty: bool | None
    folder: Path
    python: str = sys.executable
    environment: str = SHARED


def this_tree(folder: Path) -> Tree:
    """What this code is, changes included."""
    shutil.copytree(ROOT / "edge", folder / "edge", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    _write_entry_points(folder, "this tree")
    found = source()
    commit, dirty = found["commit"], found["dirty"]
    return Tree(
        name="this", commit=str(commit) if commit else None, dirty=None if dirty is None else bool(dirty), folder=folder
    )


def other_tree(revision: str, folder: Path, progress: Progress) -> Tree:
    """The revision, unpacked; with an environment of its own where it locks other versions than this tree. Raises
    InputError where git knows no such one, DoorstepError where its dependencies cannot be installed."""
    commit = commit_of(revision)
    archive = folder.with_suffix(".zip")
    if git("archive", "--format=zip", "--output", str(archive), commit) is None:
        raise InputError(revision, None, "git cannot unpack it. Try git archive with it.")
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(folder)
    archive.unlink()
    _write_entry_points(folder, revision)
    tree = Tree(name="other", commit=commit, dirty=False, folder=folder)
    locked = pins(folder)
    if not locked or locked == pins(ROOT):
        return tree
    progress(f"installing what {revision} locks")
    return Tree(name="other", commit=commit, dirty=False, folder=folder, python=_install(folder), environment=OWN)


def commit_of(revision: str) -> str:
    """The whole name of a revision's commit. Raises InputError where there is none, or no repository."""
    if source()["commit"] is None:
        raise InputError(revision, None, f"{ROOT} is no git checkout, so no revision can be had. Compare two reports.")
    commit = git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if not commit:
        hint = "it is no revision of this repository. git log lists them; of reports, name two."
        raise InputError(revision, None, hint)
    return commit


def pins(folder: Path) -> frozenset[str]:
    """The locked versions of what a node needs; none where there is no lock file."""
    try:
        lines = (folder / LOCK).read_text(encoding="utf-8").splitlines()
    except OSError:
        return frozenset()
    return frozenset(line.rstrip(" \\") for line in lines if line[:1].isalnum())


def _write_entry_points(folder: Path, revision: str) -> None:
    """The revision's commands and scenarios as an installation would list them, beside its packages."""
    try:
        project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        groups, version = project.get("entry-points", {}), project["version"]
    except (OSError, KeyError, tomllib.TOMLDecodeError):
        hint = "it has no pyproject.toml with a version. Take a later revision."
        raise InputError(revision, None, hint) from None
    found = folder / f"doorstep-{version}.dist-info"
    found.mkdir()
    (found / "METADATA").write_text(f"Metadata-Version: 2.1\nName: doorstep\nVersion: {version}\n", encoding="utf-8")
    lines = [
        line
        for group, points in groups.items()
        for line in (f"[{group}]", *(f"{name} = {target}" for name, target in points.items()))
    ]
    (found / "entry_points.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _install(folder: Path) -> str:
    """The interpreter of a new environment with what the folder locks."""
    python = folder / "environment" / "bin" / "python"
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "--quiet", "install", "--require-hashes"]
    _run([sys.executable, "-m", "venv", str(folder / "environment")])
    if (folder / BUILD_LOCK).exists():
        _run([*pip, "-r", str(folder / BUILD_LOCK)])
    _run([*pip, "--no-build-isolation", "-r", str(folder / LOCK)])
    return str(python)


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        output = "\n".join((done.stdout + done.stderr).splitlines()[-LINES_SHOWN:])
        raise DoorstepError(
            f"The revision's environment could not be made; is there a network? {command[2:4]}:\n{output}"
        )
