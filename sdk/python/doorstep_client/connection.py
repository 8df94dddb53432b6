"""One MQTT 5 connection, from CONNECT to its end: packets in, packets out, and who is still there.

It is built on `mqtt5`, a codec without a socket. aiomqtt 2.5 acknowledges a message before its caller has seen it, and
drops messages when its queue is full; paho can acknowledge later, but brings a thread or a selector of its own for each
client, and does not set TCP_NODELAY. On a codec what a client of the node needs is this file.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Final, cast

from mqtt5 import (
    ConnAckPacket,
    ConnectPacket,
    DisconnectPacket,
    PingReqPacket,
    PingRespPacket,
    PubAckPacket,
    PublishPacket,
    QoS,
    SubAckPacket,
    SubscribePacket,
    TopicFilter,
)
from mqtt5 import read as read_packet

from .errors import NotConnected

PACKET_BYTES_MAX: Final = 256 * 1024
_SUBSCRIBE_ID: Final = 65_535
_LENGTH_BYTES_MAX: Final = 4


class Connection(asyncio.Protocol):
    """`opened` is done when the node has let the client in (or NotConnected), after `on_open`, which is called with
    whether the node had kept the session before anything that follows is read; `closed` when it is over (the result:
    why). PUBACKs leave in the order in which messages came, as the standard wants, each as soon as those before it are
    acknowledged."""

    def __init__(
        self,
        connect: ConnectPacket,
        topics: str,
        on_open: Callable[[bool], None],
        on_publish: Callable[[PublishPacket, Callable[[], None]], None],
        on_ack: Callable[[int, int], None],
    ) -> None:
        loop = asyncio.get_running_loop()
        self.opened: asyncio.Future[None] = loop.create_future()
        self.closed: asyncio.Future[str] = loop.create_future()
        self.receive_max = 0
        self.packet_bytes_max = PACKET_BYTES_MAX
        self.keep_alive_s = float(connect.keep_alive)
        self.received_at = self.spoke_at = time.monotonic()
        self._connect, self._topics = connect, topics
        self._on_open, self._on_publish, self._on_ack = on_open, on_publish, on_ack
        self._transport: asyncio.Transport | None = None
        self._tail = bytearray()
        self._unacknowledged: deque[list[int]] = deque()  # [packet id, 1 once it is dealt with]
        self._pinged = False

    @property
    def open(self) -> bool:
        """Whether it can be published on."""
        return self.opened.done() and not self.closed.done()

    # -- from the caller -----------------------------------------------------------------------------------------------

    def publish(self, topic: str, payload: bytes, packet_id: int = 0, duplicate: bool = False) -> None:
        """QoS 1 with a `packet_id`, else QoS 0."""
        if packet_id:
            packet = PublishPacket(topic, payload, qos=QoS.AT_LEAST_ONCE, packet_id=packet_id, duplicate=duplicate)
        else:
            packet = PublishPacket(topic, payload)
        self._write(packet.write())

    def tick(self, now: float) -> None:
        """Ping when it is time to, and leave a peer that does not answer. To be called every second or so."""
        if not self.open or not self.keep_alive_s:
            return
        if now >= self.received_at + 1.5 * self.keep_alive_s:
            self.close(f"the node sent nothing for {1.5 * self.keep_alive_s:g} s")
        elif not self._pinged and now >= min(self.spoke_at, self.received_at) + self.keep_alive_s * 0.75:
            self._pinged = True
            self._write(PingReqPacket().write())

    def disconnect(self) -> None:
        """Leave politely; what was written before still leaves."""
        if self._transport is not None and not self.closed.done():
            self._write(DisconnectPacket().write())
            self._transport.close()
            self._end("the client left")

    def close(self, why: str) -> None:
        """Leave at once."""
        self._end(why)
        if self._transport is not None:
            self._transport.abort()

    # -- from the socket -----------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is connected."""
        self._transport = cast(asyncio.Transport, transport)
        self._write(self._connect.write())

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is gone."""
        self._end(f"the connection was lost: {exc}" if exc else "the node closed the connection")

    def data_received(self, data: bytes) -> None:
        """Some bytes: perhaps half a packet, perhaps many."""
        self.received_at = time.monotonic()
        self._tail += data
        at = 0
        try:
            while (end := self._end_of_packet(at)) and not self.closed.done():
                self._take(memoryview(bytes(self._tail[at:end])))
                at = end
        except (ValueError, IndexError, OverflowError) as error:
            self.close(f"the node sent what this client cannot read: {error}")
        del self._tail[:at]

    def _end_of_packet(self, at: int) -> int:
        """Where the packet that begins at `at` ends; 0 while it is not whole. Raises ValueError."""
        size = shift = 0
        for place in range(at + 1, min(len(self._tail), at + 1 + _LENGTH_BYTES_MAX)):
            byte = self._tail[place]
            size |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                end = place + 1 + size
                if end - at > PACKET_BYTES_MAX:
                    raise ValueError(f"a packet of {end - at} bytes, {PACKET_BYTES_MAX} at most")
                return end if end <= len(self._tail) else 0
        if len(self._tail) > at + _LENGTH_BYTES_MAX:
            raise ValueError("a packet without a length")
        return 0

    def _take(self, data: memoryview) -> None:
        packet, _ = read_packet(data)
        if isinstance(packet, PublishPacket):
            self._taken(packet)
        elif isinstance(packet, PubAckPacket):
            self._on_ack(packet.packet_id, int(packet.reason_code))
        elif isinstance(packet, ConnAckPacket) and not self.receive_max:
            self._let_in(packet)
        elif isinstance(packet, SubAckPacket):
            if int(packet.reason_codes[0]) >= 0x80:
                self.close(f"the node refused the subscription to {self._topics}: {packet.reason_codes[0].name}")
        elif isinstance(packet, DisconnectPacket):
            self.close(f"the node ended the connection: {packet.reason_str or packet.reason_code.name}")
        elif isinstance(packet, PingRespPacket):
            self._pinged = False
        else:
            raise ValueError(f"{type(packet).__name__} in the wrong place")

    def _let_in(self, packet: ConnAckPacket) -> None:
        if int(packet.reason_code):
            self.close(f"the node refused the client: {packet.reason_str or packet.reason_code.name}")
            return
        self.receive_max = packet.receive_max
        self.packet_bytes_max = packet.max_packet_size or PACKET_BYTES_MAX
        if packet.server_keep_alive is not None:
            self.keep_alive_s = float(packet.server_keep_alive)
        # Also where the session was kept: one that another program began may lack the subscription.
        filters = [TopicFilter(self._topics, max_qos=QoS.AT_LEAST_ONCE)]
        self._write(SubscribePacket(_SUBSCRIBE_ID, filters).write())
        self.opened.set_result(None)
        self._on_open(packet.session_present)

    def _taken(self, packet: PublishPacket) -> None:
        if packet.packet_id is None:
            self._on_publish(packet, lambda: None)
            return
        if len(self._unacknowledged) >= self._connect.receive_max:
            raise ValueError(f"more than {self._connect.receive_max} messages that are not acknowledged")
        entry = [packet.packet_id, 0]
        self._unacknowledged.append(entry)

        def acknowledge() -> None:
            entry[1] = 1
            while self._unacknowledged and self._unacknowledged[0][1] and not self.closed.done():
                self._write(PubAckPacket(self._unacknowledged.popleft()[0]).write())

        self._on_publish(packet, acknowledge)

    def _write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self.spoke_at = time.monotonic()
            self._transport.write(data)

    def _end(self, why: str) -> None:
        if not self.closed.done():
            self.closed.set_result(why)
        if not self.opened.done():
            self.opened.set_exception(NotConnected(why))
            self.opened.exception()  # looked at: whoever waits for it gets it, and nobody has to
