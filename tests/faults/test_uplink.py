"""The way to the centre: cut, half dead, slow, and a centre that is down or sends garbage (rows 7 to 10, 14)."""

import asyncio
import os

import pytest

from bench.lab.proxy import FAIR, NetworkConditions
from bench.lab.site import Site, copy_data
from edge.limits import UPLINK_ACK_DEADLINE_S
from tests.faults.support.people import Crowd, playing, sums, until, verify_outcome
from tests.faults.support.site import Wires

RSS_GROWTH_KB_MAX = 40_000
"""What a node may grow by under a fault: caches and buffers within their bounds, not a backlog in memory."""


@pytest.mark.parametrize("seconds", [1.5])
async def test_a_cut_uplink_costs_nothing(site, whole, report, seconds):
    """While the uplink refuses connections the node decides on, and afterwards the centre has every event once."""
    times = 4 if whole else 1
    async with playing(site) as (wires, crowd):
        for _ in range(times):
            crowd.pour(150)
            await crowd.answered(20)
            await wires.uplink.refuse()
            wires.uplink.reset()
            begin = crowd.sent_count()
            await asyncio.sleep(seconds)
            assert crowd.sent_count() > begin, "no decision without the uplink"
            assert not site.status()["sync"]["connected"]
            await wires.uplink.start()
            await crowd.rest()
        report(await verify_outcome(site, crowd, times))


@pytest.mark.parametrize("way", ["up", pytest.param("down", marks=pytest.mark.whole)])
async def test_an_uplink_cut_at_any_byte_applies_each_batch_once(site, few, report, way):
    """The connection ends at byte k of what the node, or the centre, sends: welcomes, batches and acknowledgements are
    cut anywhere, and each batch is applied once."""
    async with playing(site) as (wires, crowd):
        crowd.pour(60)
        await crowd.answered(20)
        positions = few([1, *range(40, 2400 if way == "up" else 500, 40 if way == "up" else 10)], 2)
        for number, position in enumerate(positions):
            cut = NetworkConditions(cut_at=position, cut_resets=number % 2 == 1)
            site.node.kill()  # so that its back-off begins anew
            wires.uplink.up, wires.uplink.down = (cut, FAIR) if way == "up" else (FAIR, cut)
            before = wires.uplink.stats.cuts + wires.uplink.stats.resets
            await asyncio.to_thread(site.node.start)
            async with asyncio.timeout(60):
                await until(lambda: wires.uplink.stats.cuts + wires.uplink.stats.resets > before)  # noqa: B023
        wires.uplink.up = wires.uplink.down = FAIR
        site.node.kill()
        await asyncio.to_thread(site.node.start)
        report(await verify_outcome(site, crowd, len(positions)))


@pytest.mark.whole
async def test_a_half_dead_uplink_is_left(site, report):
    """A centre whose every answer vanishes is left at the deadline, the status shows it, and nothing hangs."""
    async with playing(site) as (wires, crowd):
        crowd.pour(60)
        await crowd.answered(60)
        wires.uplink.down = NetworkConditions(swallow=True)
        begin = crowd.sent_count()
        async with asyncio.timeout(4 * UPLINK_ACK_DEADLINE_S):
            await until(lambda: site.status()["sync"]["error"], step_s=0.2)
        sync = site.status()["sync"]
        assert "acknowledged" in sync["error"]  # the MQTT client's own deadline and that for batches end together
        assert not sync["connected"]
        assert crowd.sent_count() > begin, "no decision meanwhile"
        wires.uplink.down = FAIR
        report(await verify_outcome(site, crowd, 1))


@pytest.mark.whole
async def test_a_slow_uplink_neither_swells_the_node_nor_stops_it(site, whole, report):
    """64 kbit/s and 2 seconds with 1 of jitter: memory stays flat, and everything arrives, if late."""
    slow = NetworkConditions(bytes_per_s=8_000, latency_s=2.0 if whole else 0.5, jitter_s=1.0 if whole else 0.25)
    async with playing(site) as (wires, crowd):
        wires.uplink.up = wires.uplink.down = slow
        wires.uplink.reset()
        crowd.pour(150)
        await crowd.answered(100)
        begin_kb = site.node.memory_kb()
        await asyncio.sleep(20 if whole else 2)
        assert site.node.memory_kb() - begin_kb < RSS_GROWTH_KB_MAX
        report(await verify_outcome(site, crowd, 1))


async def test_a_centre_that_is_frozen_killed_or_mad_changes_nothing(site, few, report):
    """A centre under SIGSTOP, one that answers with 10 MB of rubbish, and one that is killed: the node deletes nothing
    that was not truly acknowledged, and goes on deciding."""
    async with playing(site) as (wires, crowd):
        crowd.pour(100)
        await crowd.answered(20)
        faults = ["frozen", "mad", "killed"]
        for fault in faults:
            if fault == "frozen":
                site.centre.freeze()
                await crowd.answered(50)
                site.centre.thaw()
            elif fault == "killed":
                site.centre.kill()
                await crowd.answered(50)
                await asyncio.to_thread(site.centre.start)
            else:
                await _mad(site, wires, crowd)
        report(await verify_outcome(site, crowd, len(faults)))


async def _mad(site: Site, wires: Wires, crowd: Crowd) -> None:
    """For a while somebody else listens where the centre should."""
    answered = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal answered
        answered += 1
        try:
            writer.write(b"\x20\x03\x00\x00\x00" + os.urandom(10_000_000))
            await writer.drain()
            await reader.read(1)
        except OSError:
            pass
        finally:
            writer.close()

    begin_kb = site.node.memory_kb()
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    wires.uplink.target = ("127.0.0.1", server.sockets[0].getsockname()[1])
    wires.uplink.reset()
    async with asyncio.timeout(30):
        await until(lambda: answered)
    await crowd.answered(50)
    assert site.node.memory_kb() - begin_kb < RSS_GROWTH_KB_MAX
    server.close()
    wires.uplink.target = ("127.0.0.1", site.centre_port)
    wires.uplink.reset()


@pytest.mark.whole  # whoever is sent away by the other waits half a minute
async def test_two_nodes_with_one_identity_are_distinguished(make, report):
    """A copy of the data directory is started while the node runs: the centre refuses one of the two, reports it in an
    alarm, and counts no event twice; what the node promised its clients holds."""
    site, twin = make(), make()
    async with playing(site) as (wires, crowd):
        crowd.pour(100)
        await crowd.answered(100)
        await until(lambda: site.summary()["events"] > 0)
        site.node.freeze()
        copy_data(site.node_data, twin.node_data)
        twin.write_config(uplink=site.settings["uplink"])
        (twin.folder / "uplink.token").write_text((site.folder / "uplink.token").read_text())
        site.node.thaw()
        await asyncio.to_thread(twin.node.start)
        wires.uplink.reset()  # both send a hello again
        async with asyncio.timeout(60):
            await until(lambda: any(alarm["kind"] == "cloned" for alarm in site.nodes()[0]["alarms"]))
        twin.node.kill()
        outcome = await verify_outcome(site, crowd, 1, uplink=False)
        site.node.start()
        node, centre = sums(site)
        assert 0 < centre <= node, f"I3: the centre counts {centre} of {node} events"
        report(outcome)
