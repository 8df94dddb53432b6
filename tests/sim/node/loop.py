"""Virtual time: one heap of callbacks for the whole world, and for each process a face of it that dies with it.

A dead process goes on computing, but nothing of it comes out: its callbacks, timers and tasks no longer run. So a crash
can fall between any two effects without an exception anywhere.
"""

import asyncio
from asyncio import Handle, TimerHandle
from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any, Final

INSTANT_S: Final = 1e-6
"""A timer takes at least this long, so that a clock which drifts reaches its deadline."""


class Time:
    """The world's clock, in seconds, and everything that is going to happen."""

    def __init__(self) -> None:
        self.now = 0.0
        self._heap: list[tuple[float, int, Handle | Callable[[], object], ProcessLoop | None]] = []
        self._count = 0

    def after(self, delay_s: float, what: Callable[[], object]) -> None:
        """Something in the world that belongs to no process."""
        self.push(self.now + delay_s, what, None)

    def push(self, when: float, what: Handle | Callable[[], object], owner: "ProcessLoop | None") -> None:
        """At `when`; equal times in the order of their making."""
        self._count += 1
        heappush(self._heap, (max(when, self.now), self._count, what, owner))

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        end = self.now + seconds
        while self._heap and self._heap[0][0] <= end:
            when, _, what, owner = heappop(self._heap)
            if owner is not None and not owner.alive:
                continue
            if owner is not None and owner.paused_until > when:
                self.push(owner.paused_until, what, owner)
                continue
            self.now = when
            if isinstance(what, Handle):
                if not what.cancelled():
                    assert owner is not None
                    owner.inside(what._run)
            else:
                what()
        self.now = end


class ProcessLoop(asyncio.AbstractEventLoop):
    """The event loop of one process. What its callbacks raise goes up to whoever lets time pass."""

    def __init__(self, time: Time) -> None:
        self.alive = True
        self.paused_until = 0.0
        self._time = time

    def inside(self, what: Callable[[], object]) -> None:
        """Run as the running loop, as a callback of a real loop does."""
        before = asyncio._get_running_loop()
        asyncio._set_running_loop(self)
        try:
            what()
        finally:
            asyncio._set_running_loop(before)

    def time(self) -> float:
        return self._time.now

    def call_soon(self, callback: Callable[..., object], *args: Any, context: Any = None) -> Handle:
        handle = Raising(callback, args, self, context)
        self._time.push(self._time.now, handle, self)
        return handle

    def call_at(self, when: float, callback: Callable[..., object], *args: Any, context: Any = None) -> TimerHandle:
        handle = RaisingTimer(when, callback, args, self, context)
        self._time.push(max(when, self._time.now + INSTANT_S), handle, self)
        return handle

    def call_later(self, delay: float, callback: Callable[..., object], *args: Any, context: Any = None) -> TimerHandle:
        return self.call_at(self._time.now + delay, callback, *args, context=context)

    def create_task(self, coro: Any, **more: Any) -> Any:
        if self.alive:
            return asyncio.Task(coro, loop=self)
        coro.close()
        return self.create_future()

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def get_debug(self) -> bool:
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Tasks of a dead process end here."""

    def _timer_handle_cancelled(self, handle: TimerHandle) -> None:
        """Cancelled handles are skipped when their time comes."""


class Raising(Handle):
    """A handle that hides no error."""

    def _run(self) -> None:
        self._context.run(self._callback, *self._args)  # type: ignore[attr-defined]


class RaisingTimer(TimerHandle):
    """The same with a time."""

    def _run(self) -> None:
        self._context.run(self._callback, *self._args)  # type: ignore[attr-defined]
