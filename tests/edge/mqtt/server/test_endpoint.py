"""The endpoint with real sockets, on both event loops. (Rules of the protocol are in test_session.py.)"""

import asyncio
import socket
import ssl
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench.lab.programs import make_certificates
from edge.errors import BusyError, ConfigError
from edge.mqtt.packets.codec import (
    ConnAckPacket,
    ConnectPacket,
    Decoder,
    DisconnectPacket,
    Packet,
    PingReqPacket,
    PingRespPacket,
    PubAckPacket,
    PublishPacket,
    QoS,
    SubAckPacket,
    SubscribePacket,
    TopicFilter,
)
from edge.mqtt.server.endpoint import Endpoint, EndpointOptions, parse_address
from tests.edge.mqtt.clients import Client, WebClient, connection
from tests.edge.mqtt.world import ALL, BOTH_LOOPS, TOKEN, UP, Recorder, everybody
from tests.waiting import until


@pytest.fixture(autouse=True)
def _grace(monkeypatch: pytest.MonkeyPatch):
    """Clients here often stay on the line at the end of a test."""
    monkeypatch.setattr("edge.mqtt.server.endpoint.CLOSE_GRACE_S", 0.2)


def make(receiver: Recorder, *, clock: Callable[[], float] = time.monotonic, **options: Any) -> Endpoint:
    return Endpoint("n1", receiver, everybody, EndpointOptions(**options), clock=clock)


async def answered(endpoint: Endpoint, receiver: Recorder, client: Client) -> None:
    """One publish and one answer through a client that is connected."""
    client.send(SubscribePacket(1, ALL), PublishPacket(UP, b"{}", qos=QoS.AT_LEAST_ONCE, packet_id=9))
    assert isinstance(await client.receive(), SubAckPacket)
    assert await client.receive() == PubAckPacket(9)
    receiver.answer("c1", b"hello")
    endpoint.wake({"c1": (), "nobody": ()})
    answer = await client.receive()
    assert isinstance(answer, PublishPacket)
    assert answer.payload == b"hello"
    assert answer.packet_id is not None
    client.send(PubAckPacket(answer.packet_id))
    await until(lambda: not receiver.answers)


@pytest.mark.parametrize(("kind", "version"), [(Client, 5), (Client, 4), (WebClient, 5)])
@pytest.mark.parametrize("secure", [False, True])
@BOTH_LOOPS
async def test_every_way_in(tmp_path: Path, kind: type[Client], version: int, secure: bool):
    """TCP, TLS, WebSocket and WebSocket over TLS carry the same session."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    client_tls = None
    if secure:
        authority, certificate, key = make_certificates(tmp_path)
        server.load_cert_chain(certificate, key)
        client_tls = ssl.create_default_context(cafile=str(authority))
    receiver = Recorder(acknowledge=True)
    endpoint = make(receiver)
    tls = (lambda: server) if secure else None
    _, port = await endpoint.listen("127.0.0.1:0", websocket=kind is WebClient, tls=tls)
    client = await kind.connect(port, version=version, tls=client_tls)
    assert (endpoint.connections, endpoint.registry.count) == (1, 1)
    await answered(endpoint, receiver, client)
    client.writer.close()
    await until(lambda: endpoint.connections == 0)
    assert receiver.presence == [("c1", True), ("c1", False)]
    await endpoint.close()


@BOTH_LOOPS
async def test_one_read_is_one_batch_and_one_write():
    """Publishes of one read arrive in one call; acknowledgements and answers of one turn leave in one write."""
    receiver = Recorder(acknowledge=True)
    endpoint = make(receiver)

    def answer(_publishes: object) -> None:
        receiver.answer("c1")
        endpoint.wake({"c1": ()})

    receiver.on_publishes = answer
    _, port = await endpoint.listen("127.0.0.1:0")
    client = await Client.connect(port)
    client.send(SubscribePacket(1, ALL))
    assert isinstance(await client.receive(), SubAckPacket)
    client.send(*[PublishPacket(UP, b"{}", qos=QoS.AT_LEAST_ONCE, packet_id=at) for at in range(1, 101)])
    first = await client.receive()
    assert isinstance(first, PublishPacket)
    assert client.packets == [PubAckPacket(at) for at in range(1, 101)]
    assert receiver.reads == [100]
    await endpoint.close()


@BOTH_LOOPS
async def test_back_pressure():
    """While paused nothing is read, from old and new connections alike; then everything is."""
    receiver = Recorder(acknowledge=True)
    endpoint = make(receiver)
    _, port = await endpoint.listen("127.0.0.1:0")
    client = await Client.connect(port)
    endpoint.pause()
    late = await Client.open(port)
    late.send(ConnectPacket("tablet", username="c1", password=TOKEN))
    client.send(PublishPacket(UP, b"{}", qos=QoS.AT_LEAST_ONCE, packet_id=1))
    await asyncio.sleep(0.1)
    assert receiver.publishes == []
    assert endpoint.registry.count == 1
    endpoint.resume()
    assert await client.receive() == PubAckPacket(1)
    assert isinstance(await late.receive(), ConnAckPacket)
    await endpoint.close()


@BOTH_LOOPS
async def test_a_turn_reads_so_much_of_a_connection_and_no_more():
    """However much waits in the socket: the others have their turn after one read of it, and nothing is lost."""
    receiver = Recorder()
    endpoint = make(receiver, burst=10_000)
    _, port = await endpoint.listen("127.0.0.1:0")
    client = await Client.connect(port)
    (peer,) = endpoint._peers
    assert peer._transport is not None
    peer._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * READ_MOST)
    loop, turns, read = asyncio.get_running_loop(), [0], Counter[int]()

    def turn() -> None:
        turns[0] += 1
        loop.call_soon(turn)

    loop.call_soon(turn)
    receiver.on_publishes = lambda publishes: read.update({turns[0]: sum(len(each.payload) for each in publishes)})
    sent = 400
    client.send(*[PublishPacket(UP, b"x" * 4_000) for _ in range(sent)])
    await until(lambda: sum(read.values()) == 4_000 * sent)
    assert max(read.values()) <= READ_MOST
    await endpoint.close()


READ_MOST = 256 * 1024
"""What either loop reads at once."""


@BOTH_LOOPS
async def test_a_v311_client_is_held_back():
    """A 3.1.1 client with thousands in flight is read no further until acknowledgements leave, and gets all of them."""
    receiver = Recorder()
    endpoint = make(receiver, burst=10_000)
    _, port = await endpoint.listen("127.0.0.1:0")
    client = await Client.connect(port, version=4)
    sent = 6_000
    payload = b"x" * 200
    client.send(*[PublishPacket(UP, payload, qos=QoS.AT_LEAST_ONCE, packet_id=at + 1) for at in range(sent)])
    acked: list[int] = []

    async def collect() -> None:
        while len(acked) < sent:
            packet = await client.receive()
            assert isinstance(packet, PubAckPacket)
            acked.append(packet.packet_id)

    collecting = asyncio.create_task(collect())
    most = 0
    while len(receiver.publishes) < sent or receiver.sources:
        await asyncio.sleep(0.005)
        most = max(most, sum(len(tokens) for _, tokens in receiver.sources))
        sources, receiver.sources = receiver.sources, []
        for source, tokens in sources:
            source.acknowledge(tokens, [""] * len(tokens))
    await collecting
    assert acked == list(range(1, sent + 1))
    assert most < sent
    await endpoint.close()


@BOTH_LOOPS
async def test_takeover():
    """The older connection of the same client gets the reason and is closed; the newer one works."""
    receiver = Recorder(acknowledge=True)
    endpoint = make(receiver)
    _, port = await endpoint.listen("127.0.0.1:0")
    old = await Client.connect(port)
    new = await Client.connect(port)
    disconnect_reason = await old.receive()
    assert isinstance(disconnect_reason, DisconnectPacket)
    assert int(disconnect_reason.reason_code) == 0x8E
    assert await old.receive() is None
    await answered(endpoint, receiver, new)
    assert endpoint.registry.takeovers == 1
    assert endpoint.gauges()["link"]["taken_over"] == "c1 (1)"
    await endpoint.close()


@BOTH_LOOPS
async def test_revocation():
    """After the credentials have changed, whoever is not in them any more goes at once, and only they."""
    revoked: set[str] = set()
    receiver = Recorder(acknowledge=True)
    endpoint = Endpoint("n1", receiver, lambda user, token: None if user in revoked else everybody(user, token))
    _, port = await endpoint.listen("127.0.0.1:0")
    one, two = [await Client.connect(port, client=name) for name in ("c1", "c2")]
    revoked.add("c2")
    endpoint.recheck()
    disconnect_reason = await two.receive()
    assert isinstance(disconnect_reason, DisconnectPacket)
    assert int(disconnect_reason.reason_code) == 0x87
    await answered(endpoint, receiver, one)
    await until(lambda: endpoint.connections == 1)
    refused = await Client.open(port)
    refused.send(ConnectPacket("phone", username="c2", password=TOKEN))
    connack = await refused.receive()
    assert isinstance(connack, ConnAckPacket)
    assert int(connack.reason_code) == 0x86
    assert endpoint.registry.failed.refused["credentials"] == 1
    assert endpoint.gauges()["link"]["connects_refused_from"] == "127.0.0.1 (1)"
    await endpoint.close()


@BOTH_LOOPS
async def test_a_connection_that_cannot_be_written_to_holds_up_nobody():
    """Where writing to one connection fails it is dropped, and the others of that turn get what is theirs."""
    receiver = Recorder(acknowledge=True)
    endpoint = make(receiver)
    _, port = await endpoint.listen("127.0.0.1:0")
    broken = await Client.connect(port, client="c2")

    def fail(_data: bytes) -> None:
        raise RuntimeError("this transport is closed")

    peer: Any = next(iter(endpoint._peers))
    peer._transport = SimpleNamespace(is_closing=lambda: False, write=fail, abort=peer._transport.abort)
    client = await Client.connect(port)
    broken.send(PingReqPacket())
    client.send(PingReqPacket())
    assert await client.receive() == PingRespPacket()
    assert await broken.receive() is None
    assert endpoint.connections == 1
    await endpoint.close()


@BOTH_LOOPS
async def test_closing():
    """A stop sends DISCONNECT to everybody, refuses new connections, and reports nobody as gone."""
    receiver = Recorder(acknowledge=True)
    endpoint = make(receiver)
    _, port = await endpoint.listen("127.0.0.1:0")
    client = await Client.connect(port)
    unauthenticated = await Client.open(port)
    await until(lambda: endpoint.connections == 2)
    await endpoint.stop_listening()
    with pytest.raises(ConnectionError):
        await Client.open(port)
    await answered(endpoint, receiver, client)
    await endpoint.close()
    disconnect_reason = await client.receive()
    assert isinstance(disconnect_reason, DisconnectPacket)
    assert int(disconnect_reason.reason_code) == 0x8B
    assert await client.receive() is None
    assert await unauthenticated.receive() is None
    assert receiver.presence == [("c1", True)]
    assert endpoint.connections == 0


@BOTH_LOOPS
async def test_the_reason_arrives_though_more_was_sent():
    """A client that goes on sending still reads why it is disconnected; one that does not leave is dropped."""
    skip = 0.0
    endpoint = make(Recorder(), clock=lambda: time.monotonic() + skip)
    _, port = await endpoint.listen("127.0.0.1:0")
    client = await Client.connect(port)
    client.writer.write(b"\x30\xff\xff\xff\x7f" + b"x" * 3_000_000)
    disconnect_reason = await client.receive()
    assert isinstance(disconnect_reason, DisconnectPacket)
    assert int(disconnect_reason.reason_code) == 0x95
    assert await client.receive() is None
    assert endpoint.connections == 1
    skip = 10.0
    await until(lambda: endpoint.connections == 0)
    await endpoint.close()


@BOTH_LOOPS
async def test_a_consumer_that_never_reads(monkeypatch: pytest.MonkeyPatch):
    """What is written for it is bounded; then it is disconnected, and the others never notice."""
    monkeypatch.setattr(
        "edge.mqtt.server.endpoint.WRITE_BUFFER_BYTES_MAX", 128 * 1024
    )  # of two-byte answers: sooner is better
    monkeypatch.setattr("edge.mqtt.server.budgets.WORK_BURST", 10**9)  # the pings' price would stop it before that
    receiver = Recorder(acknowledge=True)
    endpoint = make(receiver)
    _, port = await endpoint.listen("127.0.0.1:0")
    client = await Client.connect(port)
    deaf = socket.socket()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)  # before connecting, so that it is what is announced
    deaf.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(deaf, ("127.0.0.1", port))
    await loop.sock_sendall(deaf, ConnectPacket("x", username="c2", password=TOKEN).write())
    await until(lambda: endpoint.registry.count == 2)
    for peer in endpoint._peers:
        assert peer._transport is not None
        peer._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8_192)
    pings = PingReqPacket().write() * 10_000
    while endpoint.slow_readers == 0:
        try:
            await loop.sock_sendall(deaf, pings)
        except ConnectionError:
            break
    await until(lambda: endpoint.slow_readers == 1)
    await until(lambda: endpoint.connections == 1)
    await answered(endpoint, receiver, client)
    deaf.close()
    await endpoint.close()


@BOTH_LOOPS
async def test_answers_for_one_who_does_not_read_wait_in_the_core():
    """At QoS 0, with no window, answers stop being pulled when the peer stops reading, and follow when it reads."""
    receiver = Recorder(acknowledge=True)
    endpoint = make(receiver)
    _, port = await endpoint.listen("127.0.0.1:0")
    client = await Client.connect(port)
    for _ in range(3_000):
        receiver.answer("c1", b"x" * 10_000)
    client.send(SubscribePacket(1, [TopicFilter("ds/n1/down/c1/#", max_qos=QoS.AT_MOST_ONCE)]))
    await asyncio.sleep(0.3)
    assert receiver.answers
    assert isinstance(await client.receive(), SubAckPacket)
    for _ in range(3_000):
        assert isinstance(await client.receive(), PublishPacket)
    await until(lambda: not receiver.answers)
    assert endpoint.slow_readers == 0
    await endpoint.close()


@BOTH_LOOPS
async def test_a_flood_of_connections():
    """Where silent unauthenticated clients take all places, an honest client still gets in; known clients stay."""
    receiver = Recorder(acknowledge=True)
    endpoint = make(receiver, connections_max=50)
    _, port = await endpoint.listen("127.0.0.1:0")
    first = await Client.connect(port, client="c2")
    unauthenticated = [await Client.open(port) for _ in range(100)]
    honest = await Client.connect(port)
    await answered(endpoint, receiver, honest)
    first.send(PingReqPacket())
    assert isinstance(await first.receive(), PingRespPacket)
    await until(lambda: endpoint.connections <= 50)
    assert endpoint.connections_refused >= 50
    for each in unauthenticated:
        each.writer.close()
    await endpoint.close()


@BOTH_LOOPS
async def test_deadlines_run_on_the_endpoints_clock():
    """Unauthenticated clients and silent clients are closed by the one timer, by the clock that was given."""
    skip = 0.0
    receiver = Recorder(acknowledge=True)
    endpoint = make(receiver, clock=lambda: time.monotonic() + skip)
    _, port = await endpoint.listen("127.0.0.1:0")
    client = await Client.connect(port)
    unauthenticated = await Client.open(port)
    await until(lambda: endpoint.connections == 2)
    skip = 11.0
    assert await unauthenticated.receive() is None
    unauthenticated.writer.close()
    await until(lambda: endpoint.connections == 1)
    skip = 120.0
    disconnect_reason = await client.receive()
    assert isinstance(disconnect_reason, DisconnectPacket)
    assert int(disconnect_reason.reason_code) == 0x8D
    client.writer.close()
    await until(lambda: endpoint.connections == 0)
    await endpoint.close()


@BOTH_LOOPS
async def test_half_open_tls_goes_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A TLS handshake that is never finished is dropped, and honest clients get in meanwhile."""
    authority, certificate, key = make_certificates(tmp_path)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, key)
    monkeypatch.setattr("edge.mqtt.listener.TLS_HANDSHAKE_S", 0.5)
    receiver = Recorder(acknowledge=True)
    endpoint = make(receiver)
    _, port = await endpoint.listen("127.0.0.1:0", tls=lambda: server)
    half = [await Client.open(port) for _ in range(20)]
    half[0].writer.write(b"\x16\x03\x01")
    client = await Client.connect(port, tls=ssl.create_default_context(cafile=str(authority)))
    await answered(endpoint, receiver, client)
    for one in half:
        assert await one.receive() is None
    await endpoint.close()


@BOTH_LOOPS
async def test_the_quota_can_be_changed():
    """A new quota holds for connections that are there."""
    receiver = Recorder(acknowledge=True)
    endpoint = make(receiver, messages_per_s=1, burst=1)
    _, port = await endpoint.listen("127.0.0.1:0")
    client = await Client.connect(port)
    endpoint.set_quota(1_000_000, 1_000)
    await asyncio.sleep(0.01)
    client.send(*[PublishPacket(UP, b"{}", qos=QoS.AT_LEAST_ONCE, packet_id=at) for at in range(1, 101)])
    assert [await client.receive() for _ in range(100)] == [PubAckPacket(at) for at in range(1, 101)]
    await endpoint.close()


async def test_every_address_of_both_families():
    """`[::]` is reached over IPv4 and IPv6, and knows a peer of IPv4 by the address that it has."""
    endpoint = make(Recorder())
    _, port = await endpoint.listen("[::]:0")
    for host in ("127.0.0.1", "::1"):
        client = await Client.open(port, host=host)
        client.send(ConnectPacket("phone", username="c1", password=TOKEN))
        assert isinstance(await client.receive(), ConnAckPacket)
        assert next(reversed(endpoint._peers)).connection.address == host
    await endpoint.close()


async def test_a_busy_port():
    """The error names the port and how to choose another one."""
    taken, endpoint = make(Recorder()), make(Recorder())
    _, port = await taken.listen("127.0.0.1:0")
    with pytest.raises(BusyError, match=rf"Port {port} .* choose another port"):
        await endpoint.listen(f"127.0.0.1:{port}")
    await taken.close()


@pytest.mark.parametrize(
    ("address", "anonymous"),
    [
        ("0.0.0.0:0", True),
        ("192.0.2.1:0", True),
        ("[::]:0", True),
        ("node.example:0", True),
        ("192.0.2.1:0", False),
        ("127.0.0.1", False),
        ("127.0.0.1:x", False),
        ("127.0.0.1:70000", False),
        (":1883", False),
    ],
)
async def test_addresses_that_cannot_be_used(address: str, anonymous: bool):
    """Anonymous clients are for loopback only; an address of another machine is refused."""
    with pytest.raises(ConfigError, match="listen"):
        await make(Recorder(), anonymous=anonymous).listen(address)


@pytest.mark.parametrize("address", ["127.0.0.1:0", "[::1]:0", "localhost:0"])
def test_anonymous_on_loopback(address: str):
    """Loopback has many names."""

    async def test() -> None:
        endpoint = make(Recorder(), anonymous=True)
        assert (await endpoint.listen(address))[1] > 0
        await endpoint.close()

    if address.startswith("[") and not socket.has_ipv6:
        return
    asyncio.run(test())


def test_addresses_are_read():
    """Names, IPv4 and IPv6."""
    assert parse_address("[::1]:1883") == ("::1", 1883)
    assert parse_address("node.example:0") == ("node.example", 0)


# -- when it writes ----------------------------------------------------------------------------------------------------


async def _connected(receiver: Recorder) -> tuple[Endpoint, asyncio.StreamReader, asyncio.StreamWriter]:
    """A client that is subscribed, and has read what it received."""
    endpoint = Endpoint("n1", receiver, everybody)
    _, port = await endpoint.listen("127.0.0.1:0")
    reader, writer = await connection(port)
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
