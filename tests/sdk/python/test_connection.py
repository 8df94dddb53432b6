"""One connection against a peer that a test scripts, packet by packet."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import mqtt5
import pytest

from doorstep_client.connection import PACKET_BYTES_MAX, Connection
from doorstep_client.errors import NotConnected

CONNACK = mqtt5.ConnAckPacket(session_present=True, receive_max=7, server_keep_alive=3).write()
SUBACK = mqtt5.SubAckPacket(65_535, [mqtt5.SubAckReasonCode.GRANTED_QOS_AT_LEAST_ONCE]).write()


def message(packet_id: int) -> bytes:
    """A PUBLISH of QoS 1."""
    return mqtt5.PublishPacket("ds/n/down/a/update", b"{}", qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=packet_id).write()


def acks(data: bytes) -> list[int]:
    """The packet ids of PUBACKs in these bytes, which begin with other packets."""
    found: list[int] = []
    while data:
        packet, used = mqtt5.read(memoryview(data))
        found += [packet.packet_id] if isinstance(packet, mqtt5.PubAckPacket) else []
        data = data[used:]
    return found


class Peer:
    """What the node would be: it sends what it is asked to, and keeps what it gets."""

    def __init__(self) -> None:
        self.got = b""
        self.writer: asyncio.StreamWriter

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writer = writer
        while data := await reader.read(65_536):
            self.got += data
        writer.close()


def talk(work: Callable[[Connection, Peer, list[Callable[[], None]]], Coroutine[Any, Any, None]]) -> None:
    """Some work with a connection to a peer; what is published is kept as what acknowledges it."""

    async def main() -> None:
        peer, published = Peer(), list[Callable[[], None]]()
        server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
        connect = mqtt5.ConnectPacket("a", receive_max=3)
        connection = Connection(
            connect, "ds/n/down/a/#", lambda _: None, lambda _, done: published.append(done), lambda *_: None
        )
        port = server.sockets[0].getsockname()[1]
        async with asyncio.timeout(20):
            await asyncio.get_running_loop().create_connection(lambda: connection, "127.0.0.1", port)
            while not peer.got:  # noqa: ASYNC110 - what another task reads
                await asyncio.sleep(0.01)
            await work(connection, peer, published)
        connection.disconnect()
        server.close()

    asyncio.run(main())


def test_acknowledgements_leave_in_the_order_of_the_messages() -> None:
    """Whatever is dealt with first, PUBACKs go out as the messages published; bytes may come in any pieces."""

    async def work(connection: Connection, peer: Peer, published: list[Callable[[], None]]) -> None:
        for byte in CONNACK + SUBACK + message(11) + message(12) + message(13):
            peer.writer.write(bytes([byte]))
            await peer.writer.drain()
            await asyncio.sleep(0)
        await connection.opened
        assert (connection.receive_max, connection.keep_alive_s) == (7, 3.0)
        while len(published) < 3:  # noqa: ASYNC110 - what the connection reads
            await asyncio.sleep(0.01)
        published[2]()
        published[0]()
        published[1]()
        while len(acks(peer.got)) < 3:  # noqa: ASYNC110 - what another task reads
            await asyncio.sleep(0.01)
        assert acks(peer.got) == [11, 12, 13]

    talk(work)


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (mqtt5.ConnAckPacket(reason_code=mqtt5.ConnAckReasonCode.NOT_AUTHORIZED).write(), "refused the client"),
        (CONNACK + mqtt5.SubAckPacket(65_535, [mqtt5.SubAckReasonCode.NOT_AUTHORIZED]).write(), "subscription"),
        (CONNACK + mqtt5.DisconnectPacket(reason_str="go away").write(), "go away"),
        (CONNACK + SUBACK + b"".join(map(message, range(1, 5))), "more than 3 messages"),
        (b"\x30" + b"\xff" * 5, "without a length"),
        (b"\x30\xff\xff\xff\x7f", f"{PACKET_BYTES_MAX} at most"),
        (mqtt5.PingReqPacket().write(), "in the wrong place"),
        (b"", "closed the connection"),
    ],
)
def test_every_end_has_a_reason(sent: bytes, why: str) -> None:
    """A refusal, an end that the node announces, too many messages, and bytes that are no packet."""

    async def work(connection: Connection, peer: Peer, published: list[Callable[[], None]]) -> None:
        peer.writer.write(sent)
        if not sent:
            peer.writer.close()
        assert why in await connection.closed
        if not connection.receive_max:
            with pytest.raises(NotConnected, match=why):
                await connection.opened
        assert not connection.open

    talk(work)
