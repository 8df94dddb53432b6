"""A node that stands still without a word, because of a fault inside it (row 31). No signal and no system call makes
one, so the process is started with a few lines that break its uplink, and with a shorter interval between samples."""

import asyncio
import secrets
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from edge.health.checks import STATUS_STALL_INTERVALS
from tests.faults.support.people import Crowd, until, verify_outcome
from tests.faults.support.site import Wires

INTERVAL_S = 0.5
SAMPLES = f"import edge.limits\nedge.limits.STATUS_INTERVAL_S = {INTERVAL_S}\n"

SOON = """
import asyncio, edge.uplink.sync
whole = edge.uplink.sync.Sync.run
async def run(self):
    going = asyncio.ensure_future(whole(self))
    await asyncio.wait([going], timeout=2)
    {}
edge.uplink.sync.Sync.run = run
"""
RETURNS = SOON.format("return")
RAISES = SOON.format('raise RuntimeError("a fault inside")')
FORGETS = "import edge.uplink.sync\nedge.uplink.sync.Sync._send = lambda self: None\n"
LATE_IN_LIFE = "import edge.app.run\nedge.app.run.RESTART_AFTER_S = 0.0\n"
"""As after ten minutes: what ends sooner would end again."""


@contextmanager
def service_manager(notices: list[str]) -> Iterator[str]:
    """Where a node reports to, as to systemd. `notices` grows by what it sends. Yields the value of NOTIFY_SOCKET."""
    name = f"doorstep-{secrets.token_hex(8)}"
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as datagrams:
        datagrams.bind(f"\0{name}")
        datagrams.setblocking(False)
        loop.add_reader(datagrams, lambda: notices.append(datagrams.recv(4096).decode()))
        yield f"@{name}"
        loop.remove_reader(datagrams)


@pytest.mark.parametrize(
    ("fault", "problem", "restart"),
    [
        pytest.param(RETURNS, "task_uplink", False, id="returns", marks=pytest.mark.whole),
        pytest.param(LATE_IN_LIFE + RETURNS, "task_uplink", True, id="returns late in life"),
        pytest.param(LATE_IN_LIFE + RAISES, "task_uplink", True, id="raises", marks=pytest.mark.whole),
        pytest.param(FORGETS, "stall_send", False, id="forgets to send", marks=pytest.mark.whole),
    ],
)
async def test_an_uplink_that_stops_by_itself_is_reported_and_restarted(make, report, fault, problem, restart):
    """The uplink's task returns, raises or sends nothing any more, and no socket shows it: the status is degraded and
    names it, decisions go on, and the watchdog starves only where a restart helps. After one all is well."""
    site = make()
    notices: list[str] = []

    async def beats(within_s: float) -> bool:
        notices.clear()
        await asyncio.sleep(within_s)
        return any("WATCHDOG=1" in output for output in notices)

    with service_manager(notices) as address:
        site.node.environment["NOTIFY_SOCKET"] = address
        sound = site.node.command
        script = f"{SAMPLES}{fault}\nfrom edge.__main__ import main\nmain()"
        site.node.command = [sys.executable, "-c", script, *sound[3:]]  # in place of `python -m edge`
        site.start()
        async with asyncio.timeout(10):
            await until(lambda: any("READY=1" in output for output in notices))
        async with Wires(site) as wires, Crowd(site, wires.door) as crowd:
            crowd.pour(60)
            await crowd.answered(20)
            async with asyncio.timeout(60):
                await until(lambda: problem in [found["name"] for found in site.status()["problems"]])
            found = site.status()
            assert found["state"] == "degraded"
            assert found["serving"]
            await asyncio.sleep(2 * INTERVAL_S)  # the beat that was under way
            assert await beats((STATUS_STALL_INTERVALS + 4) * INTERVAL_S) is not restart
            await crowd.answered(20)
            site.node.kill()  # the service manager, or a person who has read the sentence
            site.node.command = sound
            await asyncio.to_thread(site.node.start)
            report(await verify_outcome(site, crowd, 1))
