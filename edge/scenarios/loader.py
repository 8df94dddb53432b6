"""Finds scenarios: built in, installed (entry points of the group `doorstep.scenarios`), or in a folder.

A folder is for a box without pip: `scenario_path = "/etc/doorstep/scenarios"` holds one package for each scenario. The
module's `SCENARIO` is the class.
"""

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from ..core.scenario import Scenario
from ..errors import DoorstepError

GROUP: Final = "doorstep.scenarios"

DEFAULT: Final = ("dispatch", "labels")


def load(names: Sequence[str], folder: str = "") -> list[type[Scenario]]:
    """The scenario classes of these names, in this order. `folder` is looked into first ("" for none).

    Raises:
        DoorstepError: there is no such scenario or folder, or it cannot be imported.
    """
    where = _existing(folder)
    return [_load(name, where) for name in names]


def available(folder: str = "") -> list[str]:
    """The names of all scenarios that `load` would find. Raises DoorstepError where the folder does not exist."""
    where = _existing(folder)
    return sorted(installed().keys() | (_packages(where) if where is not None else set[str]()))


def installed() -> dict[str, Any]:
    """The entry point of every scenario that is built in or installed, by name."""
    # Imported here: it reads the metadata of every distribution of this Python, which takes 25 ms of a start.
    from importlib.metadata import entry_points

    return {entry.name: entry for entry in entry_points(group=GROUP)}


def _existing(folder: str) -> Path | None:
    if folder and not Path(folder).is_dir():
        raise DoorstepError(f"{folder}, the folder for scenarios (scenario_path), is no existing folder. Correct it.")
    return Path(folder) if folder else None


def _packages(folder: Path) -> set[str]:
    """The packages in a folder that set SCENARIO: directly, or in a project of the same name. Others are not ours."""
    found = [path for pattern in ("*/__init__.py", "*/*/__init__.py") for path in folder.glob(pattern)]
    names = {path.parent.name for path in found if "SCENARIO" in path.read_text(encoding="utf-8", errors="replace")}
    return {name for name in names if package_in(folder, name) is not None}


def package_in(folder: Path, name: str) -> Path | None:
    """Where the package `name` is in a folder: directly, or in a project of the same name."""
    for path in (folder / name, folder / name / name, folder):
        if path.name == name and (path / "__init__.py").is_file():
            return path
    return None


def _load(name: str, folder: Path | None) -> type[Scenario]:
    package = package_in(folder.resolve(), name) if folder is not None else None
    try:
        if package is not None:
            found: Any = getattr(_imported(package), "SCENARIO", None)
        elif name in DEFAULT:
            found = importlib.import_module(f"{__package__}.{name}").SCENARIO
        else:
            entry = installed().get(name)
            if entry is None:
                where = f" or in {folder}" if folder is not None else ""
                known = ", ".join(available(str(folder) if folder else "")) or "none"
                raise DoorstepError(
                    f"There is no scenario {name!r} installed{where}. Known: {known}. Install its package, or name the "
                    "folder that holds it in scenario_path."
                )
            found = entry.load()
    except DoorstepError:
        raise
    except (Exception, SystemExit) as error:
        raise DoorstepError(
            f"The scenario {name!r} cannot be imported: {type(error).__name__}: {error}. "
            f"Run doorstep scenario check {name}."
        ) from error
    if not (isinstance(found, type) and issubclass(found, Scenario)):
        raise DoorstepError(
            f"The package {name!r} has no scenario: set SCENARIO in its __init__.py to the class, derived from "
            "edge.core.scenario.Scenario."
        )
    if found.name != name:
        raise DoorstepError(f"The scenario in {package or name} has the name {found.name!r}; it must be {name!r}.")
    return found


def _imported(package: Path) -> Any:
    """A package from a folder, under its own name; a package of that name from elsewhere is refused."""
    name = package.name
    loaded = sys.modules.get(name)
    if loaded is not None and Path(str(loaded.__file__)).parent == package:
        return loaded
    spec = importlib.util.find_spec(name)
    if loaded is not None or (spec is not None and spec.origin and Path(spec.origin).parent != package):
        raise DoorstepError(f"A module {name!r} exists already in this Python. Give the scenario another name.")
    sys.path.insert(0, str(package.parent))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(package.parent))
