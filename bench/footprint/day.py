"""An hour of a day's load, or full load: orders under way as long as on a road, riders who report positions."""

import asyncio
import heapq
from time import perf_counter
from typing import Any, Final

import msgspec

from edge.errors import DoorstepError
from edge.messages.envelope import Place, encode, topic_down, topic_up
from edge.mqtt.packets.codec import PublishPacket
from edge.scenarios.dispatch.messages.up import OrderPlace, RiderPosition, RiderProgress, RiderReply, RiderShift

from ..load.client.connection import Connection, connect
from ..load.client.openloop import due_times
from ..load.client.workload import CENTRE, OPENING_AT_ONCE, Received, ignore_message, riders, tills
from ..load.subjects import NODE, token_of
from .node_process import NodeProcess

UNDER_WAY_S: Final = 1_500.0
"""From an order's acceptance to its delivery, by the node's clock."""

POSITION_S: Final = 10.0
"""Between two positions of a rider, by the node's clock."""

TICK_S: Final = 0.02
SETTLE_S_MAX: Final = 60.0
_decode: Final = msgspec.msgpack.Decoder(Received).decode


class Day:
    """All clients of one node."""

    def __init__(self, process: NodeProcess) -> None:
        self.placed = self.delivered = self.positions = 0
        self._node = process
        self._tills: list[Connection] = []
        self._riders: list[Connection] = []
        self._road: list[tuple[int, str]] = []  # due (node's ms), order
        self._holder: dict[str, int] = {}  # by order, the index of the rider who accepted it last
        self._index: dict[str, int] = {}
        self._events = 0

    @property
    def accepted(self) -> int:
        """Orders that a rider has accepted, delivered ones included."""
        return len(self._holder)

    async def open(self, till_count: int, rider_count: int) -> None:
        """Connect, and begin the shifts."""
        gate = asyncio.Semaphore(OPENING_AT_ONCE)

        async def one(name: str, on_message: Any) -> Connection:
            async with gate:
                filters = (topic_down(NODE, name, "#"),)
                return await connect(self._node.door, name, token_of(name), filters, on_message)

        self._tills = await asyncio.gather(*(one(name, ignore_message) for name in tills(till_count)))
        self._riders = await asyncio.gather(*(one(name, self._on_rider) for name in riders(rider_count)))
        self._index = {rider.name: number for number, rider in enumerate(self._riders)}
        for number, rider in enumerate(self._riders):
            body = RiderShift(
                id=self._id(), at=self._node.clock.wall_ms(), on=True, capacity=8, place=self._place(number)
            )
            self._send(rider, "rider.shift", body)
        await self._settled()

    async def hour(self, orders: int, hours: float, seed: int) -> None:
        """So many orders in so many hours of the node's clock, each delivered in time."""
        real_s = hours * 3600 / self._node.clock.speed
        due: list[float] = due_times(orders / real_s, real_s, seed).tolist()
        begin = perf_counter()
        until = begin + real_s
        position_s, next_position, turn = POSITION_S / self._node.clock.speed / len(self._riders), begin, 0
        while (now := perf_counter()) < until or self.placed < len(due):
            while self.placed < len(due) and due[self.placed] <= now - begin:
                self.place()
            while next_position <= now:
                self._report(turn % len(self._riders))
                turn += 1
                next_position += position_s
            self._deliver()
            for rider in self._riders:
                rider.flush()
            await asyncio.sleep(TICK_S)
        await self._settled()

    async def fill(self, orders: int) -> None:
        """So many orders, accepted and not delivered. One after the other: of many at once some would wait for a rider
        who is near, and soon free."""
        async with asyncio.timeout(SETTLE_S_MAX):
            for number in range(orders):
                self.place()
                while self.accepted <= number:  # noqa: ASYNC110 - counted where messages come in
                    await asyncio.sleep(0.001)
        await self._settled()

    def place(self) -> None:
        """One more order."""
        number, self.placed = self.placed, self.placed + 1
        till = self._tills[number % len(self._tills)]
        name = f"o{number}"
        pickup, dropoff = self._place(number * 7), self._place(number * 7 + 40)
        at_ms = self._node.clock.wall_ms()
        body = OrderPlace(id=name, at=at_ms, order=name, shop=till.name, pickup=pickup, dropoff=dropoff, prep_s=0)
        self._send(till, "order.place", body)

    def close(self) -> None:
        """Everybody hangs up."""
        for connection in (*self._tills, *self._riders):
            connection.close()

    def _report(self, index: int) -> None:
        rider, place = self._riders[index], self._place(index + self.positions % 5)
        body = RiderPosition(points=[(self._node.clock.wall_ms(), place.lat, place.lon)])
        payload = encode(body, json=False)
        rider.send(PublishPacket(topic_up(NODE, rider.name, "rider.position"), payload).write())
        self.positions += 1

    def _deliver(self) -> None:
        now_ms = self._node.clock.wall_ms()
        while self._road and self._road[0][0] <= now_ms:
            _, order = heapq.heappop(self._road)
            body = RiderProgress(id=self._id(), at=now_ms, order=order, step="delivered")
            self._send(self._riders[self._holder[order]], "rider.progress", body)
            self.delivered += 1

    def _on_rider(self, connection: Connection, packet: PublishPacket, read_at: float) -> None:
        del read_at
        received = _decode(packet.payload) if packet.topic.endswith("/assignment") else None
        if received is None or received.state == "withdrawn":
            return
        if received.state == "accepted":  # also of an order that the node has moved here
            self._holder[received.order] = self._index[connection.name]
            return
        at_ms = self._node.clock.wall_ms()
        body = RiderReply(id=self._id(), at=at_ms, order=received.order, offer=received.offer, accept=True)
        self._send(connection, "rider.reply", body)
        # An order may go from one rider to another, as on a machine that was held up.
        if received.order not in self._holder:
            heapq.heappush(self._road, (at_ms + int(UNDER_WAY_S * 1000), received.order))
        self._holder[received.order] = self._index[connection.name]

    def _send(self, connection: Connection, kind: str, body: Any) -> None:
        connection.publish(topic_up(NODE, connection.name, kind), encode(body, json=False))
        connection.flush()

    async def _settled(self) -> None:
        """Until every publish is acknowledged."""
        try:
            async with asyncio.timeout(SETTLE_S_MAX):
                while any(connection.in_flight for connection in (*self._tills, *self._riders)):  # noqa: ASYNC110
                    await asyncio.sleep(TICK_S)
        except TimeoutError:
            raise DoorstepError(f"The node did not acknowledge everything within {SETTLE_S_MAX:g} s.") from None

    def _place(self, number: int) -> Place:
        return Place(CENTRE[0] + number % 100 * 0.0008, CENTRE[1] + number // 100 % 100 * 0.0008)

    def _id(self) -> str:
        self._events += 1
        return f"d{self._events}"
