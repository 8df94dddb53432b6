"""The whole way with clients that others wrote: a rider on shift, an order, its receipt and the assignment, from a real
node. Rider and customer are one identity here, so that one client sees both sides."""

import json
import subprocess
import time
from collections.abc import Callable, Generator
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import aiomqtt
import pytest

from bench.lab.site import Site
from tests.phone import Phone, site

HERE = Path(__file__).parent
TIMEOUT_S = 30
PEOPLE = [f"person-{number}" for number in range(8)]
_next = count()


class Person(NamedTuple):
    """Somebody far from everybody else, so that no order finds another test's rider."""

    made: Site
    name: str
    token: str
    shift: str
    order: str

    def up(self, kind: str) -> str:
        return f"ds/n-1/up/{self.name}/{kind}"

    @property
    def down(self) -> str:
        return f"ds/n-1/down/{self.name}/#"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Generator[Site, None, None]:
    """One node for all tests here, over TCP and WebSocket."""
    with site(tmp_path_factory.mktemp("node"), *PEOPLE, listen_ws="127.0.0.1:0") as made:
        yield made


@pytest.fixture
def person(node: Site) -> Person:
    """The next one, with a shift to begin and an order to place."""
    number = next(_next)
    name = PEOPLE[number]
    place = {"lat": 10.0 + 3 * number, "lon": 20.0}
    now = int(time.time() * 1000)
    order = {"order": f"o-{number}", "shop": "shop-1", "pickup": place, "dropoff": place, "prep_s": 60}
    shift = {"id": "on", "at": now, "on": True, "place": place}
    return Person(node, name, node.tokens[name], json.dumps(shift), json.dumps({"id": "e-1", "at": now, **order}))


def right(person: Person, kinds: dict[str, Any]) -> bool:
    """Whether these answers are a receipt and an assignment of the person's order."""
    order = json.loads(person.order)["order"]
    return kinds["assignment"]["order"] == order and kinds["assignment"]["state"] == "offered"


@pytest.mark.parametrize("v5", [False, True], ids=["3.1.1", "5.0"])
def test_paho(person: Person, v5: bool):
    """paho-mqtt places an order and gets receipt and assignment."""
    phone = Phone(person.name, person.made.port, person.token, v5=v5)
    assert phone.send("rider.shift", **json.loads(person.shift)) == 0
    assert phone.send("order.place", **json.loads(person.order)) == 0
    receipts = [phone.answer("receipt") for _ in range(2)]
    assert [receipt["id"] for receipt in receipts] == ["on", "e-1"]
    assert right(person, {"assignment": phone.answer("assignment")})
    phone.close()


@pytest.mark.parametrize("version", [aiomqtt.ProtocolVersion.V311, aiomqtt.ProtocolVersion.V5], ids=["3.1.1", "5.0"])
async def test_aiomqtt(person: Person, version: aiomqtt.ProtocolVersion):
    """aiomqtt places an order and gets receipt and assignment."""
    kinds: dict[str, Any] = {}
    async with aiomqtt.Client(
        "127.0.0.1", person.made.port, username=person.name, password=person.token, protocol=version
    ) as client:
        await client.subscribe(person.down, qos=1)
        await client.publish(person.up("rider.shift"), person.shift, qos=1)
        await client.publish(person.up("order.place"), person.order, qos=1)
        async for message in client.messages:
            assert isinstance(message.payload, bytes)
            kinds[message.topic.value.rsplit("/", 1)[1]] = json.loads(message.payload)
            if "assignment" in kinds:
                break
    assert kinds["receipt"]["status"] == "accepted"
    assert right(person, kinds)


@pytest.mark.parametrize("version", [4, 5], ids=["3.1.1", "5.0"])
def test_mqttjs(person: Person, version: int, program: Callable[[str], str]):
    """MQTT.js over WebSocket places an order and gets receipt and assignment."""
    if not (HERE / "node_modules" / "mqtt").is_dir():
        pytest.skip("MQTT.js is not installed; run: npm ci --prefix tests/interop")
    received = {
        "url": f"ws://127.0.0.1:{person.made.ports()['listen_ws']}/mqtt",
        "clientId": "phone",
        "username": person.name,
        "password": person.token,
        "version": version,
        "subscribe": [person.down],
        "publish": [
            {"topic": person.up("rider.shift"), "payload": person.shift, "qos": 1},
            {"topic": person.up("order.place"), "payload": person.order, "qos": 1},
        ],
        "expect": 4,
    }
    done = subprocess.run(
        [program("node"), str(HERE / "client.mjs"), json.dumps(received)],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=True,
    )
    messages = json.loads(done.stdout)["messages"]
    kinds = {message["topic"].rsplit("/", 1)[1]: json.loads(message["payload"]) for message in messages}
    assert kinds["receipt"]["status"] == "accepted"
    assert right(person, kinds)


@pytest.mark.parametrize("version", ["mqttv311", "mqttv5"])
def test_mosquitto(person: Person, version: str, program: Callable[[str], str]):
    """mosquitto_pub places an order, mosquitto_sub finds receipt and assignment waiting."""

    def tool(name: str, *arguments: str) -> str:
        address = ["-h", "127.0.0.1", "-p", str(person.made.port), "-V", version]
        user = ["-u", person.name, "-P", person.token, "-q", "1"]
        command = [program(name), *address, *user, *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=True).stdout

    tool("mosquitto_pub", "-t", person.up("rider.shift"), "-m", person.shift)
    tool("mosquitto_pub", "-t", person.up("order.place"), "-m", person.order)
    receipts = tool("mosquitto_sub", "-t", person.down.replace("#", "receipt"), "-C", "2").splitlines()
    assert [json.loads(receipt)["status"] for receipt in receipts] == ["accepted", "accepted"]
    assignment = json.loads(tool("mosquitto_sub", "-t", person.down.replace("#", "assignment"), "-C", "1"))
    assert right(person, {"assignment": assignment})
