"""Starts either script beside a Mosquitto."""

import contextlib
from collections.abc import AsyncIterator
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from ..lab.process import running
from ..lab.proxy import Proxy
from ..load.subjects import Subject, door_to, mosquitto, python
from . import plain_script, sqlite_script
from .peer import Kind, Missing, Peer, Plan, centre_broker


@contextlib.asynccontextmanager
async def plain(folder: Path, plan: Plan, uplink: Proxy | None) -> AsyncIterator[Peer]:
    """The one that keeps nothing. Raises Missing."""
    del plan
    async with _script("script", folder, plain_script.__name__, [], uplink) as peer:
        yield peer


@contextlib.asynccontextmanager
async def durable(folder: Path, plan: Plan, uplink: Proxy | None) -> AsyncIterator[Peer]:
    """The one with SQLite. Raises Missing."""
    del plan
    more = [str(folder / "orders.sqlite3")]
    async with _script("script-sqlite", folder, sqlite_script.__name__, more, uplink) as peer:
        yield peer


@contextlib.asynccontextmanager
async def _script(name: str, folder: Path, module: str, more: list[str], uplink: Proxy | None) -> AsyncIterator[Peer]:
    if find_spec("aiomqtt") is None:  # Doorstep itself does not need it
        raise Missing("aiomqtt is not installed in this environment. Install the package aiomqtt (2.5 or newer).")
    folder.mkdir()
    async with centre_broker(folder, uplink) as not_at_centre, mosquitto(folder / "mosquitto") as broker:
        words = [module, str(broker.port), *more, *([str(uplink.port)] if uplink else [])]
        process = python(name, folder, words, "joined")
        async with running(process):
            version = f"aiomqtt {metadata.version('aiomqtt')}"
            yield Peer(Subject(name, door_to(broker), [broker, process]), version, process, False, not_at_centre)


PLAIN: Final = Kind("script", "script, Mosquitto", False, plain)
DURABLE: Final = Kind("script-sqlite", "SQLite script, Mosquitto", True, durable)
