"""What a connection may cost without a publish coming of it, and what an address may."""

import asyncio
import contextlib
from collections.abc import Callable

import pytest
from wsproto.events import BytesMessage, Event, Ping, Pong

from bench.flood import wire
from edge.mqtt.packets.codec import (
    ConnAckPacket,
    ConnAckReasonCode,
    ConnectPacket,
    PingReqPacket,
    ProtocolError,
    PubAckPacket,
    QoS,
    SubscribePacket,
    TopicFilter,
)
from edge.mqtt.packets.websocket import FRAMES_AT_ONCE_MAX, Stream
from edge.mqtt.server import budgets
from edge.mqtt.server.budgets import (
    FAILED_CONNECTS_BURST,
    FAILED_CONNECTS_PER_S,
    FILTER_BYTES_MAX,
    FILTER_BYTES_PER_WORK,
    LOOPBACK_BURST,
    LOOPBACK_PER_S,
    PROPERTY_BYTES_MAX,
    PROPERTY_BYTES_PER_WORK,
    UNAUTHENTICATED_WORK_MAX,
    WORK_BURST,
    WORK_PER_CONNECT,
    WORK_PER_PUBLISH,
    WORK_PER_S,
    Budget,
    FailedConnects,
    price_of,
)
from edge.mqtt.server.endpoint import Endpoint
from tests.edge.mqtt.clients import WebClient, connection
from tests.edge.mqtt.world import BOTH_LOOPS, TOKEN, UP, Recorder, World, connect, everybody, publish
from tests.waiting import until

CONNECT = ConnectPacket("phone", username="c1", password=TOKEN, keep_alive=60).write()
PUBLISH = publish().write()


@pytest.fixture(autouse=True)
def _grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients here often stay on the line at the end of a test."""
    monkeypatch.setattr("edge.mqtt.server.endpoint.CLOSE_GRACE_S", 0.2)


def test_a_budget():
    """It refills with time up to its burst, grows with each publish, and is never below minus one burst."""
    budget = Budget(10, 2, 0.0)
    assert budget.spend(9, 0.0)
    assert not budget.spend(1, 0.0)
    assert budget.wait_s == 0.5
    assert budget.spend(0, 0.5)
    assert budget.spend(-WORK_PER_PUBLISH, 0.5)
    assert budget.left == 9
    assert budget.spend(0, 100.0)
    assert budget.left == 10
    assert not budget.spend(1_000, 100.0)
    assert budget.left == -10


@pytest.mark.parametrize(
    ("packet", "price"),
    [
        (wire.packet(0xC0, b""), 0),
        (wire.subscribe("a"), 0),
        (wire.subscribe(*["a"] * 100), 405 // FILTER_BYTES_PER_WORK),
        (wire.publish("t", bytes(16_000), 1), 0),
        (wire.publish("t", bytes(16_000), 1, b"\x01\x01" * 500), 1000 // PROPERTY_BYTES_PER_WORK),
        (wire.publish("t", b"")[:-1], 0),
    ],
)
def test_filters_and_properties_are_paid_for_by_their_bytes(packet: bytes, price: int):
    """A payload is not, and what is cut short is left to the codec."""
    assert price_of(memoryview(packet), properties=True) == price


@pytest.mark.parametrize("size", [PROPERTY_BYTES_MAX + 1, 1 << 14, 1 << 21])
def test_a_price_beyond_the_bound_is_refused(size: int):
    """Whatever the number of bytes in which the length of the properties is written; 3.1.1 has none."""
    packet = wire.publish("t", b"", 1, bytes(size))
    with pytest.raises(ProtocolError):
        price_of(memoryview(packet), properties=True)
    assert price_of(memoryview(packet), properties=False) == 0


@pytest.mark.parametrize(
    ("fails", "comes", "admitted"),
    [
        ("192.0.2.7", "192.0.2.7", False),
        ("192.0.2.7", "192.0.2.8", True),
        ("2001:db8::1", "2001:db8::ffff", False),  # one sender has a whole /64
        ("2001:db8::1", "2001:db8:0:1::1", True),
        ("192.0.2.7", "127.0.0.1", True),
        ("", "", True),
    ],
)
def test_an_address_that_fails_too_often_is_not_accepted_from(fails, comes, admitted):
    """Beyond the burst nobody comes in from it until something has come back; others are untouched."""
    failed = FailedConnects()
    for number in range(FAILED_CONNECTS_BURST):
        assert failed.admits(comes, 0.0), number
        failed.charge(fails, 0.0)
    assert failed.admits(comes, 0.0) is admitted
    assert failed.admits(comes, 1 / FAILED_CONNECTS_PER_S)


def test_loopback_stands_for_everybody_behind_a_proxy():
    """It may fail more often, under whichever of its addresses, and something comes back at once."""
    failed = FailedConnects()
    for _ in range(LOOPBACK_BURST):
        assert failed.admits("127.0.0.1", 0.0)
        failed.charge("::1", 0.0)
    assert not failed.admits("127.0.0.1", 0.0)
    assert failed.admits("127.0.0.1", 2 / LOOPBACK_PER_S)


def test_addresses_are_bounded(monkeypatch):
    """The one that has failed longest ago is forgotten."""
    monkeypatch.setattr(budgets, "ADDRESSES_MAX", 2)
    monkeypatch.setattr(budgets, "FAILED_CONNECTS_BURST", 1)
    failed = FailedConnects()
    for host in ("192.0.2.1", "192.0.2.2", "192.0.2.1", "192.0.2.3"):
        failed.charge(host, 0.0)
    assert [failed.admits(f"192.0.2.{number}", 0.0) for number in (1, 2, 3)] == [False, True, False]


# -- on real connections -----------------------------------------------------------------------------------------------


async def start(receiver: Recorder) -> tuple[Endpoint, int]:
    endpoint = Endpoint("n1", receiver, everybody)
    return endpoint, (await endpoint.listen("127.0.0.1:0", websocket=True))[1]


JUNK: dict[str, Event] = {"pings": Ping(), "pongs": Pong(), "empty frames": BytesMessage(data=b"")}


@pytest.mark.parametrize("junk", JUNK)
@BOTH_LOOPS
async def test_an_unauthenticated_client_is_closed(junk: str):
    """Frames before CONNECT close the connection when there are too many, counted; no more pings are answered."""
    endpoint, port = await start(Recorder())
    unauthenticated = await WebClient.open(port)
    unauthenticated.send_events(*[JUNK[junk]] * (2 * UNAUTHENTICATED_WORK_MAX))
    assert await unauthenticated.pongs() <= UNAUTHENTICATED_WORK_MAX
    assert endpoint.registry.failed.refused["budget"] == 1
    await endpoint.close()


@BOTH_LOOPS
async def test_some_frames_before_connect_are_allowed():
    """A CONNECT in many frames, with a few pings before it, is accepted."""
    endpoint, port = await start(Recorder())
    client = await WebClient.open(port)
    client.send_events(*[Ping()] * 5)
    client.send_shreds(CONNECT)
    assert isinstance(await client.receive(), ConnAckPacket)
    assert endpoint.registry.failed.refused["budget"] == 0
    await endpoint.close()


@BOTH_LOOPS
async def test_an_unauthenticated_client_at_full_speed_holds_up_nobody():
    """Somebody without credentials who does nothing but ping, again and again, gets a bounded number of answers for
    each connection, while another client is served."""
    receiver = Recorder(acknowledge=True)
    endpoint, port = await start(receiver)
    client = await WebClient.connect(port)
    pongs: list[int] = []

    async def flood() -> None:
        while True:
            unauthenticated = await WebClient.open(port)
            unauthenticated.writer.write(unauthenticated.socket.send(Ping()) * 40_000)
            pongs.append(await unauthenticated.pongs())
            unauthenticated.writer.close()

    flooding = asyncio.create_task(flood())
    for at in range(1, 6):
        before = len(pongs)
        await until(lambda before=before: len(pongs) > before)
        client.send(publish(at))
        assert await client.receive() == PubAckPacket(at)
    flooding.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await flooding
    assert max(pongs) <= UNAUTHENTICATED_WORK_MAX
    assert endpoint.registry.failed.refused["budget"] >= len(pongs)
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
    client = await WebClient.connect(port)
    (peer,) = endpoint._peers
    client.send_events(*[JUNK[junk]] * (WORK_BURST + 500), BytesMessage(data=PUBLISH))
    await until(lambda: endpoint.registry.held_back)
    assert peer.connection.read_paused
    link = endpoint.gauges()["link"]
    assert (link["held_back_lately"], link["held_back_by"]) == (1, "c1 (1)")
    await asyncio.sleep(0.05)
    assert receiver.publishes == []
    assert peer.connection.budget.left > -100
    now[0] += 1 + 600 / WORK_PER_S
    assert await client.receive() == PubAckPacket(1)
    assert len(receiver.publishes) == 1
    assert not peer.connection.read_paused
    await endpoint.close()


@BOTH_LOOPS
async def test_frames_of_one_read_leave_turns_to_others(monkeypatch: pytest.MonkeyPatch):
    """A few in each turn of the loop, and nothing more is read before they are through."""
    endpoint, port = await start(Recorder(acknowledge=True))
    client = await WebClient.connect(port)
    loop, turns, turn = asyncio.get_running_loop(), list[int](), 0
    receive = Stream.receive

    def tick() -> None:
        nonlocal turn
        turn += 1
        loop.call_soon(tick)

    def noted(stream: Stream, data: bytes) -> bytes:
        turns.append(turn)
        return receive(stream, data)

    monkeypatch.setattr(Stream, "receive", noted)
    loop.call_soon(tick)
    client.send_events(*[Ping()] * 200, BytesMessage(data=PUBLISH))
    assert await client.receive() == PubAckPacket(1)
    monkeypatch.undo()
    assert len(turns) >= 200 // FRAMES_AT_ONCE_MAX
    assert len(turns) == len(set(turns))
    await endpoint.close()


@BOTH_LOOPS
async def test_publishes_in_shreds_pay_for_themselves():
    """Many more frames than the budget allows are taken where publishes come of them."""
    endpoint, port = await start(receiver := Recorder(acknowledge=True))
    client = await WebClient.connect(port)
    sent = 500
    for _ in range(sent):
        client.send_shreds(PUBLISH, len(PUBLISH) // 5)
    await until(lambda: len(receiver.publishes) == sent)
    assert endpoint.registry.held_back == 0
    await endpoint.close()


@BOTH_LOOPS
async def test_reads_of_a_byte_have_a_price(monkeypatch: pytest.MonkeyPatch):
    """An unauthenticated client who sends single bytes, one read each, is closed before its CONNECT is complete."""
    monkeypatch.setattr("edge.mqtt.server.budgets.UNAUTHENTICATED_WORK_MAX", 20)
    endpoint, _ = await start(Recorder())
    _, port = await endpoint.listen("127.0.0.1:0")
    reader, writer = await connection(port)
    for at in range(len(CONNECT)):
        writer.write(CONNECT[at : at + 1])
        await asyncio.sleep(0.005)
        if reader.at_eof():
            break
    assert await reader.read() == b""
    assert endpoint.registry.failed.refused["budget"] == 1
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
    peer.send_bytes(BARE[what] * (WORK_BURST - WORK_PER_CONNECT - 10))
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


def test_publishes_over_the_quota_have_a_price():
    """They are dropped, and reading pauses as for anything else of which nothing comes."""
    world = World(messages_per_s=1, burst=5)
    peer, _ = world.connect()
    peer.send_bytes(publish(None).write() * (WORK_BURST + 50))
    assert len(world.receiver.publishes) == 5
    assert not peer.connection.wants_more
    assert not peer.connection.closing


FILTER = "a" * 60
PROPERTY = b"\x26\x00\x01a\x00\x01b"


@pytest.mark.parametrize(
    ("make", "most"),
    [
        (lambda count: wire.subscribe(*[FILTER] * count), FILTER_BYTES_MAX // 64),
        (lambda count: wire.unsubscribe([FILTER] * count), FILTER_BYTES_MAX // 64),
        (lambda count: wire.publish(UP, b"{}", 1, PROPERTY * count), PROPERTY_BYTES_MAX // len(PROPERTY)),
    ],
    ids=["SUBSCRIBE", "UNSUBSCRIBE", "PUBLISH"],
)
def test_a_packet_has_only_so_many_filters_and_properties(make: Callable[[int], bytes], most: int):
    """A packet with more of them than it may have closes its connection before it is decoded."""
    world = World()
    peer, _ = world.connect()
    peer.send_bytes(make(most))
    assert not peer.connection.closing
    peer.send_bytes(make(3 * most))
    assert peer.connection.closing


def test_connecting_anew_does_not_refill_a_budget():
    """A client that connects again and again, or comes back with an empty budget, is refused until something has come
    back; another one is not."""
    world = World()
    for _ in range(WORK_BURST // WORK_PER_CONNECT):
        peer, _ = world.connect()
        peer.connection.lost(world.now)
    (connack,) = world.peer().send(connect())
    assert isinstance(connack, ConnAckPacket)
    assert connack.reason_code == ConnAckReasonCode.QUOTA_EXCEEDED
    assert world.sessions.failed.refused["budget"] == 1
    world.connect("c2")
    world.pass_s(1.1)
    world.connect()
