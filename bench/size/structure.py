"""What imports what: the parts of a package, the arrows between them, their floors.

A part is a Python file directly in the package (but `__init__.py`), or a folder in it that has Python files. An arrow
leads from a part to another one that it imports, anywhere in its files, inside of functions too. The floor of a part is
the longest chain of arrows below it: 1 where it imports no other part. Parts that import each other in a circle share a
floor, or there would be no longest chain.
"""

import ast
import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

Arrow = tuple[str, str]
"""The part that imports, and the part that it imports."""

Layers = Sequence[Collection[str]]
"""The parts of each layer, the highest layer first."""

_SEPARATORS: Final = re.compile(r"\s*[|:]\s*")


def parts_of(package: Path) -> tuple[list[str], list[str]]:
    """The names of the flat files (without `.py`) and of the folders, sorted."""
    flat = [path.stem for path in package.glob("*.py") if path.name != "__init__.py"]
    folders = [path.name for path in package.iterdir() if path.is_dir() and any(path.rglob("*.py"))]
    return sorted(flat), sorted(folders)


def arrows_of(package: Path) -> dict[Arrow, list[str]]:
    """Each arrow with the files that draw it, relative to the package. Sorted."""
    flat, folders = parts_of(package)
    parts = {*flat, *folders}
    found: dict[Arrow, list[str]] = {}
    for path in sorted(package.rglob("*.py")):
        at = path.relative_to(package)
        source = at.parts[0].removesuffix(".py")
        if source in parts:
            module = (package.name, *at.with_suffix("").parts)
            for target in sorted(_imported(ast.parse(path.read_bytes()), module) & parts - {source}):
                found.setdefault((source, target), []).append(at.as_posix())
    return dict(sorted(found.items()))


def _imported(tree: ast.Module, module: tuple[str, ...]) -> set[str]:
    """What stands behind the package's own name in the imports of one file, which is `module`."""
    found: set[tuple[str, ...]] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {tuple(alias.name.split(".")) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            # `module` ends with `__init__` in a package's own file, so one level is the folder in every file.
            base = module[: len(module) - node.level] if node.level else ()
            origin = (*base, *(node.module.split(".") if node.module else ()))
            found |= {(*origin, alias.name) for alias in node.names}
    return {name[1] for name in found if name[0] == module[0] and len(name) > 1}


def circles_of(parts: Collection[str], arrows: Collection[Arrow]) -> list[list[str]]:
    """Parts that reach each other, two or more. Sorted."""
    below: dict[str, set[str]] = {part: {target for source, target in arrows if source == part} for part in parts}
    for middle in parts:  # Warshall: all that can be reached, by way of one part more each time
        for part in parts:
            if middle in below[part]:
                below[part] |= below[middle]
    found = {tuple(sorted(each for each in below[part] if part in below[each])) for part in parts}
    return [list(circle) for circle in sorted(found) if len(circle) > 1]


def floors_of(parts: Collection[str], arrows: Collection[Arrow]) -> dict[str, int]:
    """The floor of each part, the lowest first."""
    circles = {part: tuple(circle) for circle in circles_of(parts, arrows) for part in circle}
    known: dict[tuple[str, ...], int] = {}

    def floor(group: tuple[str, ...]) -> int:
        if group not in known:
            targets = {circles.get(target, (target,)) for source, target in arrows if source in group} - {group}
            known[group] = 1 + max(map(floor, targets), default=0)
        return known[group]

    return dict(sorted(((part, floor(circles.get(part, (part,)))) for part in parts), key=lambda item: item[::-1]))


def upward_of(arrows: Collection[Arrow], layers: Layers) -> list[Arrow]:
    """Arrows from a lower layer to a higher one. A part that is in no layer is not looked at."""
    height = {part: -number for number, layer in enumerate(layers) for part in layer}
    return [
        (source, target)
        for source, target in arrows
        if source in height and target in height and height[target] > height[source]
    ]


def layers_of(settings: Mapping[str, Any], package: str) -> Layers | None:
    """The layers of `package` in the contracts of import-linter (`pyproject.toml`, whole), or None where no contract of
    the type `layers` has any. Other packages in such a contract are left out."""
    contracts = settings.get("tool", {}).get("importlinter", {}).get("contracts", [])
    for contract in contracts:
        if contract.get("type") != "layers":
            continue
        containers = contract.get("containers", [""])
        if containers == [package]:
            prefix = ""
        elif containers == [""]:
            prefix = f"{package}."
        else:
            continue
        lines = [[name.strip("() ") for name in _SEPARATORS.split(line)] for line in contract["layers"]]
        layers = [[name.removeprefix(prefix) for name in line if name.startswith(prefix)] for line in lines]
        if any(layers):
            return [layer for layer in layers if layer]
    return None


def structure(root: Path, package: str = "edge") -> dict[str, Any]:
    """The report on one package below `root`. `upward` is None where no contract defines the layers."""
    flat, folders = parts_of(root / package)
    parts = [*flat, *folders]
    arrows = arrows_of(root / package)
    layers = layers_of(tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8")), package)
    floors = floors_of(parts, arrows)

    def named(some: Collection[Arrow]) -> list[dict[str, Any]]:
        return [{"from": arrow[0], "to": arrow[1], "files": arrows[arrow]} for arrow in some]

    return {
        "flat_files": flat,
        "parts": len(parts),
        "floors": max(floors.values(), default=0),
        "floor_of": floors,
        "arrows": len(arrows),
        "arrow_list": named(arrows),
        "circles": [
            {"parts": circle, "arrows": named([arrow for arrow in arrows if {*arrow} <= {*circle}])}
            for circle in circles_of(parts, arrows)
        ],
        "upward": None if layers is None else named(upward_of(arrows, layers)),
    }
