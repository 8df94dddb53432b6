"""The whole centre as a process: nodes come over MQTT, analysts over HTTP, and SIGKILL loses nothing."""

import asyncio
import json
import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from bench.lab.programs import make_certificates
from edge.core.aggregate import Windows
from edge.core.model import Now
from edge.identity.credentials import Newcomer, add, remove
from tests.edge.uplinks import START, Uplinked, until

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 60.0
CODE = """
import sys
from central.run import run
from edge.errors import DoorstepError
try:
    sys.exit(run(sys.argv[1], lambda line: print(line, flush=True)))
except DoorstepError as error:
    print(error, file=sys.stderr)
    sys.exit(error.exit_code)
"""


class Centre:
    """A centre in a folder of its own, on ports that stay the same over its restarts."""

    def __init__(self, folder: Path, settings: str) -> None:
        self.folder = folder
        self.config = folder / "central.toml"
        self.settings = settings
        self._configure(0, 0)

    def _configure(self, mqtt: int, http: int) -> None:
        addresses = f'listen = "127.0.0.1:{mqtt}"\napi_listen = "127.0.0.1:{http}"\n'
        self.config.write_text(self.settings + addresses)

    def spawn(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", CODE, str(self.config)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def start(self) -> None:
        ports = self.folder / "data" / "ports.json"
        ports.unlink(missing_ok=True)
        self.process = self.spawn()
        deadline = time.monotonic() + TIMEOUT_S
        while not ports.exists():
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.02)
        self.ports = json.loads(ports.read_text())
        self._configure(self.ports["listen"], self.ports["api_listen"])

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str, str]:
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=TIMEOUT_S)
        return self.process.returncode, out, err

    def get(self, path: str, **headers: str) -> httpx.Response:
        url = f"http://127.0.0.1:{self.ports['api_listen']}{path}"
        return httpx.get(url, headers=headers, timeout=TIMEOUT_S)


@contextmanager
def centre(folder: Path, settings: str = "anonymous = true\n") -> Iterator[Centre]:
    running = Centre(folder, settings)
    running.start()
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
            running.process.communicate()


class Node(Uplinked):
    """The pure core's part of a node that keeps everything in memory, with its real uplink."""

    def __init__(self, port: int, name: str = "n1", token: str = "", ca: Path | None = None, tls: bool = False) -> None:
        trust = ssl.create_default_context(cafile=ca) if ca else None
        url = f"{'mqtts' if tls or ca else 'mqtt'}://127.0.0.1:{port}"
        super().__init__(url, name, token=token, tls=trust, backoff=(0.05, 0.2))
        self.windows = Windows(3, 8)
        self.events = 0

    def minute(self, number: int, events: int = 10) -> None:
        """One minute's events, sealed."""
        now = Now(number * 60.0, START + number * 60_000)
        for person in range(events):
            self.windows.event("dispatch", now, "accepted.order.place", now.wall_ms)
            self.windows.measure("dispatch", now, "assign_ms", now.wall_ms, person)
            self.windows.locate("dispatch", now, "order.place", now.wall_ms, 31.2, 121.5, f"canary-{person}")
        self.events += events
        self.outbox.add(self.windows.seal(Now(now.mono + 75, now.wall_ms + 75_000)))
        self.outbox.cut(now)
        self.sync.wake()

    async def settled(self) -> None:
        """Everything is acknowledged."""
        await asyncio.wait_for(until(lambda: not self.outbox.events_waiting), TIMEOUT_S)

    async def close(self, running: asyncio.Task[None]) -> None:
        await self.sync.close()
        await running


def test_a_day_arrives_and_can_be_asked_for(tmp_path: Path) -> None:
    """What nodes put in is what the API answers; a stop is clean, and nothing of a person is on the disk."""
    with centre(tmp_path) as running:

        async def scenario() -> int:
            nodes = [Node(running.ports["listen"], name) for name in ("n1", "n2")]
            tasks = [asyncio.create_task(node.sync.run()) for node in nodes]
            for number in range(30):
                for node in nodes:
                    node.minute(number)
                await asyncio.sleep(0)
            for node, task in zip(nodes, tasks, strict=True):
                await node.settled()
                await node.close(task)
            return sum(node.events for node in nodes)

        events = asyncio.run(scenario())
        summary = running.get(f"/api/summary?from=0&to={2 * START}").json()
        assert summary["events"] == events == 600
        assert summary["counters"]["dispatch"]["accepted.order.place"] == events
        assert summary["measures"]["dispatch"]["assign_ms"]["count"] == events
        assert sum(cell["count"] for cell in summary["cells"]) == events
        nodes = running.get("/api/nodes").json()["nodes"]
        assert [(node["node"], node["events"], node["alarms"]) for node in nodes] == [("n1", 300, []), ("n2", 300, [])]
        assert running.get("/healthz").status_code == 200
        assert 'doorstep_central_events_total{node="n1"} 300.0' in running.get("/metrics").text
        code, out, err = running.stop()
        assert (code, err) == (0, "")
        assert out.count("listening on 127.0.0.1:") == 2
        for path in (tmp_path / "data").iterdir():
            assert b"canary" not in path.read_bytes()


def test_a_killed_centre_comes_back_with_every_batch_once(tmp_path: Path) -> None:
    """SIGKILL under load, several times: the node sends again, and the sums are exact."""
    with centre(tmp_path) as running:

        async def scenario() -> Node:
            node = Node(running.ports["listen"])
            task = asyncio.create_task(node.sync.run())
            for number in range(120):
                node.minute(number)
                await asyncio.sleep(0.005)
                if number % 40 == 20:
                    await asyncio.to_thread(running.stop, signal.SIGKILL)
                    await asyncio.to_thread(running.start)
            await node.settled()
            await node.close(task)
            return node

        node = asyncio.run(scenario())
        (row,) = running.get("/api/nodes").json()["nodes"]
        assert row["events"] == node.events == 1200
        assert row["alarms"] == []
        assert running.get(f"/api/summary?from=0&to={2 * START}").json()["events"] == node.events


def test_credentials_are_asked_for_and_can_be_taken_away(tmp_path: Path) -> None:
    """A node with the wrong token stays out; one whose credentials are removed loses its connection at SIGHUP."""
    token = add(tmp_path / "credentials", [Newcomer("n1", ())])["n1"]
    with centre(tmp_path, 'credentials = "credentials"\n') as running:

        async def scenario() -> None:
            good, bad = Node(running.ports["listen"], "n1", token), Node(running.ports["listen"], "n2", "wrong")
            tasks = [asyncio.create_task(node.sync.run()) for node in (good, bad)]
            good.minute(0)
            bad.minute(0)
            async with asyncio.timeout(TIMEOUT_S):
                await until(lambda: good.outbox.events_acked == 10)
                await until(lambda: "refused" in bad.sync.error)
                assert bad.outbox.events_acked == 0
                remove(tmp_path / "credentials", "n1")
                add(tmp_path / "credentials", [Newcomer("n3", ())])
                os.kill(running.process.pid, signal.SIGHUP)
                await until(lambda: not good.sync.connected)
            for node, task in zip((good, bad), tasks, strict=True):
                await node.close(task)

        asyncio.run(scenario())
        assert [node["node"] for node in running.get("/api/nodes").json()["nodes"]] == ["n1"]
        assert running.stop()[0] == 0


def test_nodes_elsewhere_come_over_tls(tmp_path: Path) -> None:
    """With a certificate of a trusted authority the uplink is encrypted; without that trust nothing is sent."""
    ca, certificate, key = make_certificates(tmp_path)
    token = add(tmp_path / "credentials", [Newcomer("n1", ())])["n1"]
    settings = f'listen_tls = "127.0.0.1:0"\ntls_cert = "{certificate}"\ntls_key = "{key}"\n'
    with centre(tmp_path, settings) as running:

        async def scenario() -> None:
            port = running.ports["listen_tls"]
            trusting, wary = Node(port, "n1", token, ca), Node(port, "n1", token, tls=True)
            for node in (wary, trusting):
                task = asyncio.create_task(node.sync.run())
                node.minute(0)
                if node is trusting:
                    await node.settled()
                else:
                    async with asyncio.timeout(TIMEOUT_S):
                        await until(lambda: "not trusted" in wary.sync.error)
                await node.close(task)

        asyncio.run(scenario())
        assert running.get("/api/nodes").json()["nodes"][0]["events"] == 10


def test_a_second_centre_on_the_same_data_refuses(tmp_path: Path) -> None:
    """The data directory is for one process; the second one reports it and exits 3."""
    with centre(tmp_path) as running:
        second = running.spawn()
        _, err = second.communicate(timeout=TIMEOUT_S)
        assert second.returncode == 3
        assert "in use by process" in err


@pytest.mark.parametrize("field", ["listen", "api_listen"])
def test_a_busy_port_is_named_with_its_option(tmp_path: Path, field: str) -> None:
    """Exit 3, which port, which option."""
    with centre(tmp_path) as running:
        other = tmp_path / "other"
        other.mkdir()
        rest = {"listen": "api_listen", "api_listen": "listen"}[field]
        (other / "central.toml").write_text(
            f'anonymous = true\n{field} = "127.0.0.1:{running.ports[field]}"\n{rest} = "127.0.0.1:0"\n'
        )
        done = subprocess.run(
            [sys.executable, "-c", CODE, str(other / "central.toml")],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        assert done.returncode == 3, done.stderr
        assert str(running.ports[field]) in done.stderr
        assert field in done.stderr


def test_a_token_protects_the_api(tmp_path: Path) -> None:
    """With a token file every path asks for the token."""
    (tmp_path / "token").write_text("secret\n")
    (tmp_path / "token").chmod(0o600)
    with centre(tmp_path, 'anonymous = true\napi_token_file = "token"\n') as running:
        assert running.get("/api/nodes").status_code == 401
        assert running.get("/api/nodes", Authorization="Bearer secret").status_code == 200
