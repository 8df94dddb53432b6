"""Clients and their networks: duplicates, poison, floods, hostile names, deaf consumers (rows 12, 17 to 22, 33,
37 and 46)."""

import asyncio
import json
import resource
from contextlib import AsyncExitStack, suppress

import pytest

from bench.flood.wire import connect, packet, publish, subscribe
from bench.lab.proxy import FAIR, NetworkConditions
from bench.lab.site import Site
from edge.limits import PAYLOAD_BYTES_MAX
from edge.messages.envelope import topic_up
from tests.faults.support.people import Crowd, playing, until, verify_outcome
from tests.faults.support.raw import Raw, order
from tests.faults.support.site import NODE, Wires
from tests.messages import AT, GOOD, pack, text, with_wide_numbers

PLACE = topic_up(NODE, "eve", "order.place")


def counted(site: Site) -> tuple[int, int, int]:
    """Publishes that came in, those refused with a reason, and those dropped with one."""
    counts = site.status()["counts"]
    return sum(counts["received"].values()), sum(counts["refused"].values()), sum(counts["dropped"].values())


async def test_lost_acknowledgements_make_duplicates_and_nothing_else(make, few, report):
    """Whatever the node answers vanishes on the way, and the clients come again with the same ids: every repeat is
    counted as one, and gets the first receipt's bytes."""
    site = make()
    times = few(range(8), 1)
    async with playing(site) as (wires, crowd):
        await crowd.connected()
        for _ in times:
            begin = site.status()["counts"]["duplicate"]
            swallowed = wires.access.stats.swallowed[1]
            wires.access.down = NetworkConditions(swallow=True)
            for _ in range(30):
                for person in crowd.people:
                    person.act()
            async with asyncio.timeout(30):
                await until(lambda swallowed=swallowed: wires.access.stats.swallowed[1] > swallowed + 1000)
            wires.access.down = FAIR
            wires.access.reset()
            await until(lambda: not crowd.waiting())
            assert site.status()["counts"]["duplicate"] > begin, "no duplicate: this proves nothing"
        report(await verify_outcome(site, crowd, len(times)))


async def test_a_repeated_event_is_counted_as_often_as_it_was_injected(site, report):
    """One order sent 50 times over: one decision, 49 duplicates, 50 acknowledgements."""
    async with playing(site) as (wires, crowd):
        eve = await Raw.open(wires.access.port, "eve", site.tokens["eve"])
        for number in range(1, 51):
            eve.writer.write(publish(PLACE, order(1, at=1_767_261_600_000), number))
        await eve.gather(50)
        assert set(eve.acks.values()) == {0}
        counts = site.status()["counts"]
        assert (counts["accepted"], counts["duplicate"]) == (1, 49)
        await eve.close()
        report(await verify_outcome(site, crowd, 50))


def poison() -> list[bytes]:
    """An order cut at every byte and with every byte flipped, and what fuzzers are fond of."""
    good = order(1)
    cut = [good[:length] for length in range(len(good))]
    flipped = [
        good[:at] + bytes([good[at] ^ bit]) + good[at + 1 :] for at in range(len(good)) for bit in (1, 0x20, 0x80)
    ]
    bombs = [
        b"[" * 16_000,
        b'{"a":' * 3_000,
        b"\xdf\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xff",
        b"\x91" * 16_000,
        order(2).replace(b"60", b"NaN"),
        order(3).replace(b"60", b"9223372036854775808"),
        order(4).replace(b"60", b"1e999"),
        order(5)[:-1] + b', "id": "other"}',
        order(6, shop="s" * 10_000),
        order(7, shop="\u202e\u0000"),
        b"\x00" * 1000,
    ]
    return cut + flipped + bombs


async def test_poison_is_refused_counted_and_acknowledged(site, few, report):
    """Orders cut at every byte, with every byte flipped, bombs of depth and length: each is acknowledged, so that it
    cannot come again for ever, and counted; the honest are served meanwhile."""
    bodies = few(poison(), 150)
    async with playing(site) as (wires, crowd):
        crowd.pour(50)
        begin_kb = site.node.memory_kb()
        eve = await Raw.open(wires.access.port, "eve", site.tokens["eve"])
        for number, body in enumerate(bodies, 1):
            eve.writer.write(publish(PLACE, body, number))
            if number % 100 == 0:
                await eve.gather(number)
        await eve.gather(len(bodies))
        assert len(eve.acks) == len(bodies)
        refused = sum(code >= 0x80 for code in eve.acks.values())
        assert refused >= len(bodies) // 2
        assert counted(site)[1] + site.status()["counts"]["duplicate"] >= refused  # a repeat has the code of the first
        assert site.node.memory_kb() - begin_kb < 40_000
        await eve.close()
        report(await verify_outcome(site, crowd, len(bodies)))


async def test_what_is_too_large_is_refused_and_hurts_nobody(site, report):
    """A payload one byte over the bound, and a packet that claims 256 MiB: a refusal or the end of that connection."""
    async with playing(site) as (wires, crowd):
        crowd.pour(50)
        begin_kb = site.node.memory_kb()
        eve = await Raw.open(wires.access.port, "eve", site.tokens["eve"])
        padded = order(1)[:-1] + b" " * (PAYLOAD_BYTES_MAX + 1 - len(order(1))) + b"}"
        assert len(padded) == PAYLOAD_BYTES_MAX + 1
        eve.writer.write(publish(PLACE, padded, 1))
        await eve.gather(1)
        assert eve.closed or eve.acks[1] >= 0x80
        for head in (b"\x32\xff\xff\xff\x7f", b"\x32\xff\xff\xff\xff", b"\x32\x80\x80\x80\x80\x80"):
            insert_or_get = await Raw.open(wires.access.port, "eve", site.tokens["eve"])
            insert_or_get.writer.write(head + b"\x00\x10")
            while (await insert_or_get.next())[0]:
                continue
            assert insert_or_get.closed
            await insert_or_get.close()
        await eve.close()
        assert site.node.memory_kb() - begin_kb < 20_000
        report(await verify_outcome(site, crowd, 4))


async def test_numbers_beyond_every_bound_are_refused_and_counted(site, few, report):
    """Every number of every kind of message, wider than what stores it, in both encodings: acknowledged as refused,
    and the node goes on."""
    wide = [(kind, fields) for kind, good in GOOD for fields in with_wide_numbers(good)]
    bodies = few([(kind, encode(fields)) for kind, fields in wide for encode in (pack, text)], 150)
    async with playing(site) as (wires, crowd):
        crowd.pour(50)
        eve = await Raw.open(wires.access.port, "eve", site.tokens["eve"])
        for number, (kind, body) in enumerate(bodies, 1):
            eve.writer.write(publish(topic_up(NODE, "eve", kind), body, number))
            if number % 100 == 0:
                await eve.gather(number)
        await eve.gather(len(bodies))
        assert len(eve.acks) == len(bodies)
        assert all(code >= 0x80 for code in eve.acks.values())
        await eve.close()
        report(await verify_outcome(site, crowd, len(bodies)))


async def test_an_id_that_is_used_for_something_else_is_refused_across_a_kill(site, report):
    """The first use stays decided: its repeat has the bytes of its receipt, before a SIGKILL and after it; another
    order, or another kind, under its id is refused with that reason."""
    uses = {"same": (PLACE, order(1, at=AT)), "other": (PLACE, order(1, at=AT, order="o-else"))}
    uses["kind"] = (topic_up(NODE, "eve", "order.cancel"), b'{"id": "x1", "at": %d, "order": "o-eve-1"}' % AT)
    receipts: dict[str, set[bytes]] = {name: set() for name in uses}

    async def use(port: int) -> None:
        eve = await Raw.open(port, "eve", site.tokens["eve"])
        eve.writer.write(subscribe(f"ds/{NODE}/down/eve/#"))
        for name, (topic, body) in uses.items():
            eve.writer.write(publish(topic, body, len(eve.acks) + 1))
            receipts[name].add(await eve.receipt())
        await eve.close()

    async with playing(site) as (wires, crowd):
        crowd.pour(50)
        await use(wires.access.port)
        await asyncio.to_thread(site.node.kill)
        await asyncio.to_thread(site.node.start)
        await use(wires.access.port)
        reasons = {name: {json.loads(each).get("reason", "") for each in found} for name, found in receipts.items()}
        assert reasons == {"same": {""}, "other": {"id_reused"}, "kind": {"id_reused"}}
        assert len(receipts["same"]) == 1
        report(await verify_outcome(site, crowd, len(uses) * 2))


async def test_failed_connects_and_churn_leave_nothing_behind(site, whole, report):
    """Connections with a wrong token, without a word, and with a right one that leaves at once, by the thousand:
    memory comes back, and who knocks a second later comes in."""
    count = 60_000 if whole else 3_000
    async with playing(site) as (_, crowd):
        crowd.pour(50)
        await crowd.answered(20)
        begin_kb = site.node.memory_kb()
        openings = [connect("eve", "wrong"), b"", connect("eve", site.tokens["eve"]) + packet(0xE0, b"")]
        for number in range(count):
            with suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", site.port)
                writer.write(openings[number % len(openings)])
                writer.close()
        refused = site.status()["link"]
        assert refused["connects_refused_credentials"] > 0
        assert refused["connects_refused_address"] > 0
        await asyncio.sleep(1.1)
        await (await Raw.open(site.port, "eve", site.tokens["eve"])).close()
        assert site.node.memory_kb() - begin_kb < 20_000
        report(await verify_outcome(site, crowd, count))


HOSTILE = [
    "ds/n-1/up/eve/\x01",
    "ds/n-1/up/eve/order.place\u202e",
    "/".join(["ds", NODE, "up", "eve", *["x"] * 40]),
    "$SYS/broker/uptime",
    "../../etc/passwd",
    "ds/n-1/up/../eve/order.place",
    "ds/n-1/up/c-1/order.place",
    "ds/n-1/down/c-1/receipt",
    "ds/n-2/up/eve/order.place",
    "ds/n-1/up/+/order.place",
    "ds/n-1/up/#",
    "ds/n-1/up/eve/order.place'; drop table row;--",
    "ds/n-1/up/eve/%s%n",
    "",
    b"ds/n-1/up/eve/\xff\xfe",
    b"ds/n-1/up/eve/\x00",
]
"""Topics: control characters, other people's places, wildcards, paths, SQL, formats, bad UTF-8."""


async def test_hostile_topics_and_names_are_refused(site, report):
    """Nobody publishes in another's name, nor under a name that means something to a file system, a database or a log;
    nobody reads another's answers; names of that kind are not even admitted."""
    async with playing(site) as (wires, crowd):
        crowd.pour(50)
        for topic in HOSTILE:
            eve = await Raw.open(wires.access.port, "eve", site.tokens["eve"])
            eve.writer.write(publish(topic, order(1), 1))
            await eve.gather(1)
            assert eve.closed or eve.acks[1] >= 0x80, f"{topic!r} was accepted"
            await eve.close()
        for pattern in ("ds/n-1/down/c-1/#", "#", "ds/n-1/down/+/receipt", "ds/n-1/up/#", "$share/a/#"):
            eve = await Raw.open(wires.access.port, "eve", site.tokens["eve"])
            eve.writer.write(subscribe(pattern))
            kind, body = await eve.next()
            assert kind == 0 or (kind == 0x90 and body[-1] >= 0x80), f"{pattern} was granted"
            await eve.close()
        for name in ("../c-1", "c-1/", "+", "#", "", "c-1\x00", "x" * 65_535):
            reader, writer = await asyncio.open_connection("127.0.0.1", wires.access.port)
            writer.write(connect(name, site.tokens["c-1"]))
            raw_connection = Raw(reader, writer)
            kind, body = await raw_connection.next()
            assert kind == 0 or body[1] >= 0x80, f"{name!r} was admitted"
            await raw_connection.close()
        report(await verify_outcome(site, crowd, len(HOSTILE) + 12))


async def test_a_flood_by_one_client_is_shed_and_the_others_are_served(make, whole, report):
    """One client sends all it can: what is over its quota is refused and counted, and the others get every receipt."""
    shares = {"orders_per_customer_max": 10_000, "orders_per_shop_max": 10_000}
    site = make(messages_per_s=200, messages_burst=300, dispatch=shares)
    total = 6_000 if whole else 1_500
    async with playing(site) as (wires, crowd):
        crowd.pour(60)
        eve = await Raw.open(wires.access.port, "eve", site.tokens["eve"])
        for number in range(1, total + 1):
            eve.writer.write(publish(PLACE, order(number), number))
            if number % 400 == 0:
                await eve.gather(number)
        await eve.gather(total)
        assert len(eve.acks) == total or eve.closed
        over = sum(code >= 0x80 for code in eve.acks.values())
        assert over > total // 3
        counts = site.status()["counts"]  # what the quota let through is over the client's share of orders
        assert counts["dropped"]["over_quota"] + counts["refused"].get("over_capacity", 0) >= over
        await eve.close()
        report(await verify_outcome(site, crowd, total))


async def test_connections_that_send_nothing_keep_nobody_out(site, whole, report):
    """Hundreds of sockets that send one byte now and then, or half a welcome: honest clients still connect and are
    served, and the node lets the others go."""
    count = 2_000 if whole else 150
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4 * count)), hard))
    site.start()
    async with Wires(site) as wires, AsyncExitStack() as stack:
        sockets = []
        for number in range(count):
            _, writer = await asyncio.open_connection("127.0.0.1", site.port)
            stack.callback(writer.transport.abort)
            writer.write(connect("eve", site.tokens["eve"])[: number % 5])
            sockets.append(writer)
        crowd = await stack.enter_async_context(Crowd(site, wires.door))
        async with asyncio.timeout(20):
            await crowd.connected()
        crowd.pour(60)
        await crowd.answered(30)
        for writer in sockets:
            if not writer.transport.is_closing():
                writer.write(b"\x00")
        report(await verify_outcome(site, crowd, count))


@pytest.mark.whole
async def test_a_consumer_that_never_reads_swells_nothing(site, whole, report):
    """A client that sends orders and reads no answer: the node's memory stays bounded, the others are served, and its
    answers are there when it comes back."""
    total = 900 if whole else 400
    async with playing(site) as (_, crowd):
        crowd.pour(60)
        await crowd.answered(20)
        begin_kb = site.node.memory_kb()
        deaf = await Raw.open(site.port, "eve", site.tokens["eve"], buffer_bytes=2048)
        deaf.writer.write(subscribe(f"ds/{NODE}/down/eve/#"))
        for number in range(1, total + 1):
            deaf.writer.write(publish(PLACE, order(number), number))
        # The node stops reading from whom it cannot write to, so not all of them need have come in.
        await crowd.answered(150)
        assert site.node.memory_kb() - begin_kb < 40_000
        await deaf.close()
        back = await Raw.open(site.port, "eve", site.tokens["eve"])
        back.writer.write(subscribe(f"ds/{NODE}/down/eve/#"))  # the latest 1,000: receipts may have made room
        kind = 0
        while kind >> 4 != 3:
            kind, _ = await back.next()
            assert kind, "its answers are gone"
        await back.close()
        report(await verify_outcome(site, crowd, total))


@pytest.mark.whole
async def test_a_packet_that_is_none_ends_that_connection_only(site, few, report):
    """A first byte of every kind with a body of rubbish: the connection ends, or a packet of that kind is answered."""
    kinds = few(range(256), 40)
    async with playing(site) as (wires, crowd):
        crowd.pour(50)
        for kind in kinds:
            eve = await Raw.open(wires.access.port, "eve", site.tokens["eve"])
            eve.writer.write(packet(kind, bytes([kind]) * 7))
            eve.writer.write(b"\xc0\x00")
            first, _ = await eve.next()
            assert first >> 4 in (0, 4, 9, 11, 13, 14), f"{kind:#x} was answered with {first:#x}"
            await eve.close()
        report(await verify_outcome(site, crowd, len(kinds)))
