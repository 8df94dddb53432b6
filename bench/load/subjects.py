"""What is measured, as processes: the bare echo, an echo at a Mosquitto, and the node."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any, Final

from ..lab.mosquitto import Mosquitto
from ..lab.process import Process, cpu_s, running
from ..lab.programs import Certificates
from ..lab.proxy import Proxy
from ..lab.settings import Option, free_port
from ..lab.site import UNLIMITED, Site
from .client.connection import Door
from .floors import echo, workload_echo

NODE: Final = "bench"
"""The node's name in topics."""

TRANSPORTS: Final = ("tcp", "tls", "ws")
_BROKER: Final = ("max_inflight_messages 512", "max_queued_messages 100000", "log_type error")


class Subject:
    """Something that answers orders behind `door`. `processes` are those whose work it takes, the one to look at
    first."""

    def __init__(self, name: str, door: Door, processes: list[Process]) -> None:
        self.name, self.door, self.processes = name, door, processes

    @property
    def pid(self) -> int:
        """Of the process to look at."""
        return self.processes[0].pid

    def cpu_s(self) -> list[float]:
        """Processor seconds that each process has used so far."""
        return [cpu_s(process.pid) for process in self.processes]

    def cpu_us(self, before: list[float], orders: int) -> float:
        """Processor microseconds for each of so many orders since `before`, of all processes, a broker included."""
        return round((sum(self.cpu_s()) - sum(before)) / max(orders, 1) * 1e6, 1)


class NodeSubject(Subject):
    """The node; its own account of itself too."""

    def __init__(self, door: Door, site: Site) -> None:
        super().__init__("doorstep", door, [site.node])
        self.journal = site.node_data
        self.site = site

    async def status(self) -> dict[str, Any]:
        """The node's report."""
        return await asyncio.to_thread(self.site.status)


@contextlib.asynccontextmanager
async def bare_echo(
    folder: Path, transport: str = "tcp", certificates: Certificates | None = None
) -> AsyncIterator[Subject]:
    """The bare server on the node's codec."""
    port = free_port()
    extra = [str(certificates.chain), str(certificates.key)] if certificates is not None else []
    process = python("echo", folder, [echo.__name__, "listen", str(port), transport, *extra], port)
    async with running(process):
        yield Subject("floor", _door(port, transport, certificates), [process])


@contextlib.asynccontextmanager
async def same_packets(folder: Path, kept: bool = False) -> AsyncIterator[Subject]:
    """The bare server that has the node's packets for each order; `kept`: and commits them before they leave."""
    port = free_port()
    extra = [str(folder / "workload-echo.db")] if kept else []
    process = python("workload-echo", folder, [workload_echo.__name__, str(port), NODE, *extra], port)
    async with running(process):
        yield Subject("same packets", _door(port), [process])


@contextlib.asynccontextmanager
async def mosquitto(
    folder: Path, transport: str = "tcp", certificates: Certificates | None = None
) -> AsyncIterator[Mosquitto]:
    """A Mosquitto as it is used for broker mode."""
    broker = Mosquitto(folder, transport=transport, certificates=certificates, persistent=False, settings=_BROKER)
    async with running(broker):
        yield broker


def door_to(broker: Mosquitto) -> Door:
    """Where clients of a broker connect."""
    return Door(broker.door, broker.transport, "" if broker.ca is None else str(broker.ca))


@contextlib.asynccontextmanager
async def broker_echo(folder: Path, broker: Mosquitto) -> AsyncIterator[Subject]:
    """An echo behind that Mosquitto."""
    process = python("broker-echo", folder, [echo.__name__, "join", str(broker.port)], "joined")
    async with running(process):
        yield Subject("mosquitto", door_to(broker), [broker, process])


@contextlib.asynccontextmanager
async def node(
    folder: Path,
    clients: Iterable[str],
    transport: str = "tcp",
    certificates: Certificates | None = None,
    broker: Mosquitto | None = None,
    uplink: Proxy | None = None,
) -> AsyncIterator[NodeSubject]:
    """A node with quotas that no load here reaches; through that broker where one is given. With a centre behind
    `uplink`; without one windows gather, and nothing else of the node changes."""
    site = Site(folder, NODE)
    options: dict[str, Option] = {**UNLIMITED, "log_level": "warning", "listen": ""}
    if broker is not None:
        options |= {"link": broker.url, "anonymous": True}  # the broker, not the node, knows its clients
    else:
        options[{"tcp": "listen", "tls": "listen_tls", "ws": "listen_ws"}[transport]] = f"127.0.0.1:{site.port}"
    if certificates is not None:
        options |= {"tls_cert": str(certificates.chain), "tls_key": str(certificates.key)}
    if uplink is not None:
        uplink.target = ("127.0.0.1", site.centre_port)
        options["uplink"] = f"mqtt://127.0.0.1:{uplink.port}"
    site.configure({client: token_of(client) for client in clients}, options, centre=uplink is not None)
    async with running(*([site.centre] if uplink else []), site.node):
        yield NodeSubject(_door(site.port, transport, certificates) if broker is None else door_to(broker), site)


def token_of(client: str) -> str:
    """The password of a client of this run. Nothing secret: the node listens on loopback, for minutes."""
    return f"bench-{client}"


def _door(port: int, transport: str = "tcp", certificates: Certificates | None = None) -> Door:
    return Door(port, transport, "" if certificates is None else str(certificates.ca))


def python(name: str, folder: Path, words: list[str], ready: str | int) -> Process:
    """A module of ours as a process; `ready` as of every process."""
    return Process(name, [sys.executable, "-m", *words], folder, ready)
