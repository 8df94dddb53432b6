"""The client against a real node, a process that is killed and a network that is cut meanwhile."""

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from bench.lab.programs import make_certificates
from bench.lab.proxy import FAIR, NetworkConditions, Proxy
from bench.lab.settings import free_port
from bench.lab.site import Site
from doorstep_client import Client, ClientError, NotConnected, OutboxFull, Refused
from tests.waiting import WAIT_S, until

SHOP = {"lat": 31.2, "lon": 121.4}
HOME = {"lat": 31.205, "lon": 121.405}
ORDER = {"shop": "shop-1", "pickup": SHOP, "dropoff": HOME, "prep_s": 60}
QUICK: dict[str, Any] = {"backoff_s": (0.02, 0.2), "resend_s": (0.2, 1.0), "ack_deadline_s": 2.0}


def client(site: Site, name: str, **options: Any) -> Client:
    """One of the site's clients, quick to come back."""
    given = {"url": site.url, "token": site.tokens.get(name, ""), **QUICK, **options}
    return Client(given.pop("url"), node=site.node_name, name=name, **given)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A running node."""
    shares = {"orders_per_customer_max": 1_000}
    with Site(tmp_path / "site").configure(["alice", "r-1"], {"dispatch": shares}, centre=False) as made:
        made.start()
        yield made


@pytest.mark.parametrize("encoding", ["json", "msgpack"])
async def test_an_order_finds_its_rider(site: Site, encoding: str) -> None:
    """Receipt, assignment, acceptance and update, in both encodings; a position leaves without a receipt."""
    async with client(site, "alice", encoding=encoding) as alice, client(site, "r-1", encoding=encoding) as rider:
        assert (await rider.send("rider.shift", on=True, place=SHOP)).accepted
        assert rider.report("rider.position", points=[[1, 31.2, 121.4]])
        receipt = await alice.send("order.place", ORDER, order="o-1")
        assert receipt.accepted
        assert "promise" in receipt.body
        async for offer in rider.answers():
            assert (offer.kind, offer.body["order"]) == ("assignment", "o-1")
            reply = await rider.send("rider.reply", order="o-1", offer=offer.body["offer"], accept=True)
            assert reply.accepted
            break
        async for update in alice.answers():
            if update.body["state"] == "accepted":
                break
        assert not alice.waiting
        assert not rider.waiting


async def test_events_outlive_the_node_and_the_network(site: Site) -> None:
    """Sent while there is no node, while acknowledgements vanish, and while the connection is reset: each event has one
    decision, and everything that waited for a receipt gets it."""
    async with (
        Proxy(("127.0.0.1", site.port)) as network,
        client(site, "alice", url=f"mqtt://127.0.0.1:{network.port}") as alice,
    ):
        await alice.wait_connected(WAIT_S)
        site.node.kill()
        events = [alice.send("order.place", ORDER, order=f"o-{n}") for n in range(150)]
        await asyncio.to_thread(site.node.start)
        await until(lambda: any(event.acknowledged for event in events))
        network.down = NetworkConditions(swallow=True)
        events += [alice.send("order.place", ORDER, order=f"o-{n}") for n in range(150, 200)]
        await asyncio.sleep(0.3)
        network.down = FAIR
        network.reset()
        receipts = await asyncio.gather(*events)
        assert all(receipt.accepted for receipt in receipts)
        await until(lambda: alice.connects >= 3)
        assert site.status()["counts"]["refused"] == {}


async def test_an_answer_comes_again_until_it_was_handled(site: Site) -> None:
    """An answer whose handling was broken off is there again after the next connection; one that was handled is not."""
    async with client(site, "alice") as alice, client(site, "r-1") as rider:
        await rider.send("rider.shift", on=True, place=SHOP)
        await alice.send("order.place", ORDER, order="o-1")
        first: list[bytes] = []
        async for offer in rider.answers():
            first.append(offer.payload)
            break
        rider.reconnect()
        async for offer in rider.answers():
            assert offer.payload == first[0]
            offer.acknowledge()
            break
        await rider.send("rider.reply", order="o-1", offer=1, accept=False)  # a round trip behind the PUBACK
        rider.reconnect()
        await until(lambda: rider.connects == 3)
        later: list[bytes] = []
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                async for offer in rider.answers():
                    later.append(offer.payload)
        assert first[0] not in later


async def test_a_file_keeps_events_over_the_end_of_the_process(site: Site, tmp_path: Path) -> None:
    """What one client could not send, the next one with the same file sends, under the same id."""
    path = tmp_path / "events.db"
    async with client(site, "alice", outbox=path, url=f"mqtt://127.0.0.1:{free_port()}") as alice:
        lost = alice.send("order.place", ORDER, order="o-1")
        await until(lambda: alice.error)
    assert lost.receipt.cancelled()
    async with client(site, "alice", outbox=path) as alice:
        assert list(alice.waiting) == [lost.id]
        assert (await alice.waiting[lost.id]).accepted
    async with client(site, "alice", outbox=path) as alice:
        assert not alice.waiting


async def test_a_repeat_gets_the_recorded_receipt(site: Site) -> None:
    """The same id once more, as from a phone that lost the receipt: the same bytes; while it waits it is one event."""
    seen: list[bytes] = []
    options: dict[str, Any] = {"on_receipt": lambda receipt: seen.append(receipt.payload)}
    async with client(site, "alice", answers=False, **options) as alice:
        event = alice.send("order.place", ORDER, order="o-1", id="e-1", at=1_790_000_000_000)
        assert alice.send("order.place", ORDER, order="o-1", id="e-1") is event
        first = await event
        again = await alice.send("order.place", ORDER, order="o-1", id="e-1", at=1_790_000_000_000)
        assert again.payload == first.payload
        assert seen == [first.payload, first.payload]


async def test_refusals_have_a_reason(site: Site) -> None:
    """A receipt that names the field; an error where there is no receipt; an outbox that is full; a wrong password."""
    async with client(site, "alice", events_max=1) as alice:
        receipt = await alice.send("order.place", ORDER, order="o-1", pickup={"lat": 91, "lon": 0})
        assert (receipt.accepted, receipt.reason, receipt.field) == (False, "malformed", "pickup.lat")
        alice.reconnect()
        waiting = alice.send("order.place", ORDER, order="o-2", note="x" * 70_000)
        with pytest.raises(OutboxFull, match="1 events wait"):
            alice.send("order.place", ORDER, order="o-3")
        with pytest.raises(Refused, match="no receipt"):
            await waiting
    async with client(site, "alice", token="wrong") as alice:
        with pytest.raises(NotConnected, match="refused the client"):
            await alice.wait_connected(1.0)


async def test_a_dead_network_is_left(site: Site) -> None:
    """A connection on which nothing comes back any more, without an error, is given up for a new one."""
    async with Proxy(("127.0.0.1", site.port)) as network:
        url = f"mqtt://127.0.0.1:{network.port}"
        async with client(site, "alice", url=url, ack_deadline_s=0.5) as alice:
            await alice.wait_connected(WAIT_S)
            network.down = NetworkConditions(swallow=True)
            event = alice.send("order.place", ORDER, order="o-1")
            await until(lambda: alice.error)
            network.down = FAIR
            assert (await event).accepted
            await until(lambda: alice.connects > 1)
        async with client(site, "alice", url=url, keep_alive_s=1) as alice:
            await alice.wait_connected(WAIT_S)
            network.down = NetworkConditions(swallow=True)
            await until(lambda: "sent nothing" in alice.error)


async def test_tls_with_an_authority_of_ones_own(tmp_path: Path) -> None:
    """mqtts works with a context that trusts the node's authority, and fails with a reason without it."""
    ca, chain, key = make_certificates(tmp_path)
    port = free_port()
    url = f"mqtts://127.0.0.1:{port}"
    secure = {"listen": "", "listen_tls": f"127.0.0.1:{port}", "tls_cert": str(chain), "tls_key": str(key)}
    with Site(tmp_path / "site").configure(["alice"], secure, centre=False) as site:
        site.start()
        async with client(site, "alice", url=url, tls=ssl.create_default_context(cafile=ca)) as alice:
            assert (await alice.send("order.place", ORDER, order="o-1")).accepted
        async with client(site, "alice", url=url) as alice:
            with pytest.raises(NotConnected, match="certificate verify failed"):
                await alice.wait_connected(1.0)


async def test_unread_answers_are_reported(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """A client that never looks at its answers is warned, with what to do, before it waits for receipts for ever."""
    async with client(site, "alice") as alice, client(site, "r-1", answers_max=1) as rider:
        await rider.send("rider.shift", on=True, place=SHOP)
        await alice.send("order.place", ORDER, order="o-1")
        await until(lambda: "answers=False" in caplog.text)


@pytest.mark.parametrize(
    ("url", "encoding", "words"),
    [
        ("http://node", "json", "Write mqtt://"),
        ("mqtt://", "json", "no address"),
        ("mqtt://n", "xml", "json or msgpack"),
    ],
)
def test_wrong_parameters_are_named(url: str, encoding: str, words: str) -> None:
    """The value, and what to write in its place."""
    with pytest.raises(ClientError, match=words):
        Client(url, node="n-1", name="alice", encoding=encoding)
