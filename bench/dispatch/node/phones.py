"""Everybody's connection to a node on the time of a benchmark, written and read from one thread."""

import selectors
import socket
import time
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from edge.core.model import Now
from edge.errors import DoorstepError
from edge.mqtt.packets.codec import (
    ConnAckPacket,
    ConnectPacket,
    Decoder,
    PingReqPacket,
    PublishPacket,
    QoS,
    SubAckPacket,
    SubscribePacket,
    TopicFilter,
)
from edge.scenarios.dispatch.messages.up import OrdersList

from ...lab.site import Site
from ...load.client.connection import PACKET_BYTES_MAX
from ...rows import opened
from .stepped import ASKING, Seam
from .tape import Messages, kind_of

WAIT_S_MAX: Final = 60.0
"""For anything, on a busy machine."""

MORE_S_MAX: Final = 2.0
"""For messages that were expected beside the answer that ends a round: they left the node with it. Waited for once: a
node that sends something else is not waited for in each round."""

PING_S: Final = 30.0
"""A node drops a connection that is silent for minutes; some shops send nothing all day."""

LOOK_S: Final = 0.000_1
READ_BYTES: Final = 65_536

_pack: Final = msgspec.msgpack.Encoder().encode


class _Phone:
    """One connection."""

    def __init__(self, name: str, port: int) -> None:
        self.name = name
        self.socket = socket.create_connection(("127.0.0.1", port), WAIT_S_MAX)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._decoder = Decoder(PACKET_BYTES_MAX)

    def read(self) -> list[Any]:
        """The packets that have come."""
        data = self.socket.recv(READ_BYTES)
        if not data:
            raise DoorstepError(f"The node has closed the connection of {self.name}.")
        return self._decoder.feed(data)


class Phones:
    """Connections of all clients at a node without credentials. `received`: kind and message, by client."""

    def __init__(self, site: Site, seam: Seam, names: Iterable[str]) -> None:
        self.received: Messages = {}
        self._site, self._seam = site, seam
        self._sent = self._packet_id = self._missing = 0
        self._ping_at = time.monotonic() + PING_S
        self._selector = selectors.DefaultSelector()
        self._phones: dict[str, _Phone] = {}
        for name in (*names, ASKING):
            self._ping()
            phone = self._phones[name] = _Phone(name, site.port)
            phone.socket.sendall(ConnectPacket(phone.name, clean_start=True, keep_alive=0).write())
            self._expect(phone, ConnAckPacket)
            every = [TopicFilter(f"ds/{site.node_name}/down/{phone.name}/#", max_qos=QoS.AT_MOST_ONCE)]
            phone.socket.sendall(SubscribePacket(1, every).write())
            self._expect(phone, SubAckPacket)
            self._selector.register(phone.socket, selectors.EVENT_READ, phone)

    def close(self) -> None:
        """Hang up."""
        for phone in self._phones.values():
            phone.socket.close()
        self._selector.close()

    def send(self, client: str, body: msgspec.Struct, qos: int = 1) -> None:
        """One message. Returns when the node has read it: so the sequence of several is kept."""
        self._packet_id = self._packet_id % 65_535 + 1
        topic = f"ds/{self._site.node_name}/up/{client}/{kind_of(body)}"
        made = PublishPacket(topic, _pack(body), qos=QoS(qos), packet_id=self._packet_id if qos else None)
        self._phones[client].socket.sendall(made.write())
        self._sent += 1
        deadline = time.monotonic() + WAIT_S_MAX
        while self._seam.read < self._sent:
            if time.monotonic() > deadline or not self._site.node.alive:
                raise DoorstepError(f"The node does not read. The end of its log:\n{self._site.node.tail()}")
            time.sleep(LOOK_S)

    def round(self, now: Now, expected: int) -> None:
        """The node handles what was sent, at `now`. Returns when it has answered, and so many other messages have come;
        or no more do."""
        self._ping()
        self._seam.now = now
        self.send(ASKING, OrdersList(), qos=0)
        answered, others = False, 0
        while not answered or others < expected:
            ready = self._selector.select(WAIT_S_MAX if not answered else 0.0 if self._missing else MORE_S_MAX)
            if not ready and answered:
                self._missing += expected - others  # that is for whoever compares
                return
            if not ready:
                raise DoorstepError(f"The node did not answer. The end of its log:\n{self._site.node.tail()}")
            try:
                arrived = [*self._arrived(key.data for key, _ in ready)]
            except DoorstepError as error:
                raise DoorstepError(f"{error} The end of its log:\n{self._site.node.tail()}") from None
            for name, kind, body in arrived:
                if name == ASKING:
                    answered = True
                else:
                    others += 1
                    self.received.setdefault(name, []).append((kind, body))

    def _ping(self) -> None:
        if time.monotonic() < self._ping_at:
            return
        self._ping_at = time.monotonic() + PING_S
        for phone in self._phones.values():
            phone.socket.sendall(PingReqPacket().write())

    def _arrived(self, phones: Iterable[_Phone]) -> Iterable[tuple[str, str, Any]]:
        for phone in phones:
            for packet in phone.read():
                if isinstance(packet, PublishPacket):
                    kind = packet.topic.rpartition("/")[2]
                    yield phone.name, kind, None if phone.name == ASKING else opened(kind, bytes(packet.payload))

    def _expect(self, phone: _Phone, form: type) -> None:
        while not (packets := phone.read()):
            pass
        if not isinstance(packets[0], form):
            raise DoorstepError(f"The node answered {phone.name} with {packets[0]}.")
