"""Clients keep what was not receipted, and send it again. The endpoint is the real one, its receiver a test's."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from bench.demo.people.clients import Fleet
from bench.demo.people.scheduler import Scheduler
from bench.demo.proof.records import Records
from bench.lab.settings import free_port
from edge.clock import Clock
from edge.core.model import Answer
from edge.errors import Reason
from edge.messages.envelope import Receipt, encode
from edge.messages.grants import EVERYBODY, Grant
from edge.mqtt.seam import Publish, Source
from edge.mqtt.server.endpoint import Endpoint
from edge.scenarios.dispatch.messages.down import Update
from edge.scenarios.dispatch.messages.up import KitchenReady, OrderCancel
from tests.waiting import until

MORNING = 1_790_000_000_000


class Node:
    """A receiver with scripted answers, which keeps what was not acknowledged."""

    def __init__(self) -> None:
        self.got: list[tuple[str, str, bytes]] = []
        self.places: list[bytes] = []
        self.deaf = False
        self.receipts: dict[tuple[str, str], bytes] = {}
        self.waiting: dict[str, dict[int, Answer]] = {}
        self.endpoint: Endpoint | None = None
        self.port = free_port()
        self._sequence = 0

    def _authenticate(self, name: str, token: bytes) -> Grant | None:
        return EVERYBODY if token == f"token of {name}".encode() else None

    async def listen(self) -> None:
        """Come up, always at the same port."""
        self.endpoint = Endpoint("district", self, self._authenticate)
        await self.endpoint.listen(f"127.0.0.1:{self.port}")

    async def vanish(self) -> None:
        """Go down; unacknowledged answers are kept."""
        assert self.endpoint is not None
        await self.endpoint.close()

    def received(self, source: Source, publishes: list[Publish], read_at: float) -> None:
        """Every event gets the receipt that it always gets; positions get nothing."""
        for publish in publishes:
            if publish.kind == "rider.position":
                self.places.append(publish.payload)
                continue
            loose = msgspec.json if publish.payload[:1] == b"{" else msgspec.msgpack
            id_ = loose.decode(publish.payload)["id"]
            self.got.append((publish.client, id_, publish.payload))
            if not self.deaf:
                receipt = Receipt(id=id_, of=publish.kind, status="accepted", at=len(self.got))
                payload = encode(receipt, json=publish.payload[:1] == b"{")
                self.publish_down(publish.client, "receipt", self.receipts.setdefault((publish.client, id_), payload))
        source.acknowledge([p.token for p in publishes if p.token], ["" for p in publishes if p.token])

    def publish_down(self, client: str, kind: str, payload: bytes) -> None:
        """An answer."""
        self._sequence += 1
        answer = Answer(self._sequence, client, kind, payload, 1e12)
        self.waiting.setdefault(client, {})[self._sequence] = answer
        if self.endpoint is not None:
            self.endpoint.wake({client: ()})

    def shed(self, client: str, reason: Reason, count: int) -> None:
        """Nothing is shed here."""
        raise AssertionError(reason)

    def delivered(self, client: str, sequences: list[int]) -> None:
        """Acknowledged answers go."""
        for sequence in sequences:
            self.waiting[client].pop(sequence, None)

    def present(self, client: str, present: bool) -> None:
        """Nobody looks."""

    def pending(self, client: str, after: int, limit: int) -> list[tuple[Answer, float]]:
        """What is not acknowledged."""
        answers = [a for a in self.waiting.get(client, {}).values() if a.sequence > after]
        return [(answer, 1e9) for answer in answers[:limit]]


@asynccontextmanager
async def district() -> AsyncIterator[tuple[Node, Fleet]]:
    """A node, and a fleet that may connect to it."""
    node, scheduler = Node(), Scheduler(Clock(60.0, MORNING, int(time.time() * 1000)))
    await node.listen()
    tokens = {name: f"token of {name}" for name in ("shop-1", "customer-1")}
    fleet = Fleet("district", f"mqtt://127.0.0.1:{node.port}", tokens, scheduler, Records(), 1)
    try:
        async with asyncio.timeout(30):
            yield node, fleet
    finally:
        scheduler.close()
        await fleet.close()
        await node.vanish()


def ready(client_id: str, order: str) -> KitchenReady:
    """An event."""
    return KitchenReady(id=client_id, at=MORNING, order=order)


async def test_an_event_gets_its_receipt_in_its_own_encoding() -> None:
    """JSON and MessagePack clients are connected with their own token, and get one answer for each event."""
    async with district() as (node, fleet):
        seen: list[str] = []
        shop = fleet.client("shop-1", json=False, on_answer=lambda _: None)
        customer = fleet.client("customer-1", json=True, on_answer=lambda _: None)
        for client, event in ((shop, ready("e1", "o1")), (customer, OrderCancel(id="e1", at=MORNING, order="o1"))):
            client.send(event, MORNING, lambda receipt: seen.append(receipt.of))
            client.join()
        await until(lambda: len(seen) == 2)
        assert sorted(seen) == ["kitchen.ready", "order.cancel"]
        assert {payload[:1] == b"{" for _, _, payload in node.got} == {True, False}
        assert fleet.unanswered() == []
        await until(lambda: not any(node.waiting.values()))
    records = fleet.records
    assert records.counts["receipts"] == len(records.receipt_ms_real) == 2
    assert records.problems == []


async def test_what_was_not_receipted_is_sent_again_by_itself() -> None:
    """An acknowledged event without a receipt is sent again with the same bytes until the receipt comes."""
    async with district() as (node, fleet):
        node.deaf = True
        shop = fleet.client("shop-1", json=False, on_answer=lambda _: None)
        shop.join()
        shop.send(ready("e1", "o1"), MORNING)
        await until(lambda: len(node.got) == 1)
        assert fleet.unanswered() == [("shop-1", "e1")]
        node.deaf = False
        await until(lambda: not fleet.unanswered())
        assert len({payload for _, _, payload in node.got}) == 1
    assert fleet.records.counts["resent"] >= 1


async def test_after_a_reconnect_everything_unanswered_goes_out_in_sequence() -> None:
    """Events sent while the node was away arrive in the sequence they happened, when it is back."""
    async with district() as (node, fleet):
        shop = fleet.client("shop-1", json=False, on_answer=lambda _: None)
        shop.join()
        await until(lambda: fleet.connected == 1)
        await node.vanish()
        await until(lambda: fleet.connected == 0)
        for number in range(1, 6):
            shop.send(ready(f"e{number}", "o1"), MORNING)
        await node.listen()
        await until(lambda: not fleet.unanswered())
        first = list(dict.fromkeys(id_ for _, id_, _ in node.got))
        assert first == ["e1", "e2", "e3", "e4", "e5"]
    assert fleet.records.problems == []


async def test_repeats_get_the_same_bytes() -> None:
    """A client that repeats every event gets the same receipt again, and notices that it is the same."""
    async with district() as (_, fleet):
        fleet.repeat_probability = 1.0
        shop = fleet.client("shop-1", json=False, on_answer=lambda _: None)
        shop.join()
        shop.send(ready("e1", "o1"), MORNING)
        await until(lambda: fleet.records.counts["receipts_again"] >= 1)
        assert fleet.records.events["shop-1", "e1"].differing is None
    assert fleet.records.counts["repeats"] == 1


async def test_who_leaves_waits_for_what_is_unanswered() -> None:
    """A client that wants to go stays until its receipts are there, and acknowledges what it received last."""
    async with district() as (node, fleet):
        node.deaf = True
        received_bodies: list[object] = []
        shop = fleet.client("shop-1", json=False, on_answer=received_bodies.append)
        shop.join()
        shop.send(ready("e1", "o1"), MORNING)
        shop.leave()
        await until(lambda: node.got)
        assert fleet.unanswered() == [("shop-1", "e1")]
        node.publish_down("shop-1", "update", encode(Update(order="o1", state="placed", at=1), json=False))
        node.deaf = False
        await until(lambda: received_bodies and not fleet.unanswered())
        await until(lambda: fleet.connected == 0 and not any(node.waiting.values()))
    assert fleet.records.problems == []


async def test_rubbish_is_a_problem_and_not_the_end() -> None:
    """A message that cannot be read is written down as a problem when the client goes; until then it goes on."""
    async with district() as (node, fleet):
        shop = fleet.client("shop-1", json=False, on_answer=lambda _: None)
        shop.join()
        await until(lambda: fleet.connected == 1)
        node.publish_down("shop-1", "update", b"\xff\xff")
        shop.send(ready("e1", "o1"), MORNING)
        await until(lambda: not fleet.unanswered())
    assert "could not read 1 messages" in fleet.records.problems[0]


async def test_places_go_out_only_while_connected() -> None:
    """Places are QoS 0: lost without a connection, never kept."""
    async with district() as (node, fleet):
        shop = fleet.client("shop-1", json=True, on_answer=lambda _: None)
        shop.here([(MORNING, 31.0, 121.0)])
        shop.join()
        await until(lambda: fleet.connected == 1)
        shop.here([(MORNING, 31.5, 121.5)])
        await until(lambda: node.places)
        assert len(node.places) == 1
        assert b"31.5" in node.places[0]
    assert fleet.records.counts["positions"] == 1


async def test_a_client_that_hangs_up_sends_the_rest_when_it_is_back() -> None:
    """What happens while it is away is sent after the next `join`, and gets its receipt."""
    async with district() as (node, fleet):
        client = fleet.client("shop-1", json=False, on_answer=lambda _: None)
        client.join()
        await until(lambda: fleet.connected == 1)
        client.hang_up()
        assert fleet.connected == 0
        client.send(KitchenReady(id=client.next_id(), at=MORNING, order="o1"), MORNING)
        await asyncio.sleep(0.1)
        assert node.got == []
        client.join()
        await until(lambda: not fleet.unanswered())
        assert [(name, event) for name, event, _ in node.got] == [("shop-1", "e1")]
