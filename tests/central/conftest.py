"""Each test of the contract runs on both engines, on a store of its own."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from bench.lab.postgresql import Postgresql
from tests.central.stores import Place

_numbers = count(1)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Postgresql]:
    """A server for the tests of this process."""
    with Postgresql(["synchronous_commit=on"]) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An empty store."""
    if request.param == "sqlite":
        return Place(tmp_path)
    server: Postgresql = request.getfixturevalue("postgresql")
    return Place(server.make_database(f"store{next(_numbers)}"), server.password)
