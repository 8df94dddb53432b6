"""Clients with real sockets: over TCP or TLS, and the same inside WebSocket."""

import asyncio
import socket
import ssl
from typing import Self

from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, BytesMessage, Event, Pong, Request

from edge.mqtt.packets.codec import ConnAckPacket, ConnectPacket, Packet
from tests.edge.mqtt.world import TOKEN, decoder, written


class Client:
    """A client of our own over asyncio's streams."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, version: int) -> None:
        self.reader, self.writer = reader, writer
        self.version = version
        self.decoder = decoder(version)
        self.packets: list[Packet] = []

    @classmethod
    async def open(
        cls, port: int, *, host: str = "127.0.0.1", version: int = 5, tls: ssl.SSLContext | None = None
    ) -> Self:
        """Only the socket."""
        reader, writer = await asyncio.open_connection(
            host, port, ssl=tls, server_hostname="localhost" if tls else None
        )
        return cls(reader, writer, version)

    @classmethod
    async def connect(
        cls, port: int, *, client: str = "c1", version: int = 5, tls: ssl.SSLContext | None = None
    ) -> Self:
        """A session."""
        self = await cls.open(port, version=version, tls=tls)
        self.send(ConnectPacket("phone", username=client, password=TOKEN, keep_alive=60))
        connack = await self.receive()
        assert isinstance(connack, ConnAckPacket)
        assert int(connack.reason_code) == 0
        return self

    def send(self, *packets: Packet) -> None:
        self.writer.write(written(self.version, *packets))

    async def receive(self) -> Packet | None:
        """The next packet; None where the connection ended."""
        while not self.packets:
            data = await self.read()
            if not data:
                return None
            self.packets += self.decoder.feed(data)
        return self.packets.pop(0)

    async def read(self) -> bytes:
        try:
            return await self.reader.read(65_536)
        except (ConnectionError, ssl.SSLError):
            return b""


class WebClient(Client):
    """The same inside WebSocket, all packets that are sent together in one frame."""

    socket: WSConnection

    @classmethod
    async def open(
        cls, port: int, *, host: str = "127.0.0.1", version: int = 5, tls: ssl.SSLContext | None = None
    ) -> Self:
        self = await super().open(port, host=host, version=version, tls=tls)
        self.socket = WSConnection(ConnectionType.CLIENT)
        self.send_events(Request(host="localhost", target="/mqtt", subprotocols=["mqtt"]))
        self.socket.receive_data(await self.reader.readuntil(b"\r\n\r\n"))
        assert any(isinstance(event, AcceptConnection) for event in self.socket.events())
        return self

    def send(self, *packets: Packet) -> None:
        self.send_events(BytesMessage(data=written(self.version, *packets)))

    def send_events(self, *events: Event) -> None:
        """Frames of any kind."""
        self.writer.write(b"".join(self.socket.send(event) for event in events))

    def send_shreds(self, data: bytes, size: int = 1) -> None:
        """Every few bytes in a frame of their own."""
        self.send_events(*[BytesMessage(data=data[at : at + size]) for at in range(0, len(data), size)])

    async def read(self) -> bytes:
        while events := await self.events():
            parts = [bytes(event.data) for event in events if isinstance(event, BytesMessage)]
            if parts:
                return b"".join(parts)
        return b""

    async def events(self) -> list[Event]:
        """What comes next; nothing where the connection ended."""
        data = await super().read()
        self.socket.receive_data(data or None)
        return list(self.socket.events()) if data else []

    async def pongs(self) -> int:
        """Those until the end of the connection."""
        count = 0
        while events := await self.events():
            count += sum(isinstance(event, Pong) for event in events)
        return count


async def connection(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Only streams, over IPv4."""
    return await asyncio.open_connection("127.0.0.1", port, family=socket.AF_INET)
