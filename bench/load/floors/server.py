"""The least that a client of the load generator needs from a server: one connection, without sessions or checks."""

import asyncio
import socket
from typing import Any, Final, cast

from edge.mqtt.packets.codec import (
    ConnAckPacket,
    ConnectPacket,
    Decoder,
    PublishPacket,
    QoS,
    SubAckPacket,
    SubAckReasonCode,
    SubscribePacket,
)

from ..client.connection import ACK, PACKET_BYTES_MAX, PACKET_IDS, PUBACK

EXPIRY_S: Final = 60  # the node's assignments carry one, so the echo's do


class ServerConnection(asyncio.Protocol):
    """Answers CONNECT, SUBSCRIBE and QoS 1 publishes, the latter after `on_publish`. What it has to send waits in
    `out`."""

    def __init__(self) -> None:
        self.out = bytearray()
        self._decoder = Decoder(PACKET_BYTES_MAX)
        self._packet_id = 0
        self._transport: asyncio.Transport | None = None

    def on_connect(self, client: str) -> None:
        """A client gives its name."""

    def on_publish(self, packet: PublishPacket) -> None:
        """It sent one."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        plain: Any = transport.get_extra_info("socket")
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        for packet in self._decoder.feed(data):
            if type(packet) is PublishPacket and packet.packet_id is not None:
                self.on_publish(packet)
                self.write(ACK(PUBACK, packet.packet_id))
            elif type(packet) is ConnectPacket:
                self.on_connect(packet.client_id)
                self.write(ConnAckPacket().write())
            elif type(packet) is SubscribePacket:
                codes = [SubAckReasonCode(1)] * len(packet.topic_filters)
                self.write(SubAckPacket(packet.packet_id, codes).write())

    def publish(self, topic: str, payload: bytes) -> None:
        """One QoS 1 publish to the client."""
        self._packet_id = self._packet_id % PACKET_IDS + 1
        self.write(
            PublishPacket(
                topic, payload, qos=QoS.AT_LEAST_ONCE, packet_id=self._packet_id, message_expiry_interval=EXPIRY_S
            ).write()
        )

    def write(self, packet: bytes) -> None:
        """A packet that leaves with the next `flush`."""
        self.out += packet

    def flush(self) -> None:
        """What there is to send leaves in one piece."""
        data, self.out = self.out, bytearray()
        if data and self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)
