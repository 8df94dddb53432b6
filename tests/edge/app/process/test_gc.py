"""Tests of edge.app.process.gc."""

import gc
import subprocess
import sys

from edge.app.process.gc import starting

SETTLED = """
import gc, sys
gc.disable()
from edge.app.process.gc import SWITCH_S, freeze_startup, starting
kept = []
with starting():
    kept.extend([] for _ in range(100_000))
    assert not gc.isenabled()
    assert not any(counts["collections"] for counts in gc.get_stats()[1:])
    freeze_startup()
    assert gc.isenabled()
    assert gc.get_freeze_count() > 100_000
    assert abs(sys.getswitchinterval() - SWITCH_S) < 1e-9
assert sys.getswitchinterval() > SWITCH_S
"""

THREADS = """
from edge.app.process.gc import starting
with starting():
    import numpy
with open("/proc/self/status") as status:
    assert "Threads:\\t1\\n" in status.read()
"""


def test_a_start_is_not_collected_and_then_out_of_the_collectors_way():
    """Objects that a start makes cause no collection, and belong to no generation once it is over."""
    subprocess.run([sys.executable, "-c", SETTLED], check=True)


def test_numpy_starts_no_threads():
    """They would spin on every core at each start, for matrices that a node does not have."""
    subprocess.run([sys.executable, "-c", THREADS], check=True)


def test_a_start_that_fails_leaves_the_collector_on():
    """Whoever runs a node inside their own process gets it back as it was."""
    try:
        with starting():
            raise ValueError
    except ValueError:
        assert gc.isenabled()
