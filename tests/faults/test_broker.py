"""Broker mode, with a real Mosquitto that dies, forgets, and drops what it acknowledged (rows 4 to 6)."""

import asyncio

import pytest

from bench.lab.mosquitto import Mosquitto
from tests.faults.support.people import playing, until, verify_outcome


async def test_a_broker_killed_in_a_loop_loses_nothing_with_a_receipt(make, few, report, tmp_path):
    """SIGKILL of the broker under load, again and again: what had a receipt stays, what had none comes again."""
    with Mosquitto(tmp_path / "mosquitto") as broker:
        site = make(link=broker.url)
        times = few(range(8), 1)
        async with playing(site) as (_, crowd):
            crowd.pour(60)
            for _ in times:
                await crowd.answered(20)
                broker.kill()
                await asyncio.to_thread(broker.start)
            report(await verify_outcome(site, crowd, len(times)))


@pytest.mark.whole
async def test_a_broker_that_forgets_its_sessions_is_noticed(make, few, report, tmp_path):
    """Killed, its database deleted, started again: the node subscribes anew and counts the lost session."""
    with Mosquitto(tmp_path / "mosquitto") as broker:
        site = make(link=broker.url)
        times = few(range(3), 1)
        async with playing(site) as (_, crowd):
            crowd.pour(60)
            for _ in times:
                await crowd.answered(20)
                broker.kill()
                broker.forget()
                await asyncio.to_thread(broker.start)
            await crowd.answered(20)
            assert site.status()["link"]["sessions_lost"] >= 1
            report(await verify_outcome(site, crowd, len(times)))


async def test_what_a_broker_drops_while_the_node_is_away_comes_again(make, whole, report, tmp_path):
    """The node is frozen while more events arrive than the broker keeps: it drops the rest without a word to anybody,
    and the publishers, who wait for receipts, send them again."""
    each = 1700 if whole else 300
    with Mosquitto(tmp_path / "mosquitto", settings=[] if whole else ["max_queued_messages 100"]) as broker:
        site = make(link=broker.url)
        async with playing(site) as (_, crowd):
            await crowd.connected()
            crowd.people[0].act()
            await until(lambda: not crowd.waiting())
            site.node.freeze()
            for _ in range(each):
                for person in crowd.people:
                    person.act()
                await asyncio.sleep(0)
            async with asyncio.timeout(60):
                await until(lambda: all(not person.client.in_flight for person in crowd.people))
            assert crowd.waiting() == 3 * each
            site.node.thaw()
            outcome = await verify_outcome(site, crowd, 3 * each)
            assert outcome.resent, "nothing was dropped: this proves nothing"
            report(outcome)
