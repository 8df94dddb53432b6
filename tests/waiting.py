"""Waiting for facts that ring no bell: counters of what is under test, another thread's or process's work."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

WAIT_S: Final = 30.0


async def until(done: Callable[[], object], what: str = "", *, seconds: float = WAIT_S, step_s: float = 0.01) -> None:
    """Wait until `done()`, beside a loop. Fails after so many seconds."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, f"waited {seconds:g} s in vain for {what or 'it'}"
        await asyncio.sleep(step_s)


def wait_until(done: Callable[[], object], what: str = "", *, seconds: float = WAIT_S) -> None:
    """The same without a loop."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, f"waited {seconds:g} s in vain for {what or 'it'}"
        time.sleep(0.02)
