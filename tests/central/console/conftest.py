"""A console on a store with three hours of three nodes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.central.consoles import Served, fill, served


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Shared by the tests of a file: they read, or change what no other one reads."""
    folder: Path = tmp_path_factory.mktemp("console")
    fill(folder / "data")
    with served(folder) as running:
        yield running
