"""The folder of one run: empty at its begin, and only its own is ever replaced."""

import shutil
from pathlib import Path
from typing import Final

from edge.errors import InputError

MARK: Final = "doorstep-demo"
"""A file that marks a folder as made by a demonstration: the next one may replace it."""


def prepare(folder: Path) -> None:
    """An empty folder for one run. An earlier demonstration's is replaced, anything else is left alone."""
    if folder.exists() and not folder.is_dir():
        raise InputError(str(folder), None, "it is a file. Name a folder for the run's data.")
    if folder.exists() and any(folder.iterdir()):
        if not (folder / MARK).exists():
            raise InputError(str(folder), None, "it is not empty, and no demonstration made it. Name another folder.")
        shutil.rmtree(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / MARK).write_text(
            "Made by doorstep demo; the next run on this folder replaces it.\n", encoding="utf-8"
        )
    except OSError as error:
        raise InputError(str(folder), None, f"{error.strerror}. Name a folder that can be written to.") from None
