"""A link to a real Mosquitto, through everything that happens to connections."""

import asyncio
import itertools
import random
import ssl
from pathlib import Path
from typing import Any, Self

import pytest

from bench.lab.mosquitto import Mosquitto
from bench.lab.programs import make_certificates
from bench.lab.settings import free_port
from edge.mqtt.client.connection import (
    EXPIRED,
    TOO_LARGE,
    ClientOptions,
    ConnectionState,
    Message,
    MqttConnection,
    Will,
)
from tests.edge.mqtt.world import BOTH_LOOPS
from tests.waiting import WAIT_S, until


class Peer:
    """A link that remembers what it got, and acknowledges it by default."""

    def __init__(
        self,
        url: str,
        client_id: str = "peer",
        *,
        hold: bool = False,
        tls: ssl.SSLContext | None = None,
        backoff: tuple[float, float] = (0.05, 0.4),
        **options: Any,
    ) -> None:
        self.hold = hold
        self.reads: list[list[Message]] = []
        self.states: list[ConnectionState] = []
        self.link = MqttConnection(
            url,
            ClientOptions(client_id=client_id, **options),
            on_messages=self._messages,
            on_state=self.states.append,
            random=random.Random(7).random,
            tls=tls,
            backoff=backoff,
        )

    def _messages(self, messages: list[Message]) -> None:
        self.reads.append(messages)
        if not self.hold:
            self.link.acknowledge(messages)

    @property
    def payloads(self) -> list[bytes]:
        return [message.payload for read in self.reads for message in read]

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self.link.run())
        await until(lambda: self.link.connected, "a connection")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.link.stop()
        await self._task


@BOTH_LOOPS
async def test_thousands_of_publishes_arrive_once_and_in_order(
    monkeypatch: pytest.MonkeyPatch, broker: Mosquitto
) -> None:
    """Five thousand QoS 1 publishes pass a receive maximum of 20 and come out once each, in order."""
    monkeypatch.setattr("edge.mqtt.client.inflight.LINK_BACKLOG_MAX", 100)
    async with Peer(broker.url, subscriptions=[("t/#", 1)]) as peer:
        codes: list[int] = []
        sent, fullest = 0, 0
        while sent < 5000:
            if peer.link.publish("t/x", b"%d" % sent, on_ack=codes.append):
                sent += 1
            else:
                await asyncio.sleep(0)
            fullest = max(fullest, peer.link.unacked)
        await until(lambda: len(codes) == 5000 and len(peer.payloads) == 5000, "5,000 messages")
        assert peer.payloads == [b"%d" % n for n in range(5000)]
        assert set(codes) == {0}
        assert fullest <= 120
        assert (peer.link.unacked, peer.link.session.held) == (0, 0)


async def test_one_read_is_one_call(broker: Mosquitto) -> None:
    """Messages that share a read come in one call of the owner."""
    async with Peer(broker.url, subscriptions=[("t", 0)]) as peer:
        for number in range(200):
            assert peer.link.publish("t", b"%d" % number, qos=0)
        await until(lambda: len(peer.payloads) == 200, "200 messages")
        assert len(peer.reads) < 200


async def test_messages_not_acknowledged_come_again(broker: Mosquitto) -> None:
    """What the owner has not acknowledged comes again after the connection is lost, and only that."""
    options = {"subscriptions": [("t", 1)], "session_expiry_s": 600}
    async with Peer(broker.url, "sender") as sender, Peer(broker.url, hold=True, **options) as peer:
        for number in range(10):
            sender.link.publish("t", b"%d" % number)
        await until(lambda: len(peer.payloads) == 10, "10 messages")
        first = [message for read in peer.reads for message in read]
        peer.link.acknowledge(first[:4])
        await asyncio.sleep(0.1)
        assert peer.link.session.held == 6
        peer.reads.clear()
        peer.link.drop()
        await until(lambda: len(peer.payloads) == 6, "the other 6")
        assert peer.payloads == [b"%d" % n for n in range(4, 10)]
        peer.link.acknowledge(first)  # of the earlier connection: they name nothing now
        assert peer.link.session.held == 6
        assert peer.link.session.session_present
        peer.link.acknowledge([message for read in peer.reads for message in read])
        await until(lambda: peer.link.session.held == 0, "acknowledgements")


async def test_publishes_survive_a_broker_that_is_killed(broker: Mosquitto) -> None:
    """Publishes under way while the broker is killed are acknowledged after its restart, each exactly once to the
    owner; nobody else has to send them again."""
    codes: dict[int, list[int]] = {number: [] for number in range(3000)}
    async with Peer(broker.url, session_expiry_s=600) as peer:
        number, kills = 0, 0
        while number < 3000:
            if number == 1000 * (kills + 1):
                kills += 1
                broker.kill()
                broker.start()
            if peer.link.publish("t", b"x", on_ack=codes[number].append):
                number += 1
            else:
                await asyncio.sleep(0.002)
        await until(lambda: all(codes.values()), "3,000 acknowledgements")
        assert peer.link.connects == 3
    # 0x10: nobody subscribed, which is a success.
    assert all(seen in ([0], [0x10]) for seen in codes.values())


async def test_a_lost_session_is_noticed_and_subscribed_again(broker: Mosquitto) -> None:
    """A broker that lost its database has no session: the link counts that, subscribes again and gets messages."""
    options = {"subscriptions": [("t", 1)], "session_expiry_s": 600}
    async with Peer(broker.url, **options) as peer:
        broker.kill()
        broker.forget()
        broker.start()
        await until(lambda: peer.link.connects == 2 and peer.link.connected, "the second connection")
        assert not peer.link.session.session_present
        assert peer.link.session.sessions_lost == 1
        peer.link.publish("t", b"again")
        await until(lambda: peer.payloads == [b"again"], "a message")


@pytest.mark.parametrize("broker", [{"users": {"rider": "right"}}], indirect=True)
async def test_a_wrong_password_is_reported_and_not_tried_in_a_hot_loop(broker: Mosquitto) -> None:
    """A refused link names what to check, and waits at the slow end of its back-off."""
    peer = Peer(broker.url, username="rider", token="wrong", backoff=(0.01, 60.0))
    task = asyncio.create_task(peer.link.run())
    await until(lambda: ConnectionState.REFUSED in peer.states, "a refusal")
    assert "'rider'" in peer.link.error
    assert "the token" in peer.link.error
    await asyncio.sleep(0.5)
    assert peer.states == [ConnectionState.CONNECTING, ConnectionState.REFUSED]
    await peer.link.stop()
    await task
    async with Peer(broker.url, username="rider", token="right") as right:
        assert right.link.error == ""


async def test_back_off_is_exponential_with_full_jitter() -> None:
    """Delays are a random share of a ceiling that doubles up to its maximum."""
    shares = []

    def share() -> float:
        shares.append(asyncio.get_running_loop().time())
        return 0.5

    states: list[ConnectionState] = []
    link = MqttConnection(
        f"mqtt://127.0.0.1:{free_port()}",
        ClientOptions(client_id="x"),
        on_messages=lambda _: None,
        on_state=states.append,
        random=share,
        backoff=(0.02, 0.08),
    )
    task = asyncio.create_task(link.run())
    await until(lambda: len(shares) >= 6, "six attempts")
    await link.stop()
    await task
    # Half of 0.02, 0.04, 0.08, 0.08, …: never less, and in the end constant (the machine may add to each).
    waits = [later - sooner for sooner, later in itertools.pairwise(shares)]
    assert all(wait >= least * 0.9 for wait, least in zip(waits, [0.01, 0.02, 0.04, 0.04, 0.04], strict=False))
    assert "cannot be reached" in link.error
    assert states[-1] is ConnectionState.STOPPED


@pytest.mark.parametrize(("held_s", "ceilings"), [(0.0, [0.02, 0.02, 0.02, 0.02]), (60.0, [0.02, 0.04, 0.08, 0.16])])
async def test_back_off_begins_anew_only_after_a_connection_that_held(
    held_s: float, ceilings: list[float], monkeypatch: pytest.MonkeyPatch, broker: Mosquitto
) -> None:
    """A peer that drops us soon after it took us in is left alone for longer each time; one that kept us is not."""
    monkeypatch.setattr("edge.mqtt.client.connection.LINK_HELD_S", held_s)
    waits: list[float] = []

    async def wait_for(what: Any, delay_s: float) -> Any:
        if asyncio.iscoroutine(what):
            waits.append(delay_s)
        return await honest(what, delay_s)

    honest = asyncio.wait_for
    async with Peer(broker.url, backoff=(0.02, 10.0)) as peer:
        peer.link._random = lambda: 1.0
        monkeypatch.setattr(asyncio, "wait_for", wait_for)
        for count in range(2, 6):
            peer.link.drop()
            await until(lambda count=count: peer.link.connected and peer.link.connects == count, "the way back")
    assert waits[:4] == ceilings


async def test_of_several_peers_each_is_tried_in_turn(broker: Mosquitto) -> None:
    """Where the first one does not answer the next one is tried, before the pauses grow; and the other way round."""
    dead = f"mqtt://127.0.0.1:{free_port()}"
    states: list[ConnectionState] = []
    link = MqttConnection(
        [dead, dead, broker.url],
        ClientOptions(client_id="c1"),
        on_messages=lambda _: None,
        on_state=states.append,
        random=lambda: 0.5,
        backoff=(0.01, 60.0),
    )
    task = asyncio.create_task(link.run())
    await until(lambda: link.connected)
    assert link.url == broker.url
    assert states.count(ConnectionState.DISCONNECTED) == 2
    link.drop()
    await until(lambda: states.count(ConnectionState.DISCONNECTED) == 5 and link.connected)
    await link.stop()
    await task


async def test_a_half_dead_peer_is_left(broker: Mosquitto) -> None:
    """A broker that is stopped in the middle acknowledges nothing: the link closes, comes back, and loses nothing."""
    codes: list[int] = []
    async with Peer(broker.url, session_expiry_s=600, ack_deadline_s=0.5) as peer:
        broker.freeze()
        assert peer.link.publish("t", b"x", on_ack=codes.append)
        await until(lambda: ConnectionState.DISCONNECTED in peer.states, "the end of the connection")
        assert "acknowledged none of 1 publishes" in peer.link.error
        broker.thaw()
        await until(lambda: codes, "the acknowledgement")


async def test_a_peer_that_accepts_and_never_answers_is_a_failure_not_a_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    """A listener that takes the connection and sends nothing is given up at the deadline of the handshake."""
    monkeypatch.setattr("edge.mqtt.client.session.CONNECT_DEADLINE_S", 0.3)
    server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    peer = Peer(f"mqtt://127.0.0.1:{port}")
    task = asyncio.create_task(peer.link.run())
    await until(lambda: ConnectionState.DISCONNECTED in peer.states, "the deadline")
    assert "handshake" in peer.link.error
    await peer.link.stop()
    await task
    server.close()


@pytest.mark.parametrize("broker", [{"transport": "tls"}], indirect=True)
@BOTH_LOOPS
async def test_tls_is_verified(broker: Mosquitto) -> None:
    """With the right authority the link connects; without it, it refuses, and reports why."""
    trusted = ssl.create_default_context(cafile=broker.ca)
    async with Peer(broker.tls_url, tls=trusted, subscriptions=[("t", 1)]) as peer:
        peer.link.publish("t", b"secret")
        await until(lambda: peer.payloads == [b"secret"], "a message over TLS")
    other = Peer(broker.tls_url)
    task = asyncio.create_task(other.link.run())
    await until(lambda: ConnectionState.REFUSED in other.states, "a refusal")
    assert "certificate that is not trusted" in other.link.error
    await other.link.stop()
    await task


@BOTH_LOOPS
async def test_a_unix_socket_will_do(broker: Mosquitto) -> None:
    """The same over a unix socket."""
    async with Peer(broker.unix_url, subscriptions=[("t", 1)]) as peer:
        peer.link.publish("t", b"near")
        await until(lambda: peer.payloads == [b"near"], "a message")


async def test_the_will_is_sent_for_a_lost_link_and_not_for_a_stopped_one(broker: Mosquitto) -> None:
    """`drop` leaves the will behind, `stop` takes it along."""
    async with Peer(broker.url, "watcher", subscriptions=[("gone/#", 1)]) as watcher:
        for name in ("polite", "lost"):
            will = Will(f"gone/{name}", payload=b"")
            async with Peer(broker.url, name, will=will, backoff=(60.0, 60.0)) as peer:
                if name == "lost":
                    peer.link.drop()
        await until(lambda: watcher.reads, "a will")
        assert [message.topic for read in watcher.reads for message in read] == ["gone/lost"]


@pytest.mark.parametrize("broker", [{"settings": ["max_packet_size 20000"]}], indirect=True)
async def test_what_cannot_leave_is_reported(broker: Mosquitto) -> None:
    """Not connected: False. Over the peer's packet size: a code at once. Expired on the way: a code."""
    codes: list[int] = []
    options = {"session_expiry_s": 600, "ack_deadline_s": 60.0, "backoff": (2.5, 2.5)}
    async with Peer(broker.url, **options) as peer:
        assert peer.link.publish("t", bytes(30_000), on_ack=codes.append)
        assert codes == [TOO_LARGE]
        broker.freeze()
        assert peer.link.publish("t", b"old news", expiry_s=0.1, on_ack=codes.append)
        await asyncio.sleep(0.2)
        broker.kill()
        await until(lambda: not peer.link.connected, "the loss")
        assert not peer.link.publish("t", b"x")
        assert not peer.link.publish("t", b"x", qos=0)
        broker.start()
        await until(lambda: len(codes) == 2, "the second code")
        assert codes[1] == EXPIRED
    assert not peer.link.publish("t", b"x")


async def test_a_paused_link_keeps_its_connection_and_gets_everything_later(broker: Mosquitto) -> None:
    """While the owner does not read nothing arrives and nothing is given up, however long it takes."""
    options = {"subscriptions": [("t", 1)], "keep_alive_s": 1, "ack_deadline_s": 0.5}
    async with Peer(broker.url, "sender") as sender, Peer(broker.url, **options) as peer:
        peer.link.pause()
        assert peer.link.publish("other", b"")
        for number in range(100):
            sender.link.publish("t", b"%d" % number)
        await asyncio.sleep(2.5)
        assert peer.reads == []
        peer.link.resume()
        await until(lambda: len(peer.payloads) == 100, "100 messages")
        assert peer.link.connects == 1


@BOTH_LOOPS
async def test_a_peer_that_sends_more_than_it_may_is_slowed_down_not_left(broker: Mosquitto) -> None:
    """Mosquitto sends a whole backlog against a receive maximum: the link stops reading until the owner has let go."""
    options = {"subscriptions": [("t", 1)], "session_expiry_s": 600, "receive_max": 50}
    async with Peer(broker.url, "sender") as sender, Peer(broker.url, hold=True, **options) as peer:
        peer.link.pause()
        for number in range(600):
            await until(lambda n=number: sender.link.publish("t", b"%d" % n), "room to publish")
        await until(lambda: sender.link.unacked == 0, "600 publishes at the broker")
        peer.link.resume()
        done = 0
        while done < 600:
            await until(lambda n=done: len(peer.payloads) > n, "more")
            messages = [message for read in peer.reads for message in read][done : done + 20]
            peer.link.acknowledge(messages)
            done += len(messages)
        assert peer.payloads == [b"%d" % number for number in range(600)]
        assert peer.link.connects == 1


@BOTH_LOOPS
async def test_a_paused_link_still_finds_its_way_back(broker: Mosquitto) -> None:
    """A connection lost while the owner does not read is made anew, and stays quiet until it reads again."""
    options = {"subscriptions": [("t", 1)], "session_expiry_s": 600}
    async with Peer(broker.url, "sender") as sender, Peer(broker.url, **options) as peer:
        peer.link.pause()
        peer.link.drop()
        await until(lambda: peer.link.connects == 2, "the second connection")
        sender.link.publish("t", b"later")
        await asyncio.sleep(0.2)
        assert peer.reads == []
        peer.link.resume()
        await until(lambda: peer.payloads == [b"later"], "the message")


@BOTH_LOOPS
async def test_a_link_ends_at_once_wherever_it_stands(broker: Mosquitto) -> None:
    """Stopped or cancelled, while it connects, waits or is connected: `run` ends, and no socket stays open."""
    silent = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    nobody = f"mqtt://127.0.0.1:{silent.sockets[0].getsockname()[1]}"
    for url in (broker.url, nobody, f"mqtt://127.0.0.1:{free_port()}"):
        for cancelled in (True, False):
            peer = Peer(url, backoff=(60.0, 60.0))
            for wait_s in (0.0, 0.1):
                task = asyncio.create_task(peer.link.run())
                await asyncio.sleep(wait_s)
                if cancelled:
                    task.cancel()
                    await asyncio.wait((task,), timeout=WAIT_S)
                    assert task.cancelled()
                else:
                    await peer.link.stop()
                    await asyncio.wait_for(task, WAIT_S)
                    assert peer.states[-1] is ConnectionState.STOPPED
                assert not peer.link.publish("t", b"")
    silent.close()


async def test_another_context_is_used_at_once(tmp_path: Path) -> None:
    """The connection is made anew with it; a link that waits after a refusal does not wait for its end."""
    certificates = make_certificates(tmp_path)
    with Mosquitto(tmp_path / "broker", transport="tls", certificates=certificates) as broker:
        good = ssl.create_default_context(cafile=certificates.ca)
        async with Peer(broker.tls_url, tls=good) as peer:
            peer.link.set_tls(ssl.create_default_context())  # which does not know that authority
            await until(lambda: peer.link.state is ConnectionState.REFUSED, "a refusal")
            peer.link._backoff = (600.0, 600.0)
            peer.link.set_tls(ssl.create_default_context())
            before = len(peer.states)
            await until(lambda: len(peer.states) > before + 1, "another refusal")
            peer.link.set_tls(good)
            await until(lambda: peer.link.connected, "a connection")
            assert peer.link.connects == 2
