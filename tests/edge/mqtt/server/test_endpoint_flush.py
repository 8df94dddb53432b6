"""When the endpoint writes: by itself in the loop's next turn, or when the caller asks."""

import asyncio
import socket

import pytest

from edge.mqtt.packets.codec import ConnectPacket, Decoder, Packet, PublishPacket, QoS, SubscribePacket, TopicFilter
from edge.mqtt.server.endpoint import Endpoint
from tests.edge.mqtt.world import TOKEN, Recorder

ALL = [TopicFilter("ds/n1/down/c1/#", max_qos=QoS.AT_LEAST_ONCE)]


async def _connected(receiver: Recorder) -> tuple[Endpoint, asyncio.StreamReader, asyncio.StreamWriter]:
    """A client that is subscribed, and has read what it received."""
    endpoint = Endpoint("n1", receiver, lambda _user, token: token == TOKEN)
    _, port = await endpoint.listen("127.0.0.1:0")
    reader, writer = await asyncio.open_connection("127.0.0.1", port, family=socket.AF_INET)
    writer.write(ConnectPacket("phone", username="c1", password=TOKEN, clean_start=True).write())
    writer.write(SubscribePacket(1, ALL).write())
    packets: list[Packet] = []
    while len(packets) < 2:
        packets += Decoder(10_000).feed(await reader.read(10_000))
    return endpoint, reader, writer


async def _answer(reader: asyncio.StreamReader) -> bytes:
    (packet,) = Decoder(10_000).feed(await asyncio.wait_for(reader.read(10_000), 30))
    assert isinstance(packet, PublishPacket)
    return packet.payload


@pytest.mark.parametrize("promised", [False, True])
def test_an_answer_leaves_with_the_flush_or_without_it(promised: bool):
    """Where a flush follows it is the one that writes, at once; else the loop's next turn does."""

    async def test() -> None:
        receiver = Recorder()
        endpoint, reader, writer = await _connected(receiver)
        endpoint.registry.flush_follows = promised
        for text in (b"1", b"2"):
            receiver.answer("c1", text)
            endpoint.wake({"c1": ()})
            if promised:
                for _ in range(5):
                    await asyncio.sleep(0)
                assert [connection.out != b"" for connection in endpoint.registry.unflushed] == [True]
                endpoint.flush()
            assert await _answer(reader) == text
            assert endpoint.registry.unflushed == {}
        writer.close()
        await endpoint.close()

    asyncio.run(test())


def test_a_promised_flush_that_does_not_come(monkeypatch: pytest.MonkeyPatch):
    """The answer leaves with the next tick, and what comes after it as ever."""
    monkeypatch.setattr("edge.mqtt.server.endpoint._TICK_S", 0.05)

    async def test() -> None:
        receiver = Recorder(acknowledge=True)
        endpoint, reader, writer = await _connected(receiver)
        endpoint.registry.flush_follows = True
        receiver.answer("c1", b"late")
        endpoint.wake({"c1": ()})
        assert await _answer(reader) == b"late"
        writer.write(b"\xc0\x00")
        assert await asyncio.wait_for(reader.read(100), 30) == b"\xd0\x00"
        writer.close()
        await endpoint.close()

    asyncio.run(test())
