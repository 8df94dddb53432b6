"""A lean MQTT 5 client: what the load generator and the echo at a broker are made of.

It shares the machine with what it measures, so it does nothing but what a client must: no session, no reconnect, no
queue but that of publishes over the peer's receive maximum. A connection that ends while it is needed ends the run.
"""

import asyncio
import socket
import ssl
from collections import deque
from collections.abc import Callable
from struct import Struct as Layout
from time import perf_counter
from typing import Any, Final, cast

from msgspec import Struct

from edge.errors import DoorstepError
from edge.mqtt.packets.codec import (
    ConnAckPacket,
    ConnectPacket,
    Decoder,
    PingReqPacket,
    PingRespPacket,
    PubAckPacket,
    PublishPacket,
    QoS,
    SubAckPacket,
    SubscribePacket,
    TopicFilter,
)

from .frames import Frames

OPEN_S_MAX: Final = 20.0
"""From the first SYN to the SUBACK, on a busy machine."""

PACKET_BYTES_MAX: Final = 256 * 1024
ACK: Final = Layout(">HH").pack
PUBACK: Final = 0x4002
PACKET_IDS: Final = 65_535
"""A PUBACK of success is `ACK(PUBACK, packet_id)`: the same bytes in both versions. Identifiers are 1 to PACKET_IDS."""
_REFUSED: Final = 0x80

PING_S: Final = 60.0
"""A peer drops a connection that is silent for minutes."""


class Door(Struct, frozen=True):
    """Where to connect, on loopback: over `tcp`, `tls` (trusting the authority in `ca`) or `ws`."""

    port: int
    transport: str = "tcp"
    ca: str = ""


OnMessage = Callable[["Connection", PublishPacket, float], None]
"""A publish that came, with `time.perf_counter()` of the read that brought it."""


class Connection(asyncio.Protocol):
    """One connection of the client `name`. `refused` counts publishes that the peer did not accept. `on_pong` is called
    when the peer has come as far as a PINGREQ."""

    def __init__(self, name: str, token: str, filters: tuple[str, ...], on_message: OnMessage, websocket: bool) -> None:
        self.name = name
        self.refused = 0
        self.on_pong: Callable[[Connection], None] | None = None
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._token, self._filters, self._on_message = token, filters, on_message
        self._frames = Frames() if websocket else None
        self._decoder = Decoder(PACKET_BYTES_MAX)
        self._out = bytearray()
        self._window = 0
        self._packet_id = 0
        self._in_flight = 0
        self._backlog: deque[tuple[str, bytes]] = deque()
        self._transport: asyncio.Transport | None = None

    @property
    def in_flight(self) -> int:
        """QoS 1 publishes taken over and not acknowledged."""
        return self._in_flight + len(self._backlog)

    def publish(self, topic: str, payload: bytes) -> None:
        """One QoS 1 publish, on its way with the next `flush`."""
        if self._in_flight >= self._window:
            self._backlog.append((topic, payload))
            return
        self._in_flight += 1
        self._packet_id = self._packet_id % PACKET_IDS + 1
        self._out += PublishPacket(topic, payload, qos=QoS.AT_LEAST_ONCE, packet_id=self._packet_id).write()

    def send(self, packets: bytes) -> None:
        """Packets as they are (QoS 0 publishes, a PINGREQ), on their way with the next `flush`."""
        self._out += packets

    def flush(self) -> None:
        """Write what is there, in one piece."""
        if self._out and self._transport is not None:
            data, self._out = self._out, bytearray()
            self._transport.write(data if self._frames is None else self._frames.wrap(data))

    def close(self) -> None:
        """Hang up. What is unwritten is given up."""
        if self._transport is not None:
            self._transport.abort()

    # -- asyncio.Protocol ----------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        plain: Any = transport.get_extra_info("socket")
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._frames is not None:
            self._transport.write(self._frames.request())
        password = self._token.encode() if self._token else None
        username = self.name if self._token else None
        self._out += ConnectPacket(
            self.name, username=username, password=password, clean_start=True, keep_alive=0
        ).write()
        if self._frames is None:
            self.flush()
        asyncio.get_running_loop().call_later(PING_S, self._ping)

    def data_received(self, data: bytes) -> None:
        read_at = perf_counter()
        if self._frames is not None:
            opened = self._frames.opened
            data = self._frames.receive(data)
            if not opened:
                self.flush()
        for packet in self._decoder.feed(data) if data else ():
            if type(packet) is PublishPacket:
                if packet.packet_id:
                    self._out += ACK(PUBACK, packet.packet_id)
                self._on_message(self, packet, read_at)
            elif type(packet) is PubAckPacket:
                self._settled(packet)
            elif type(packet) is PingRespPacket:
                if self.on_pong is not None:
                    self.on_pong(self)
            elif type(packet) is ConnAckPacket:
                self._admitted(packet)
            elif type(packet) is SubAckPacket:
                self.ready.set_result(None)
            else:
                self._fail(f"sent {type(packet).__name__}: {packet}")
        self.flush()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if not self.ready.done():
            self._fail(f"closed the connection: {exc}")

    @property
    def lost(self) -> bool:
        """Whether the connection is gone."""
        return self._transport is None

    def _ping(self) -> None:
        """Keeps an idle connection alive. Whoever counts pongs sends pings of its own."""
        if self._transport is not None:
            if self.on_pong is None:
                self.send(PingReqPacket().write())
                self.flush()
            asyncio.get_running_loop().call_later(PING_S, self._ping)

    def _admitted(self, packet: ConnAckPacket) -> None:
        if int(packet.reason_code):
            self._fail(f"refused it: {packet.reason_code}")
            return
        self._window = packet.receive_max
        if self._filters:
            wanted = [TopicFilter(pattern, max_qos=QoS.AT_LEAST_ONCE) for pattern in self._filters]
            self._out += SubscribePacket(1, wanted).write()
        else:
            self.ready.set_result(None)

    def _settled(self, packet: PubAckPacket) -> None:
        self._in_flight -= 1
        if int(packet.reason_code) >= _REFUSED:
            self.refused += 1
        if self._backlog:
            self.publish(*self._backlog.popleft())

    def _fail(self, what: str) -> None:
        if not self.ready.done():
            self.ready.set_exception(DoorstepError(f"The connection of {self.name} failed: the peer {what}."))


async def connect(door: Door, name: str, token: str, filters: tuple[str, ...], on_message: OnMessage) -> Connection:
    """A connection that is subscribed. Raises DoorstepError, OSError, TimeoutError."""
    loop = asyncio.get_running_loop()
    tls = ssl.create_default_context(cafile=door.ca) if door.transport == "tls" else None
    _, connection = await loop.create_connection(
        lambda: Connection(name, token, filters, on_message, door.transport == "ws"),
        "127.0.0.1",
        door.port,
        ssl=tls,
        server_hostname="localhost" if tls else None,
    )
    await asyncio.wait_for(connection.ready, OPEN_S_MAX)
    return connection
