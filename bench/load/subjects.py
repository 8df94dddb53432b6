"""What is measured, as processes: the bare echo, an echo at a Mosquitto, and the node."""

import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any, Final

from edge.errors import DoorstepError

from ..demo.processes import Child, Option, fetch, free_port, write_config, write_credentials
from .client.connection import Door
from .floors import echo, workload_echo

NODE: Final = "bench"
"""The node's name in topics."""

TRANSPORTS: Final = ("tcp", "tls", "ws")
QUOTA_PER_S: Final = 1_000_000
QUOTA_BURST: Final = 10_000_000
JOIN_S_MAX: Final = 20.0
_SYSTEM_PATH: Final = "/usr/sbin:/sbin"  # Debian keeps mosquitto where users do not look


class Certificates:
    """A certificate authority of one run, and a certificate of it for localhost. PEM files."""

    def __init__(self, folder: Path) -> None:
        self.ca, self.chain, self.key = folder / "ca.pem", folder / "chain.pem", folder / "chain.key"
        ca_key, request, names = folder / "ca.key", folder / "chain.csr", folder / "names"
        openssl = find_program("openssl", "openssl")
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        signed = ["-CA", self.ca, "-CAkey", ca_key, "-CAcreateserial", "-days", "2"]
        names.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n", encoding="utf-8")
        for command in (
            ["req", "-x509", *curve, "-keyout", ca_key, "-out", self.ca, "-days", "2", "-subj", "/CN=bench"],
            ["req", *curve, "-keyout", self.key, "-out", request, "-subj", "/CN=localhost"],
            ["x509", "-req", "-in", request, "-out", self.chain, "-extfile", names, *signed],
        ):
            done = subprocess.run([openssl, *map(str, command)], capture_output=True, text=True, check=False)
            if done.returncode:
                raise DoorstepError(f"openssl {command[0]} failed: {done.stderr.strip()}")


class Subject:
    """Something that answers orders behind `door`. `pids` are its processes, the one to look at first."""

    def __init__(self, name: str, door: Door, children: list[Child]) -> None:
        self.name, self.door = name, door
        self.children = children

    @property
    def pids(self) -> list[int]:
        """Processes, in the order in which they were started."""
        return [child.pid for child in self.children]

    def cpu_s(self) -> list[float]:
        """Processor seconds that each process has used so far."""
        return [cpu_s(pid) for pid in self.pids]


class NodeSubject(Subject):
    """The node; its own account of itself too."""

    def __init__(self, door: Door, child: Child, folder: Path, status_port: int) -> None:
        super().__init__("doorstep", door, [child])
        self.journal = folder / "edge"
        self._token_file, self._status_port = folder / "edge" / "status.token", status_port

    async def status(self) -> dict[str, Any]:
        """The node's report."""
        return await fetch(self._status_port, "/api/status", self._token_file.read_text(encoding="utf-8").strip())


@contextlib.asynccontextmanager
async def bare_echo(folder: Path, transport: str, certificates: Certificates | None) -> AsyncIterator[Subject]:
    """The bare server on the node's codec."""
    port = free_port()
    extra = [str(certificates.chain), str(certificates.key)] if certificates is not None else []
    child = python("echo", folder, [echo.__name__, "listen", str(port), transport, *extra], port)
    async with running([child]):
        yield Subject("floor", _door(port, transport, certificates), [child])


@contextlib.asynccontextmanager
async def same_packets(folder: Path, kept: bool = False) -> AsyncIterator[Subject]:
    """The bare server that has the node's packets for each order; `kept`: and commits them before they leave."""
    port = free_port()
    extra = [str(folder / "workload-echo.db")] if kept else []
    child = python("workload-echo", folder, [workload_echo.__name__, str(port), NODE, *extra], port)
    async with running([child]):
        yield Subject("same packets", _door(port, "tcp", None), [child])


@contextlib.asynccontextmanager
async def mosquitto(
    folder: Path, transport: str, certificates: Certificates | None
) -> AsyncIterator[tuple[Door, int, Child]]:
    """A Mosquitto as it is used for broker mode: its door for clients, its plain port, its process."""
    folder.mkdir()
    plain, port = free_port(), free_port()
    lines = [
        *(["user root"] if os.geteuid() == 0 else []),  # else it gives up its rights, and with them this folder
        "allow_anonymous true",
        "persistence false",
        "set_tcp_nodelay true",
        "max_inflight_messages 512",
        "max_queued_messages 100000",
        "log_dest stderr",
        "log_type error",
        f"listener {plain} 127.0.0.1",
    ]
    if transport == "tcp":
        port = plain
    else:
        lines.append(f"listener {port} 127.0.0.1")
    if transport == "ws":
        lines.append("protocol websockets")
    if certificates is not None:
        lines += [f"certfile {certificates.chain}", f"keyfile {certificates.key}"]
    config = folder / "mosquitto.conf"
    config.write_text("\n".join(lines) + "\n", encoding="utf-8")
    program = find_program("mosquitto", "mosquitto")
    child = Child("mosquitto", [program, "-c", str(config)], folder, ("127.0.0.1", port))
    async with running([child]):
        yield _door(port, transport, certificates), plain, child


@contextlib.asynccontextmanager
async def broker_echo(folder: Path, broker: tuple[Door, int, Child]) -> AsyncIterator[Subject]:
    """An echo behind that Mosquitto."""
    door, plain, mosquitto_child = broker
    child = python("broker-echo", folder, [echo.__name__, "join", str(plain)], plain)
    async with running([child]):
        await wait_for_line(child, "joined")
        yield Subject("mosquitto", door, [mosquitto_child, child])


@contextlib.asynccontextmanager
async def node(
    folder: Path,
    clients: Iterable[str],
    transport: str,
    certificates: Certificates | None,
    broker: tuple[Door, int, Child] | None = None,
) -> AsyncIterator[NodeSubject]:
    """A node with quotas that no load here reaches; through that broker where one is given. Without a centre:
    windows gather, and nothing else of the node changes."""
    folder.mkdir()
    port, status_port = free_port(), free_port()
    options: dict[str, Option] = {
        "node": NODE,
        "data_dir": "edge",
        "listen": "",
        "status_listen": f"127.0.0.1:{status_port}",
        "messages_per_s": QUOTA_PER_S,
        "messages_burst": QUOTA_BURST,
        "log_level": "warning",
    }
    if broker is not None:
        options["link"] = f"mqtt://127.0.0.1:{broker[1]}"
    else:
        options["credentials"] = "credentials"
        options[{"tcp": "listen", "tls": "listen_tls", "ws": "listen_ws"}[transport]] = f"127.0.0.1:{port}"
        write_credentials(folder / "credentials", {client: token_of(client) for client in clients})
        if certificates is not None:
            options["tls_cert"], options["tls_key"] = str(certificates.chain), str(certificates.key)
    write_config(folder / "edge.toml", options)
    words = ["edge", "edge", "--config", str(folder / "edge.toml")]
    child = python("node", folder, words, status_port)
    async with running([child]):
        await wait_for_line(child, "is ready")
        door = broker[0] if broker is not None else _door(port, transport, certificates)
        yield NodeSubject(door, child, folder, status_port)


def token_of(client: str) -> str:
    """The password of a client of this run. Nothing secret: the node listens on loopback, for minutes."""
    return f"bench-{client}"


def find_program(name: str, package: str) -> str:
    """The path of an installed program. Raises DoorstepError with what to install."""
    path = shutil.which(name, path=f"{os.environ.get('PATH', '')}:{_SYSTEM_PATH}")
    if path is None:
        raise DoorstepError(
            f"{name} is not installed, and the benchmark compares with it. Install the package {package}."
        )
    return path


def cpu_s(pid: int) -> float:
    """Processor seconds of a process, its finished threads included. Source: /proc/<pid>/stat, proc(5)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _door(port: int, transport: str, certificates: Certificates | None) -> Door:
    return Door(port, transport, "" if certificates is None else str(certificates.ca))


def python(name: str, folder: Path, words: list[str], port: int) -> Child:
    """A module of ours as a process, which is there when something listens on `port`."""
    return Child(name, [sys.executable, "-m", *words], folder, ("127.0.0.1", port))


@contextlib.asynccontextmanager
async def running(children: list[Child]) -> AsyncIterator[None]:
    """Started in this order, stopped in the other."""
    try:
        for child in children:
            await child.start()
        yield
    finally:
        for child in reversed(children):
            await child.stop()


async def wait_for_line(child: Child, words: str) -> None:
    """Wait until the process has printed these words."""
    try:
        async with asyncio.timeout(JOIN_S_MAX):
            while words not in child.tail():  # noqa: ASYNC110 - another process writes it
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise DoorstepError(f"{child.name} did not become ready. The end of {child.log}:\n{child.tail()}") from None
