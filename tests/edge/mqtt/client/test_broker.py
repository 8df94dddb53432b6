"""Broker mode through a real Mosquitto, with a node of a few lines behind it."""

import asyncio
import os
import random
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Self

import pytest

from bench.lab.mosquitto import Mosquitto
from bench.lab.settings import free_port
from edge.core.model import Answer
from edge.errors import Reason
from edge.identity.authority import Authority
from edge.identity.credentials import Credentials, Newcomer, add
from edge.limits import PAYLOAD_BYTES_MAX
from edge.messages.envelope import UNKNOWN
from edge.messages.grants import Grant
from edge.mqtt.client.broker import Broker, BrokerOptions
from edge.mqtt.client.connection import ClientOptions, ConnectionState, Message, MqttConnection, Will
from edge.mqtt.seam import Publish, Source
from tests.waiting import until

BACKOFF = (0.05, 0.4)
DEPLOY = Path(__file__).resolve().parents[4] / "deploy" / "mosquitto"


class Node:
    """A receiver that 'commits' every publish a moment later, answers it with its own payload, then acknowledges."""

    def __init__(self) -> None:
        self.broker: Broker
        self.committing = True
        self.answering = True
        self.order: list[str] = []
        self.events: dict[bytes, int] = {}  # payload -> how often it was committed
        self.kinds: dict[bytes, str] = {}
        self.grants: dict[str, Grant] = {}
        self.unsettled: list[tuple[Source, list[Publish]]] = []
        self.answers: dict[str, list[Answer]] = {}
        self.sequence = 0
        self.sheds: list[tuple[str, Reason, int]] = []
        self.presence: list[tuple[str, bool]] = []
        self.pulled_max = 0
        self.expiry_s = 600.0

    def received(self, source: Source, publishes: list[Publish], read_at: float) -> None:
        assert time.perf_counter() - read_at >= 0
        self.unsettled.append((source, publishes))
        asyncio.get_running_loop().call_later(0.002, self.commit)

    def commit(self) -> None:
        if not self.committing:
            return
        unsettled, self.unsettled = self.unsettled, []
        for source, publishes in unsettled:
            clients: list[str] = []
            for publish in publishes:
                first = publish.payload not in self.events
                self.events[publish.payload] = self.events.get(publish.payload, 0) + 1
                self.kinds[publish.payload], self.grants[publish.client] = publish.kind, publish.grant
                if self.answering and first:
                    self.answer(publish.client, publish.payload)
                clients.append(publish.client)
            self.order += ["commit", "wake", "acknowledge"]
            self.broker.wake(dict.fromkeys(clients, ()))
            source.acknowledge([p.token for p in publishes if p.qos], ["" for p in publishes if p.qos])

    def answer(self, client: str, payload: bytes) -> None:
        self.sequence += 1
        answer = Answer(self.sequence, client, "receipt", payload, 0.0)
        self.answers.setdefault(client, []).append(answer)

    def shed(self, client: str, reason: Reason, count: int) -> None:
        self.sheds.append((client, reason, count))

    def present(self, client: str, present: bool) -> None:
        self.presence.append((client, present))

    def delivered(self, client: str, sequences: list[int]) -> None:
        done = set(sequences)
        self.answers[client] = [answer for answer in self.answers[client] if answer.sequence not in done]

    def pending(self, client: str, after: int, limit: int) -> list[tuple[Answer, float]]:
        answers = [answer for answer in self.answers.get(client, []) if answer.sequence > after][:limit]
        self.pulled_max = max(self.pulled_max, len(answers))
        return [(answer, self.expiry_s) for answer in answers]

    @property
    def open(self) -> int:
        return sum(len(answers) for answers in self.answers.values())


@asynccontextmanager
async def joined(url: str, node: Node, roles: Authority | None = None, **options) -> AsyncIterator[Broker]:
    """A node's broker link, up."""
    settings = BrokerOptions(backoff=BACKOFF, **options)
    grant = (roles or Authority(anonymous=True)).grant
    broker = node.broker = Broker("n1", node, url, settings, grant=grant, random=random.Random(3).random)
    await broker.start()
    await until(lambda: broker.link.connected, "the broker")
    try:
        yield broker
    finally:
        await broker.close()


class Person:
    """A client of the node behind the broker."""

    def __init__(
        self, url: str, name: str, *, listens: bool = True, tls: ssl.SSLContext | None = None, **options
    ) -> None:
        self.name = name
        self.got: list[Message] = []
        self.link = MqttConnection(
            url,
            ClientOptions(
                client_id=name,
                will=Will(f"ds/n1/up/{name}/client.gone", payload=b""),
                session_expiry_s=600,
                subscriptions=[(f"ds/n1/down/{name}/#", 1)] if listens else [],
                **options,
            ),
            tls=tls,
            backoff=BACKOFF,
            random=random.Random(name).random,
            on_messages=self._messages,
            on_state=lambda _: None,
        )

    def _messages(self, messages: list[Message]) -> None:
        self.got += messages
        self.link.acknowledge(messages)

    async def send(self, payload: bytes, kind: str = "order.place", qos: int = 1) -> None:
        topic = f"ds/n1/up/{self.name}/{kind}"
        await until(lambda: self.link.publish(topic, payload, qos=qos), "room to publish")

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self.link.run())
        await until(lambda: self.link.connected, "a connection")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.link.stop()
        await self._task


async def test_an_event_is_committed_answered_and_only_then_acknowledged(broker: Mosquitto) -> None:
    """The broker gets its PUBACK after the commit; the answer is delivered once the broker has it."""
    node = Node()
    async with joined(broker.url, node) as link, Person(broker.url, "ann") as ann:
        node.committing = False
        await ann.send(b"1")
        await until(lambda: node.unsettled, "the event")
        await asyncio.sleep(0.1)
        assert link.link.session.held == 1
        assert ann.got == []
        node.committing = True
        node.commit()
        await until(lambda: ann.got, "the answer")
        assert (ann.got[0].topic, ann.got[0].payload) == ("ds/n1/down/ann/receipt", b"1")
        await until(lambda: node.open == 0 and link.link.session.held == 0, "delivery and acknowledgement")
        assert node.presence == [("ann", True)]


async def test_a_broker_on_the_same_box_may_listen_on_a_socket_file(broker: Mosquitto) -> None:
    """With `unix:///path` as its link a node needs no port of the broker; phones come by another way."""
    node = Node()
    async with joined(broker.unix_url, node), Person(broker.url, "ann") as ann:
        await ann.send(b"1")
        await until(lambda: ann.got and not node.open, "the answer and its delivery")
        assert [(got.topic, got.payload) for got in ann.got] == [("ds/n1/down/ann/receipt", b"1")]


async def test_events_not_acknowledged_come_again_after_a_lost_link(broker: Mosquitto) -> None:
    """What was read but not committed when the connection went comes again, also to the next process of the node."""
    node = Node()
    node.committing = False
    async with Person(broker.url, "ann") as ann:
        async with joined(broker.url, node) as link:
            for number in range(20):
                await ann.send(b"%d" % number)
            await until(lambda: link.link.session.held == 20, "20 events")
            node.unsettled.clear()
            link.link.drop()
            await until(lambda: link.link.reconnects == 1 and link.link.session.held == 20, "the same again")
            assert link.link.session.session_present
        successor = Node()
        async with joined(broker.url, successor) as link:
            assert link.link.session.session_present
            await until(lambda: len(successor.events) == 20 and len(ann.got) == 20, "20 answers")
            await until(lambda: link.link.session.held == 0, "acknowledgements")


async def test_nothing_with_a_receipt_is_lost_when_the_broker_is_killed_under_load(broker: Mosquitto) -> None:
    """Clients resend until they have their receipt; the broker is killed twice and loses its memory once meanwhile.
    In the end every event is committed and answered, and nothing waits."""
    node = Node()
    async with joined(broker.url, node) as link:
        people = [Person(broker.url, f"p{number}") for number in range(5)]
        for person in people:
            await person.__aenter__()

        async def order(person: Person) -> None:
            for number in range(200):
                payload = b"%s %d" % (person.name.encode(), number)
                while payload not in {message.payload for message in person.got[-50:]}:
                    node.events.pop(payload, None)  # a repeat is answered again, as the node's recorded answers are
                    await person.send(payload)
                    for _ in range(50):
                        if person.got and person.got[-1].payload == payload:
                            break
                        await asyncio.sleep(0.01)

        work = asyncio.gather(*(order(person) for person in people))
        for kill in range(2):
            await asyncio.sleep(0.4)
            broker.kill()
            if kill == 1:
                broker.forget()
            broker.start()
        await work
        assert link.link.reconnects >= 2
        assert link.link.session.sessions_lost >= 1
        assert len(node.events) == 1000
        await until(lambda: node.open == 0 and link.link.session.held == 0 and link.waiting == 0, "quiet")
        for person in people:
            await person.__aexit__()


async def test_a_lost_session_is_counted_and_subscribed_again(broker: Mosquitto) -> None:
    """A broker without its database is joined anew: counted, subscribed, in use."""
    node = Node()
    async with joined(broker.url, node) as link:
        assert not link.link.session.session_present
        broker.stop()
        broker.forget()
        broker.start()
        await until(lambda: link.link.reconnects == 1 and link.link.connected, "the second connection")
        assert (link.link.session.session_present, link.link.session.sessions_lost) == (False, 1)
        async with Person(broker.url, "ann") as ann:
            await ann.send(b"1")
            await until(lambda: ann.got, "the answer")


@pytest.mark.parametrize("broker", [{"settings": ["max_inflight_messages 10"]}], indirect=True)
async def test_thousands_of_answers_wait_in_the_core_not_in_the_link(broker: Mosquitto) -> None:
    """With a window of 10 the link pulls what fits and goes on as the broker acknowledges: 3,000 answers for 30 clients
    arrive in order and once, and never more than the window is in its hands."""
    node = Node()
    fullest = 0
    async with joined(broker.url, node) as link:
        people = [Person(broker.url, f"p{number}") for number in range(30)]
        for person in people:
            await person.__aenter__()
        for number in range(100):
            for person in people:
                node.answer(person.name, b"%d" % number)
        link.wake({person.name: () for person in people})

        def done() -> bool:
            nonlocal fullest
            fullest = max(fullest, link.link.unacked)
            return all(len(person.got) == 100 for person in people) and node.open == 0

        await until(done, "3,000 answers")
        assert fullest <= 10
        assert node.pulled_max <= 10
        for person in people:
            assert [message.payload for message in person.got] == [b"%d" % number for number in range(100)]
            await person.__aexit__()


async def test_an_answer_that_nobody_holds_stays_pending_until_its_client_listens(broker: Mosquitto) -> None:
    """Mosquitto reports it (0x10) when an answer has no subscriber: it is not delivered then, and comes when the client
    has subscribed and sends something."""
    node = Node()
    async with joined(broker.url, node) as link:
        async with Person(broker.url, "ann", listens=False) as ann:
            for number in range(5):
                await ann.send(b"%d" % number)
            await until(lambda: len(node.events) == 5 and link.unheld > 0 and link.link.unacked == 0, "5 events")
            await asyncio.sleep(0.1)
            assert node.open == 5
            tries = link.unheld
            assert tries <= 10
        async with Person(broker.url, "ann") as ann:
            await ann.send(b"5")
            await until(lambda: node.open == 0, "delivery")
            await until(lambda: {message.payload for message in ann.got} == {b"%d" % n for n in range(6)}, "all")


async def test_answers_in_flight_when_the_broker_dies_arrive_after_it_is_back(broker: Mosquitto) -> None:
    """An answer under way to a frozen, then killed broker is published again to the new one."""
    node = Node()
    async with joined(broker.url, node) as link, Person(broker.url, "ann") as ann:
        await ann.send(b"1")
        await until(lambda: node.open == 0 and ann.got, "the first answer")
        broker.save()
        broker.freeze()
        for number in range(2, 8):
            node.answer("ann", b"%d" % number)
        link.wake({"ann": ()})
        await asyncio.sleep(0.1)
        assert node.open == 6
        broker.kill()
        broker.start()
        await until(lambda: node.open == 0, "delivery")
        await until(lambda: {message.payload for message in ann.got} >= {b"%d" % n for n in range(2, 8)}, "answers")


async def test_hostile_topics_are_refused_counted_and_cannot_loop(broker: Mosquitto) -> None:
    """What the broker lets through and is no topic of a client is shed and acknowledged. What has a client is handed
    over, so that it has a receipt, also where it has no kind or is too large. Names may be written as names from
    elsewhere are."""
    node = Node()
    async with joined(broker.url, node) as link, Person(broker.url, "Ann_2.b") as ann:
        hostile = ["ds/n1/up/../order.place", "ds/n1/up/a b/order.place", "ds/n1/up//order.place"]
        without_kind = ["order\u202eplace", "Order", "a" * 33, ""]
        for topic in [*hostile, *(f"ds/n1/up/Ann_2.b/{level}" for level in without_kind)]:
            assert ann.link.publish(topic, b"x")
        await ann.send(large := bytes(PAYLOAD_BYTES_MAX + 1))
        await ann.send(b"good")
        await until(lambda: b"good" in node.events, "the last one")
        assert node.events == {b"x": len(without_kind), large: 1, b"good": 1}
        assert node.kinds == {b"x": UNKNOWN, large: "order.place", b"good": "order.place"}
        assert node.sheds == [("", Reason.FORBIDDEN_TOPIC, 1)] * len(hostile)
        await until(lambda: link.link.session.held == 0, "acknowledgements")


async def test_a_client_is_what_the_file_makes_of_the_name_in_the_topic(broker: Mosquitto, tmp_path: Path) -> None:
    """The broker has checked who it is; who is not in the file may send nothing."""
    add(tmp_path / "credentials", [Newcomer("ann", ("rider",)), Newcomer("till", ("shop",), "shop-4")])
    roles = Authority(Credentials.load(tmp_path / "credentials"))
    node = Node()
    people = [Person(broker.url, name) for name in ("ann", "till", "eve")]
    async with joined(broker.url, node, roles), people[0], people[1], people[2]:
        for person in people:
            await person.send(person.name.encode())
        await until(lambda: len(node.events) == 3, "the events")
    assert node.grants == {"ann": Grant(("rider",)), "till": Grant(("shop",), "shop-4"), "eve": Grant()}


async def test_a_flood_is_shed_by_client_and_counted(broker: Mosquitto) -> None:
    """What is over a client's quota is counted, taken from the broker and not handed over; others do not notice, and a
    larger quota holds from its setting on."""
    node = Node()
    joining = joined(broker.url, node, messages_per_s=0.001, burst=5)
    async with joining as link, Person(broker.url, "ann") as ann, Person(broker.url, "bob") as bob:
        for number in range(20):
            await ann.send(b"ann %d" % number)
        await bob.send(b"bob")
        await until(lambda: len(ann.got) == 5 and bob.got, "the answers")
        await until(lambda: sum(count for _, _, count in node.sheds) == 15, "the count")
        assert set(node.events) == {b"bob", *(b"ann %d" % number for number in range(5))}
        assert {(client, reason) for client, reason, _ in node.sheds} == {("ann", Reason.OVER_QUOTA)}
        await until(lambda: link.link.session.held == 0, "acknowledgements")
        link.set_quota(1e9, 100)
        await ann.send(b"ann again")
        await until(lambda: b"ann again" in node.events, "the larger quota")


async def test_a_will_states_that_a_client_is_gone_and_its_next_word_that_it_is_back(broker: Mosquitto) -> None:
    """Presence from wills and messages; the will itself never reaches the node."""
    node = Node()
    async with joined(broker.url, node) as link, Person(broker.url, "ann") as ann:
        await ann.send(b"1")
        await ann.send(b"here", "rider.position", qos=0)
        await until(lambda: len(node.events) == 2, "two messages")
        ann.link.drop()
        await until(lambda: node.presence[-1] == ("ann", False), "the will")
        await ann.send(b"2")
        await until(lambda: len(node.events) == 3, "the next word")
        assert node.presence == [("ann", True), ("ann", False), ("ann", True)]
        await until(lambda: link.link.session.held == 0, "acknowledgements")


async def test_the_status_topic_shows_who_is_alive(broker: Mosquitto) -> None:
    """Retained: alive while joined, not alive after a polite end, nor after a lost one (the will)."""
    seen: list[bytes] = []
    watcher = MqttConnection(
        broker.url,
        ClientOptions(client_id="watcher", subscriptions=[("ds/n1/status", 1)]),
        on_messages=lambda messages: seen.extend(message.payload for message in messages),
        on_state=lambda _: None,
        random=random.random,
    )
    task = asyncio.create_task(watcher.run())
    alive, gone = b'{"alive": true}', b'{"alive": false}'
    async with joined(broker.url, Node()) as link:
        await until(lambda: seen == [alive], "alive")
        link.link.drop()
        await until(lambda: seen == [alive, gone, alive], "the will, and the return")
    await until(lambda: seen == [alive, gone, alive, gone], "the end")
    await watcher.stop()
    await task


@pytest.mark.parametrize("broker", [{"users": {"n1": "right"}}], indirect=True)
async def test_a_wrong_token_leaves_the_node_running_and_reports_why(broker: Mosquitto) -> None:
    """The node starts without its broker: not connected, with a text that names the user, and ends cleanly."""
    states: list[ConnectionState] = []
    link = Broker("n1", Node(), broker.url, BrokerOptions(username="n1", token="wrong", backoff=(0.01, 60.0)))
    await link.start()
    await until(lambda: link.link.error, "an error")
    states.append(link.link.state)
    assert "'n1'" in link.link.error
    assert states == [ConnectionState.REFUSED]
    assert not link.link.connected
    link.wake({"ann": ()})
    assert link.waiting == 1
    await link.close()


async def test_while_paused_the_broker_keeps_what_comes(broker: Mosquitto) -> None:
    """Back-pressure: 500 events wait at the broker and in the socket while the node does not read, and none is lost."""
    node = Node()
    async with joined(broker.url, node, receive_max=50) as link, Person(broker.url, "ann") as ann:
        link.pause()
        for number in range(500):
            await ann.send(b"%d" % number)
        await asyncio.sleep(0.2)
        assert node.events == {}
        link.resume()
        await until(lambda: len(node.events) == 500 and len(ann.got) == 500, "500 answers")
        assert set(node.events.values()) == {1}


def test_the_shipped_access_rules_bind_each_client_to_its_own_topics(tmp_path: Path) -> None:
    """With `deploy/mosquitto/acl` a client can neither speak nor listen for another one, nor pose as the node."""

    async def work(broker: Mosquitto) -> None:
        node = Node()
        async with (
            joined(broker.url, node, username="n1", token="n") as link,
            Person(broker.url, "ann", username="ann", token="a") as ann,
            Person(broker.url, "eve", username="eve", token="e") as eve,
        ):
            codes: list[int] = []
            topics = ["ds/n1/up/ann/order.place", "ds/n1/down/ann/receipt", "ds/n1/status", "ds/n1/up/eve/order.place"]
            for topic in topics:
                assert eve.link.publish(topic, topic.encode(), on_ack=codes.append)
            await ann.send(b"hers")
            await until(lambda: len(codes) == 4 and ann.got and eve.got, "answers")
            assert codes == [0x87, 0x87, 0x87, 0]
            assert sorted(node.events) == [topics[3].encode(), b"hers"]
            assert [message.payload for message in ann.got] == [b"hers"]
            assert [message.payload for message in eve.got] == [topics[3].encode()]
            spy = MqttConnection(
                broker.url,
                ClientOptions(
                    client_id="spy", username="eve", token="e", subscriptions=[("ds/n1/down/ann/#", 1), ("#", 1)]
                ),
                on_messages=lambda messages: spied.extend(message.topic for message in messages),
                on_state=lambda _: None,
                random=random.random,
            )
            spied: list[str] = []
            task = asyncio.create_task(spy.run())
            await until(lambda: spy.connected, "the spy")
            await ann.send(b"secret")
            await eve.send(b"open")
            await until(lambda: len(ann.got) == 2 and len(eve.got) == 2 and len(spied) >= 2, "answers")
            assert set(spied) == {"ds/n1/status", "ds/n1/down/eve/receipt"}
            await until(lambda: link.link.session.held == 0, "acknowledgements")
            await spy.stop()
            await task

    acl = (DEPLOY / "acl").read_text().replace("shop-1", "n1")
    with Mosquitto(tmp_path / "mosquitto", users={"n1": "n", "ann": "a", "eve": "e"}, acl=acl) as broker:
        asyncio.run(work(broker))


@contextmanager
def shipped(folder: Path, users: dict[str, str]) -> Iterator[tuple[Mosquitto, dict[str, int]]]:
    """A Mosquitto with `deploy/mosquitto/doorstep.conf` as it is but for places and ports, which are in the mapping."""
    text = (DEPLOY / "doorstep.conf").read_text()
    with Mosquitto(folder, users=users, transport="tls") as broker:
        broker.stop()
        (folder / "acl").write_text((DEPLOY / "acl").read_text().replace("shop-1", "n1"))
        (folder / "acl").chmod(0o600)
        ports = {port: free_port() for port in ("8883", "8884", "9001")}
        places = {
            "/etc/mosquitto/doorstep/tls/chain.pem": f"{folder}/tls.pem",
            "/etc/mosquitto/doorstep/tls/key.pem": f"{folder}/tls.key",
            "/etc/mosquitto/doorstep": f"{folder}",
            "/var/lib/mosquitto/": f"{folder}/",
            "listener 1883 ": f"listener {broker.port} ",
            **{f"listener {port}": f"listener {free}" for port, free in ports.items()},
        }
        for place, here in places.items():
            assert place in text
            text = text.replace(place, here)
        broker.config.write_text(("user root\n" if os.geteuid() == 0 else "") + text)
        broker.start()
        assert "Error" not in broker.log.read_text()
        yield broker, ports


def test_the_shipped_configuration_starts_and_serves_the_node(tmp_path: Path) -> None:
    """Mosquitto takes `deploy/mosquitto/doorstep.conf`, and the node works with it over TCP and TLS; the WebSocket
    listeners answer."""
    with shipped(tmp_path / "mosquitto", {"n1": "n", "ann": "a"}) as (broker, ports):

        async def work() -> None:
            trusted = ssl.create_default_context(cafile=broker.ca)
            tls_url = f"mqtts://127.0.0.1:{ports['8883']}"
            async with (
                joined(broker.url, Node(), username="n1", token="n"),
                Person(tls_url, "ann", username="ann", token="a", tls=trusted) as ann,
            ):
                await ann.send(b"1")
                await until(lambda: ann.got, "the answer")
            for port, context in (("8884", trusted), ("9001", None)):
                reader, writer = await asyncio.open_connection("127.0.0.1", ports[port], ssl=context)
                lines = ["GET /mqtt HTTP/1.1", "Host: localhost", "Upgrade: websocket", "Connection: Upgrade"]
                lines += ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="]
                lines += ["Sec-WebSocket-Protocol: mqtt", "", ""]
                writer.write("\r\n".join(lines).encode())
                assert b" 101 " in await reader.readline()
                writer.close()

        asyncio.run(work())


def test_with_the_shipped_configuration_nobody_takes_another_ones_session(tmp_path: Path) -> None:
    """Whoever connects with the client identifier of the node or of another client gets a session of its own name: the
    node and the client keep theirs, and the order between them goes on."""

    async def work(broker: Mosquitto, ports: dict[str, int]) -> None:
        node = Node()
        trusted = ssl.create_default_context(cafile=broker.ca)
        tls_url = f"mqtts://127.0.0.1:{ports['8883']}"
        async with (
            joined(broker.url, node, username="n1", token="n") as link,
            Person(tls_url, "ann", username="ann", token="a", tls=trusted) as ann,
        ):
            await ann.send(b"before")
            for name in ("doorstep-n1", "n1", "ann"):
                for url, tls in ((broker.url, None), (tls_url, trusted)):
                    async with Person(url, name, listens=False, username="eve", token="e", tls=tls):
                        await ann.send(f"{name} {url}".encode())
            await until(lambda: len(ann.got) == 7 and len(node.events) == 7, "answers")
            assert link.link.reconnects == ann.link.reconnects == 0

    with shipped(tmp_path / "mosquitto", {"n1": "n", "ann": "a", "eve": "e"}) as (broker, ports):
        asyncio.run(work(broker, ports))


async def test_stored_copies_are_no_events(broker: Mosquitto) -> None:
    """What was published with the retain flag before the node subscribed is counted and acknowledged; what comes with
    it now is an event."""
    node, topic = Node(), "ds/n1/up/ann/order.place"
    async with Person(broker.url, "ann") as ann:
        stored: list[int] = []
        assert ann.link.publish(topic, b"old", retain=True, on_ack=stored.append)
        await until(lambda: stored, "the broker")
        async with joined(broker.url, node) as link:
            await until(lambda: link.retain_ignored == 1 and link.link.session.held == 0, "the copy")
            assert ann.link.publish(topic, b"new", retain=True)
            await until(lambda: node.events, "the event")
        assert list(node.events) == [b"new"]
        assert link.gauges()["link"]["retain_ignored"] == 1
