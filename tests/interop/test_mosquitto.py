"""mosquitto_pub and mosquitto_sub, the usual tools on a command line, in 3.1.1 and 5.0."""

import contextlib
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.lab.mosquitto import Mosquitto

TIMEOUT_S = 20

Tool = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(params=["mqttv311", "mqttv5"])
def version(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def tool(endpoint_server: Any, version: str, program: Callable[[str], str]) -> Tool:
    """Runs one of the two tools."""

    def runner(name: str, *arguments: str, token: str = "", **options: Any) -> subprocess.CompletedProcess[str]:
        address = ["-h", endpoint_server.host, "-p", str(endpoint_server.port), "-V", version]
        user = ["-u", endpoint_server.username, "-P", token or endpoint_server.token]
        command = [program(name), *address, *user, *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False, **options)

    return runner


def kept(version: str) -> list[str]:
    """Options of mosquitto_sub for a session that outlives its connection."""
    return ["-c", "-i", "phone", *(["-x", "3600"] if version == "mqttv5" else [])]


def test_publish_receipt_and_reconnect(tool: Tool, endpoint_server: Any, version: str, order: str):
    """A receipt waits for the session that subscribed to it, is taken once, and is then gone."""
    subscribe = ["mosquitto_sub", *kept(version), "-q", "1", "-t", endpoint_server.down]
    assert tool(*subscribe, "-E").returncode == 0
    assert tool("mosquitto_pub", "-q", "1", "-t", endpoint_server.up(), "-m", order).returncode == 0
    took = tool(*subscribe, "-C", "1", "-v")
    topic, payload = took.stdout.split(" ", 1)
    assert topic == "ds/n1/down/till-1/receipt"
    assert json.loads(payload)["id"] == "e-1"
    assert tool(*subscribe, "-W", "1").stdout == ""


def test_wrong_password(tool: Tool, endpoint_server: Any, order: str):
    """The tool states that it was refused."""
    done = tool("mosquitto_pub", "-q", "1", "-t", endpoint_server.up(), "-m", order, token="wrong")
    assert done.returncode != 0
    assert "bad user name or password" in done.stderr.lower() or "not authori" in done.stderr.lower()


def test_oversized(tool: Tool, endpoint_server: Any, version: str, order: str, oversized: int):
    """An oversized order (white space does it) reaches nobody, whether the tool reports it or not."""
    subscribe = ["mosquitto_sub", *kept(version), "-q", "1", "-t", endpoint_server.down]
    assert tool(*subscribe, "-E").returncode == 0
    tool("mosquitto_pub", "-q", "1", "-t", endpoint_server.up(), "-s", input=order + " " * oversized)
    assert tool(*subscribe, "-W", "1").stdout == ""


def test_forbidden_topic(tool: Tool, endpoint_server: Any, version: str, order: str):
    """A publish to another client's topic is refused, in 5.0 audibly; in 3.1.1 the tool has no way to know."""
    done = tool("mosquitto_pub", "-q", "1", "-t", endpoint_server.up(client="till-2"), "-m", order)
    if version == "mqttv5":
        assert "not authorized" in done.stderr.lower()
    else:
        assert done.returncode == 0


def test_qos_2(tool: Tool, endpoint_server: Any, version: str, order: str):
    """A QoS 2 publish with the retain flag gets through, in one go, and so does its receipt."""
    subscribe = ["mosquitto_sub", *kept(version), "-q", "1", "-t", endpoint_server.down]
    assert tool(*subscribe, "-E").returncode == 0
    done = tool("mosquitto_pub", "-q", "2", "-r", "-t", endpoint_server.up(), "-m", order)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(tool(*subscribe, "-C", "1").stdout)["id"] == "e-1"


@pytest.mark.parametrize(
    "settings", [[], ["bridge_protocol_version mqttv50", "notifications false"]], ids=["default", "5.0"]
)
def test_bridge(tmp_path: Path, endpoint_server: Any, program: Callable[[str], str], order: str, settings: list[str]):
    """A broker that is a client of the node brings its clients' events and takes the receipts, with no other settings
    than where to and as whom: it tries to be a bridge, has a will on a topic of its own (which 5.0 is refused for), and
    retains."""
    bridge = [
        "connection node",
        f"address {endpoint_server.host}:{endpoint_server.port}",
        f"remote_username {endpoint_server.username}",
        f"remote_password {endpoint_server.token}",
        f"topic {endpoint_server.up('#')} out 1",
        f"topic {endpoint_server.down} in 1",
        *settings,
    ]
    with Mosquitto(tmp_path / "mosquitto", settings=bridge) as broker:
        address = ["-h", "127.0.0.1", "-p", str(broker.port), "-q", "1"]
        subscribe = [program("mosquitto_sub"), *address, "-t", endpoint_server.down, "-C", "1", "-W", str(TIMEOUT_S)]
        with subprocess.Popen(subscribe, stdout=subprocess.PIPE, text=True) as subscriber:
            publish = [program("mosquitto_pub"), *address, "-t", endpoint_server.up(), "-m", order]
            while subscriber.poll() is None:  # who subscribes after the receipt has come gets it with the next repeat
                subprocess.run(publish, check=True, timeout=TIMEOUT_S)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    subscriber.wait(2)
            receipt, _ = subscriber.communicate(timeout=TIMEOUT_S)
    assert json.loads(receipt)["id"] == "e-1"
