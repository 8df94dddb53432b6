"""Settings of the process for a node: the garbage collector, how often threads switch, and how many numpy starts."""

import gc
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager

SWITCH_S = 0.0005
"""Beside a busy loop the journal's thread waits this long for the interpreter, twice for a commit. On a machine with
other work a commit took 24 and 44 ms there and back at the default of 5 ms, 8 and 12 at this. So wait the first
answers, while the rest is imported beside them."""


@contextmanager
def starting() -> Generator[None]:
    """No garbage collection, a tenth of the time of imports and recovery, until `freeze_startup` or the end of the
    block, and quick switches for all of it. numpy, which is imported inside, gets no threads for matrices: the node has
    only small ones, and threads that wait spin."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    switch_s = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_S)
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        sys.setswitchinterval(switch_s)


def freeze_startup() -> None:
    """End the start: exclude its objects, which live as long as the process, from garbage collection."""
    gc.collect()
    gc.freeze()
    gc.enable()
    gc.set_threshold(10_000, 20, 20)  # a round makes hundreds of objects, few live on: 5 % of the core's time
