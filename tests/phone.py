"""A mini-program's client on a library that others wrote (paho-mqtt), and a node that is gone after its test."""

import contextlib
import json
import queue
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from bench.lab.site import Site
from edge.messages.envelope import topic_down, topic_up

ANSWER_S_MAX = 15.0
SHOP = {"lat": 31.2, "lon": 121.4}
HOME = {"lat": 31.205, "lon": 121.405}


@contextlib.contextmanager
def site(folder: Path, *clients: str, centre: bool = False, **options: Any) -> Iterator[Site]:
    """A running node (and centre, where wanted) that is gone afterwards. `options` are further ones of the node."""
    with Site(folder).configure(clients, options, centre=centre) as made:
        made.start()
        yield made


class Phone:
    """A mini-program client on paho-mqtt: publishes JSON, gathers its answers. `will` has the kind and the fields of an
    event."""

    def __init__(self, name: str, port: int, token: str, *, v5: bool = True, **will: Any) -> None:
        self.name = name
        self.answers: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self.codes: dict[int, int] = {}
        protocol = mqtt.MQTTv5 if v5 else mqtt.MQTTv311
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=protocol)
        if will:
            fields = {"at": int(time.time() * 1000), **will}
            self._client.will_set(topic_up("n-1", name, fields.pop("kind")), json.dumps(fields), qos=1)
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

    def send(self, kind: str, *, below: str = "", **fields: Any) -> int:
        """Publish an event at QoS 1, as itself or below the topic of another name, and wait for its acknowledgement.
        Returns the reason code."""
        return self.publish(kind, json.dumps({"at": int(time.time() * 1000), **fields}).encode(), below=below)

    def publish(self, kind: str, body: bytes, *, qos: int = 1, below: str = "") -> int:
        """The same with a payload of any form; at QoS 0 the code is 0."""
        info = self._client.publish(topic_up("n-1", below or self.name, kind), body, qos=qos)
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

    def drop(self) -> None:
        """Be gone, without a word."""
        self._client.loop_stop()
        line = self._client.socket()
        assert line is not None
        line.close()

    def close(self) -> None:
        """Hang up."""
        self._client.disconnect()
        self._client.loop_stop()


def place(phone: Phone, number: int, **more: Any) -> int:
    """An order of `phone` at shop-1."""
    fields = {"shop": "shop-1", "pickup": SHOP, "dropoff": HOME, "prep_s": 60, **more}
    return phone.send("order.place", id=f"place-{number}", order=f"o-{number}", **fields)
