"""What is to be checked: a scenario found by its name or by a folder, with the files of its package."""

import importlib
import os
import sys
import traceback
from pathlib import Path

from msgspec import Struct

from ...core.scenario import Scenario
from ...errors import DoorstepError, InputError
from ..loader import installed, load, package_in


class Subject(Struct, frozen=True):
    """`package` is its folder (or its only file); `folder` is the `scenario_path` that finds it, "" where installed."""

    name: str
    kind: type[Scenario]
    package: Path
    folder: str


class Finding(Struct, frozen=True):
    """One result of a check: what holds, or what is wrong, where, and what to do."""

    check: str
    ok: bool
    text: str


def find(target: str, scenario_path: str = "") -> Subject:
    """The scenario called `target` in the folder `scenario_path`, or among the installed ones, or in the current
    folder; or the one in the folder `target`, which is its package or its project.

    Raises:
        InputError: there is none, or it cannot be loaded.
    """
    if scenario_path:
        return _subject(target, target, scenario_path)
    plain = os.sep not in target and target not in (".", "..")
    if plain and target in installed():
        return _subject(target, target, "")
    folder = Path(target)
    if not folder.is_dir():
        hint = "There is no such folder, and no scenario of this name is installed. "
        raise InputError(target, None, hint + "Name its folder, or write one: doorstep scenario new NAME.")
    name = _package_name(folder.resolve())
    return _subject(target, name, str(_path_that_finds(folder.resolve(), name)))


def _package_name(folder: Path) -> str:
    """The package in a folder: the folder itself, one of the folder's name, or the only one."""
    if package_in(folder, folder.name) is not None:
        return folder.name
    found = [path.parent.name for path in folder.glob("*/__init__.py") if path.parent.name != "tests"]
    if len(found) != 1:
        wrong = f"It holds the packages {', '.join(sorted(found))}" if found else "It holds no Python package"
        raise InputError(str(folder), None, f"{wrong}. Name the folder of one that sets SCENARIO in its __init__.py.")
    return found[0]


def _path_that_finds(folder: Path, name: str) -> Path:
    """The folder for `scenario_path`: where the package is, one above a folder that is the package itself."""
    return folder.parent if (folder / "__init__.py").is_file() and folder.name == name else folder


def _subject(target: str, name: str, folder: str) -> Subject:
    try:
        (kind,) = load([name], folder)
    except DoorstepError as error:
        raise InputError(target, None, _why(error)) from error
    package = package_in(Path(folder).resolve(), name) if folder else None
    return Subject(name, kind, package or _installed(name), folder)


def _installed(name: str) -> Path:
    path = Path(str(importlib.import_module(installed()[name].module).__file__))
    return path.parent if path.name == "__init__.py" else path


def _why(error: DoorstepError) -> str:
    """The loader's sentence; where the package's own code failed, the line in which it did."""
    cause = error.__cause__
    if cause is None:
        return str(error)
    if isinstance(cause, SyntaxError):
        return f"It cannot be imported: {cause.msg} ({cause.filename}:{cause.lineno}). Mend that line."
    frames = [frame for frame in traceback.extract_tb(cause.__traceback__) if "importlib" not in frame.filename]
    own = [frame for frame in frames if not frame.filename.startswith(sys.base_prefix)]
    where = f" ({own[-1].filename}:{own[-1].lineno})" if own else ""
    return f"It cannot be imported: {type(cause).__name__}: {cause}{where}. Mend that, and check again."
