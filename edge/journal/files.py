"""Files that survive a power cut: written whole or not at all, their names made durable."""

import os
from pathlib import Path


def write_atomic(path: Path, text: str) -> None:
    """Replace a file, readable by its owner only: a reader never finds half a file, nor does the next start."""
    fresh = path.with_name(path.name + ".new")
    fresh.touch(0o600)
    with fresh.open("wb") as file:
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable: a power cut takes a new file's name with it otherwise."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
