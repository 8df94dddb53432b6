"""A node and its centre in one folder: configuration, credentials, processes, and the states that they report."""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterable, Mapping
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Final, Self

from .process import Process
from .settings import NO_ROLES, Option, Options, free_port, write_config, write_credentials, write_private

HTTP_TIMEOUT_S: Final = 5.0
COMMAND_S_MAX: Final = 60.0

UNLIMITED: Final[Mapping[str, Option]] = {
    "messages_per_s": 1_000_000,
    "messages_burst": 10_000_000,
    "rows_per_day_max": 2**40,
}
"""Options: quotas that no load here reaches."""

FOREVER_MS: Final = 253_402_300_799_999
"""The last millisecond of the year 9999: a simulated day may be ahead of the centre's clock."""


class Site:
    """`node` is the node's name. Nothing is written before `configure`, and nothing runs before `start`."""

    def __init__(self, folder: Path, node: str = "n-1") -> None:
        self.folder = folder
        self.node_name = node
        self.port, self.status_port, self.centre_port, self.api_port = (free_port() for _ in range(4))
        self.node_data, self.centre_data = folder / "edge", folder / "centre"
        self.journal = self.node_data / "journal.sqlite3"
        self.node = self._process("edge")
        self.centre = self._process("central")
        self.scheme = "mqtt"
        """Of the address by which the node reaches its centre."""
        self.environment: Mapping[str, str] = {}
        """Added to that of this process, for commands."""
        self.tokens: Mapping[str, str] = {}
        self.settings: dict[str, Option | Mapping[str, Option]] = {}

    def _process(self, command: str) -> Process:
        words = [sys.executable, "-m", "edge", command, "--config", f"{self.folder / command}.toml"]
        return Process(command, words, self.folder, "is ready")

    def configure(
        self,
        clients: Iterable[str] | Mapping[str, str] = (),
        options: Options | None = None,
        *,
        centre: bool = True,
        roles: Mapping[str, str] = NO_ROLES,
    ) -> Self:
        """Write what the processes need. `clients` are names, perhaps with their tokens, each with its role in `roles`
        or every role; `options` are further ones of the node. Without a `centre` it has no uplink."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.tokens = clients if isinstance(clients, Mapping) else {name: secrets.token_hex(16) for name in clients}
        write_credentials(self.folder / "credentials", self.tokens, roles)
        self.settings = {
            "node": self.node_name,
            "data_dir": "edge",
            "listen": f"127.0.0.1:{self.port}",
            "status_listen": f"127.0.0.1:{self.status_port}",
        }
        if not (options or {}).get("anonymous"):
            self.settings |= {"credentials": "credentials", "shops": ["*"]}
        if centre:
            self.settings |= {"uplink": f"mqtt://127.0.0.1:{self.centre_port}", "uplink_token_file": "uplink.token"}
            uplink_token = secrets.token_hex(16)
            write_private(self.folder / "uplink.token", uplink_token)
            write_credentials(self.folder / "centre-credentials", {self.node_name: uplink_token})
            write_config(
                self.folder / "central.toml",
                {
                    "data_dir": "centre",
                    "listen": f"127.0.0.1:{self.centre_port}",
                    "credentials": "centre-credentials",
                    "api_listen": f"127.0.0.1:{self.api_port}",
                },
            )
        self.settings |= options or {}
        self.write_config()
        return self

    def write_config(self, **options: Option | Mapping[str, Option]) -> None:
        """The node's configuration once more, this time with these options too."""
        write_config(self.folder / "edge.toml", {**self.settings, **options})

    # -- the processes -------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Whichever does not run, both at the same time; the centre only where it is configured. Raises Died."""
        wanted = (self.centre, self.node) if (self.folder / "central.toml").exists() else (self.node,)
        started = [process for process in wanted if not process.alive]
        for process in started:
            process.spawn()
        for process in started:
            process.wait_ready()

    def stop(self) -> None:
        """The node first, so that its last batches find the centre."""
        self.node.stop()
        self.centre.stop()

    def close(self) -> None:
        """Whatever happened, nothing of it outlives its run."""
        for process in (self.node, self.centre):
            process.stopped = True
            process.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a `doorstep` command in the folder, to its end."""
        return subprocess.run(
            [sys.executable, "-m", "edge", *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=COMMAND_S_MAX,
            check=False,
            env={**os.environ, **self.environment},
        )

    # -- what they report ----------------------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"mqtt://127.0.0.1:{self.port}"

    def ports(self) -> dict[str, int]:
        """Where the running node listens, by option."""
        return json.loads((self.node_data / "ports.json").read_text(encoding="utf-8"))

    def status_token(self) -> str:
        """The token of the node's status page; empty until it has one."""
        try:
            return (self.node_data / "status.token").read_text(encoding="utf-8").strip()
        except OSError:
            return ""

    def status_url(self) -> str:
        """Where a person finds the status page."""
        return f"http://127.0.0.1:{self.status_port}/?token={self.status_token()}"

    def status(self) -> dict[str, Any]:
        """The node's account of itself. Raises OSError while it does not answer."""
        return fetch(self.status_port, "/api/status", self.status_token())

    def summary(self) -> dict[str, Any]:
        """What the centre holds. Raises OSError while it does not answer."""
        return fetch(self.api_port, f"/api/summary?from=0&to={FOREVER_MS}")

    def nodes(self) -> list[dict[str, Any]]:
        """The centre's account of its nodes. Raises OSError while it does not answer."""
        return fetch(self.api_port, "/api/nodes")["nodes"]


def fetch(port: int, path: str, token: str = "") -> Any:
    """JSON from 127.0.0.1. Raises OSError where it cannot be had."""
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


def copy_data(source: Path, target: Path, names: Iterable[str] = ()) -> None:
    """A data directory as it is at this instant; freeze its node first. Only the files in `names`, where any are."""
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    chosen = set(names)
    for path in source.iterdir():
        if path.is_file() and (not chosen or path.name in chosen) and path.name != "lock":
            (target / path.name).write_bytes(path.read_bytes())
            (target / path.name).chmod(0o600)
