"""A process that dies at its N-th system call, for N from the first one on: the node, and the centre (rows 1 and 11).

strace sends the SIGKILL as the call begins, so what it would have done is not done. Calls are counted in each thread
by itself: the loop and the journal's writer have their own N-th one.
"""

import asyncio
import shutil
import signal

from tests.faults.people import Crowd, judge
from tests.faults.rig import Died, Process, Wires
from tests.processes import find_program

NODE_CALLS = {"fdatasync": 50, "pwrite64": 60, "write": 60, "ftruncate,unlink,rename,fsync": 4}
"""To which N each is driven. A commit is one fdatasync and a few pwrite64; what goes out to clients is a write."""

BIRTH_CALLS = {"fdatasync": 20, "pwrite64": 60, "ftruncate,unlink,rename,fsync": 20}
"""More than a node makes of them before it is ready for the first time: the enumeration ends with the first life that
is not cut short."""

CENTRE_CALLS = {"fdatasync": 16, "pwrite64": 40, "write": 16}

DIE_S_MAX = 6.0
"""A life under load that has not come to its N-th call by then never will: that is the end of the enumeration."""


def lives(process: Process, calls: str, n: int) -> bool:
    """Start it with a SIGKILL at its n-th call. Whether it lived to be ready."""
    find_program("strace")
    try:
        process.start(f"{calls}:signal=SIGKILL:when={n}")
    except Died as died:
        if died.code not in (-signal.SIGKILL, 128 + signal.SIGKILL):
            raise
        return False
    return True


async def dies(process: Process) -> bool:
    """Wait until it has come to its end by itself; where it does not, end it. Whether it did."""
    for _ in range(int(DIE_S_MAX / 0.02)):
        if not process.alive:
            return True
        await asyncio.sleep(0.02)
    process.kill()
    return False


def test_a_kill_at_each_call_of_the_first_start(make, few, report):
    """Whatever a first start had made of its data directory, the next start makes of it a node that keeps promises."""
    site = make()

    async def scene() -> None:
        site.centre.start()
        driven = 0
        async with Wires(site) as wires, Crowd(site, wires.door) as crowd:
            for calls, last in BIRTH_CALLS.items():
                for n in few(range(1, last + 1), 1):
                    site.node.kill()
                    shutil.rmtree(site.folder / "data", ignore_errors=True)
                    lived = await asyncio.to_thread(lives, site.node, calls, n)
                    site.node.kill()
                    driven += not lived
                    await asyncio.to_thread(site.node.start)
                    assert "recovery" not in site.node.said()
                    if lived:
                        break
            # The journal of the last birth is new, and so is everybody who talks to it.
            report(await judge(site, crowd, driven))

    asyncio.run(scene())


def test_a_kill_at_each_call_under_load(make, few, report):
    """The node dies at its N-th call in life after life on one data directory, while people go on: nothing that was
    acknowledged is lost, nothing is decided twice, and the centre counts every event once."""
    site = make()

    async def scene() -> None:
        site.start()
        driven = 0
        async with Wires(site) as wires, Crowd(site, wires.door) as crowd:
            crowd.pour(150)
            await crowd.heard(20)
            for calls, last in NODE_CALLS.items():
                begin = driven
                for n in few(range(1, last + 1), 1):
                    site.node.kill()
                    if await asyncio.to_thread(lives, site.node, calls, n) and not await dies(site.node):
                        break
                    driven += 1
                assert driven > begin, f"{calls} never killed anything: this proves nothing"
            await asyncio.to_thread(site.node.start)
            report(await judge(site, crowd, driven))

    asyncio.run(scene())


def test_a_centre_killed_at_each_call(make, few, report):
    """The centre dies at its N-th call while batches come in: each of them is merged once or not at all, and the node
    keeps it until the centre says that it has it."""
    site = make()

    async def scene() -> None:
        site.start()
        driven = 0
        async with Wires(site) as wires, Crowd(site, wires.door) as crowd:
            crowd.pour(60)
            for calls, last in CENTRE_CALLS.items():
                for n in few(range(1, last + 1), 1):
                    site.centre.kill()
                    site.node.kill()  # the node's back-off begins anew, so that it is there when the centre is
                    node = asyncio.to_thread(site.node.start)
                    _, lived = await asyncio.gather(node, asyncio.to_thread(lives, site.centre, calls, n))
                    driven += not lived or await dies(site.centre)
            assert driven, "nothing was killed: this proves nothing"
            site.node.kill()
            await asyncio.to_thread(site.start)
            report(await judge(site, crowd, driven))

    asyncio.run(scene())
