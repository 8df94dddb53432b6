"""What is collected from the processes."""

import asyncio
from pathlib import Path
from typing import Any

from bench.demo.watch import Watch
from bench.lab.site import Site


def account(pid: int, decisions: int, rss_mb: float, cpu_s: float, depth: int, **dropped: int) -> dict[str, Any]:
    """A node's account of itself."""
    return {
        "process": {"pid": pid, "rss_mb": rss_mb, "cpu_s": cpu_s},
        "counts": {"decisions": decisions, "dropped": dropped},
        "queues": {"commit": {"depth": depth, "limit": 10}},
        "sync": {"batches_sent": decisions, "batches_acked": decisions, "bytes": None, "events_at_node": 7},
    }


def test_what_a_killed_node_counted_is_not_lost(tmp_path: Path) -> None:
    """Counters of all incarnations add up, memory and depth are the greatest seen, and no rate spans a restart."""
    watch = Watch(Site(tmp_path, "district"))
    watch.seen(account(1, 5, 60.0, 1.0, 3, over_quota=1))
    watch.seen(account(1, 9, 50.0, 2.0, 8, over_quota=2))
    watch.seen(account(2, 1, 55.0, 0.5, 0, over_quota=1, oversized=1))
    assert watch.dropped() == {"over_quota": 3, "oversized": 1}
    assert watch.sync() == {"batches_sent": 10, "batches_acked": 10, "bytes": 0}
    assert (watch.process().rss_mb, watch.process().cpu_s) == (60.0, 2.5)
    assert watch.queues == {"commit": (8, 10)}
    assert len(watch.rates) == 1


def test_the_rate_is_that_of_the_last_minute(tmp_path: Path) -> None:
    """Neither of the whole day, nor of the last instant; a restart takes nothing away."""
    watch = Watch(Site(tmp_path, "district"))
    assert watch.rate() == 0.0
    for second in range(100):
        watch.seen(account(1, 10 * second, 60.0, 1.0, 3), float(second))
    assert watch.rate() == 10.0
    for second in range(100, 200):
        watch.seen(account(2, 2 * (second - 100), 60.0, 1.0, 3), float(second))
    assert watch.rate() == 2.0


def test_in_step_means_equal_and_more_than_nothing(tmp_path: Path) -> None:
    """Node and centre are in step when both have counted the same events, and at least one."""
    watch = Watch(Site(tmp_path, "district"))
    assert not watch.in_step()
    watch.seen(account(1, 5, 60.0, 1.0, 3))
    assert not watch.in_step()
    watch.summary = {"events": 7}
    assert watch.in_step()


def test_silence_is_no_news(tmp_path: Path) -> None:
    """Processes that do not answer leave the last account as it was."""
    watch = Watch(Site(tmp_path, "district"))
    watch.seen(account(1, 5, 60.0, 1.0, 3))
    asyncio.run(watch.look())
    assert watch.events() == (7, 0)
