"""Tills and riders that live through restarts of their node: what a mini-program's client has to do, and no more.

An event is kept until its receipt has come. The connection (`edge.mqtt.client.connection`) sends it again until it is
acknowledged; where the receipt does not follow, it is sent again with the same id. So every event is either decided
or still here.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from random import Random
from time import perf_counter
from typing import Any, Final

import msgspec
from msgspec import Struct

from edge.messages.envelope import Place, encode, is_json, topic_down, topic_up
from edge.mqtt.client.connection import ConnectionState, Message, MqttConnection
from edge.scenarios.dispatch.messages import OrderPlace, RiderPosition, RiderProgress, RiderReply, RiderShift

RESEND_S: Final = 3.0
"""Real seconds after which an event without a receipt is sent again."""

SWEEP_S: Final = 1.0
POSITION_S: Final = 1.0
"""Real seconds between two positions of a rider: at 2,880 times real speed the node believes one for 2.5."""

BACKOFF_S: Final = (0.1, 1.0)
CLOSE_S: Final = 5.0
SESSION_EXPIRY_S: Final = 24 * 3600
CENTRE: Final = (31.2304, 121.4737)
_SPREAD: Final = 16
_STEP_DEG: Final = 0.004  # about 400 m: shops and doors lie in some hundred H3 cells
_TURNS: Final = 10
_FAILED: Final = 0x80


class _Answer(Struct):
    """What people read of an answer: a receipt has an id, an assignment a state."""

    id: str = ""
    order: str = ""
    offer: int = 0
    state: str = ""


_DECODERS: Final = (msgspec.msgpack.Decoder(_Answer).decode, msgspec.json.Decoder(_Answer).decode)


class _Kept(Struct):
    topic: str
    payload: bytes
    sent_at: float = 0.0
    in_flight: bool = False


class Person:
    """One client and its unanswered events. `on_assignment` is called for each assignment, `on_here` when connected."""

    def __init__(self, crowd: "Crowd", name: str, token: str, on_assignment: Callable[[_Answer, float], None]) -> None:
        self.name = name
        self.kept: dict[str, _Kept] = {}
        self.on_here: Callable[[], None] | None = None
        self._crowd = crowd
        self._on_assignment = on_assignment
        self.link = MqttConnection(
            crowd.url,
            client_id=name,
            username=name,
            token=token,
            clean_start=False,
            session_expiry_s=SESSION_EXPIRY_S,
            on_messages=self._received,
            on_state=self._changed,
            subscriptions=[(topic_down(crowd.node, name, "#"), 1)],
            backoff=BACKOFF_S,
            random=crowd.dice.random,
        )

    def send(self, event: Any) -> None:
        """Send an event and keep it until its receipt."""
        kind = event.__struct_config__.tag
        kept = _Kept(topic_up(self._crowd.node, self.name, kind), encode(event, json=False))
        self.kept[event.id] = kept
        self._crowd.sent += 1
        self._send(event.id, kept)

    def raw(self, kind: str, payload: bytes, qos: int) -> None:
        """Something that gets no receipt: a position, or malformed bytes."""
        self.link.publish(topic_up(self._crowd.node, self.name, kind), payload, qos=qos)

    def sweep(self, before: float) -> None:
        """Send again what was acknowledged, or refused, without a receipt, and what found no room."""
        for id_, kept in list(self.kept.items()):
            if not kept.in_flight and kept.sent_at < before and not self._send(id_, kept):
                return

    def _send(self, id_: str, kept: _Kept) -> bool:
        again = kept.sent_at > 0
        if not self.link.publish(kept.topic, kept.payload, on_ack=partial(self._acknowledged, id_, kept)):
            return False
        self._crowd.resent += again
        kept.in_flight, kept.sent_at = True, perf_counter()
        return True

    def _acknowledged(self, id_: str, kept: _Kept, code: int) -> None:
        kept.in_flight = False
        if code < _FAILED:
            self._crowd.promised.add((self.name, id_))

    def _received(self, messages: list[Message]) -> None:
        for message in messages:
            kind = message.topic.rpartition("/")[2]
            if kind == "update":
                continue
            answer = _DECODERS[is_json(message.payload)](message.payload)  # to malformed JSON it comes in JSON
            if kind == "receipt":
                self._crowd.promised.add((self.name, answer.id))
                self.kept.pop(answer.id, None)
            else:
                self._on_assignment(answer, self.link.read_at)
        self.link.acknowledge(messages)

    def _changed(self, state: ConnectionState) -> None:
        if state is ConnectionState.CONNECTED:
            if self.on_here is not None:
                self.on_here()
            self.sweep(perf_counter())


class Crowd:
    """Everybody at one node. `on_offer` is called with the first offer of each order: its number and `perf_counter`."""

    def __init__(self, node: str, url: str, tokens: dict[str, str], wall_ms: Callable[[], int], seed: int) -> None:
        self.node, self.url = node, url
        self.dice = Random(f"crowd {seed}")
        self.sent = 0
        self.resent = 0
        self.promised: set[tuple[str, str]] = set()
        """(client, id) of every event that was acknowledged or has its receipt."""
        self.on_offer: Callable[[int, float], None] = _ignore_offer
        self.tills = [Person(self, name, tokens[name], _unasked) for name in tokens if name.startswith("till")]
        self.riders: list[Person] = []
        self._wall_ms = wall_ms
        self._places: dict[str, tuple[float, float]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._sweeper: asyncio.TimerHandle | None = None
        self._placer: asyncio.TimerHandle | None = None
        self._turn = 0
        for number, name in enumerate(name for name in tokens if name.startswith("rider")):
            rider = Person(self, name, tokens[name], partial(self._offered, number))
            rider.on_here = partial(self._here, rider)
            self._places[name] = (
                CENTRE[0] + number % _SPREAD * _STEP_DEG,
                CENTRE[1] + number // _SPREAD % _SPREAD * _STEP_DEG,
            )
            self.riders.append(rider)

    @property
    def people(self) -> list[Person]:
        """All of them."""
        return [*self.tills, *self.riders]

    @property
    def connected(self) -> int:
        """How many have a connection now."""
        return sum(person.link.connected for person in self.people)

    @property
    def waiting(self) -> int:
        """Events without a receipt."""
        return sum(len(person.kept) for person in self.people)

    def start(self) -> None:
        """Everybody connects, and the riders begin their shifts."""
        for person in self.people:
            self._run(person.link.run())
        for rider in self.riders:
            lat, lon = self._places[rider.name]
            at = self._wall_ms()
            rider.send(RiderShift(id=f"shift-{at}", at=at, on=True, capacity=8, place=Place(lat, lon)))
        self._sweep()
        self._positions()

    def place(self, number: int) -> None:
        """Order `number` leaves its till."""
        till = self.tills[number % len(self.tills)]
        lat = CENTRE[0] + number * 7 % _SPREAD * _STEP_DEG
        lon = CENTRE[1] + number * 11 // _SPREAD % _SPREAD * _STEP_DEG
        name = f"o{number:09}"
        till.send(
            OrderPlace(
                id=name,
                at=self._wall_ms(),
                order=name,
                shop=till.name,
                pickup=Place(lat, lon),
                dropoff=Place(lat + _STEP_DEG, lon),
                prep_s=60,
            )
        )

    async def everybody(self, timeout_s: float) -> None:
        """Wait until all are connected. Raises TimeoutError."""
        async with asyncio.timeout(timeout_s):
            while self.connected < len(self.people):  # noqa: ASYNC110 - a node of another process decides it
                await asyncio.sleep(0.02)

    def storm(self, share: float) -> int:
        """A share of them loses its connection at once, and comes back. Returns how many."""
        gone = [person for person in self.people if self.dice.random() < share]
        for person in gone:
            person.link.drop()
        return len(gone)

    async def close(self) -> None:
        """Everybody hangs up."""
        for timer in (self._sweeper, self._placer):
            if timer is not None:
                timer.cancel()
        await asyncio.gather(*(person.link.stop() for person in self.people))
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLOSE_S)

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _offered(self, index: int, offer: _Answer, at: float) -> None:
        if offer.state != "offered":
            return
        self.on_offer(int(offer.order[1:]), at)
        rider, now = self.riders[index], self._wall_ms()
        name = f"{offer.order}-{offer.offer}"
        rider.send(RiderReply(id=f"a-{name}", at=now, order=offer.order, offer=offer.offer, accept=True))
        rider.send(RiderProgress(id=f"d-{name}", at=now, order=offer.order, step="delivered"))

    def _here(self, rider: Person) -> None:
        lat, lon = self._places[rider.name]
        rider.raw("rider.position", encode(RiderPosition(points=[(self._wall_ms(), lat, lon)]), json=False), qos=0)

    def _sweep(self) -> None:
        before = perf_counter() - RESEND_S
        for person in self.people:
            if person.kept and person.link.connected:
                person.sweep(before)
        self._sweeper = asyncio.get_running_loop().call_later(SWEEP_S, self._sweep)

    def _positions(self) -> None:
        """A tenth of the riders after the other, so that a second's positions do not come at once."""
        self._turn = (self._turn + 1) % _TURNS
        for rider in self.riders[self._turn :: _TURNS]:
            self._here(rider)
        self._placer = asyncio.get_running_loop().call_later(POSITION_S / _TURNS, self._positions)


def names(tills: int, riders: int) -> Iterable[str]:
    """Of all clients."""
    yield from (f"till-{number}" for number in range(tills))
    yield from (f"rider-{number}" for number in range(riders))


def _ignore_offer(number: int, at: float) -> None:
    """Before anybody measures."""
    del number, at


def _unasked(offer: _Answer, at: float) -> None:
    """A till gets no assignments."""
    del offer, at
