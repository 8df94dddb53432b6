"""paho-mqtt, the reference client of the Eclipse foundation, over TCP, in 3.1.1 and 5.0."""

import json
import queue
from collections.abc import Callable, Generator
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

TIMEOUT_S = 20

Event = tuple[str, Any]
Connect = Callable[..., "Client"]


class Client:
    """paho with its callbacks turned into a queue of events."""

    def __init__(
        self, server: Any, version: MQTTProtocolVersion, client_id: str, *, token: str | None = None, clean: bool = True
    ):
        self.events: queue.Queue[Event] = queue.Queue()
        self.version, self.connack = version, None
        v5 = version == MQTTProtocolVersion.MQTTv5
        self.paho = paho.Client(
            CallbackAPIVersion.VERSION2, client_id, protocol=version, clean_session=None if v5 else clean
        )
        self.paho.username_pw_set(server.username, token or server.token)
        put = self.events.put
        self.paho.on_connect = lambda _c, _u, flags, code, _p: put(("connected", (code.value, flags.session_present)))
        self.paho.on_disconnect = lambda _c, _u, _f, code, _p: put(("disconnected", code.value))
        self.paho.on_publish = lambda _c, _u, mid, code, _p: put(("acknowledged", (mid, code.value)))
        self.paho.on_subscribe = lambda _c, _u, _m, codes, _p: put(("subscribed", [code.value for code in codes]))
        self.paho.on_message = lambda _c, _u, message: put(("message", (message.topic, json.loads(message.payload))))
        extra: dict[str, Any] = {}
        if v5:
            properties = Properties(PacketTypes.CONNECT)
            properties.SessionExpiryInterval = 0 if clean else 3600
            extra = {"clean_start": clean, "properties": properties}
        self.paho.connect(server.host, server.port, keepalive=30, **extra)
        self.paho.loop_start()

    def wait(self, name: str) -> Any:
        """What comes with the next event of this name; earlier others are passed over."""
        while True:
            found, value = self.events.get(timeout=TIMEOUT_S)
            if found == name:
                return value

    def close(self) -> None:
        self.paho.disconnect()
        self.paho.loop_stop()


@pytest.fixture(params=[MQTTProtocolVersion.MQTTv311, MQTTProtocolVersion.MQTTv5], ids=["3.1.1", "5.0"])
def connect(request: pytest.FixtureRequest, endpoint_server: Any) -> Generator[Connect, None, None]:
    """Makes clients of one version, and closes them."""
    clients: list[Client] = []

    def make(client_id: str = "phone", **options: Any) -> Client:
        clients.append(Client(endpoint_server, request.param, client_id, **options))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


def test_publish_and_receipt(connect: Connect, endpoint_server: Any, order: str):
    """An order is acknowledged and its receipt arrives."""
    client = connect()
    assert client.wait("connected") == (0, False)
    client.paho.subscribe(endpoint_server.down, qos=1)
    assert client.wait("subscribed") == [1]
    client.paho.publish(endpoint_server.up(), order, qos=1)
    events = dict(client.events.get(timeout=TIMEOUT_S) for _ in range(2))
    assert events["acknowledged"][1] == 0
    topic, receipt = events["message"]
    assert topic == "ds/n1/down/till-1/receipt"
    assert (receipt["id"], receipt["of"], receipt["status"]) == ("e-1", "order.place", "accepted")


def test_reconnect_with_redelivery(connect: Connect, endpoint_server: Any, order: str):
    """A receipt that came while the client was away is delivered when it returns, into the session that it had."""
    client = connect(clean=False)
    client.wait("connected")
    client.paho.subscribe(endpoint_server.down, qos=1)
    client.wait("subscribed")
    client.close()
    other = connect("till")
    other.wait("connected")
    other.paho.publish(endpoint_server.up(), order, qos=1)
    other.wait("acknowledged")
    again = connect(clean=False)
    assert again.wait("connected") == (0, True)
    assert again.wait("message")[1]["id"] == "e-1"


def test_wrong_password(connect: Connect):
    """The refusal names what is wrong."""
    client = connect(token="wrong")
    assert client.wait("connected")[0] == 0x86  # paho gives 3.1.1's code 4 the same name


@pytest.mark.parametrize("qos", [1, 2])
def test_oversized(connect: Connect, endpoint_server: Any, order: str, oversized: int, qos: int):
    """The connection ends; 5.0 learns why. paho sends it again when it is back: then it is refused, and what stands
    behind it gets through."""
    client = connect(clean=False)
    client.wait("connected")
    large = client.paho.publish(endpoint_server.up(), b"x" * oversized, qos=qos)
    code = client.wait("disconnected")
    v5 = client.version == MQTTProtocolVersion.MQTTv5
    assert code == 0x95 or not v5
    behind = client.paho.publish(endpoint_server.up(), order, qos=qos)
    acks = dict(client.wait("acknowledged") for _ in range(2))
    refused = 0x97 if qos == 1 else 0x92  # (paho goes on with PUBREL after any PUBREC, and learns that nobody waits)
    assert acks == {large.mid: refused if v5 else 0, behind.mid: 0}


def test_forbidden_topic(connect: Connect, endpoint_server: Any, order: str):
    """5.0 gets a refusal in PUBACK; 3.1.1 a plain one, so that it does not send the same again for ever."""
    client = connect()
    client.wait("connected")
    client.paho.publish(endpoint_server.up(client="till-2"), order, qos=1)
    _, (_, code) = client.events.get(timeout=TIMEOUT_S)
    assert code == (0x87 if client.version == MQTTProtocolVersion.MQTTv5 else 0)


def test_forbidden_subscription(connect: Connect):
    """Another client's answers are refused in SUBACK."""
    client = connect()
    client.wait("connected")
    client.paho.subscribe("ds/n1/down/till-2/#", qos=1)
    assert client.wait("subscribed") == [0x87 if client.version == MQTTProtocolVersion.MQTTv5 else 0x80]


def test_qos_2(connect: Connect, endpoint_server: Any, order: str):
    """A QoS 2 order, with the retain flag, is acknowledged and gets its receipt."""
    client = connect()
    client.wait("connected")
    client.paho.subscribe(endpoint_server.down, qos=1)
    client.paho.publish(endpoint_server.up(), order, qos=2, retain=True)
    assert client.wait("message")[1]["id"] == "e-1"
    assert client.wait("acknowledged")[1] == 0
