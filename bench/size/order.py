"""Three clients that take one order at a time through a node: customer, shop and rider.

They send JSON over loopback and use no class of the node's for it, so they work with every layout of its files. (The
node answers a client that has sent nothing yet in MessagePack.) While `quiet`, a client reads but sends nothing, no
PUBACK either, so that the node works on the order alone.
"""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any, Final

import msgspec

from edge.errors import DoorstepError
from edge.mqtt.packets.codec import PublishPacket

from ..load.client.connection import OPEN_S_MAX, Connection

NODE: Final = "size"
"""The node's name in topics."""

ANSWER_S_MAX: Final = 10.0
_LOOK_S: Final = 0.002
_PLACE: Final = {"lat": 31.2304, "lon": 121.4737}
_DOOR: Final = {"lat": 31.2324, "lon": 121.4737}  # 220 m to the north


class Client(Connection):
    """One of the three. `received` has kind, order and state ("" where there is none) of each message."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "", (f"ds/{NODE}/down/{name}/#",), self._on_publish, False)
        self.quiet = False
        self.received: set[tuple[str, str, str]] = set()
        self.offer = 0
        """The number of the last assignment."""

    def flush(self) -> None:
        """Write the buffered packets, unless the client is quiet."""
        if not self.quiet:
            super().flush()

    def submit(self, kind: str, identifier: str, **fields: Any) -> None:
        """Publish one event with QoS 1."""
        body = {"id": identifier, "at": time.time_ns() // 1_000_000, **fields}
        self.publish(f"ds/{NODE}/up/{self.name}/{kind}", json.dumps(body).encode())
        self.flush()

    def _on_publish(self, connection: Connection, packet: PublishPacket, read_at: float) -> None:
        del connection, read_at
        decode = msgspec.json.decode if packet.payload[:1] == b"{" else msgspec.msgpack.decode
        body = decode(packet.payload)
        self.offer = body.get("offer", self.offer)
        self.received.add((packet.topic.rpartition("/")[2], body.get("order", ""), body.get("state", "")))


class Scene:
    """The three, connected, with the rider on shift. Made by `open`."""

    def __init__(self) -> None:
        self.customer, self.shop, self.rider = Client("customer-1"), Client("shop-1"), Client("rider-1")
        self._all = (self.customer, self.shop, self.rider)

    async def open(self, port: int) -> None:
        """Connect, and begin the shift. Raises DoorstepError, OSError, TimeoutError."""
        loop = asyncio.get_running_loop()
        for client in self._all:
            await loop.create_connection(lambda client=client: client, "127.0.0.1", port)
            await asyncio.wait_for(client.ready, OPEN_S_MAX)
        self.rider.submit("rider.shift", "shift-1", on=True, place=_PLACE)
        await self._until("the rider's shift", lambda: ("receipt", "", "") in self.rider.received)

    async def place(self, order: str) -> None:
        """Place an order and wait for all that it causes: the PUBACK, the receipt, the assignment, both updates. All
        three clients stay quiet, because their replies are not measured."""
        shop = self.shop.name
        self.customer.submit("order.place", order, order=order, shop=shop, pickup=_PLACE, dropoff=_DOOR, prep_s=0)
        for client in self._all:
            client.quiet = True

        def is_answered() -> bool:
            update = ("update", order, "offered")
            return (
                self.customer.in_flight == 0
                and {("receipt", order, ""), update} <= self.customer.received
                and update in self.shop.received
                and ("assignment", order, "offered") in self.rider.received
            )

        await self._until(f"the answers to {order}", is_answered)

    async def deliver(self, order: str) -> None:
        """Send what was held back, and let the rider deliver."""
        for client in self._all:
            client.quiet = False
            client.flush()
        self.rider.submit("rider.reply", f"reply-{order}", order=order, offer=self.rider.offer, accept=True)
        self.rider.submit("rider.progress", f"delivered-{order}", order=order, step="delivered")
        await self._until(f"the delivery of {order}", lambda: ("update", order, "delivered") in self.customer.received)

    def close(self) -> None:
        """Disconnect all three."""
        for client in self._all:
            client.close()

    async def _until(self, what: str, is_there: Callable[[], bool]) -> None:
        try:
            async with asyncio.timeout(ANSWER_S_MAX):
                while not is_there():  # noqa: ASYNC110 - a condition over three clients, without an event of its own
                    await asyncio.sleep(_LOOK_S)
        except TimeoutError:
            received = {client.name: sorted(client.received)[-5:] for client in self._all}
            raise DoorstepError(
                f"The node did not give {what} in {ANSWER_S_MAX:g} s; the clients have {received}."
            ) from None
