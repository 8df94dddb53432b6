"""Starts the plain script beside a Mosquitto."""

import contextlib
from collections.abc import AsyncIterator
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from ..load.subjects import Subject, mosquitto, python, running, wait_for_line
from . import plain_script
from .peer import Missing, Peer, Plan


@contextlib.asynccontextmanager
async def script(folder: Path, plan: Plan) -> AsyncIterator[Peer]:
    """Raises Missing where there is no aiomqtt: Doorstep itself does not need it."""
    del plan
    if find_spec("aiomqtt") is None:
        raise Missing("aiomqtt is not installed in this environment. Install the package aiomqtt (2.5 or newer).")
    folder.mkdir()
    async with mosquitto(folder / "mosquitto", "tcp", None) as (door, plain, broker):
        child = python("plain-script", folder, [plain_script.__name__, str(plain)], plain)
        async with running([child]):
            await wait_for_line(child, "joined")
            yield Peer(Subject("script", door, [broker, child]), f"aiomqtt {metadata.version('aiomqtt')}")
