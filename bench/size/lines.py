"""How many lines the tree has, where they are, and which folders are too full."""

import importlib
from collections.abc import Iterable, Mapping, Sized
from pathlib import Path
from typing import Any, Final

PACKAGES: Final = ("edge", "central", "bench", "tests")
BESIDE_KERNEL: Final = ("mqtt", "scenarios", "cli", "web")
"""Folders of `edge/` that are doors or plug-ins: what is left is the kernel."""

FOLDER_FILES_MAX: Final = 10
LARGEST: Final = 10
_NOT_OURS: Final = frozenset({"node_modules", "__pycache__"})


def lines(root: Path) -> dict[str, Any]:
    """The report on the tree below `root`, in lines; `full_folders` are in files."""
    edge = root / "edge"
    sizes = {path: _lines(path) for name in PACKAGES for path in _python_files(root / name)}
    kernel = [path for path in _python_files(edge) if path.relative_to(edge).parts[0] not in BESIDE_KERNEL]
    largest = sorted(sizes, key=lambda path: (-sizes[path], path))[:LARGEST]

    def total(paths: Iterable[Path]) -> int:
        return sum(sizes[path] for path in paths)

    return {
        "edge": total(_python_files(edge)),
        "kernel": total(kernel),
        "bench_and_tests": total([*_python_files(root / "bench"), *_python_files(root / "tests")]),
        "dispatch": total(_python_files(edge / "scenarios" / "dispatch")),
        "readme": _lines(root / "README.md"),
        "largest": {path.relative_to(root).as_posix(): sizes[path] for path in largest},
        "full_folders": full_folders(root, sizes),
    }


def full_folders(root: Path, paths: Iterable[Path]) -> dict[str, int]:
    """Folders with more than FOLDER_FILES_MAX of these files directly in them, `__init__.py` aside; fullest first."""
    counts: dict[str, int] = {}
    for path in paths:
        if path.name != "__init__.py":
            folder = path.parent.relative_to(root).as_posix()
            counts[folder] = counts.get(folder, 0) + 1
    full = {folder: count for folder, count in counts.items() if count > FOLDER_FILES_MAX}
    return dict(sorted(full.items(), key=lambda item: (-item[1], item[0])))


def words_left() -> int | None:
    """Uses of the private vocabulary that code and comments still have, or None where the tree does not count them."""
    try:
        found: object = importlib.import_module("tests.repo.words").left()
    except ModuleNotFoundError as error:
        if error.name not in ("tests", "tests.repo", "tests.repo.words"):
            raise
        return None
    if isinstance(found, int):
        return found
    if isinstance(found, Mapping):
        return sum(value if isinstance(value, int) else len(value) for value in found.values())
    assert isinstance(found, Sized), found
    return len(found)


def _python_files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*.py")) if not _NOT_OURS & {*path.parts}]


def _lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())
