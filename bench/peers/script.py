"""Starts the plain script beside a Mosquitto."""

import contextlib
from collections.abc import AsyncIterator
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from ..lab.process import running
from ..load.subjects import Subject, door_to, mosquitto, python
from . import plain_script
from .peer import Missing, Peer, Plan


@contextlib.asynccontextmanager
async def script(folder: Path, plan: Plan) -> AsyncIterator[Peer]:
    """Raises Missing where there is no aiomqtt: Doorstep itself does not need it."""
    del plan
    if find_spec("aiomqtt") is None:
        raise Missing("aiomqtt is not installed in this environment. Install the package aiomqtt (2.5 or newer).")
    folder.mkdir()
    async with mosquitto(folder / "mosquitto") as broker:
        child = python("plain-script", folder, [plain_script.__name__, str(broker.port)], "joined")
        async with running(child):
            yield Peer(Subject("script", door_to(broker), [broker, child]), f"aiomqtt {metadata.version('aiomqtt')}")
