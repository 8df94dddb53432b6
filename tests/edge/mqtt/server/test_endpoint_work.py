"""The endpoint's work: when it writes, and what a connection may cost without a publish coming of it."""

import asyncio
import contextlib
import socket

import pytest
from wsproto import ConnectionType, WSConnection
from wsproto.events import BytesMessage, Event, Ping, Pong, Request

from edge.mqtt.packets.codec import (
    ConnectPacket,
    Decoder,
    Packet,
    PingReqPacket,
    PubAckPacket,
    PublishPacket,
    QoS,
    SubscribePacket,
    TopicFilter,
)
from edge.mqtt.server.budgets import UNAUTHENTICATED_WORK_MAX, WORK_BURST, WORK_PER_S
from edge.mqtt.server.endpoint import Endpoint
from tests.edge.mqtt.world import ALL, BOTH_LOOPS, TOKEN, Recorder, World, everybody, publish
from tests.waiting import until

CONNECT = ConnectPacket("phone", username="c1", password=TOKEN, keep_alive=60).write()
PUBLISH = publish().write()


@pytest.fixture(autouse=True)
def _grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients here often stay on the line at the end of a test."""
    monkeypatch.setattr("edge.mqtt.server.endpoint.CLOSE_GRACE_S", 0.2)


class Web:
    """A WebSocket client."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.socket = WSConnection(ConnectionType.CLIENT)

    @classmethod
    async def open(cls, port: int) -> "Web":
        self = cls(*await asyncio.open_connection("127.0.0.1", port, family=socket.AF_INET))
        self.send(Request(host="localhost", target="/mqtt", subprotocols=["mqtt"]))
        await self.events()
        return self

    def send(self, *events: Event) -> None:
        self.writer.write(b"".join(self.socket.send(event) for event in events))

    def shreds(self, data: bytes) -> None:
        """Each byte in a frame."""
        self.send(*[BytesMessage(data=data[at : at + 1]) for at in range(len(data))])

    async def events(self) -> list[Event]:
        """What comes next; nothing where the connection ended."""
        try:
            data = await self.reader.read(65_536)
        except ConnectionError:
            return []
        self.socket.receive_data(data or None)
        return list(self.socket.events()) if data else []

    async def mqtt(self, size: int) -> bytes:
        """At least so many MQTT bytes."""
        data = b""
        while len(data) < size and (events := await self.events()):
            data += b"".join(bytes(event.data) for event in events if isinstance(event, BytesMessage))
        return data

    async def pongs(self) -> int:
        """Those until the end of the connection."""
        count = 0
        while events := await self.events():
            count += sum(isinstance(event, Pong) for event in events)
        return count


async def start(receiver: Recorder) -> tuple[Endpoint, int]:
    endpoint = Endpoint("n1", receiver, everybody)
    return endpoint, (await endpoint.listen("127.0.0.1:0", websocket=True))[1]


JUNK: dict[str, Event] = {"pings": Ping(), "pongs": Pong(), "empty frames": BytesMessage(data=b"")}


@pytest.mark.parametrize("junk", JUNK)
@BOTH_LOOPS
async def test_an_unauthenticated_client_is_closed(junk: str):
    """Frames before CONNECT close the connection when there are too many, counted; no more pings are answered."""
    endpoint, port = await start(Recorder())
    unauthenticated = await Web.open(port)
    unauthenticated.send(*[JUNK[junk]] * (2 * UNAUTHENTICATED_WORK_MAX))
    assert await unauthenticated.pongs() <= UNAUTHENTICATED_WORK_MAX
    assert endpoint.registry.refused["budget"] == 1
    await endpoint.close()


@BOTH_LOOPS
async def test_some_frames_before_connect_are_allowed():
    """A CONNECT in many frames, with a few pings before it, is accepted."""
    endpoint, port = await start(Recorder())
    client = await Web.open(port)
    client.send(*[Ping()] * 5)
    client.shreds(CONNECT)
    assert (await client.mqtt(1))[0] == 0x20
    assert endpoint.registry.refused["budget"] == 0
    await endpoint.close()


@BOTH_LOOPS
async def test_an_unauthenticated_client_at_full_speed_holds_up_nobody():
    """Somebody without credentials who does nothing but ping, again and again, gets a bounded number of answers for
    each connection, while another client is served."""
    receiver = Recorder(acknowledge=True)
    endpoint, port = await start(receiver)
    client = await Web.open(port)
    client.send(BytesMessage(data=CONNECT))
    assert (await client.mqtt(1))[0] == 0x20
    pongs: list[int] = []

    async def flood() -> None:
        while True:
            unauthenticated = await Web.open(port)
            unauthenticated.writer.write(unauthenticated.socket.send(Ping()) * 40_000)
            pongs.append(await unauthenticated.pongs())
            unauthenticated.writer.close()

    flooding = asyncio.create_task(flood())
    for at in range(1, 6):
        before = len(pongs)
        await until(lambda before=before: len(pongs) > before)
        client.send(BytesMessage(data=publish(at).write()))
        assert await client.mqtt(4) == PubAckPacket(at).write()
    flooding.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await flooding
    assert max(pongs) <= UNAUTHENTICATED_WORK_MAX
    assert endpoint.registry.refused["budget"] >= len(pongs)
    assert len(receiver.publishes) == 5
    await endpoint.close()


@pytest.mark.parametrize("junk", JUNK)
@BOTH_LOOPS
async def test_a_client_is_not_read_from_for_a_while(junk: str):
    """Beyond the price the connection is paused, with what it had sent waiting; it goes on when time has paid."""
    now = [1_000.0]
    receiver = Recorder(acknowledge=True)
    endpoint = Endpoint("n1", receiver, everybody, clock=lambda: now[0])
    _, port = await endpoint.listen("127.0.0.1:0", websocket=True)
    client = await Web.open(port)
    client.send(BytesMessage(data=CONNECT))
    assert (await client.mqtt(1))[0] == 0x20
    (peer,) = endpoint._peers
    client.send(*[JUNK[junk]] * (WORK_BURST + 500), BytesMessage(data=PUBLISH))
    await until(lambda: peer.connection.read_paused)
    assert endpoint.registry.held_back == 1
    await asyncio.sleep(0.05)
    assert receiver.publishes == []
    assert peer.connection.budget.left > -100
    now[0] += 1 + 600 / WORK_PER_S
    assert (await client.mqtt(4))[:4] == PubAckPacket(1).write()
    assert len(receiver.publishes) == 1
    assert not peer.connection.read_paused
    await endpoint.close()


@BOTH_LOOPS
async def test_publishes_in_shreds_pay_for_themselves():
    """Many more frames than the budget allows are taken where publishes come of them."""
    endpoint, port = await start(receiver := Recorder(acknowledge=True))
    client = await Web.open(port)
    client.send(BytesMessage(data=CONNECT))
    assert (await client.mqtt(1))[0] == 0x20
    sent, step = 500, len(PUBLISH) // 5
    for _ in range(sent):
        client.send(*[BytesMessage(data=PUBLISH[at : at + step]) for at in range(0, len(PUBLISH), step)])
    await until(lambda: len(receiver.publishes) == sent)
    assert endpoint.registry.held_back == 0
    await endpoint.close()


@BOTH_LOOPS
async def test_reads_of_a_byte_have_a_price(monkeypatch: pytest.MonkeyPatch):
    """An unauthenticated client who sends single bytes, one read each, is closed before its CONNECT is complete."""
    monkeypatch.setattr("edge.mqtt.server.budgets.UNAUTHENTICATED_WORK_MAX", 20)
    endpoint, _ = await start(Recorder())
    _, port = await endpoint.listen("127.0.0.1:0")
    reader, writer = await asyncio.open_connection("127.0.0.1", port, family=socket.AF_INET)
    for at in range(len(CONNECT)):
        writer.write(CONNECT[at : at + 1])
        await asyncio.sleep(0.005)
        if reader.at_eof():
            break
    assert await reader.read() == b""
    assert endpoint.registry.refused["budget"] == 1
    writer.close()
    await endpoint.close()


BARE = {
    "PINGREQ": PingReqPacket().write(),
    "SUBSCRIBE": SubscribePacket(1, [TopicFilter("ds/n1/down/c1/#", max_qos=QoS.AT_LEAST_ONCE)]).write(),
    "PUBACK of nothing": PubAckPacket(7).write(),
    "forbidden topic": publish(None, "ds/n1/up/c2/order.place").write(),
}


@pytest.mark.parametrize("what", BARE)
def test_packets_without_a_publish_have_a_price(what: str):
    """Each of them counts: with the last one that is paid for reading pauses, until a second has passed."""
    world = World()
    peer, _ = world.connect()
    peer.send_bytes(BARE[what] * (WORK_BURST - 10))
    assert peer.connection.wants_more
    peer.send_bytes(BARE[what] * 10)
    assert not peer.connection.wants_more
    assert world.sessions.held_back == 1
    before = world.flushes
    world.pass_s(1.1)
    assert peer.connection.wants_more
    assert world.flushes > before
    assert not peer.connection.closing


@pytest.mark.parametrize("version", [5, 4])
def test_too_much_in_one_read_closes(version: int):
    """No more than twice the burst is worked on in one read, whatever it holds."""
    world = World()
    peer, _ = world.connect(version=version)
    sent = peer.send_bytes(PingReqPacket().write() * 100_000)
    assert peer.connection.closing
    assert len(sent) <= 2 * WORK_BURST + 2


# -- when it writes ----------------------------------------------------------------------------------------------------


async def _connected(receiver: Recorder) -> tuple[Endpoint, asyncio.StreamReader, asyncio.StreamWriter]:
    """A client that is subscribed, and has read what it received."""
    endpoint = Endpoint("n1", receiver, everybody)
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
async def test_an_answer_leaves_with_the_flush_or_without_it(promised: bool):
    """Where a flush follows it is the one that writes, at once; else the loop's next turn does."""
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


async def test_a_promised_flush_that_does_not_come(monkeypatch: pytest.MonkeyPatch):
    """The answer leaves with the next tick, and what comes after it as ever."""
    monkeypatch.setattr("edge.mqtt.server.endpoint._TICK_S", 0.05)
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
