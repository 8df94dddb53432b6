"""Small scenarios for the harness: the one that `doorstep scenario new` writes, with a mistake planted."""

import itertools
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from edge.scenarios.check import project
from edge.scenarios.check.subject import Subject, find

_numbers: Iterator[str] = ("".join(letters) for letters in itertools.product("abcdefghij", repeat=3))

Plant = Callable[..., Subject]


@pytest.fixture
def plant(tmp_path: Path) -> Plant:
    """Writes a project, replaces texts in one of its files, and loads it. Each has a name of its own."""

    def planted(file: str = "", replaced: Mapping[str, str] | None = None) -> Subject:
        name = f"planted{next(_numbers)}"
        folder = project.write(name, tmp_path)
        for old, new in (replaced or {}).items():
            path = folder / name / file
            text = path.read_text(encoding="utf-8")
            assert text.count(old) == 1, f"{file} has {text.count(old)} times {old!r}"
            path.write_text(text.replace(old, new), encoding="utf-8")
        return find(str(folder))

    return planted
