"""Several nodes at one centre, each with its own corner of the district, from start to result."""

import asyncio
import math
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import perf_counter, time
from typing import Any, Final

import msgspec
from msgspec import Struct

from edge.errors import DoorstepError

from ...lab.process import Keeper
from ..demo import DAY_MS, Demo
from ..district.district import small
from ..options import Options, Start
from ..people.world import MINUTE_MS
from ..report import Ended
from . import till
from .centre import OPERATOR, RunCentre
from .inbox import Inbox
from .member import Member
from .story import STEP_REAL_S_MAX, Story

DAY_MINUTES: Final = (20, 240)
"""Simulated minutes in which orders are placed: at least, and where no --minutes end the run."""

STATED_MINUTES: Final = 16
"""A node states a day fifteen minutes after its end: the clock is set so that this is about when the run ends."""

START_REAL_S: Final = 30.0
"""Real seconds until every node runs and something has happened, at least: the day must not end before."""

LOOK_S: Final = 0.5


class FleetEnded(Struct, kw_only=True):
    """A run that is over. `nodes` are those of each node, `reconciled` both sides of its day at the centre; `rollouts`
    has the state, why and nodes of the bad and the good settings; `ledger` what the node found in the shop's book, and
    `counted` what the centre has of it."""

    nodes: dict[str, Ended]
    reconciled: dict[str, dict[str, Any]]
    story: Story
    inbox: Inbox
    placed: list[str]
    settings: dict[str, tuple[int, int, str]]
    ledger: dict[str, int]
    counted: dict[str, int]
    real_s: float
    folder: str


class FleetDemo:
    """One run. Everything that a screen may show is an attribute."""

    def __init__(self, count: int, options: Options, folder: Path) -> None:
        self.options, self.folder = options, folder
        self.interrupted = False
        self.on_open: Callable[[str], None] = lambda _: None
        """Called with where a person may look, and as whom."""
        self.inbox = Inbox()
        self.centre = RunCentre(folder, self.inbox)
        self.members = [
            Member(folder / f"shop-{number}", f"shop-{number}", self.centre) for number in range(1, count + 1)
        ]
        self.demos: list[Demo] = []
        self.story: Story | None = None
        self.ledger: dict[str, int] = {}
        self.day = ""
        self.enrolled = 0
        self._keeper = Keeper(self.centre.process)
        self._stop = asyncio.Event()
        self._arrived = 0
        self._began = perf_counter()

    @property
    def console(self) -> str:
        """Where a person looks, and as whom."""
        return f"{self.centre.console} as {OPERATOR}, password {self.centre.password}"

    def page_url(self) -> str:
        """The console."""
        return self.centre.console

    def log(self, text: str) -> None:
        """A line for the screen."""
        if self.story is not None:
            self.story.log(text)

    def cut_uplink(self) -> None:
        """Cut the last node off, or mend that."""
        if self.demos:
            self.demos[-1].cut_uplink()

    def kill_node(self) -> None:
        """SIGKILL the first node, which is started again."""
        if self.demos:
            self.demos[0].kill_node()

    def counted(self) -> str:
        """What has happened, for who has ended the run."""
        placed, receipts = (sum(each.records.counts[name] for each in self.demos) for name in ("placed", "receipts"))
        return f"{placed} orders placed at {len(self.demos)} nodes, {receipts} receipts. Nodes and centre are stopped."

    @property
    def real_s(self) -> float:
        """Real seconds since the start."""
        return perf_counter() - self._began

    @property
    def left_s(self) -> float | None:
        """Real seconds until the day is stated, which ends the run; None before it has begun."""
        scheduler = self.demos[0].scheduler if self.demos else None
        if scheduler is None:
            return None
        return max(scheduler.clock.real_s((self._stated_ms() - self.demos[0].now_ms()) / 1000), 0.0)

    def interrupt(self) -> None:
        """End the run now, without a result."""
        self.interrupted = True
        self._stop.set()
        for demo in self.demos:
            demo.interrupt()

    def complained(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """The event loop's exception handler: into the log, and counted."""
        if self.demos:
            self.demos[0].records.counts["loop_errors"] += 1
        loop.default_exception_handler(context)

    async def run(self) -> FleetEnded | None:
        """The whole run; None where it was interrupted. Raises DoorstepError."""
        with self.inbox.open():
            try:
                await asyncio.to_thread(self._enrol)
                return None if self.interrupted else await self._day()
            finally:
                await self._keeper.close()
                await asyncio.to_thread(self.centre.process.stop)

    def _enrol(self) -> None:
        """A certificate for each node, by the clock on the wall; then the centre has that of the demonstration."""
        centre = self.centre
        centre.configure()
        centre.process.start()
        for member, invitation in zip(
            self.members, centre.invite([each.node_name for each in self.members]), strict=True
        ):
            if self.interrupted:
                return
            member.enrol(invitation)
            self.enrolled += 1
        centre.process.stop()
        self._start = self._set_clock()
        centre.configure(
            {
                "clock_speed": self.options.speed,
                "clock_wall_anchor_ms": self._start.wall_ms,
                "clock_real_anchor_ms": self._start.real_ms,
            }
        )
        centre.process.start()

    def _set_clock(self) -> Start:
        """So that a day of UTC ends, and is stated, when the run does: then both sides of it can be compared."""
        speed, minutes = self.options.speed, self.options.minutes
        lowest, usual = DAY_MINUTES
        whole = minutes * speed if minutes else usual + 2 * STATED_MINUTES
        self._day_minutes = max(math.floor(whole / 2), lowest) if minutes else usual
        real_ms = int(time() * 1000)
        midnight_ms = (real_ms // DAY_MS + 1) * DAY_MS
        self.day = f"{datetime.fromtimestamp(midnight_ms / 1000 - 1, UTC):%Y-%m-%d}"
        ahead = min(max(whole - STATED_MINUTES, START_REAL_S * speed / 60), 23 * 60)
        return Start(midnight_ms - round(ahead * MINUTE_MS), real_ms)

    async def _day(self) -> FleetEnded | None:
        self._keeper.start()
        self.on_open(f"The console: {self.console}")
        # Nobody keeps orders back: waiting orders are a problem that would end the trial of good settings, too.
        habits = msgspec.structs.replace(self.options.habits, override=0.0)
        options, seed = msgspec.structs.replace(self.options, habits=habits), self.options.seed
        for number, member in enumerate(self.members):
            instance = small(seed + number, self._day_minutes)
            demo = Demo(instance, options, member.folder, member, self._start)
            demo.before_stop = self._before_stop
            self.demos.append(demo)
        story = self.story = Story(self.centre, self.demos)
        for demo in self.demos:
            demo.is_held = lambda: not story.is_over
            demo.trouble.log = partial(story.log_of, demo)
        beside = [asyncio.ensure_future(work) for work in (story.run(), self._poll(story))]
        try:
            async with asyncio.TaskGroup() as group:
                runs = [group.create_task(demo.run()) for demo in self.demos]
        except* DoorstepError as errors:
            raise errors.exceptions[0] from None
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
        ended = {demo.node_name: run.result() for demo, run in zip(self.demos, runs, strict=True)}
        nodes = {name: each for name, each in ended.items() if each is not None}
        if self.interrupted or len(nodes) < len(ended):
            return None
        return await asyncio.to_thread(self._evidence, nodes, story)

    async def _before_stop(self, demo: Demo) -> None:
        """The shop's book is compared, the day is stated, and all nodes go on until all are so far."""
        if demo is self.demos[0]:
            await self._compare(demo)
        assert demo.scheduler is not None
        left_s = demo.scheduler.clock.real_s((self._stated_ms() - demo.now_ms()) / 1000)
        await self._until(lambda: self._is_stated(demo.node_name), left_s)
        self._arrived += 1
        await self._until(lambda: self._arrived == len(self.demos), STEP_REAL_S_MAX)

    def _stated_ms(self) -> int:
        """When the day is stated, wall ms."""
        return (self._start.wall_ms // DAY_MS + 1) * DAY_MS + STATED_MINUTES * MINUTE_MS

    async def _compare(self, demo: Demo) -> None:
        shop, orders = till.busiest(demo.instance, demo.records)
        story = self.story
        if len(orders) < 3 or story is None:
            return
        self.ledger = await asyncio.to_thread(till.compare, demo.site, shop, till.ledger_of(orders))
        story.log(f"the book of {shop} has {sum(self.ledger.values())} differences at {demo.node_name}")
        await self._until(lambda: self._of_ledgers() == self.ledger, 0)
        await self._until(lambda: self.inbox.has("began", "ledger"), 0)

    def _of_ledgers(self) -> dict[str, int]:
        """What the centre has of ledgers, by kind."""
        found: dict[str, int] = {}
        for day in self.centre.ledger("1970-01-01", "9999-12-31"):
            for kind in till.PLANTED:
                if day[kind]:
                    found[kind] = found.get(kind, 0) + day[kind]
        return found

    def _is_stated(self, node: str) -> bool:
        return self.centre.reconciliation(node, self.day)["agrees"] is not None

    async def _until(self, done: Callable[[], bool], seconds: float) -> None:
        """Wait for it, for STEP_REAL_S_MAX beyond `seconds`; what did not come is found by the invariants."""
        end = perf_counter() + max(seconds, 0) + STEP_REAL_S_MAX
        while not self._stop.is_set() and perf_counter() < end:
            try:
                if await asyncio.to_thread(done):
                    return
            except OSError:
                pass  # the centre is restarted
            await asyncio.sleep(LOOK_S)

    async def _poll(self, story: Story) -> None:
        while True:
            await story.look()
            if self._keeper.failure is not None:
                story.missing.append(str(self._keeper.failure))
                return
            await asyncio.sleep(LOOK_S / 2)

    def _evidence(self, nodes: dict[str, Ended], story: Story) -> FleetEnded:
        """What the centre has at the end."""
        placed = self.centre.placed(story.bad)
        return FleetEnded(
            nodes=nodes,
            reconciled={name: self.centre.reconciliation(name, self.day) for name in nodes},
            story=story,
            inbox=self.inbox,
            placed=placed,
            settings=self.centre.settings(),
            ledger=self.ledger,
            counted=self._of_ledgers(),
            real_s=self.real_s,
            folder=str(self.folder),
        )
