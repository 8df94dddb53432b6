"""Event loops, and a broker, for tests that are coroutines."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvloop

from bench.lab.mosquitto import Mosquitto


@pytest.fixture(params=["asyncio", "uvloop"])
def either_loop(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test that is a coroutine runs in asyncio's loop, and in uvloop's."""
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy() if request.param == "uvloop" else None)
    yield
    asyncio.set_event_loop_policy(None)


@pytest.fixture
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Mosquitto]:
    """A Mosquitto of the test's own, with the options that it asks for."""
    with Mosquitto(tmp_path / "mosquitto", **getattr(request, "param", {})) as started:
        yield started
