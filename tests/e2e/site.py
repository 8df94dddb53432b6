"""A node and its centre as real processes, and clients that others wrote (paho-mqtt), for end-to-end tests."""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from edge.identity.credentials import add
from edge.messages.envelope import topic_down, topic_up
from tests.processes import free_port

READY_S_MAX = 30.0
ANSWER_S_MAX = 15.0
SHOP = {"lat": 31.2, "lon": 121.4}
HOME = {"lat": 31.205, "lon": 121.405}


class Process:
    """One `doorstep` command in a folder, with what it printed."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder = folder
        self.arguments = arguments
        self.log = folder / f"{arguments[0]}.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, ready: str = "is ready") -> None:
        """Start it and wait until its output contains `ready`."""
        with self.log.open("ab") as log:
            begin = log.tell()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "edge", *self.arguments],
                cwd=self.folder,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
        deadline = time.monotonic() + READY_S_MAX
        while ready not in self.output(begin):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"{self.arguments} did not become ready:\n{self.output(begin)}")
            time.sleep(0.02)

    def output(self, begin: int = 0) -> str:
        """What it has printed so far."""
        return self.log.read_bytes()[begin:].decode()

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send the signal and wait for the end. Returns the exit code."""
        self.send_signal(number)
        assert self._process is not None
        return self._process.wait(timeout=30)

    def kill(self) -> None:
        """Whatever happened, it does not outlive its test."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()


class Site:
    """A configured node and centre in one folder. `options` are further lines of edge.toml."""

    def __init__(self, folder: Path, clients: tuple[str, ...], **options: Any) -> None:
        self.folder = folder
        self.port = free_port()
        self.centre_port = free_port()
        self.api_port = free_port()
        self.tokens = {client: add(folder / "credentials", client) for client in clients}
        (folder / "uplink.token").touch(0o600)
        (folder / "uplink.token").write_text(add(folder / "centre-credentials", "n-1"))
        settings: dict[str, Any] = {
            "node": "n-1",
            "listen": f"127.0.0.1:{self.port}",
            "status_listen": "127.0.0.1:0",
            "uplink": f"mqtt://127.0.0.1:{self.centre_port}",
            "uplink_token_file": "uplink.token",
            **options,
        }
        self.write("edge.toml", settings)
        self.write(
            "central.toml",
            {
                "data_dir": "centre",
                "listen": f"127.0.0.1:{self.centre_port}",
                "credentials": "centre-credentials",
                "api_listen": f"127.0.0.1:{self.api_port}",
            },
        )
        self.node = Process(folder, "edge", "--config", "edge.toml")
        self.centre = Process(folder, "central", "--config", "central.toml")

    def write(self, name: str, settings: dict[str, Any]) -> None:
        """A flat TOML file: JSON's values are TOML's."""
        text = "".join(f"{key} = {json.dumps(value)}\n" for key, value in settings.items())
        (self.folder / name).write_text(text)

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a `doorstep` command to its end."""
        return subprocess.run(
            [sys.executable, "-m", "edge", *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@contextlib.contextmanager
def site(folder: Path, *clients: str, centre: bool = False, **options: Any) -> Iterator[Site]:
    """A running node (and centre, where wanted) that is gone afterwards."""
    made = Site(folder, clients, **options)
    try:
        if centre:
            made.centre.start()
        made.node.start()
        yield made
    finally:
        made.node.kill()
        made.centre.kill()


class Phone:
    """A mini-program client on paho-mqtt: publishes JSON, gathers its answers."""

    def __init__(self, name: str, port: int, token: str, *, v5: bool = True) -> None:
        self.name = name
        self.answers: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self.codes: dict[int, int] = {}
        protocol = mqtt.MQTTv5 if v5 else mqtt.MQTTv311
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=protocol)
        if token:  # without one: a node that takes anonymous clients
            self._client.username_pw_set(name, token)
        self._client.on_message = lambda _c, _u, m: self.answers.put((m.topic.rsplit("/", 1)[1], bytes(m.payload)))
        self._client.on_publish = lambda _c, _u, mid, code, _p: self.codes.__setitem__(mid, code.value)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        deadline = time.monotonic() + ANSWER_S_MAX
        while not self._client.is_connected():
            assert time.monotonic() < deadline, f"{name} cannot connect"
            time.sleep(0.01)
        self._client.subscribe(topic_down("n-1", name, "#"), qos=1)

    def send(self, kind: str, **fields: Any) -> int:
        """Publish an event at QoS 1 and wait for its acknowledgement. Returns the reason code."""
        body = json.dumps({"at": int(time.time() * 1000), **fields})
        info = self._client.publish(topic_up("n-1", self.name, kind), body, qos=1)
        info.wait_for_publish(ANSWER_S_MAX)
        deadline = time.monotonic() + ANSWER_S_MAX
        while info.mid not in self.codes:
            assert time.monotonic() < deadline, f"{kind} of {self.name} was not acknowledged"
            time.sleep(0.002)
        return self.codes[info.mid]

    def answer(self, kind: str) -> dict[str, Any]:
        """The next answer of this kind; others are dropped."""
        return json.loads(self.raw(kind))

    def raw(self, kind: str) -> bytes:
        """Its bytes."""
        while True:
            found, payload = self.answers.get(timeout=ANSWER_S_MAX)
            if found == kind:
                return payload

    def close(self) -> None:
        """Hang up."""
        self._client.disconnect()
        self._client.loop_stop()


def place(phone: Phone, number: int, **more: Any) -> int:
    """An order of `phone` at shop-1."""
    at = int(time.time() * 1000)
    fields = {"shop": "shop-1", "pickup": SHOP, "dropoff": HOME, "ready_at": at + 60_000, **more}
    return phone.send("order.place", id=f"place-{number}", order=f"o-{number}", **fields)
