"""End to end: what a node drops while its disk is full is counted in the end, also where it is killed meanwhile."""

import resource
import time

from bench.lab.site import Site
from edge.pipeline.drops import FILE_NAME, DropCounter
from tests.phone import Phone, place, site

ORDERS = 7
DISK_FULL = 0x97
"""MQTT's "quota exceeded": come again later."""


def fill(made: Site) -> None:
    """No file of the node may grow any more, as on a full disk."""
    size = max(path.stat().st_size for path in (made.node_data).glob("journal*"))
    made.node.limit(resource.RLIMIT_FSIZE, size)


def test_what_a_full_disk_refuses_is_counted_over_a_kill(tmp_path):
    """Orders refused for want of disk, then SIGKILL: the next process has their number, exactly once, and
    states that the last seconds of such counts are uncertain; after a clean stop they are not."""
    with site(tmp_path, "alice") as made:
        alice = Phone("alice", made.port, made.tokens["alice"])
        assert place(alice, 0) == 0
        assert made.status()["core"]["drops_uncertain_s"] == 0
        fill(made)
        refused = 0
        for number in range(1, 1_000):
            refused += place(alice, number) == DISK_FULL
            if refused == ORDERS:
                break
        before = made.status()
        alice.close()
        dropped = before["counts"]["dropped"]["disk_full"]
        assert not before["serving"]
        assert dropped >= ORDERS
        deadline = time.monotonic() + 30
        while sum(shed.count for shed in DropCounter.open(made.node_data / FILE_NAME).unrecorded(0)) != dropped:
            assert time.monotonic() < deadline, "no heartbeat has put the counts beside the journal"
            time.sleep(0.1)
        made.node.kill()
        made.node.start()
        after = made.status()["core"]
        assert after["shed_disk_full"] == dropped
        assert after["drops_uncertain_s"] > 0
        made.node.stop()
        made.node.start()
        again = made.status()["core"]
        assert (again["shed_disk_full"], again["drops_uncertain_s"]) == (dropped, 0)
