"""The same packets as an order has at the node, where nobody decides and nothing is kept. A process of its own.

    python -m bench.load.floors.workload_echo PORT NODE [JOURNAL]

The bare echo answers one message with one. An order at the node is three events with their receipts, an assignment and
two updates (offered; what is accepted and delivered at once is sent as delivered): six publishes out for three in, over
two connections. This server sends those, made with the node's own codec and message types, and gives each order to the
next rider in turn. What it reaches is what sockets, packets and messages leave on this machine for a node whose
decisions and whose disk cost nothing.

With JOURNAL the answers of each turn of the loop are committed to a SQLite file of that name before they leave, with
the node's settings: what packets and disk leave for a node that validates, remembers and decides at no cost.
"""

import asyncio
import sys
import time
from typing import Final

import apsw

from edge.core.decode import Catalog
from edge.core.model import Event
from edge.messages.envelope import encode, topic_down
from edge.mqtt.packets.codec import PublishPacket
from edge.scenarios.dispatch import Dispatch
from edge.scenarios.dispatch.messages.down import Assignment, OrderReceipt, Stop, Update
from edge.scenarios.dispatch.messages.up import OrderPlace, RiderProgress, RiderShift

from .echo import until_terminated
from .server import ServerConnection

_CATALOG: Final = Catalog([Dispatch])


class Kept:
    """A table to which bytes are committed. Its log is never folded back into it: a run is short."""

    def __init__(self, path: str) -> None:
        self._database = apsw.Connection(path)
        for pragma in ("journal_mode = wal", "synchronous = full", "wal_autocheckpoint = 0"):
            self._database.execute(f"pragma {pragma}").fetchall()
        self._database.execute("create table rows (number integer primary key, body blob)")

    def commit(self, body: bytes) -> None:
        """On disk when this returns."""
        self._database.execute("insert into rows (body) values (?)", (body,))


class Town:
    """Who is connected, which riders work, and whose each order is. `node` is the name in its topics."""

    def __init__(self, node: str, kept: Kept | None) -> None:
        self._node, self._kept = node, kept
        self._answered: list[WorkloadEchoConnection] = []
        self.clients: dict[str, WorkloadEchoConnection] = {}
        self._riders: list[str] = []
        self._next = 0
        self._till_of: dict[str, str] = {}

    def event(self, event: Event) -> None:
        """What the node would answer, but for the decision."""
        body, client, now = event.body, event.client, time.time_ns() // 1_000_000
        order = str(getattr(body, "order", ""))
        kind = str(body.__struct_config__.tag)
        self._send(client, OrderReceipt(id=body.id, of=kind, status="accepted", at=now, order=order))
        if isinstance(body, OrderPlace):
            self._till_of[order] = client
            self._offer(body, now)
            self._send(client, Update(order=order, state="offered", at=now, expected_at=now, ready_at=now))
        elif isinstance(body, RiderProgress):
            self._send(self._till_of.pop(order), Update(order=order, state="delivered", at=now, ready_at=now))
        elif isinstance(body, RiderShift):
            self._riders.append(client)

    def answered(self, client: "WorkloadEchoConnection") -> None:
        """It has something to send: at the end of the turn."""
        if not self._answered:
            asyncio.get_running_loop().call_soon(self._turn)
        self._answered.append(client)

    def _turn(self) -> None:
        clients, self._answered = self._answered, []
        if self._kept is not None:
            self._kept.commit(b"".join([client.out for client in clients]))
        for client in clients:
            client.flush()

    def _offer(self, order: OrderPlace, now: int) -> None:
        rider = self._riders[self._next % len(self._riders)]
        self._next += 1
        pickup, dropoff = order.pickup, order.dropoff
        stops = [
            Stop(at="pickup", order=order.order, lat=pickup.lat, lon=pickup.lon, expected_at=now, shop=order.shop),
            Stop(at="dropoff", order=order.order, lat=dropoff.lat, lon=dropoff.lon, expected_at=now),
        ]
        self._send(
            rider,
            Assignment(
                offer=1, order=order.order, state="offered", at=now, stops=stops, ready_at=now, answer_by=now + 60_000
            ),
        )

    def _send(self, client: str, body: OrderReceipt | Assignment | Update) -> None:
        kind = _CATALOG.down_kinds.get(type(body), "receipt")
        self.clients[client].publish(topic_down(self._node, client, kind), encode(body, json=False))


class WorkloadEchoConnection(ServerConnection):
    """One connection. What a turn of the loop has for it is written in one piece, as the node does."""

    def __init__(self, town: Town) -> None:
        super().__init__()
        self._town = town
        self._name = ""

    def on_connect(self, client: str) -> None:
        self._name = client
        self._town.clients[client] = self

    def on_publish(self, packet: PublishPacket) -> None:
        kind = packet.topic.rpartition("/")[2]
        made = _CATALOG.decode(self._name, kind, packet.payload, "wgs84")
        if isinstance(made, Event):
            self._town.event(made)

    def write(self, packet: bytes) -> None:
        if not self.out:
            self._town.answered(self)
        super().write(packet)


async def listen(port: int, node: str, journal: str = "") -> None:
    """Serve until SIGTERM."""
    town = Town(node, Kept(journal) if journal else None)
    await asyncio.get_running_loop().create_server(
        lambda: WorkloadEchoConnection(town), "127.0.0.1", port, backlog=1024
    )
    await until_terminated()


if __name__ == "__main__":
    import uvloop

    uvloop.run(listen(int(sys.argv[1]), *sys.argv[2:4]))
