"""The district's MQTT clients, one connection each, on the client that developers get."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any, Final

import msgspec

from doorstep_client import Client as DoorstepClient
from doorstep_client import Receipt as Received
from edge.messages.envelope import Receipt, Up
from edge.scenarios.dispatch.messages.down import Assignment, Update
from edge.scenarios.dispatch.messages.overrides import OrderPreview, Preview
from edge.scenarios.dispatch.messages.up import POSITION_KIND
from edge.scenarios.labels.messages import LabelShow, PriceReceipt

from ..proof.records import EventRecord, Records
from .scheduler import Scheduler

RESEND_S: Final = (3.0, 3.0)
"""Real seconds after which an event without a receipt is sent again."""

BACKOFF_S: Final = (0.1, 1.5)
"""Reconnect delays, from and to, real seconds: a rehearsal has no radio network to spare."""

EVENTS_MAX: Final = 10_000
"""Of one client: what a till changes while the node is away."""

CLOSE_S: Final = 5.0
"""Real seconds in which connections may close at the end."""

Answer = Assignment | Update | Preview | LabelShow
_FORMS: Final[dict[str, type[Answer]]] = {
    "assignment": Assignment,
    "update": Update,
    "preview": Preview,
    "label.show": LabelShow,
}


class Fleet:
    """What all clients share: where to connect, their tokens, and the records."""

    def __init__(
        self, node: str, url: str, tokens: dict[str, str], scheduler: Scheduler, records: Records, seed: int
    ) -> None:
        self.node = node
        self.url = url
        self.scheduler = scheduler
        self.records = records
        self.repeat_probability = 0.0
        self.draw = random.Random(f"fleet {seed}")
        self._tokens = tokens
        self._shared: tuple[str, str] | None = None
        self._clients: dict[str, Client] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def client(self, name: str, json: bool, on_answer: Callable[[Answer], None]) -> "Client":
        """A client of its own name and token, not yet connected."""
        client = self._clients[name] = Client(self, name, json, on_answer)
        return client

    def share(self, username: str, token: str) -> None:
        """Everybody connects as `username`; where it is empty, under their own name and without a token. For a broker
        that knows nothing of the district's people."""
        self._tokens = {}
        self._shared = (username, token) if username else None

    def connect(self, name: str, json: bool, on_receipt: Callable[[Received], None]) -> DoorstepClient:
        """The connection of a client, not yet begun."""
        username, token = self._shared or (name, self._tokens.get(name, ""))
        return DoorstepClient(
            self.url,
            node=self.node,
            name=name,
            token=token,
            username=username,
            client_id=f"{self.node}-{name}",
            encoding="json" if json else "msgpack",
            events_max=EVENTS_MAX,
            resend_s=RESEND_S,
            backoff_s=BACKOFF_S,
            random=self.draw.random,
            on_receipt=on_receipt,
        )

    @property
    def connected(self) -> int:
        """How many have a connection now."""
        return sum(client.connection.connected for client in self._clients.values())

    def run(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Run something of a client's. Its failure is a problem of the run, not a line lost in a log."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def forget(self, client: "Client") -> None:
        """A client is gone for good: what it did is counted."""
        if self._clients.pop(client.name, None) is None:
            return
        connection, counts = client.connection, self.records.counts
        counts["connects"] += connection.connects
        counts["acknowledged"] += connection.acknowledged
        counts["resent"] += connection.resent
        if connection.unreadable:
            self.records.problem(f"{client.name} could not read {connection.unreadable} messages that it got")

    def unanswered(self) -> list[tuple[str, str]]:
        """(client, id) of every event that still waits for its receipt."""
        return [(name, event) for name, client in self._clients.items() for event in client.connection.waiting]

    async def close(self) -> None:
        """Close every connection."""
        for client in list(self._clients.values()):
            client.leave(at_once=True)
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=CLOSE_S)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=CLOSE_S)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.records.problem(f"the connection of {task.get_name()} ended: {error}")


class Client:
    """One person's or shop's connection. Ids are its own and count up."""

    def __init__(self, fleet: Fleet, name: str, json: bool, on_answer: Callable[[Answer], None]) -> None:
        self.name = name
        self.connection = fleet.connect(name, json, self._received)
        self._fleet = fleet
        self._on_answer = on_answer
        self._sent: dict[str, tuple[Up, int, Callable[[Receipt], None] | None]] = {}
        self._joined = False
        self._leaving = False
        self._events = 0

    def join(self) -> None:
        """Connect, and stay connected."""
        if not self._joined:
            self._joined = True
            self.connection.start()
            self._fleet.run(self._read(), self.name)

    def leave(self, at_once: bool = False) -> None:
        """Disconnect as soon as nothing is unanswered."""
        self._leaving = True
        if at_once:
            self._go()
        elif not self.connection.waiting:
            asyncio.get_running_loop().call_soon(self._go)  # what is being read is acknowledged by then

    def hang_up(self) -> None:
        """Disconnect now, until the next `join`. What is unanswered is kept, and sent again then."""
        self._joined = False
        self.connection.hang_up()
        self._fleet.run(self.connection.stop(), self.name)

    def _go(self) -> None:
        self._fleet.forget(self)
        self.hang_up()

    @property
    def error(self) -> str:
        """Why the last attempt to connect failed; empty while all is well."""
        return self.connection.error

    def next_id(self) -> str:
        """The id of this client's next event."""
        self._events += 1
        return f"e{self._events}"

    def send(self, event: Up, due_ms: int, then: Callable[[Receipt], None] | None = None) -> None:
        """Send an event that was due at `due_ms`; keep it until its receipt, which is handed to `then`, once."""
        self._fleet.records.events[self.name, event.id] = EventRecord()
        self._sent[event.id] = event, due_ms, then
        self.connection.send(_kind(event), msgspec.to_builtins(event))

    def here(self, points: list[tuple[int, float, float]]) -> None:
        """Report places, QoS 0: lost where there is no connection, as a phone's would be."""
        if self.connection.report(POSITION_KIND, points=points):
            self._fleet.records.counts["positions"] += len(points)

    def ask(self, question: OrderPreview) -> None:
        """A question, QoS 0: whoever gets no answer asks about something else."""
        self.connection.report(_kind(question), msgspec.to_builtins(question))

    async def _read(self) -> None:
        async for answer in self.connection.answers():
            if (form := _FORMS.get(answer.kind)) is not None:
                self._on_answer(msgspec.convert(answer.body, form))

    def _received(self, received: Received) -> None:
        """A receipt: the first one for an event, or one of its repeats."""
        receipt = msgspec.convert(received.body, PriceReceipt)  # has all fields that people here look at
        event, due_ms, then = self._sent.get(receipt.id, (None, 0, None))
        late_ms = self._fleet.scheduler.late_real_s(due_ms) * 1000
        if self._fleet.records.receipt(self.name, receipt, received.payload, late_ms) and event is not None:
            if then is not None:
                then(receipt)
            if self._fleet.draw.random() < self._fleet.repeat_probability:
                self._repeat(event)
        if self._leaving and not self.connection.waiting:
            self.leave()

    def _repeat(self, event: Up) -> None:
        """As a phone does that lost the receipt: the same event again. The answer must be the same bytes."""

        def again(_: int) -> None:
            if self.connection.connected:
                self.connection.send(_kind(event), msgspec.to_builtins(event))
                self._fleet.records.counts["repeats"] += 1

        self._fleet.scheduler.after(self._fleet.draw.uniform(1, 60), again)


def _kind(event: msgspec.Struct) -> str:
    return str(event.__struct_config__.tag)
