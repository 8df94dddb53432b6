"""The district's MQTT clients, one connection each: what a mini-program's client library has to do.

`Client` is the reference for it. The promise of the node holds for whoever does these three things: keep an event until
its receipt has come, send it again with the same id (after a while, and after every reconnect), and acknowledge an
answer only when it has been dealt with.
"""

import asyncio
import math
import random
from collections.abc import Callable, Coroutine
from time import perf_counter
from typing import Any, Final

import msgspec
from msgspec import Struct

from edge.messages.envelope import Receipt, Up, encode, is_json, topic_up
from edge.mqtt.client.connection import ConnectionState, Message, MqttConnection
from edge.scenarios.dispatch.messages import DURABLE_KINDS, POSITION_KIND, Assignment, RiderPosition, Update
from edge.scenarios.labels.messages import MESSAGES as LABEL_MESSAGES
from edge.scenarios.labels.messages import LabelShow, PriceReceipt

from ..proof.records import EventRecord, Records
from .scheduler import Scheduler

RESEND_S: Final = 3.0
"""Real seconds after which an event without a receipt is sent again."""

SWEEP_S: Final = 1.0
"""Real seconds between two looks at everybody's unanswered events: one timer for the whole fleet."""

SESSION_EXPIRY_S: Final = 3600
"""Subscriptions survive a lost connection this long."""

BACKOFF_S: Final = (0.1, 1.5)
"""Reconnect delays, from and to, real seconds: a rehearsal has no radio network to spare."""

CLOSE_S: Final = 5.0
"""Real seconds in which connections may close at the end."""

Answer = Assignment | Update | LabelShow
_DECODERS: Final = {
    kind: (msgspec.msgpack.Decoder(form), msgspec.json.Decoder(form))
    for kind, form in (
        ("receipt", PriceReceipt),  # has all fields that people here look at, of dispatch's receipts too
        ("assignment", Assignment),
        ("update", Update),
        ("label.show", LabelShow),
    )
}
_KINDS: Final[dict[type[Any], str]] = {
    **{form: kind for kind, form in DURABLE_KINDS.items()},
    **{message.body: message.kind for message in LABEL_MESSAGES if message.direction == "up"},
}


class Unanswered(Struct):
    """An event whose receipt has not come. `sent_real` is 0 until it was handed to the connection, which repeats it by
    itself until it is acknowledged; `acknowledged` without a receipt means that sending again is up to us."""

    kind: str
    payload: bytes
    due_ms: int
    then: Callable[[Receipt], None] | None
    sent_real: float = 0.0
    acknowledged: bool = False


class Fleet:
    """What all clients share: where to connect, their tokens, one resend timer, and the records."""

    def __init__(
        self, node: str, url: str, tokens: dict[str, str], scheduler: Scheduler, records: Records, seed: int
    ) -> None:
        self.node = node
        self.url = url
        self.scheduler = scheduler
        self.records = records
        self.connected = 0
        self.repeat_probability = 0.0
        self.draw = random.Random(f"fleet {seed}")
        self._tokens = tokens
        self._shared: tuple[str, str] | None = None
        self._clients: dict[str, Client] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._sweeper: asyncio.TimerHandle | None = None

    def client(self, name: str, json: bool, on_answer: Callable[[Answer], None]) -> "Client":
        """A client of its own name and token, not yet connected."""
        client = Client(self, name, json, on_answer)
        self._clients[name] = client
        return client

    def share(self, username: str, token: str) -> None:
        """Everybody connects as `username`; where it is empty, under their own name and without a token. For a broker
        that knows nothing of the district's people."""
        self._tokens = {}
        self._shared = (username, token) if username else None

    def link(self, client: "Client") -> MqttConnection:
        """The connection of a client, not yet running."""
        username, token = self._shared or (client.name, self._tokens.get(client.name, ""))
        down = f"ds/{self.node}/down/{client.name}/#"
        return MqttConnection(
            self.url,
            client_id=f"{self.node}-{client.name}",
            username=username,
            token=token,
            clean_start=False,
            session_expiry_s=SESSION_EXPIRY_S,
            on_messages=client.received,
            on_state=client.state_changed,
            subscriptions=[(down, 1)],
            backoff=BACKOFF_S,
            random=self.draw.random,
        )

    def run(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Run a connection's life. Its failure is a problem of the run, not a line lost in a log."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def start(self) -> None:
        """Begin to look after unanswered events."""
        self._sweeper = asyncio.get_running_loop().call_later(SWEEP_S, self._sweep)

    def forget(self, client: "Client") -> None:
        """A client is gone for good."""
        self._clients.pop(client.name, None)

    def unanswered(self) -> list[tuple[str, str]]:
        """(client, id) of every event that still waits for its receipt."""
        return [(name, event) for name, client in self._clients.items() for event in client.unanswered]

    async def close(self) -> None:
        """Close every connection."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        for client in list(self._clients.values()):
            client.leave(at_once=True)
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=CLOSE_S)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=CLOSE_S)

    def _sweep(self) -> None:
        now_real = perf_counter()
        for client in list(self._clients.values()):
            client.resend(now_real - RESEND_S)
        self.start()

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.records.problem(f"the connection of {task.get_name()} ended: {error}")


class Client:
    """One person's or shop's connection. Ids are its own and count up."""

    def __init__(self, fleet: Fleet, name: str, json: bool, on_answer: Callable[[Answer], None]) -> None:
        self.name = name
        self.unanswered: dict[str, Unanswered] = {}
        self._fleet = fleet
        self._json = json
        self._on_answer = on_answer
        self._link: MqttConnection | None = None
        self._connected = False
        self._leaving = False
        self._events = 0

    def join(self) -> None:
        """Connect, and stay connected."""
        if self._link is None:
            self._link = self._fleet.link(self)
            self._fleet.run(self._link.run(), self.name)

    def leave(self, at_once: bool = False) -> None:
        """Disconnect as soon as nothing is unanswered."""
        self._leaving = True
        if at_once or not self.unanswered:
            self._fleet.forget(self)
            self.hang_up()

    def hang_up(self) -> None:
        """Disconnect now, until the next `join`. What is unanswered is kept, and sent again then."""
        if self._link is not None:
            link, self._link = self._link, None
            self._fleet.run(link.stop(), self.name)
        if self._connected:
            self._connected = False
            self._fleet.connected -= 1
        for event in self.unanswered.values():
            event.sent_real = 0.0

    @property
    def error(self) -> str:
        """Why the last attempt to connect failed; empty while all is well."""
        return "" if self._link is None else self._link.error

    def next_id(self) -> str:
        """The id of this client's next event."""
        self._events += 1
        return f"e{self._events}"

    def send(self, event: Up, due_ms: int, then: Callable[[Receipt], None] | None = None) -> None:
        """Send an event that was due at `due_ms`; keep it until its receipt, which is handed to `then`, once."""
        kind = _KINDS[type(event)]
        self._fleet.records.events[self.name, event.id] = EventRecord(kind, due_ms)
        self._fleet.records.counts["events"] += 1
        self.unanswered[event.id] = Unanswered(kind, encode(event, self._json), due_ms, then)
        self.resend(-math.inf)

    def here(self, points: list[tuple[int, float, float]]) -> None:
        """Report places, QoS 0: lost where there is no connection, as a phone's would be."""
        if self._connected and self._link is not None:
            payload = encode(RiderPosition(points=points), self._json)
            if self._link.publish(topic_up(self._fleet.node, self.name, POSITION_KIND), payload, qos=0):
                self._fleet.records.counts["positions"] += len(points)

    def resend(self, before_real: float) -> None:
        """Hand over what was never sent, and again what was acknowledged, sent before `before_real` and got no receipt;
        in the sequence it happened."""
        if not self._connected:
            return
        for event in self.unanswered.values():
            if event.sent_real == 0.0 or (event.acknowledged and event.sent_real < before_real):
                if event.sent_real:
                    self._fleet.records.counts["resent"] += 1
                if not self._publish(event):
                    return  # there is no room: the next sweep goes on here
                event.sent_real = perf_counter()

    def received(self, messages: list[Message]) -> None:
        """Answers of one read: dealt with, then acknowledged (also where dealing with them made us leave)."""
        link = self._link
        for message in messages:
            kind = message.topic.rpartition("/")[2]
            decoders = _DECODERS.get(kind)
            payload = bytes(message.payload)
            try:
                body = decoders[is_json(payload)].decode(payload) if decoders else None
            except msgspec.DecodeError as error:
                self._fleet.records.problem(f"{self.name} cannot read what it got on {message.topic}: {error}")
                continue
            if isinstance(body, Receipt):
                self._receipt(body, payload)
            elif body is not None:
                self._on_answer(body)
        if link is not None:
            link.acknowledge(messages)
        if self._leaving and not self.unanswered:
            self.leave()

    def state_changed(self, state: ConnectionState) -> None:
        """The connection came or went."""
        connected = state is ConnectionState.CONNECTED
        if connected == self._connected or self._link is None:
            return
        self._connected = connected
        self._fleet.connected += 1 if connected else -1
        if connected:
            self._fleet.records.counts["connects"] += 1
            self.resend(math.inf)

    def _receipt(self, receipt: Receipt, payload: bytes) -> None:
        event = self.unanswered.pop(receipt.id, None)
        late_ms = 0.0 if event is None else self._fleet.scheduler.late_real_s(event.due_ms) * 1000
        if not self._fleet.records.receipt(self.name, receipt, payload, late_ms) or event is None:
            return
        if event.then is not None:
            event.then(receipt)
        if self._fleet.draw.random() < self._fleet.repeat_probability:
            self._repeat(event)

    def _repeat(self, event: Unanswered) -> None:
        """As a phone does that lost the receipt: the same event again. The answer must be the same bytes."""

        def again(_: int) -> None:
            if self._connected and self._publish(event):
                self._fleet.records.counts["repeats"] += 1

        self._fleet.scheduler.after(self._fleet.draw.uniform(1, 60), again)

    def _publish(self, event: Unanswered) -> bool:
        def acknowledged(code: int) -> None:
            event.acknowledged = True
            self._fleet.records.counts["acknowledged" if code < 0x80 else "refused_by_code"] += 1

        assert self._link is not None
        event.acknowledged = False
        topic = topic_up(self._fleet.node, self.name, event.kind)
        sent = self._link.publish(topic, event.payload, qos=1, on_ack=acknowledged)
        self._fleet.records.counts["published"] += sent
        return sent
