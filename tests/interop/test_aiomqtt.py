"""aiomqtt, asyncio's usual client, in 3.1.1 and 5.0."""

import asyncio
import contextlib
import json
from typing import Any

import aiomqtt
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

TIMEOUT_S = 20
V311, V5 = aiomqtt.ProtocolVersion.V311, aiomqtt.ProtocolVersion.V5

pytestmark = pytest.mark.parametrize("version", [V311, V5], ids=["3.1.1", "5.0"])


def client(server: Any, version: aiomqtt.ProtocolVersion, name: str = "phone", **options: Any) -> aiomqtt.Client:
    arguments: dict[str, Any] = {
        "identifier": name,
        "username": server.username,
        "password": server.token,
        "protocol": version,
        "timeout": TIMEOUT_S,
    }
    if version == V311:
        options["clean_session"] = options.pop("clean_start", True)
    return aiomqtt.Client(server.host, server.port, **(arguments | options))


def expiry(version: aiomqtt.ProtocolVersion, seconds: int) -> dict[str, Any]:
    if version == V311:
        return {}
    properties = Properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = seconds
    return {"properties": properties}


async def test_publish_and_receipt(endpoint_server: Any, order: str, version: aiomqtt.ProtocolVersion):
    """An order is acknowledged and its receipt arrives."""
    async with client(endpoint_server, version) as connected:
        await connected.subscribe(endpoint_server.down, qos=1)
        await connected.publish(endpoint_server.up(), order, qos=1)
        message = await anext(connected.messages)
        assert json.loads(message.payload)["id"] == "e-1"


async def test_reconnect_with_redelivery(endpoint_server: Any, order: str, version: aiomqtt.ProtocolVersion):
    """A receipt that came while the client was away is delivered when it returns, without subscribing again."""
    kept = {"clean_start": False, **expiry(version, 3600)}
    async with client(endpoint_server, version, **kept) as connected:
        await connected.subscribe(endpoint_server.down, qos=1)
    async with client(endpoint_server, version, "till") as other:
        await other.publish(endpoint_server.up(), order, qos=1)
    async with client(endpoint_server, version, **kept) as connected:
        message = await anext(connected.messages)
        assert json.loads(message.payload)["id"] == "e-1"


async def test_wrong_password(endpoint_server: Any, version: aiomqtt.ProtocolVersion):
    """The refusal names what is wrong."""
    with pytest.raises(aiomqtt.MqttError, match=r"[Bb]ad user ?name or password"):
        async with client(endpoint_server, version, password="wrong"):
            pass


async def lost(connected: aiomqtt.Client, topic: str, payload: str, qos: int) -> None:
    """A publish that is never acknowledged, because the connection ends."""
    publishing = asyncio.create_task(connected.publish(topic, payload, qos=qos))
    with pytest.raises(aiomqtt.MqttError):
        await anext(connected.messages)
    assert not publishing.done()
    publishing.cancel()


async def test_oversized(endpoint_server: Any, oversized: int, version: aiomqtt.ProtocolVersion):
    """An oversized publish ends the connection, and is not acknowledged."""
    ended = False
    with contextlib.suppress(aiomqtt.MqttError):  # of leaving: the connection is gone
        async with client(endpoint_server, version) as connected:
            await lost(connected, endpoint_server.up(), "x" * oversized, 1)
            ended = True
    assert ended


async def test_qos_2(endpoint_server: Any, order: str, version: aiomqtt.ProtocolVersion):
    """A QoS 2 order, with the retain flag, is acknowledged and gets its receipt."""
    async with client(endpoint_server, version) as connected:
        await connected.subscribe(endpoint_server.down, qos=1)
        await connected.publish(endpoint_server.up(), order, qos=2, retain=True)
        message = await anext(connected.messages)
        assert json.loads(message.payload)["id"] == "e-1"


async def test_forbidden_topic(endpoint_server: Any, order: str, version: aiomqtt.ProtocolVersion):
    """The connection goes on, and the publish reached nobody."""
    async with client(endpoint_server, version) as connected:
        await connected.subscribe(endpoint_server.down, qos=1)
        await connected.publish(endpoint_server.up(client="till-2"), order, qos=1)
        await connected.publish(endpoint_server.up(), order.replace("e-1", "e-2"), qos=1)
        message = await anext(connected.messages)
        assert json.loads(message.payload)["id"] == "e-2"
