"""Clients in Go and Java, which need toolchains and packages of their own: `make interop-foreign`, not `make test`.

Paho's two for Go (3.1.1 and 5.0) and HiveMQ's for Java, over TCP.
"""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
BUILD_S = 600
TIMEOUT_S = 60

Play = Callable[..., dict[str, Any]]


def _go(folder: Path, program: Callable[[str], str]) -> list[str]:
    player = folder / "player"
    subprocess.run([program("go"), "build", "-o", player, "."], cwd=HERE / "go", check=True, timeout=BUILD_S)
    return [f"{player}"]


def _java(folder: Path, program: Callable[[str], str]) -> list[str]:
    found = folder / "classpath"
    goal = ("dependency:build-classpath", f"-Dmdep.outputFile={found}")
    subprocess.run([program("mvn"), "-q", "-B", *goal], cwd=HERE / "java", check=True, timeout=BUILD_S)
    path = found.read_text(encoding="utf-8")
    source = HERE / "java" / "src" / "main" / "java" / "Player.java"
    subprocess.run([program("javac"), "-cp", path, "-d", folder, source], check=True, timeout=BUILD_S)
    return [program("java"), "-cp", f"{path}:{folder}", "Player"]


@pytest.fixture(scope="session", params=[_go, _java], ids=["Go", "Java"])
def player(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, program: Callable[[str], str]
) -> list[str]:
    """The command that plays a scenario, built once."""
    return request.param(tmp_path_factory.mktemp("player"), program)


@pytest.fixture(params=[4, 5], ids=["3.1.1", "5.0"])
def version(request: pytest.FixtureRequest) -> int:
    return request.param


@pytest.fixture
def play(player: list[str], endpoint_server: Any, version: int) -> Play:
    """Plays one scenario and gives what happened."""

    def played(**options: Any) -> dict[str, Any]:
        scenario = {
            "address": f"{endpoint_server.host}:{endpoint_server.port}",
            "host": endpoint_server.host,
            "port": endpoint_server.port,
            "clientId": "phone",
            "username": endpoint_server.username,
            "password": endpoint_server.token,
            "version": version,
            "clean": True,
            "subscribe": [],
            "publish": [],
            "expect": 0,
            **options,
        }
        command = [*player, json.dumps(scenario)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return played


def message(topic: str, payload: str, qos: int = 1) -> dict[str, Any]:
    return {"topic": topic, "payload": payload, "qos": qos}


@pytest.mark.parametrize("qos", [1, 2])
def test_publish_and_receipt(play: Play, endpoint_server: Any, order: str, qos: int):
    """An order is acknowledged and its receipt arrives."""
    publish = [message(endpoint_server.up(), order, qos)]
    result = play(subscribe=[endpoint_server.down], publish=publish, expect=1)
    assert result["acks"] == [0]
    assert json.loads(result["messages"][0]["payload"])["id"] == "e-1"


def test_reconnect_with_redelivery(play: Play, endpoint_server: Any, order: str):
    """A receipt that came while the client was away is delivered when it returns, once."""
    play(clean=False, subscribe=[endpoint_server.down])
    play(clientId="till", publish=[message(endpoint_server.up(), order)])
    result = play(clean=False, expect=1)
    assert result["sessionPresent"]
    assert json.loads(result["messages"][0]["payload"])["id"] == "e-1"
    assert play(clean=False)["messages"] == []


def test_wrong_password(play: Play, version: int):
    """The refusal names what is wrong."""
    assert play(password="wrong")["refused"] == (0x86 if version == 5 else 4)


def test_forbidden_topic(play: Play, endpoint_server: Any, order: str, version: int):
    """5.0 gets a refusal in PUBACK; 3.1.1 a plain one; what is behind it gets through."""
    publish = [message(endpoint_server.up(client="till-2"), order), message(endpoint_server.up(), order)]
    assert play(publish=publish)["acks"] == [0x87 if version == 5 else 0, 0]
