"""The bare echo: what an order costs where nobody decides and nothing is kept. A process of its own.

    python -m bench.load.floors.echo listen PORT [tls CERT KEY | ws]    a server that sends each order back: the floor
    python -m bench.load.floors.echo join PORT                          a client of a broker that does the same

It uses the node's own codec, loop and one write for each read, so that the difference to the node is the node's work.
"""

import asyncio
import signal
import ssl
import sys
from typing import Final

from edge.mqtt.packets.codec import PublishPacket
from edge.mqtt.packets.websocket import Stream

from ..client.connection import Connection, Door, connect
from .server import ServerConnection

ECHO: Final = "floor"
"""The name in topics where the node's would stand: at a broker neither gets the other's orders."""


def answer_topic(topic: str) -> str:
    """`ds/<node>/up/<client>/order.place` becomes `ds/<node>/down/<client>/assignment`."""
    ds, node, _, client, _ = topic.split("/")
    return f"{ds}/{node}/down/{client}/assignment"


class Echo(ServerConnection):
    """One connection of the bare server."""

    def __init__(self, websocket: bool) -> None:
        super().__init__()
        self._stream = Stream(local_origins_only=False) if websocket else None

    def data_received(self, data: bytes) -> None:
        if self._stream is None:
            super().data_received(data)
        else:
            super().data_received(self._stream.receive(data))
            framed = self._stream.wrap(self.out) if self.out else b""
            self.out, self._stream.out = self._stream.out + framed, bytearray()
        self.flush()

    def on_publish(self, packet: PublishPacket) -> None:
        self.publish(answer_topic(packet.topic), packet.payload)


def bounce(connection: Connection, packet: PublishPacket, read_at: float) -> None:
    """The echo at a broker."""
    del read_at
    connection.publish(answer_topic(packet.topic), packet.payload)


async def listen(port: int, transport: str, certificate: tuple[str, ...]) -> None:
    """Serve until SIGTERM."""
    tls: ssl.SSLContext | None = None
    if transport == "tls":
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(*certificate)
    loop = asyncio.get_running_loop()
    await loop.create_server(lambda: Echo(transport == "ws"), "127.0.0.1", port, ssl=tls, backlog=1024)
    await until_terminated()


async def join(port: int) -> None:
    """Echo at the broker until SIGTERM."""
    await connect(Door(port), "echo", "", (f"ds/{ECHO}/up/+/+",), bounce)
    print("joined", flush=True)
    await until_terminated()


async def until_terminated() -> None:
    """Until somebody asks the process to end."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()


def main(words: list[str]) -> None:
    """See the module."""
    import uvloop

    if words[0] == "join":
        uvloop.run(join(int(words[1])))
    else:
        uvloop.run(listen(int(words[1]), words[2] if len(words) > 2 else "tcp", tuple(words[3:])))


if __name__ == "__main__":
    main(sys.argv[1:])
