"""The whole centre as a process: nodes come over MQTT, analysts over HTTP, and SIGKILL loses nothing."""

import asyncio
import json
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from bench.lab.process import Process
from bench.lab.programs import make_certificates
from bench.lab.settings import free_port
from edge.core.aggregate import Windows
from edge.core.effects import Measured
from edge.core.model import Now
from edge.identity.credentials import Newcomer, add, remove
from edge.messages.sync.shops import ShopDays
from tests.edge.uplinks import START, Uplinked
from tests.waiting import until

TIMEOUT_S = 60.0


class Centre(Process):
    """A centre in a folder of its own, on ports that stay the same over its restarts."""

    def __init__(self, folder: Path, settings: str) -> None:
        config = folder / "central.toml"
        addresses = "".join(f'{name} = "127.0.0.1:{free_port()}"\n' for name in ("listen", "api_listen"))
        config.write_text(settings + addresses)
        super().__init__(
            "central", [sys.executable, "-m", "edge", "central", "--config", f"{config}"], folder, "is ready"
        )

    @property
    def ports(self) -> dict[str, int]:
        return json.loads((self.folder / "data" / "ports.json").read_text())

    def get(self, path: str, **headers: str) -> httpx.Response:
        url = f"http://127.0.0.1:{self.ports['api_listen']}{path}"
        return httpx.get(url, headers=headers, timeout=TIMEOUT_S)


@contextmanager
def centre(folder: Path, settings: str = "anonymous = true\n") -> Iterator[Centre]:
    process = Centre(folder, settings)
    try:
        process.start()
        yield process
    finally:
        process.kill()


def refused(command: list[str]) -> str:
    """What a centre prints that refuses to start, with exit code 3."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert done.returncode == 3, done.stderr
    return done.stderr


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
            self.windows.count("dispatch", now, "accepted.order.place", now.wall_ms, events=1)
            value = ("assign_ms", now.wall_ms, person)
            place = ("order.place", now.wall_ms, 31.2, 121.5, f"canary-{person}")
            self.windows.add("dispatch", now, Measured(values=[value], places=[place]), ShopDays())
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


async def test_a_day_arrives_and_can_be_asked_for(tmp_path: Path) -> None:
    """What nodes put in is what the API answers; a stop is clean, and nothing of a person is on the disk."""
    with centre(tmp_path) as running:
        nodes = [Node(running.ports["listen"], name) for name in ("n1", "n2")]
        tasks = [asyncio.create_task(node.sync.run()) for node in nodes]
        for number in range(30):
            for node in nodes:
                node.minute(number)
            await asyncio.sleep(0)
        for node, task in zip(nodes, tasks, strict=True):
            await node.settled()
            await node.close(task)
        events = sum(node.events for node in nodes)
        summary = running.get(f"/api/summary?from=0&to={2 * START}").json()
        assert summary["events"] == events == 600
        assert summary["counters"]["dispatch"]["accepted.order.place"] == events
        assert summary["measures"]["dispatch"]["assign_ms"]["count"] == events
        assert sum(cell["count"] for cell in summary["cells"]) == events
        nodes = running.get("/api/nodes").json()["nodes"]
        assert [(node["node"], node["events"], node["alarms"]) for node in nodes] == [("n1", 300, []), ("n2", 300, [])]
        assert running.get("/healthz").status_code == 200
        assert 'doorstep_central_events_total{node="n1"} 300.0' in running.get("/metrics").text
        assert running.stop() == 0
        assert running.output().count("listening on 127.0.0.1:") == 2
        assert (tmp_path / "data").stat().st_mode & 0o077 == 0
        for path in (tmp_path / "data").iterdir():
            assert path.stat().st_mode & 0o077 == 0, path
            assert b"canary" not in path.read_bytes()


async def test_a_killed_centre_comes_back_with_every_batch_once(tmp_path: Path) -> None:
    """SIGKILL under load, several times: the node sends again, and the sums are exact."""
    with centre(tmp_path) as running:
        node = Node(running.ports["listen"])
        task = asyncio.create_task(node.sync.run())
        for number in range(120):
            node.minute(number)
            await asyncio.sleep(0.005)
            if number % 40 == 20:
                await asyncio.to_thread(running.kill)
                await asyncio.to_thread(running.start)
        await node.settled()
        await node.close(task)
        (row,) = running.get("/api/nodes").json()["nodes"]
        assert row["events"] == node.events == 1200
        assert row["alarms"] == []
        assert running.get(f"/api/summary?from=0&to={2 * START}").json()["events"] == node.events


async def test_a_node_beyond_its_quota_learns_why(tmp_path: Path) -> None:
    """A node that sends more than it may is refused by the listener: counted there, and shown with a sentence here."""
    with centre(tmp_path, "anonymous = true\nmessages_per_s = 100\nmessages_burst = 2\n") as running:
        node = Node(running.ports["listen"])
        task = asyncio.create_task(node.sync.run())
        async with asyncio.timeout(TIMEOUT_S):
            while not node.sync.is_refused:
                for _ in range(4):
                    node.minute(node.events // 10)
                await asyncio.sleep(0.01)
        assert "too much at once" in node.sync.error
        listener = running.get("/api/nodes").json()["listener"]
        assert listener["refused_over_quota"] >= 1
        assert listener["over_quota_by"].startswith("n1 (")
        await node.settled()
        await node.close(task)
        assert running.get("/api/nodes").json()["nodes"][0]["events"] == node.events


async def test_credentials_are_asked_for_and_can_be_taken_away(tmp_path: Path) -> None:
    """A node with the wrong token stays out; one whose credentials are removed loses its connection at SIGHUP."""
    token = add(tmp_path / "credentials", [Newcomer("n1", ())])["n1"]
    with centre(tmp_path, 'credentials = "credentials"\n') as running:
        good, bad = Node(running.ports["listen"], "n1", token), Node(running.ports["listen"], "n2", "wrong")
        tasks = [asyncio.create_task(node.sync.run()) for node in (good, bad)]
        good.minute(0)
        bad.minute(0)
        async with asyncio.timeout(TIMEOUT_S):
            await until(lambda: good.outbox.events_acked == 10)
            await until(lambda: "refused" in bad.sync.error)
            assert bad.outbox.events_acked == 0
            assert running.get("/api/nodes").json()["listener"]["connects_refused_credentials"] >= 1
            assert "doorstep_central_connects_refused_credentials" in running.get("/metrics").text
            remove(tmp_path / "credentials", "n1")
            add(tmp_path / "credentials", [Newcomer("n3", ())])
            running.send_signal(signal.SIGHUP)
            await until(lambda: not good.sync.connected)
        for node, task in zip((good, bad), tasks, strict=True):
            await node.close(task)
        assert [node["node"] for node in running.get("/api/nodes").json()["nodes"]] == ["n1"]
        assert running.stop() == 0


async def test_nodes_elsewhere_come_over_tls(tmp_path: Path) -> None:
    """With a certificate of a trusted authority the uplink is encrypted; without that trust nothing is sent."""
    ca, certificate, key = make_certificates(tmp_path)
    token = add(tmp_path / "credentials", [Newcomer("n1", ())])["n1"]
    settings = f'listen_tls = "127.0.0.1:0"\ntls_cert = "{certificate}"\ntls_key = "{key}"\n'
    with centre(tmp_path, settings) as running:
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
        assert running.get("/api/nodes").json()["nodes"][0]["events"] == 10


def test_a_second_centre_on_the_same_data_refuses(tmp_path: Path) -> None:
    """The data directory is for one process; the second one reports it and exits 3."""
    with centre(tmp_path) as running:
        assert "in use by process" in refused(running.command)


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
        words = refused([*running.command[:-1], f"{other}/central.toml"])
        assert str(running.ports[field]) in words
        assert field in words


def test_a_token_protects_the_api(tmp_path: Path) -> None:
    """With a token file every path asks for the token."""
    (tmp_path / "token").write_text("secret\n")
    (tmp_path / "token").chmod(0o600)
    with centre(tmp_path, 'anonymous = true\napi_token_file = "token"\n') as running:
        assert running.get("/api/nodes").status_code == 401
        assert running.get("/api/nodes", Authorization="Bearer secret").status_code == 200
