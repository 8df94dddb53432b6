"""The node and the centre as processes of their own, started as an operator would.

A process that dies is started again, as its systemd unit would do. A process that dies before it ever answered ends the
run with the last lines of its log.
"""

import asyncio
import contextlib
import hashlib
import json
import os
import secrets
import shutil
import signal
import socket
import sys
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Final

from edge.errors import BusyError, DoorstepError, InputError

READY_S_MAX: Final = 30.0
"""Real seconds from the start of a process to its first answer. A cold start on a small box takes two or three."""

STOP_S_MAX: Final = 20.0
"""Real seconds for a graceful stop: the node's own bound is 10."""

RESTART_DELAY_S: Final = 0.1
"""systemd's default RestartSec."""

CRASHES_MAX: Final = 5
"""Deaths that nobody ordered, in one run; after that it is a crash loop and the run ends."""

HTTP_TIMEOUT_S: Final = 5.0
LOG_LINES_SHOWN: Final = 12
PORTS: Final = (18_000, 32_000)
"""Below the range from which the system takes ports for outgoing connections, so that the port of a process that is
being restarted is not taken by a client that tries to reach it."""

MARK: Final = "doorstep-demo"
"""A file that marks a folder as made by a demonstration: the next one may replace it."""

FOREVER_MS: Final = 253_402_300_799_999
"""The last millisecond of the year 9999: a simulated day may be ahead of the centre's clock."""

Option = str | int | float | bool | list[str]
Options = Mapping[str, Option | Mapping[str, Option]]
"""Options of a process, and for each section its own."""


def free_port() -> int:
    """A port on loopback that nobody listens on now. Truly drawn, so that two runs of one seed do not meet."""
    for _ in range(200):
        port = PORTS[0] + secrets.randbelow(PORTS[1] - PORTS[0])
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise BusyError(f"No free port was found on 127.0.0.1 from {PORTS[0]} to {PORTS[1]}. Stop what listens there.")


def prepare(folder: Path) -> None:
    """An empty folder for one run. An earlier demonstration's is replaced, anything else is left alone."""
    if folder.exists() and not folder.is_dir():
        raise InputError(str(folder), None, "it is a file. Name a folder for the run's data.")
    if folder.exists() and any(folder.iterdir()):
        if not (folder / MARK).exists():
            raise InputError(str(folder), None, "it is not empty, and no demonstration made it. Name another folder.")
        shutil.rmtree(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / MARK).write_text(
            "Made by doorstep demo; the next run on this folder replaces it.\n", encoding="utf-8"
        )
    except OSError as error:
        raise InputError(str(folder), None, f"{error.strerror}. Name a folder that can be written to.") from None


def write_config(path: Path, options: Options) -> None:
    """A TOML file: the options, then the sections. Strings, numbers, truth values and lists are the same in JSON."""
    lines: list[str] = []
    sections: list[str] = []
    for name, value in options.items():
        if isinstance(value, Mapping):
            sections += [f"\n[{name}]\n", *(_line(*option) for option in value.items())]
        else:
            lines.append(_line(name, value))
    path.write_text("".join([*lines, *sections]), encoding="utf-8")


def _line(name: str, value: Option) -> str:
    return f"{name} = {json.dumps(value)}\n"


def write_credentials(path: Path, tokens: Mapping[str, str]) -> None:
    """The file of hashed credentials for these clients. One write for all: the command adds them one by one."""
    lines: list[str] = []
    for client, token in tokens.items():
        salt = secrets.token_bytes(16)
        digest = hashlib.sha256(salt + token.encode()).hexdigest()
        lines.append(f"{client}:{salt.hex()}:{digest}\n")
    _write_private(path, "".join(lines))


def write_token(path: Path, token: str) -> None:
    """A token for the owner's eyes only."""
    _write_private(path, token + "\n")


async def fetch(port: int, path: str, token: str = "") -> dict[str, Any]:
    """JSON from 127.0.0.1. Raises OSError where it cannot be had."""
    return await asyncio.to_thread(_fetch, port, path, token)


def _fetch(port: int, path: str, token: str) -> dict[str, Any]:
    connection = HTTPConnection("127.0.0.1", port, timeout=HTTP_TIMEOUT_S)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})
        response = connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise OSError(f"GET {path} on port {port} answered {response.status}: {body[:200]!r}")
        return json.loads(body)
    except (HTTPException, json.JSONDecodeError) as error:
        raise OSError(f"GET {path} on port {port}: {error!r}") from None
    finally:
        connection.close()


class Child:
    """One process that is kept alive until `stop`. `restarts` counts how often it was started again."""

    def __init__(self, name: str, command: list[str], folder: Path, ready: tuple[str, int]) -> None:
        self.name = name
        self.restarts = 0
        self.kills = 0
        self.exit_code: int | None = None
        self.failure: DoorstepError | None = None
        self.log = folder / f"{name}.log"
        self._command = command
        self._ready = ready
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._crashes = 0
        self._ordered = False
        self._stopping = False

    @property
    def pid(self) -> int:
        """Of the present process; 0 where there is none."""
        return 0 if self._process is None else self._process.pid

    async def start(self) -> None:
        """Start it and wait until it answers. Raises DoorstepError with the end of its log."""
        await self._spawn()
        self._keeper = asyncio.get_running_loop().create_task(self._keep())
        await self.answers()

    async def answers(self) -> None:
        """Wait until it takes connections."""
        try:
            async with asyncio.timeout(READY_S_MAX):
                while not await self._reachable():
                    if self.failure is not None:
                        raise self.failure
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise self._error(f"did not answer within {READY_S_MAX:.0f} s") from None

    def kill(self) -> None:
        """SIGKILL: what a power cut looks like to everybody else."""
        if self._process is not None and self._process.returncode is None:
            self.kills += 1
            self._ordered = True
            self._process.kill()

    async def stop(self) -> int:
        """SIGTERM, and SIGKILL where that is not enough. Returns the exit code."""
        self._stopping = True
        process = self._process
        if process is None:
            return 0
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), STOP_S_MAX)
            except TimeoutError:
                process.kill()
                await process.wait()
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
        self.exit_code = process.returncode
        return process.returncode or 0

    def tail(self) -> str:
        """The last lines of its log."""
        try:
            lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return ""
        return "\n".join(f"    {line}" for line in lines[-LOG_LINES_SHOWN:])

    async def _spawn(self) -> None:
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for us: the node is stopped after its clients
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )

    async def _keep(self) -> None:
        """Start it again whenever it ends, as a service manager does."""
        while not self._stopping:
            assert self._process is not None
            code = await self._process.wait()
            if self._stopping:
                return
            ordered, self._ordered = self._ordered, False
            self._crashes += not ordered
            if code == 2 or self._crashes > CRASHES_MAX:
                self.failure = self._error(f"ended with exit code {code}")
                return
            await asyncio.sleep(RESTART_DELAY_S)
            if not self._stopping:
                self.restarts += 1
                await self._spawn()

    async def _reachable(self) -> bool:
        try:
            _, writer = await asyncio.open_connection(*self._ready)
        except OSError:
            return False
        writer.close()
        return True

    def _error(self, what: str) -> DoorstepError:
        return DoorstepError(f"The process {self.name} {what}. The end of {self.log}:\n{self.tail()}")


class Site:
    """A node and its centre in one folder: their configuration, their credentials, their processes."""

    def __init__(self, folder: Path, node: str) -> None:
        self.folder = folder
        self.node_name = node
        self.node_port = free_port()
        self.status_port = free_port()
        self.centre_port = free_port()
        self.api_port = free_port()
        self.node_data = folder / "edge"
        self.centre_data = folder / "centre"
        self.node = self._child("edge", self.status_port)
        self.centre = self._child("central", self.centre_port)

    def write_secret(self, name: str, token: str) -> str:
        """A token's file beside the configuration; its name, as the configuration wants it."""
        write_token(self.folder / name, token)
        return name

    def configure(self, clients: Mapping[str, str], node: Options) -> None:
        """Write what the two processes need. `clients` are names and tokens; `node` are further options of the node."""
        uplink_token = secrets.token_urlsafe(32)
        write_token(self.folder / "uplink.token", uplink_token)
        write_credentials(self.folder / "credentials", clients)
        write_credentials(self.folder / "centre-credentials", {self.node_name: uplink_token})
        write_config(
            self.folder / "edge.toml",
            {
                "node": self.node_name,
                "data_dir": "edge",
                "listen": f"127.0.0.1:{self.node_port}",
                "credentials": "credentials",
                "uplink": f"mqtt://127.0.0.1:{self.centre_port}",
                "uplink_username": self.node_name,
                "uplink_token_file": "uplink.token",
                "status_listen": f"127.0.0.1:{self.status_port}",
                **node,
            },
        )
        write_config(
            self.folder / "central.toml",
            {
                "data_dir": "centre",
                "listen": f"127.0.0.1:{self.centre_port}",
                "credentials": "centre-credentials",
                "api_listen": f"127.0.0.1:{self.api_port}",
            },
        )

    async def start(self) -> None:
        """The centre first, then the node."""
        await self.centre.start()
        await self.node.start()

    async def stop(self) -> None:
        """The node first, so that its last batches find the centre."""
        await self.node.stop()
        await self.centre.stop()

    def status_token(self) -> str:
        """The token of the node's status page; empty until it has one."""
        try:
            return (self.node_data / "status.token").read_text(encoding="utf-8").strip()
        except OSError:
            return ""

    def status_url(self) -> str:
        """Where a person finds the status page."""
        return f"http://127.0.0.1:{self.status_port}/?token={self.status_token()}"

    async def status(self) -> dict[str, Any]:
        """The node's account of itself. Raises OSError while it does not answer."""
        return await fetch(self.status_port, "/api/status", self.status_token())

    async def summary(self) -> dict[str, Any]:
        """What the centre holds. Raises OSError while it does not answer."""
        return await fetch(self.api_port, f"/api/summary?from=0&to={FOREVER_MS}")

    async def nodes(self) -> Any:
        """The centre's account of its nodes."""
        return await fetch(self.api_port, "/api/nodes")

    def _child(self, command: str, port: int) -> Child:
        argv = [sys.executable, "-m", "edge", command, "--config", str(self.folder / f"{command}.toml")]
        return Child(command, argv, self.folder, ("127.0.0.1", port))


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
