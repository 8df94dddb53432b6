"""MQTT.js 4 and 5 over WebSocket, as in browsers and mini-programs, in 3.1.1 and 5.0."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
TIMEOUT_S = 40

Play = Callable[..., dict[str, Any]]


@pytest.fixture(params=[4, 5], ids=["3.1.1", "5.0"])
def version(request: pytest.FixtureRequest) -> int:
    return request.param


@pytest.fixture(params=["mqtt4", "mqtt"], ids=["MQTT.js 4", "MQTT.js 5"])
def library(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def play(endpoint_server: Any, library: str, version: int, program: Callable[[str], str]) -> Play:
    """Plays one scenario in Node.js and gives what happened."""
    if not (HERE / "node_modules" / library).is_dir():
        pytest.skip("MQTT.js is not installed; run: npm ci --prefix tests/interop")
    node = program("node")

    def player(**options: Any) -> dict[str, Any]:
        scenario = {
            "url": f"ws://{endpoint_server.host}:{endpoint_server.websocket_port}/mqtt",
            "library": library,
            "clientId": "phone",
            "username": endpoint_server.username,
            "password": endpoint_server.token,
            "version": version,
            **options,
        }
        done = subprocess.run(
            [node, str(HERE / "client.mjs"), json.dumps(scenario)],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    return player


def test_publish_and_receipt(play: Play, endpoint_server: Any, order: str):
    """An order is acknowledged and its receipt arrives."""
    publish = [{"topic": endpoint_server.up(), "payload": order, "qos": 1}]
    result = play(subscribe=[endpoint_server.down], publish=publish, expect=1)
    assert result["granted"] == [1]
    assert result["acks"] == [{"code": 0}]
    assert json.loads(result["messages"][0]["payload"])["id"] == "e-1"


def test_reconnect_with_redelivery(play: Play, endpoint_server: Any, order: str):
    """A receipt that came while the client was away is delivered when it returns, once."""
    play(clean=False, subscribe=[endpoint_server.down])
    play(clientId="till", publish=[{"topic": endpoint_server.up(), "payload": order, "qos": 1}])
    result = play(clean=False, expect=1)
    assert result["sessionPresent"]
    assert json.loads(result["messages"][0]["payload"])["id"] == "e-1"
    assert play(clean=False)["messages"] == []


def test_wrong_password(play: Play, version: int):
    """The refusal names what is wrong."""
    assert play(password="wrong")["error"]["code"] == (0x86 if version == 5 else 4)


def test_oversized(play: Play, endpoint_server: Any, oversized: int, version: int):
    """An oversized publish ends the connection; 5.0 learns why."""
    result = play(publish=[{"topic": endpoint_server.up(), "size": oversized, "qos": 1}], expectClose=True)
    assert result["closed"]
    assert all(ack.get("error") for ack in result["acks"])
    assert result.get("disconnected") == (0x95 if version == 5 else None)


def test_forbidden_topic(play: Play, endpoint_server: Any, order: str, version: int):
    """5.0 gets a refusal in PUBACK; 3.1.1 a plain one, so that it does not send the same again for ever."""
    publish = [{"topic": endpoint_server.up(client="till-2"), "payload": order, "qos": 1}]
    assert play(publish=publish)["acks"][0]["code"] == (0x87 if version == 5 else 0)


def test_an_oversized_publish_does_not_lock_out(
    play: Play, endpoint_server: Any, order: str, oversized: int, version: int
):
    """MQTT.js connects again by itself and sends the same again: then it is refused, and what is behind it is taken."""
    large = {"topic": endpoint_server.up(), "size": oversized, "qos": 1}
    behind = {"topic": endpoint_server.up(), "payload": order, "qos": 1}
    result = play(clean=False, publish=[large, behind], reconnectMs=100)
    assert result["closed"]
    assert [ack["code"] for ack in result["acks"]] == [0x97 if version == 5 else 0, 0]


def test_qos_2(play: Play, endpoint_server: Any, order: str):
    """A QoS 2 order, with the retain flag, is acknowledged and gets its receipt."""
    publish = [{"topic": endpoint_server.up(), "payload": order, "qos": 2, "retain": True}]
    result = play(subscribe=[endpoint_server.down], publish=publish, expect=1)
    assert [ack["code"] for ack in result["acks"]] == [0]
    assert json.loads(result["messages"][0]["payload"])["id"] == "e-1"
