"""What happens to several nodes on purpose, one after the other: one is cut off, one gets settings that do harm and
goes back from them, and all get good ones."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any, Final

from ..demo import Demo
from ..people.world import MINUTE_MS
from .centre import RunCentre

BAD: Final = "[labels]\nskus_max = 5\n"
"""Fewer articles than there are: the node reports `labels_full` from then on, and refuses new ones."""

GOOD: Final = "retention_days = 3\n"

STEP_REAL_S_MAX: Final = 120.0
"""Real seconds for each step, on a machine that may have much other work; it ends a run that hangs."""

STEP_SIMULATED_S_MAX: Final = 1_800.0
"""Simulated seconds for each: a node is behind after 130, a trial takes 180, at one node and then at all."""

CUT_OFF_S: Final = 480.0
"""Simulated seconds for which the node stays cut off once it is red: time to look at it."""

LOOK_S: Final = 0.25
LOG_LINES_KEPT: Final = 50


class Story:
    """`is_over` when nothing more is to happen, `missing` is what did not happen in time. `bad` and `good` are numbers
    of roll-outs; `tried` the nodes on which the bad one was, with the outcome."""

    def __init__(self, centre: RunCentre, demos: Sequence[Demo]) -> None:
        self.is_over = False
        self.missing: list[str] = []
        self.bad = self.good = 0
        self.tried: dict[str, str] = {}
        self.cut = demos[-1]
        self.lines: deque[tuple[int, str]] = deque(maxlen=LOG_LINES_KEPT)
        self.fleet: list[dict[str, Any]] = []
        """How each node is at the centre, the worst first, as it was seen last."""
        self._centre, self._demos = centre, demos

    def log(self, text: str) -> None:
        """A line for the screen."""
        self.lines.append((self.cut.now_ms(), text))

    def log_of(self, demo: Demo, at_ms: int, text: str) -> None:
        """The same of one node, which has it in its own log, too."""
        demo.records.log(at_ms, text)
        self.lines.append((at_ms, f"{demo.node_name}: {text}"))

    async def look(self) -> None:
        """Ask the centre how its nodes are; silence is no news."""
        try:
            self.fleet = await asyncio.to_thread(self._centre.health)
        except OSError:
            return

    async def run(self) -> None:
        """From the first order to the last step."""
        try:
            if await self._until("the day to begin at every node", self._has_begun):
                await self._cut_and_push()
        finally:
            self.is_over = True

    async def _cut_and_push(self) -> None:
        name = self.cut.node_name
        await self.cut.trouble.cut(self.cut.now_ms())
        self.bad = await asyncio.to_thread(self._centre.push, BAD)
        self.log(f"roll-out {self.bad} begins: settings that do harm")
        await self._until("the bad settings to go back", lambda: self._state(self.bad) == "failed")
        state, why = self._centre.rollout(self.bad)
        reports = self._centre.settings()
        self.tried = {node: outcome for node, (_, about, outcome) in reports.items() if about == self.bad}
        self.log(f"roll-out {self.bad} is {state}: {why}")
        await self._until(f"{name} to be red, and first", self._is_first)
        self.log(f"{name} is {self._state_of(name)}, and the first of the console's list")
        await asyncio.sleep(self._real_s(CUT_OFF_S))
        await self.cut.trouble.mend(self.cut.now_ms())
        await self._until(f"{name} to be current again", lambda: self._state_of(name) == "current")
        self.good = await asyncio.to_thread(self._centre.push, GOOD)
        self.log(f"roll-out {self.good} begins: good settings")
        await self._until("the good settings to count everywhere", lambda: self._state(self.good) == "done")
        self.log(f"roll-out {self.good} is {self._state(self.good)}")

    def _has_begun(self) -> bool:
        """Orders are placed at every node, shops have their labels, and the centre can push settings to each."""
        begun = [demo.phase == "day" and demo.now_ms() > demo.day_ms + MINUTE_MS for demo in self._demos]
        return all(begun) and len(self._centre.settings()) == len(self._demos)

    def _state(self, number: int) -> str:
        return self._centre.rollout(number)[0]

    def _state_of(self, node: str) -> str:
        return next((each["state"] for each in self.fleet if each["node"] == node), "")

    def _is_first(self) -> bool:
        first = self.fleet[0] if self.fleet else {}
        return (first.get("node"), first.get("state")) == (self.cut.node_name, "behind")

    def _real_s(self, seconds: float) -> float:
        scheduler = self.cut.scheduler
        return scheduler.clock.real_s(seconds) if scheduler is not None else 0.0

    async def _until(self, what: str, done: Callable[[], bool]) -> bool:
        """Wait for it, and write down where that was in vain."""
        end = perf_counter() + STEP_REAL_S_MAX + self._real_s(STEP_SIMULATED_S_MAX)
        while not await asyncio.to_thread(done):
            if perf_counter() > end:
                self.missing.append(f"waited in vain for {what}")
                return False
            await asyncio.sleep(LOOK_S)
        return True
