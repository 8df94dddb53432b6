"""Pushes messages: those about one thing in sequence, several things at a time, each until it is taken or given up.

    lane      the messages about one order, oldest first; only the first one is under way
    refused   3xx and 4xx: a few attempts, then a dead letter
    failed    5xx: attempts until the message is a day old, each later than the one before; other lanes go on
    unreachable   no connection, no answer, 408, 425, 429, 502 to 504: all lanes wait; one attempt at a time looks
              whether the receiver is back

Nothing here is waited for by a decision: rows are read when they are on disk, in a thread, at most MESSAGES_PER_S.
"""

import asyncio
import random as _random
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Final

from ..core.scenario import Value
from ..log.events import WEBHOOK_FAULT, WEBHOOK_GIVEN_UP
from ..messages.sentences import span
from ..mqtt.server.budgets import Budget
from ..service.webhook import AGE_S_MAX, REFUSALS_MAX, Result, backoff_s
from .outbox import Message, Outbox
from .request import Target

WINDOW_MAX: Final = 1_000
"""Messages read and not settled, about 1 kB each. Where so many wait no more rows are read: the journal keeps them."""

AT_ONCE_MAX: Final = 8
"""Requests under way, each of another lane."""

MESSAGES_PER_S: Final = 50
"""Requests a second for good, and at once: 10 % of the processor at 2 ms each."""

DEAD_KEPT: Final = 8
"""Dead letters that the status names; all are counted."""

KEEP_S: Final = 1.0
"""How often the cursor is written where something was settled."""

GATHER_S: Final = 0.02
"""Rows that come within this are read together: a look at the journal for each would cost more than the row itself."""

PROBLEM_S: Final = 60.0
"""A receiver that has taken nothing for this long while something waits for it is a problem."""


class _Lane:
    """Messages about one thing. `due`: when its first message may be tried (again)."""

    __slots__ = ("attempts", "busy", "due", "messages", "refusals")

    def __init__(self) -> None:
        self.messages: deque[Message] = deque()
        self.attempts = self.refusals = 0
        self.due = 0.0
        self.busy = False


class Sender:
    """Of one node. `committed` is the last row on disk, `now_ms` the node's wall clock; `random` gives 0 to 1. Call
    `wake` when a row is on disk."""

    def __init__(
        self,
        outbox: Outbox,
        target: Target,
        committed: Callable[[], int],
        now_ms: Callable[[], int],
        random: Callable[[], float] = _random.random,
    ) -> None:
        self.target = target
        self._outbox, self._committed, self._now_ms, self._random = outbox, committed, now_ms, random
        self._loop = asyncio.get_running_loop()
        self._woken = asyncio.Event()
        self._beside = ThreadPoolExecutor(1, "webhooks")
        self._lanes: dict[str, _Lane] = {}
        self._rows: dict[int, int] = {}  # messages that are not settled, by row; rows in sequence
        # Sequences of those that are, beyond the cursor, with their rows (as far as they are known).
        self._settled = dict.fromkeys(outbox.cursor.settled, outbox.opened_at)
        self._tasks: set[asyncio.Task[None]] = set()
        self._budget = Budget(MESSAGES_PER_S, MESSAGES_PER_S, self._loop.time())
        self._failures = 0  # of the receiver, one after another
        self._until = 0.0  # nobody is asked before
        self._since = self._loop.time()  # when it last took something, or had nothing to take
        self._counts = {"delivered": 0, "attempts_failed": 0, "dead": 0}
        self._dead: deque[str] = deque(maxlen=DEAD_KEPT)
        self._error = ""
        self._closing = False

    @property
    def waiting(self) -> int:
        """Messages that are read and not settled."""
        return sum(self._rows.values())

    def wake(self) -> None:
        """Something may have to be pushed."""
        self._woken.set()

    def gauges(self) -> Mapping[str, Mapping[str, Value]]:
        """The section `webhooks` of the status."""
        values: dict[str, Value] = {
            **self._counts,
            "waiting": self.waiting,
            "waiting_max": WINDOW_MAX,
            "rows_behind": max(self._committed() - self._outbox.read_to, 0),
            "rows_lost": self._outbox.lost_rows,
            "in_flight": len(self._tasks),
            "error": self._error or None,
            "dead_lately": "; ".join(self._dead) or None,
        }
        return {"webhooks": values}

    def problems(self) -> dict[str, str]:
        """A receiver that takes nothing, and letters that are dead since the start."""
        found = {"webhooks": self._silent(), "webhooks_dead": self._given_up()}
        return {name: text for name, text in found.items() if text}

    def _silent(self) -> str:
        silent_s = self._loop.time() - self._since
        if not self.waiting or not self._error or silent_s <= PROBLEM_S:
            return ""
        return (
            f"The receiver of webhooks has taken nothing for {span(silent_s)}: {self._error}. Look at webhook_url and "
            "its server; what waits is pushed when it is back, up to a day later."
        )

    def _given_up(self) -> str:
        if not self._dead:
            return ""
        return (
            f"{self._counts['dead']} webhooks were given up since the start, the last one: {self._dead[-1]}. Look at "
            "the receiver's log; a restart of the node clears this."
        )

    # -- the loop ------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Push for as long as the process lives."""
        kept_at = self._loop.time()
        while not self._closing:
            self._woken.clear()
            await self._fill()
            now = self._loop.time()
            keep_s = KEEP_S if self._settled else PROBLEM_S
            wait_s = min(self._start(now), keep_s)
            if now - kept_at >= keep_s:
                kept_at = now
                await self._keep()
            try:
                async with asyncio.timeout(max(wait_s, GATHER_S)):
                    await self._woken.wait()
            except TimeoutError:
                continue
            await asyncio.sleep(GATHER_S)

    async def close(self) -> None:
        """End what is under way, and write down what is settled."""
        self._closing = True
        self.wake()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.target.close()
        await self._keep()
        await self._loop.run_in_executor(self._beside, self._outbox.close)
        self._beside.shutdown(wait=False)

    async def _fill(self) -> None:
        """Read rows while there is room for what is in them."""
        while self.waiting < WINDOW_MAX and self._outbox.read_to < (committed := self._committed()):
            for message in await self._loop.run_in_executor(self._beside, self._outbox.read, committed):
                if not self.waiting:
                    self._since = self._loop.time()
                self._lanes.setdefault(message.key, _Lane()).messages.append(message)
                self._rows[message.row] = self._rows.get(message.row, 0) + 1

    def _start(self, now: float) -> float:
        """Begin what may begin; how long it takes until something else may."""
        at_once = 1 if self._failures else AT_ONCE_MAX
        soonest = PROBLEM_S
        for lane in list(self._lanes.values()):
            if lane.busy:
                continue
            due = max(lane.due, self._until)
            if due > now:
                soonest = min(soonest, due - now)
                continue
            if len(self._tasks) >= at_once:
                break
            if not self._budget.spend(0, now):
                return min(soonest, self._budget.wait_s)
            self._budget.spend(1, now)
            lane.busy = True
            task = self._loop.create_task(self._push(lane))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return soonest

    async def _push(self, lane: _Lane) -> None:
        message = lane.messages[0]
        try:
            if self._now_ms() - message.at_ms > AGE_S_MAX * 1000:
                result = Result("refused", f"a day old, and {self._error or 'not taken'}")
                lane.refusals = REFUSALS_MAX
            else:
                result = await self.target.push(message, datetime.now(UTC))
        except Exception as error:  # noqa: BLE001 - a fault here must not stop what comes after
            WEBHOOK_FAULT.write(error=error)
            result = Result("refused", type(error).__name__)
        self._settle(lane, message, result)
        self._loop.call_soon(self.wake)

    def _settle(self, lane: _Lane, message: Message, result: Result) -> None:
        lane.busy = False
        now = self._loop.time()
        if result.fate == "delivered":
            self._counts["delivered"] += 1
            self._failures, self._error, self._since = 0, "", now
            self._done(lane, message)
            return
        self._counts["attempts_failed"] += 1
        self._error = result.why
        lane.attempts += 1
        lane.refusals += result.fate == "refused"
        self._lanes[message.key] = self._lanes.pop(message.key)  # the others are tried before it
        if result.fate == "unreachable":
            if now >= self._until:  # of several requests that were under way together the first one counts
                self._failures += 1
                self._until = now + max(backoff_s(self._failures, self._random), result.wait_s)
        else:
            self._failures = 0
            lane.due = now + max(backoff_s(lane.attempts, self._random), result.wait_s)
        if lane.refusals >= REFUSALS_MAX:
            self._counts["dead"] += 1
            self._dead.append(f"{message.kind} {message.sequence} about {message.key} ({result.why})")
            WEBHOOK_GIVEN_UP.write(kind=message.kind, sequence=message.sequence, sentence=result.why)
            self._done(lane, message)

    def _done(self, lane: _Lane, message: Message) -> None:
        """The message is settled: the next one of its lane may go."""
        lane.messages.popleft()
        lane.attempts, lane.refusals, lane.due = 0, 0, 0.0
        if not lane.messages:
            del self._lanes[message.key]
        self._settled[message.sequence] = message.row
        self._rows[message.row] -= 1
        if not self._rows[message.row]:
            del self._rows[message.row]

    async def _keep(self) -> None:
        """Write the cursor: before the oldest row with something unsettled."""
        row = min(self._rows, default=self._outbox.read_to + 1) - 1
        self._settled = {sequence: at for sequence, at in self._settled.items() if at > row}
        if (row, [*self._settled]) != (self._outbox.cursor.row, self._outbox.cursor.settled):
            await self._loop.run_in_executor(self._beside, self._outbox.keep, row, [*self._settled])
