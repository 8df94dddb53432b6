"""Phones: MQTT clients that survive their network.

Each keeps an event until its receipt has come. A connection that gives no acknowledgement for ACK_DEADLINE_S is
given up and made anew; what was not acknowledged is then sent again, with the same event id, and the session brings
what came meanwhile.
"""

import random
from collections.abc import Callable
from time import perf_counter
from typing import Any, Final

import msgspec
from msgspec import Struct

from edge.messages.envelope import Place, encode, topic_up
from edge.mqtt.client.connection import ConnectionState, Message, MqttConnection
from edge.scenarios.dispatch.messages import RiderProgress, RiderReply, RiderShift

from ..load.subjects import NODE, token_of

ACK_DEADLINE_S: Final = 6.0
"""Longer than a round trip of a second and two stalls of one; shorter than the eight seconds."""

KEEP_ALIVE_S: Final = 10
BACKOFF_S: Final = (0.2, 2.0)
SESSION_EXPIRY_S: Final = 3600


class Received(Struct):
    """What a phone reads of an answer: a receipt has `id`, an assignment `offer` and `state`."""

    at: int
    id: str = ""
    order: str = ""
    offer: int = 0
    state: str = ""
    status: str = ""


_decode: Final = msgspec.msgpack.Decoder(Received).decode

OnReceived = Callable[["Phone", str, Received, float], None]
"""An answer: its kind, its content, and `time.perf_counter()` of the read."""


class Sent(Struct):
    """An event without a receipt. `handed_at` is 0 until a connection has taken it over."""

    topic: str
    payload: bytes
    handed_at: float = 0.0
    acknowledged: bool = False


class Phone:
    """One phone behind the port of its network."""

    def __init__(self, name: str, port: int, seed: int, on_received: OnReceived) -> None:
        self.name = name
        self.unanswered: dict[str, Sent] = {}
        self.resent = 0
        self.connected = False
        self._on_received = on_received
        self._link = MqttConnection(
            f"mqtt://127.0.0.1:{port}",
            client_id=name,
            username=name,
            token=token_of(name),
            session_expiry_s=SESSION_EXPIRY_S,
            keep_alive_s=KEEP_ALIVE_S,
            ack_deadline_s=ACK_DEADLINE_S,
            backoff=BACKOFF_S,
            subscriptions=[(f"ds/{NODE}/down/{name}/#", 1)],
            on_messages=self._on_messages,
            on_state=self._changed,
            random=random.Random(f"{seed} {name}").random,
        )

    @property
    def reconnects(self) -> int:
        """Connections after the first."""
        return max(self._link.connects - 1, 0)

    async def run(self) -> None:
        """Stay connected until `stop`."""
        await self._link.run()

    async def stop(self) -> None:
        """Hang up."""
        await self._link.stop()

    def send(self, kind: str, event: Any) -> None:
        """Send an event now, or as soon as there is a connection; keep it until its receipt."""
        sent = Sent(topic_up(NODE, self.name, kind), encode(event, json=False))
        self.unanswered[event.id] = sent
        self._hand_over(sent)

    def handed_at(self, id_: str) -> float:
        """When a connection took over an event without a receipt, by `time.perf_counter()`; 0 where none has."""
        sent = self.unanswered.get(id_)
        return 0.0 if sent is None else sent.handed_at

    def _hand_over(self, sent: Sent) -> None:
        def acknowledged(code: int) -> None:
            sent.acknowledged = code < 0x80

        if self.connected and self._link.publish(sent.topic, sent.payload, on_ack=acknowledged):
            sent.handed_at = sent.handed_at or perf_counter()

    def _changed(self, state: ConnectionState) -> None:
        self.connected = state is ConnectionState.CONNECTED
        if self.connected:
            for sent in self.unanswered.values():
                if not sent.handed_at or sent.acknowledged:  # the link repeats by itself what has no acknowledgement
                    self.resent += bool(sent.handed_at)
                    self._hand_over(sent)

    def _on_messages(self, messages: list[Message]) -> None:
        for message in messages:
            kind = message.topic.rpartition("/")[2]
            if kind != "update":
                received = _decode(message.payload)
                self._on_received(self, kind, received, self._link.read_at)
                if kind == "receipt":
                    self.unanswered.pop(received.id, None)
        self._link.acknowledge(messages)


def begin_shift(rider: Phone, place: Place, at_ms: int) -> None:
    """A rider comes on."""
    rider.send("rider.shift", RiderShift(id=f"shift-{at_ms}", at=at_ms, on=True, capacity=8, place=place))


def take(rider: Phone, received: Received, at_ms: int) -> None:
    """A rider accepts an offer and delivers at once: what happens on the road is no part of this measurement."""
    name = f"{received.order}-{received.offer}"
    reply = RiderReply(id=f"a-{name}", at=at_ms, order=received.order, offer=received.offer, accept=True)
    rider.send("rider.reply", reply)
    rider.send("rider.progress", RiderProgress(id=f"d-{name}", at=at_ms, order=received.order, step="delivered"))
