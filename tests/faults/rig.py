"""A real node and a real centre on loopback, with everything that one may do to a process and to a wire.

node = Site(folder); node.start()            # configured, started, ready
async with Wires(site) as wires: ...         # access (clients to node) and the uplink (node to centre) as proxies

The clock runs SPEED times faster than life, so that windows reach the centre within a second of real time.
"""

import json
import os
import resource
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Final, Self

from bench.demo.processes import FOREVER_MS, free_port, write_config, write_credentials, write_token
from bench.proxy import Proxy

NODE: Final = "n-1"
SPEED: Final = 240.0
"""A window of a minute and its grace are 0.3 s of real time."""

READY_S_MAX: Final = 180.0
"""Real seconds on a machine that may have much other work: they end a test that hangs, and send nothing of speed."""

WELL_S_MAX: Final = 300.0
"""I6: real seconds from the end of the last fault until everything is answered and the centre has every event."""

QUOTA: Final = {"messages_per_s": 1_000_000, "messages_burst": 10_000_000}


class Died(AssertionError):
    """A process ended before it was ready. `code` is what it ended with."""

    def __init__(self, name: str, code: int, output: str) -> None:
        super().__init__(f"{name} ended with {code}:\n{output[-2000:]}")
        self.code = code


class Process:
    """One `doorstep` command, perhaps under strace. `lives` counts its starts."""

    def __init__(self, command: str, folder: Path) -> None:
        self.command = command
        self.log = folder / f"{command}.log"
        self.lives = 0
        self.inside = ""
        """Python that runs in the process before the command does: a fault that no signal and no system call makes."""
        self.environment: dict[str, str] = {}
        self._arguments = [command, "--config", str(folder / f"{command}.toml")]
        self._process: subprocess.Popen[bytes] | None = None
        self._traced = False
        self._begin = 0

    def start(self, inject: str = "") -> None:
        """Start it, and wait until it is ready. Raises Died."""
        self.spawn(inject)
        self.wait_ready()

    def spawn(self, inject: str = "") -> None:
        """Start it and do not wait. `inject` is strace's expression of what to do to which system call."""
        assert not self.alive
        calls = inject.partition(":")[0]
        tracer = ["strace", "-f", "-o", "/dev/null", "-e", f"trace={calls}", "-e", f"inject={inject}"]
        script = f"{self.inside}\nfrom edge.__main__ import main\nmain()"
        python = [sys.executable, *(["-c", script] if self.inside else ["-m", "edge"])]
        self.lives += 1
        self._traced = bool(inject)
        with self.log.open("ab") as log:
            self._begin = log.tell()
            self._process = subprocess.Popen(
                [*(tracer if inject else []), *python, *self._arguments],
                cwd=self.log.parent,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **self.environment},
            )

    def wait_ready(self) -> None:
        """Wait until this life has reported that it is ready. Raises Died."""
        deadline = time.monotonic() + READY_S_MAX
        while "is ready" not in self.output():
            if (code := self.poll()) is not None:
                raise Died(self.command, code, self.output())
            assert time.monotonic() < deadline, f"{self.command} is not ready:\n{self.output()}"
            time.sleep(0.01)

    def output(self) -> str:
        """What it has printed in this life."""
        return self.log.read_bytes()[self._begin :].decode(errors="replace")

    @property
    def alive(self) -> bool:
        """Whether it runs, also where it is stopped by a signal."""
        return self._process is not None and self._process.poll() is None

    def poll(self) -> int | None:
        """Its exit code (negative: the signal that ended it), or None while it runs."""
        assert self._process is not None
        return self._process.poll()

    @property
    def pid(self) -> int:
        """Of the command itself, not of its tracer. Raises Died where it has none."""
        assert self._process is not None
        if not self._traced:
            return self._process.pid
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        with suppress(OSError):
            if found := children.read_text(encoding="ascii").split():
                return int(found[0])
        raise Died(self.command, self._process.wait(), self.output())

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it runs."""
        with suppress(ProcessLookupError, Died):
            os.kill(self.pid, number)

    def kill(self) -> int:
        """SIGKILL, and wait for its end."""
        if self.alive:
            self.send_signal(signal.SIGKILL)
        return self.wait()

    def wait(self) -> int:
        """Wait for its end. Returns its exit code."""
        if self._process is None:
            return 0
        try:
            return self._process.wait(READY_S_MAX)
        except subprocess.TimeoutExpired:
            self.send_signal(signal.SIGKILL)
            self._process.kill()
            raise

    def stop(self) -> int:
        """SIGTERM, and wait for its end. Returns its exit code."""
        self.send_signal(signal.SIGTERM)
        return self.wait()

    def freeze(self) -> None:
        """SIGSTOP: alive to the kernel, dead to everybody else."""
        self.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self.send_signal(signal.SIGCONT)

    def limit(self, what: int, value: int) -> None:
        """Lower (or give back) one of its resource limits: RLIMIT_FSIZE and the like. The hard limit stays."""
        _, hard = resource.prlimit(self.pid, what)
        resource.prlimit(self.pid, what, (min(value, hard) if hard >= 0 else value, hard))

    def memory_kb(self) -> int:
        """Resident memory."""
        text = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        return int(text.partition("VmRSS:")[2].split()[0])


class Site:
    """The node and its centre in one folder. `options` are further options of the node; `link` a broker's address, in
    place of the node's own listener."""

    def __init__(self, folder: Path, *, link: str = "", **options: Any) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.people = {name: secrets.token_hex(8) for name in ("c-1", "c-2", "c-3", "c-4", "r-1", "eve")}
        self.port, self.status_port, self.uplink_port = free_port(), free_port(), free_port()
        self.centre_port, self.api_port = free_port(), free_port()
        self.link = link
        uplink_token = secrets.token_hex(8)
        write_token(folder / "uplink.token", uplink_token)
        write_credentials(folder / "credentials", self.people)
        write_credentials(folder / "centre-credentials", {NODE: uplink_token})
        now = int(time.time() * 1000)
        self.settings = {
            "node": NODE,
            "listen": "" if link else f"127.0.0.1:{self.port}",
            "status_listen": f"127.0.0.1:{self.status_port}",
            "uplink": f"mqtt://127.0.0.1:{self.uplink_port}",
            "uplink_token_file": "uplink.token",
            "clock_speed": SPEED,
            "clock_wall_anchor_ms": now,
            "clock_real_anchor_ms": now,
            **({"link": link} if link else {}),
            **QUOTA,
            **options,
        }
        write_config(folder / "edge.toml", self.settings)
        centre = {
            "data_dir": "centre",
            "listen": f"127.0.0.1:{self.centre_port}",
            "credentials": "centre-credentials",
            "api_listen": f"127.0.0.1:{self.api_port}",
        }
        write_config(folder / "central.toml", centre)
        self.node = Process("edge", folder)
        self.centre = Process("central", folder)
        self.journal = folder / "data" / "journal.sqlite3"

    def start(self) -> None:
        """Whichever does not run, both at the same time."""
        processes = [process for process in (self.centre, self.node) if not process.alive]
        for process in processes:
            process.spawn()
        for process in processes:
            process.wait_ready()

    def close(self) -> None:
        """Whatever happened, nothing of it outlives its test."""
        for process in (self.node, self.centre):
            process.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def status(self) -> dict[str, Any]:
        """The node's account of itself. Raises OSError while it does not answer."""
        token = (self.folder / "data" / "status.token").read_text(encoding="utf-8").strip()
        return fetch(self.status_port, "/api/status", token)

    def summary(self) -> dict[str, Any]:
        """What the centre holds. Raises OSError while it does not answer."""
        return fetch(self.api_port, f"/api/summary?from=0&to={FOREVER_MS}")

    def nodes(self) -> list[dict[str, Any]]:
        """The centre's account of its nodes."""
        found: Any = fetch(self.api_port, "/api/nodes")
        return found["nodes"] if isinstance(found, dict) else found


class Wires:
    """Two proxies: `access` between the clients and the node (or the broker), `uplink` between the node and the
    centre. `door` is where clients connect."""

    def __init__(self, site: Site, *, seed: int = 0) -> None:
        target = int(site.link.rpartition(":")[2]) if site.link else site.port
        self.access = Proxy(("127.0.0.1", target), seed=seed)
        self.uplink = Proxy(("127.0.0.1", site.centre_port), port=site.uplink_port, seed=seed + 1)
        self._stack = AsyncExitStack()

    @property
    def door(self) -> str:
        """The address of the clients' proxy."""
        return f"mqtt://127.0.0.1:{self.access.port}"

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self.access)
        await self._stack.enter_async_context(self.uplink)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()


def fetch(port: int, path: str, token: str = "") -> Any:
    """JSON from 127.0.0.1. Raises OSError where it cannot be had."""
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        headers: Mapping[str, str] = {"Authorization": f"Bearer {token}"} if token else {}
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise OSError(f"GET {path} answered {response.status}: {body[:200]!r}")
        return json.loads(body)
    except (HTTPException, json.JSONDecodeError) as error:
        raise OSError(f"GET {path}: {error!r}") from None
    finally:
        connection.close()


def copy_data(source: Path, target: Path, names: Sequence[str] = ()) -> None:
    """A data directory as it is at this instant; freeze its node first. Only the files in `names`, where any are."""
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in source.iterdir():
        if path.is_file() and (not names or path.name in names) and path.name != "lock":
            (target / path.name).write_bytes(path.read_bytes())
            (target / path.name).chmod(0o600)
