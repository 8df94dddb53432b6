"""A backup of a node, in one call."""

from pathlib import Path

from edge.backup import copy
from edge.backup.node import subject


def back_up(config_path: Path, into: Path, keep: int) -> Path:
    """The new folder."""
    return copy.back_up(subject(config_path), config_path, into, keep)
