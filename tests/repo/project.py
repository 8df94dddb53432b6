"""What these tests read: the project's files as git sees them, its settings, and its modules as syntax trees."""

import ast
import fnmatch
import subprocess
import tomllib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("edge", "central", "bench", "sdk")
"""Top folders of source files. What is below SDK is found there by its users, as `doorstep_client`."""

SDK = "sdk/python/"


@cache
def settings() -> dict[str, Any]:
    """`pyproject.toml`, whole."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


RULES = settings()["tool"]["doorstep"]


@cache
def files() -> tuple[str, ...]:
    """Every file of the project that exists and is not ignored, sorted, relative to the root."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    return tuple(sorted(name for name in set(listed) if (ROOT / name).is_file()))


def sources(*folders: str) -> list[str]:
    """Python files below these folders, relative to the root."""
    return [name for name in files() if name.endswith(".py") and name.split("/")[0] in folders]


@cache
def tree(name: str) -> ast.Module:
    """The syntax tree of one file."""
    return ast.parse((ROOT / name).read_text(encoding="utf-8"), filename=name)


def module_of(name: str) -> str:
    """`edge/mqtt/packets/codec.py` is `edge.mqtt.packets.codec`, `edge/mqtt/__init__.py` is `edge.mqtt`."""
    return name.removeprefix(SDK).removesuffix(".py").replace("/", ".").removesuffix(".__init__")


def file_of(module: str) -> str | None:
    """The file of one of our own modules, or None where it is not ours."""
    path = module.replace(".", "/")
    places = (f"{folder}{path}{ending}" for folder in ("", SDK) for ending in (".py", "/__init__.py"))
    return next((name for name in places if (ROOT / name).is_file()), None)


def imports(name: str) -> list[tuple[str, int]]:
    """What a file imports, anywhere in it, as (full module name, line).

    `from .x import y` gives `pkg.x.y` where that is a module, else `pkg.x`.
    """
    here = module_of(name).split(".")
    package = here if name.endswith("__init__.py") else here[:-1]
    found: list[tuple[str, int]] = []
    for node in ast.walk(tree(name)):
        if isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                inner = f"{origin}.{alias.name}"
                found.append((inner if file_of(inner) else origin, node.lineno))
    return list(dict.fromkeys(found))


def matches(name: str, pattern: str) -> bool:
    """Whether a file has a pattern's form; `**` matches any number of folders."""
    return fnmatch.fnmatchcase(name, pattern) or fnmatch.fnmatchcase(name, pattern.replace("**/", ""))


def pure_files() -> list[str]:
    """The files under the patterns of `pure`."""
    return [name for name in sources(*PACKAGES) if any(matches(name, pattern) for pattern in RULES["pure"])]


def mirror(name: str) -> str:
    """The test file of a source file: `edge/x.py` has `tests/edge/test_x.py`, if `tested_elsewhere` names no other."""
    folder, _, leaf = name.rpartition("/")
    place = f"tests/{'sdk/python' if name.startswith(SDK) else folder}/test_{leaf.strip('_').replace('__.py', '.py')}"
    return RULES["tested_elsewhere"].get(name, place)


def expect_none(offenders: Iterable[str]) -> None:
    """Fails where there are any, and names all of them."""
    found = list(offenders)
    assert not found, f"{len(found)} found:\n" + "\n".join(found)
