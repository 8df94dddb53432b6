"""the scheduler of the district's people."""

import asyncio
import time

from bench.demo.people.scheduler import Scheduler
from edge.clock import Clock

MORNING = 1_800_000_000_000


def scheduler(speed: float = 1000.0) -> Scheduler:
    """A scheduler whose clock begins about now."""
    return Scheduler(Clock(speed, MORNING, int(time.time() * 1000)))


async def test_in_sequence_and_never_early() -> None:
    """Actions run in the sequence of their instants, none before its instant, each with the instant when it was due."""
    day = scheduler()
    start = day.now_ms()
    seen: list[tuple[int, int]] = []
    for offset in (30_000, 10_000, 20_000, 10_000):
        day.at(start + offset, lambda due: seen.append((due - start, day.now_ms() - start)))
    done = asyncio.Event()
    day.at(start + 30_001, lambda _: done.set())
    await asyncio.wait_for(done.wait(), 10)
    assert [due for due, _ in seen] == [10_000, 10_000, 20_000, 30_000]
    assert all(now >= due for due, now in seen)


async def test_what_is_past_happens_at_once() -> None:
    """An instant that has passed is done in the next turn, and explains how late it is."""
    day = scheduler()
    late: list[float] = []
    day.at(day.now_ms() - 5_000, lambda due: late.append(day.late_real_s(due)))
    await asyncio.sleep(0.05)
    assert len(late) == 1
    assert late[0] >= 0.005


async def test_an_action_may_plan_another_one() -> None:
    """A chain of actions goes on, and many at one instant do not starve the loop."""
    day = scheduler()
    done: list[int] = []

    def again(due: int) -> None:
        done.append(due)
        if len(done) < 1_000:
            day.at(due, again)

    day.at(day.now_ms(), again)
    turns = 0
    while len(done) < 1_000:
        await asyncio.sleep(0)
        turns += 1
    assert turns >= 4


async def test_a_failure_is_kept_and_ends_everything() -> None:
    """An action that raises stops the scheduler, and its error can be asked for."""
    day = scheduler()

    def fail(_: int) -> None:
        raise ValueError("a bug")

    day.at(day.now_ms(), fail)
    day.at(day.now_ms() + 1, lambda _: day.at(0, lambda _: None))
    await asyncio.sleep(0.05)
    assert isinstance(day.failure, ValueError)
    assert len(day) == 0


async def test_after_closing_nothing_happens() -> None:
    """A closed scheduler does nothing any more."""
    day = scheduler()
    seen: list[int] = []
    day.after(1, seen.append)
    day.close()
    day.at(day.now_ms(), seen.append)
    await asyncio.sleep(0.02)
    assert seen == []
