"""The clients: tills that place orders, and riders who take and deliver each at once, so that nothing accumulates.

A till is the shop's own: it is the order's customer and its shop, so that every answer has a reader. A rider accepts
and delivers in one write: two durable events, one round of the node. So a node that keeps up always has riders to
choose from, and each order, which is ready when it is placed, is offered in the round in which it arrives.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final, Self
from zlib import crc32

import msgspec
from msgspec import Struct

from edge.errors import DoorstepError
from edge.messages.envelope import Place, Up, encode, topic_down, topic_up
from edge.mqtt.packets.codec import PublishPacket
from edge.scenarios.dispatch.messages.up import OrderPlace, RiderProgress, RiderReply, RiderShift

from ..floors.echo import ECHO
from ..subjects import NODE, token_of
from .connection import Connection, Door, OnMessage, connect

OPENING_AT_ONCE: Final = 32
"""Connections that are being opened at a time: a listener's backlog is no subject here."""

SHIFT_S_MAX: Final = 20.0
CENTRE: Final = (31.2304, 121.4737)
_SPREAD: Final = 64  # shops and riders stand on a grid of so many steps
_STEP_DEG: Final = 0.0002  # about 20 m
EVENTS_PER_ORDER: Final = 3
"""Durable events that one order makes at a node: placed, accepted, delivered."""


class Received(Struct):
    """What the generator reads of an assignment, or of an order that an echo sent back."""

    order: str
    offer: int = 0
    state: str = "offered"


_DECODE: Final = (msgspec.msgpack.Decoder(Received).decode, msgspec.json.Decoder(Received).decode)

OnAnswer = Callable[[str, float], None]
"""An order came back, or its rider has it: its identifier, and `time.perf_counter()` of the read."""


def ignore_answer(order: str, at: float) -> None:
    """Between rounds: an answer for which nobody waits. The round that sent it has counted it as lost."""
    del order, at


def ignore_message(connection: Connection, packet: PublishPacket, read_at: float) -> None:
    """For a connection that only is there."""
    del connection, packet, read_at


def now_ms() -> int:
    """Unix time."""
    return time.time_ns() // 1_000_000


def tills(count: int, kind: str = "till") -> list[str]:
    """Their names."""
    return [f"{kind}-{number}" for number in range(count)]


def riders(count: int) -> list[str]:
    """Their names."""
    return [f"rider-{number}" for number in range(count)]


def place_of(name: str) -> Place:
    """Where a shop stands, or a rider waits: scattered over the district by the name, so that orders of one instant
    come from all over it and do not all want the same rider."""
    spot = crc32(name.encode())
    return Place(CENTRE[0] + spot % _SPREAD * _STEP_DEG, CENTRE[1] + spot // _SPREAD % _SPREAD * _STEP_DEG)


def order_of(number: int, till: str, at_ms: int, json: bool = False) -> bytes:
    """The payload of order `o<number>`: some 180 bytes of MessagePack, the same length for all, or the same in JSON."""
    pickup = place_of(till)
    name = f"o{number:09}"
    return encode(
        OrderPlace(
            id=name,
            at=at_ms,
            order=name,
            shop=till,
            pickup=pickup,
            dropoff=Place(pickup.lat + 10 * _STEP_DEG, pickup.lon),
            prep_s=0,
        ),
        json=json,
    )


class Workload:
    """The connections to one subject, which calls itself `node` in topics. `on_answer` changes with the rounds."""

    def __init__(self, node: str, json: bool = False) -> None:
        self.node = node
        self._json = json
        self._decode = _DECODE[json]
        self.tills: list[Connection] = []
        self.riders: list[Connection] = []
        self.on_answer: OnAnswer = ignore_answer
        self.beside: Callable[[], None] | None = None
        """What else is sent with each order."""
        self._topics: list[str] = []
        self._started = 0
        self._all_started = asyncio.Event()

    @classmethod
    async def at_node(cls, door: Door, till_count: int, rider_count: int, passwords: bool, json: bool = False) -> Self:
        """Everybody connected to the node, and the riders on shift. They speak MessagePack, or JSON."""
        return await cls(NODE, json)._open(door, tills(till_count), riders(rider_count), passwords)

    @classmethod
    async def at_echo(cls, door: Door, till_count: int) -> Self:
        """Tills alone: an echo's assignments come back to them. Other names than at the node: at a broker both live."""
        return await cls(ECHO)._open(door, tills(till_count, "echo"), [], False)

    async def _open(self, door: Door, names: list[str], rider_names: list[str], passwords: bool) -> Self:
        self._topics = [topic_up(self.node, name, "order.place") for name in names]
        on_till = self._on_till if rider_names else self._on_echo
        gate = asyncio.Semaphore(OPENING_AT_ONCE)

        async def one(name: str, on_message: OnMessage) -> Connection:
            async with gate:
                return await self.open_one(door, name, on_message, passwords)

        try:
            self.tills = await asyncio.gather(*(one(name, on_till) for name in names))
            self.riders = await asyncio.gather(*(one(name, self._on_rider) for name in rider_names))
            await self._begin_shifts()
        except BaseException:
            self.close()
            raise
        return self

    async def open_one(self, door: Door, name: str, on_message: OnMessage, passwords: bool) -> Connection:
        """One client, subscribed to what is for it. Raises DoorstepError, OSError, TimeoutError."""
        token = token_of(name) if passwords else ""
        return await connect(door, name, token, (topic_down(self.node, name, "#"),), on_message)

    def place(self, number: int) -> None:
        """Order `number` leaves its till."""
        index = number % len(self.tills)
        till = self.tills[index]
        till.publish(self._topics[index], order_of(number, till.name, now_ms(), self._json))
        till.flush()
        if self.beside is not None:
            self.beside()

    @property
    def refused(self) -> int:
        """Publishes that the peer refused."""
        return sum(connection.refused for connection in (*self.tills, *self.riders))

    @property
    def unacknowledged(self) -> int:
        """Publishes without a PUBACK."""
        return sum(connection.in_flight for connection in (*self.tills, *self.riders))

    @property
    def broken(self) -> int:
        """Connections that the peer closed."""
        return sum(connection.lost for connection in (*self.tills, *self.riders))

    def close(self) -> None:
        """Everybody hangs up."""
        for connection in (*self.tills, *self.riders):
            connection.close()

    async def _begin_shifts(self) -> None:
        for rider in self.riders:
            self.begin_shift(rider)
        if not self.riders:
            return
        try:
            await asyncio.wait_for(self._all_started.wait(), SHIFT_S_MAX)
        except TimeoutError:
            raise DoorstepError(
                f"Of {len(self.riders)} riders only {self._started} could begin a shift within {SHIFT_S_MAX:g} s."
            ) from None

    def begin_shift(self, rider: Connection) -> None:
        """From now on it is on shift, where it waits."""
        at = now_ms()
        self.send(rider, RiderShift(id=f"shift-{at}", at=at, on=True, capacity=8, place=place_of(rider.name)))
        rider.flush()

    # -- what connections call -----------------------------------------------------------------------------------------

    def _on_till(self, connection: Connection, packet: PublishPacket, read_at: float) -> None:
        """Receipts and updates are acknowledged, which is all that a till has to do."""

    def _on_echo(self, connection: Connection, packet: PublishPacket, read_at: float) -> None:
        del connection
        self.on_answer(self._decode(packet.payload).order, read_at)

    def _on_rider(self, connection: Connection, packet: PublishPacket, read_at: float) -> None:
        if not packet.topic.endswith("/assignment"):
            self._started += 1  # its receipts: the first is that of the shift
            if self._started == len(self.riders):
                self._all_started.set()
            return
        received = self._decode(packet.payload)
        if received.state != "offered":
            return
        self.on_answer(received.order, read_at)
        self._reply(connection, received)

    def _reply(self, rider: Connection, received: Received) -> None:
        """Accepted, and delivered."""
        self._accept(rider, received)
        self._deliver(rider, received)

    def _accept(self, rider: Connection, received: Received) -> None:
        id_ = f"a-{received.order}-{received.offer}"
        self.send(rider, RiderReply(id=id_, at=now_ms(), order=received.order, offer=received.offer, accept=True))

    def _deliver(self, rider: Connection, received: Received) -> None:
        id_ = f"d-{received.order}-{received.offer}"
        self.send(rider, RiderProgress(id=id_, at=now_ms(), order=received.order, step="delivered"))

    def send(self, connection: Connection, body: Up) -> None:
        """One event of this client, on its way with the connection's next `flush`."""
        kind = str(body.__struct_config__.tag)
        connection.publish(topic_up(self.node, connection.name, kind), encode(body, json=self._json))
