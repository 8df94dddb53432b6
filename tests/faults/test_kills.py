"""A process that dies at its N-th system call, for N from the first one on: the node, and the centre (rows 1 and 11).

strace sends the SIGKILL as the call begins, so what it would have done is not done. Calls are counted in each thread
by itself: the loop and the journal's writer have their own N-th one.
"""

import asyncio
import shutil
import signal
import statistics
import time
from collections.abc import Callable
from contextlib import suppress

import apsw
import pytest

from bench.lab.process import Died, Process
from bench.lab.site import Site, copy_data
from edge.app.config import load
from edge.core.model import Answer, Commit, Configure, Event, Now
from edge.core.node import Node
from edge.journal.journal import Journal
from edge.journal.maintenance import write_snapshot
from edge.journal.reader import checksum
from edge.messages.envelope import Place
from edge.pipeline.snapshots import SNAPSHOT_ROWS
from edge.scenarios.dispatch import Dispatch
from edge.scenarios.dispatch.messages.up import OrderCancel, OrderPlace
from tests.faults.support.people import DOOR, SHOP, Crowd, Outcome, playing, sums, until, verify_outcome, well
from tests.faults.support.site import Wires, strace

NODE_CALLS = {"fdatasync": 50, "pwrite64": 60, "write": 60, "ftruncate,unlink,rename,fsync": 4}
"""To which N each is driven. A commit is one fdatasync and a few pwrite64; what goes out to clients is a write."""

BIRTH_CALLS = {"fdatasync": 20, "pwrite64": 60, "ftruncate,unlink,rename,fsync": 20}
"""More than a node makes of them before it is ready for the first time: the enumeration ends with the first life that
is not cut short."""

CENTRE_CALLS = {"fdatasync": 16, "pwrite64": 40, "write": 16}

DIE_EVENTS, DIE_S_MIN, DIE_S_MAX = 400, 6.0, 60.0
"""A life that has given so many receipts in no less than so many seconds, and has not come to its N-th call, never
will: that is the end of the enumeration. A machine with other work needs longer, but not the most of them."""

CENTRE_DIE_S_MAX = 6.0
"""The centre has a batch each half second."""


def lives(process: Process, calls: str, n: int) -> bool:
    """Start it with a SIGKILL at its n-th call. Whether it lived to be ready."""
    try:
        process.start(strace(calls, f"signal=SIGKILL:when={n}"))
    except Died as died:
        if died.code not in (-signal.SIGKILL, 128 + signal.SIGKILL):
            raise
        return False
    return True


async def dies(process: Process, goes_on: Callable[[], bool], seconds: float) -> bool:
    """Wait until it has come to its end by itself; where it `goes_on` or the time is over, end it. Whether it did."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await until(lambda: not process.alive or goes_on())
    if not process.alive:
        return True
    await asyncio.to_thread(process.kill)
    return False


async def test_a_kill_at_each_call_of_the_first_start(make, few, report):
    """Whatever a first start had made of its data directory, the next start makes of it a node that keeps promises."""
    site = make()
    site.centre.start()
    driven = 0
    async with Wires(site) as wires, Crowd(site, wires.door) as crowd:
        for calls, last in BIRTH_CALLS.items():
            for n in few(range(1, last + 1), 1):
                site.node.kill()
                shutil.rmtree(site.node_data, ignore_errors=True)
                lived = await asyncio.to_thread(lives, site.node, calls, n)
                site.node.kill()
                driven += not lived
                await asyncio.to_thread(site.node.start)
                assert "recovery" not in site.node.output()
                if lived:
                    break
        # The journal of the last birth is new, and so is everybody who talks to it.
        report(await verify_outcome(site, crowd, driven))


async def test_a_kill_at_each_call_under_load(site, few, report):
    """The node dies at its N-th call in life after life on one data directory, while people go on: nothing that was
    acknowledged is lost, nothing is decided twice, and the centre counts every event once."""
    driven = 0
    async with playing(site) as (_, crowd):
        crowd.pour(150)
        await crowd.answered(20)
        for calls, last in NODE_CALLS.items():
            begin = driven
            for n in few(range(1, last + 1), 1):
                site.node.kill()
                if await asyncio.to_thread(lives, site.node, calls, n):
                    since, sent_count = time.monotonic(), crowd.sent_count()

                    def goes_on(since: float = since, sent_count: int = sent_count) -> bool:
                        return crowd.sent_count() > sent_count + DIE_EVENTS and time.monotonic() > since + DIE_S_MIN

                    if not await dies(site.node, goes_on, DIE_S_MAX):
                        break
                driven += 1
            assert driven > begin, f"{calls} never killed anything: this proves nothing"
        await asyncio.to_thread(site.node.start)
        report(await verify_outcome(site, crowd, driven))


HISTORY_ROWS = 100_000
STEP_MS = 70
"""Between two of its events: two hours of a busy district."""


def history(site: Site) -> bytes:
    """A journal of so many rounds, orders and cancellations of c-1's with the ids e1, e2 and so on, as the core makes
    them; its last snapshot is as old as one can be. Returns the receipt of e1."""
    site.journal.parent.mkdir(mode=0o700)
    Journal.open(site.journal).close()
    node, begin_ms = Node([Dispatch]), int(time.time() * 1000) - HISTORY_ROWS * STEP_MS
    db, first = apsw.Connection(str(site.journal)), b""
    snapshots: list[tuple[int, int, bytes]] = []
    with db:
        for number in range(HISTORY_ROWS):
            at, order = begin_ms + number * STEP_MS, f"o-c-1-{(number + 1) // 2}"
            place = OrderPlace(
                id=f"e{number}", at=at, order=order, shop="s", pickup=Place(**SHOP), dropoff=Place(**DOOR), prep_s=60
            )
            body = place if number % 2 else OrderCancel(id=f"e{number}", at=at, order=order)
            configure = Configure(load(site.folder / "edge.toml").rules()) if number == 0 else None
            effects = node.handle([configure or Event("c-1", body, True)], Now(number * STEP_MS / 1000, at))
            commit = effects[0]
            assert isinstance(commit, Commit)
            row = (commit.number, at, checksum(commit.number, at, commit.row), commit.row)
            db.execute("INSERT INTO row VALUES (?, ?, ?, ?)", row)
            if number == 1:
                first = next(effect.payload for effect in effects if isinstance(effect, Answer))
            if commit.number % SNAPSHOT_ROWS == 0 and commit.number < HISTORY_ROWS:
                snapshots.append((commit.number, at, node.snapshot()))
    for snapshot in snapshots[-3:]:
        for _ in write_snapshot(db, *snapshot):
            continue
    db.close()
    return first


@pytest.mark.whole
async def test_a_node_with_a_busy_day_behind_it_is_killed(site, report):
    """100,000 rows, the last snapshot as far behind as it may be: each start after a kill runs through no more rows
    than lie between two snapshots, the first event's repeat gets its receipt to the byte, and the centre gets all."""
    first = history(site)
    copy_data(site.node_data, site.folder / "copy")
    ready_s: list[float] = []
    for _ in range(5):
        shutil.rmtree(site.node_data)
        copy_data(site.folder / "copy", site.node_data)
        begin = time.monotonic()
        site.node.start()
        ready_s.append(time.monotonic() - begin)
        assert f"{HISTORY_ROWS} rows recovered" in site.node.output()
        site.node.kill()
    site.start()
    async with Wires(site) as wires, Crowd(site, wires.door, ("c-1",)) as crowd:
        (person,) = crowd.people
        person.act()
        await until(lambda: not crowd.waiting())
        assert person.receipts["e1"] == first
        person.events, person.orders = HISTORY_ROWS, HISTORY_ROWS
        well_s = await well(site, crowd)
        node, centre = sums(site)
        assert node == centre == HISTORY_ROWS - 1 + 2
        note = f"ready {statistics.median(ready_s):.1f} s after a kill"
        report(Outcome(len(ready_s), node, 0, 0, well_s, 0, note))


async def test_a_centre_killed_at_each_call(site, few, report):
    """The centre dies at its N-th call while batches come in: each of them is merged once or not at all, and the node
    keeps it until the centre states that it has it."""
    driven = 0
    async with playing(site) as (_, crowd):
        crowd.pour(60)
        for calls, last in CENTRE_CALLS.items():
            for n in few(range(1, last + 1), 1):
                site.centre.kill()
                site.node.kill()  # the node's back-off begins anew, so that it is there when the centre is
                node = asyncio.to_thread(site.node.start)
                _, lived = await asyncio.gather(node, asyncio.to_thread(lives, site.centre, calls, n))
                driven += not lived or await dies(site.centre, lambda: False, CENTRE_DIE_S_MAX)
        assert driven, "nothing was killed: this proves nothing"
        site.node.kill()
        await asyncio.to_thread(site.start)
        report(await verify_outcome(site, crowd, driven))
