"""Time that stands still, jumps, or passes without any event; and a node short of what it needs (rows 15, 16,
25, 31)."""

import asyncio
import resource
import time
from pathlib import Path

import pytest

from bench.lab.mosquitto import Mosquitto
from edge.health.checks import STATUS_STALL_INTERVALS
from edge.limits import STATUS_INTERVAL_S
from tests.faults.support.people import Crowd, playing, until, verify_outcome
from tests.faults.support.site import SPEED, Wires, strace

HOUR_MS = 3_600_000
YEAR_MS = 365 * 24 * HOUR_MS


async def test_a_pause_of_anybody_passes(make, few, report, tmp_path):
    """The node, the centre and the broker stand still in turn: everything recovers, and nothing is lost or doubled."""
    seconds = few([0.7, 1.0, 5.0, 20.0], 1)
    with Mosquitto(tmp_path / "mosquitto") as broker:
        site = make(link=broker.url)
        async with playing(site) as (_, crowd):
            crowd.pour(60)
            await crowd.answered(20)
            for pause_s in seconds:
                for frozen in (site.node, site.centre, broker):
                    frozen.freeze()
                    await asyncio.sleep(pause_s)
                    frozen.thaw()
            report(await verify_outcome(site, crowd, 3 * len(seconds)))


async def test_a_wall_clock_that_jumps_between_two_starts(site, few, report):
    """An hour on and back, ten years on, 1970: whatever the wall clock shows at a start, no decision is forgotten or
    made twice, and the totals agree in the end."""
    begin_ms = begun_ms = int(str(site.settings["clock_real_anchor_ms"]))
    jumps = [HOUR_MS, -HOUR_MS, 10 * YEAR_MS, 86_400_000 - begin_ms, 26 * HOUR_MS]
    async with playing(site) as (_, crowd):
        crowd.pour(60)
        await crowd.answered(20)
        driven = few(jumps, 1)
        for jump_ms in [*driven, 0]:
            site.node.kill()
            elapsed_ms = int((time.time() * 1000 - begun_ms) * SPEED)
            anchors = {
                "clock_wall_anchor_ms": begin_ms + elapsed_ms + jump_ms,
                "clock_real_anchor_ms": int(time.time() * 1000),
            }
            site.write_config(**anchors)
            await asyncio.to_thread(site.node.start)
            await crowd.answered(20)
        report(await verify_outcome(site, crowd, len(driven)))


async def test_without_file_descriptors_the_connected_are_served(site, report):
    """No descriptor is left: new connections wait or are refused, open ones go on, and nothing is damaged; with
    descriptors again everybody gets in."""
    async with playing(site) as (wires, crowd):
        await crowd.connected()
        crowd.pour(60)
        await crowd.answered(20)
        site.node.limit(resource.RLIMIT_NOFILE, len(list(Path(f"/proc/{site.node.pid}/fd").iterdir())))
        late = Crowd(site, wires.door, ("c-3", "c-4"))
        async with late:
            await crowd.answered(40)
            site.node.limit(resource.RLIMIT_NOFILE, 1 << 12)
            async with asyncio.timeout(60):
                await late.connected()
            late.people[0].act()
            await until(lambda: not late.waiting())
        report(await verify_outcome(site, crowd, 1))


@pytest.mark.whole
async def test_without_memory_the_node_ends_or_goes_on_and_nothing_is_lost(site, report):
    """The address space may not grow: whether the node lives or dies of it, what it had acknowledged is there."""
    async with playing(site) as (_, crowd):
        crowd.pour(200)
        await crowd.answered(20)
        size_kb = int(
            Path(f"/proc/{site.node.pid}/status").read_text(encoding="ascii").partition("VmSize:")[2].split()[0]
        )
        site.node.limit(resource.RLIMIT_AS, (size_kb + 256) * 1024)
        await asyncio.sleep(1.5)
        if site.node.alive:
            site.node.kill()
        await asyncio.to_thread(site.node.start)
        report(await verify_outcome(site, crowd, 1))


@pytest.mark.whole
async def test_a_disk_that_hangs_is_reported_within_two_intervals(site, report):
    """A sync that takes half a minute: nothing is acknowledged meanwhile, and the status is degraded within two
    intervals, or the node so plainly hangs that its service manager's watchdog acts; then it goes on by itself."""
    site.centre.start()
    site.node.start(strace("fdatasync", "delay_enter=25000000:when=40"))
    async with Wires(site) as wires, Crowd(site, wires.door) as crowd:
        crowd.pour(60)
        sent_count, since = -1, time.monotonic()
        while time.monotonic() - since < 2.0:
            if crowd.sent_count() != sent_count:
                sent_count, since = crowd.sent_count(), time.monotonic()
            await asyncio.sleep(0.05)
        output = ""
        async with asyncio.timeout((STATUS_STALL_INTERVALS + 2) * STATUS_INTERVAL_S):
            while not output:
                try:
                    report_ = await asyncio.to_thread(site.status)
                except OSError:
                    output = "it does not answer: no WATCHDOG=1 either"
                else:
                    output = report_["sentence"] if report_["state"] == "degraded" else ""
                await asyncio.sleep(0.2)
        assert crowd.sent_count() == sent_count, "a receipt without a disk"
        report(await verify_outcome(site, crowd, 1))
