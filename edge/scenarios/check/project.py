"""The project that `doorstep scenario new` writes: a package with one decision, its tests and its first page."""

import importlib.util
import keyword
import re
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Final

from ...errors import InputError
from ..loader import available

NAME: Final = re.compile(r"[a-z]{2,24}")
"""Package, scenario and the first part of its kinds: a level of a topic has letters and dots only, at most 32."""

FILES: Final = {
    "pyproject.toml": "pyproject.toml.in",
    "README.md": "README.md.in",
    "{name}/__init__.py": "init.py.in",
    "{name}/messages.py": "messages.py.in",
    "{name}/scenario.py": "scenario.py.in",
    "tests/test_{name}.py": "test.py.in",
}
"""File of the project -> template. In a template `$name` is the name, `$Name` the name of the class."""


def write(name: str, folder: Path) -> Path:
    """Write the project `name` below `folder`. Returns its folder.

    Raises:
        InputError: the name cannot be used, or the folder exists.
    """
    check_name(name)
    project = folder / name
    if project.exists() or project.is_symlink():
        hint = "It exists already. Take another name, or another folder with --in; to check what is there: "
        raise InputError(str(project), None, f"{hint}doorstep scenario check {project}")
    templates = files(__package__ or "") / "template"
    for path, template in FILES.items():
        file = project / path.format(name=name)
        file.parent.mkdir(parents=True, exist_ok=True)
        text = Template((templates / template).read_text(encoding="utf-8"))
        file.write_text(text.substitute(name=name, Name=name.capitalize()), encoding="utf-8")
    return project


def check_name(name: str) -> None:
    """Raises InputError where a package and a scenario cannot have this name."""
    if not NAME.fullmatch(name) or keyword.iskeyword(name):
        hint = "A scenario's name is a Python name of 2 to 24 lower-case letters, for example tips."
        raise InputError(name, None, hint)
    if name in ("node", "tests"):
        raise InputError(name, None, "This name has a meaning of its own here. Take another one, for example tips.")
    if name in available():
        raise InputError(name, None, "A scenario of this name is installed already. Take another name.")
    if importlib.util.find_spec(name) is not None:
        raise InputError(name, None, "A Python module of this name is installed already. Take another name.")
