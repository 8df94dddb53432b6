"""A recorded hour, which the commands that explain it read."""

from pathlib import Path

import pytest

from tests.edge.recorded import hour, journal


@pytest.fixture(scope="package")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its journal."""
    path = tmp_path_factory.mktemp("journal") / "journal.sqlite3"
    journal(path, hour(5))
    return path
