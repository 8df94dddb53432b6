"""One process of the node: the real core, pipeline, clock and sync, between a simulated disk, links and uplink."""

from collections import Counter
from collections.abc import Callable
from random import Random
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from edge.clock import Clock
from edge.core.model import Configure
from edge.core.node import Node
from edge.errors import JournalError, Reason
from edge.health.histogram import Stages
from edge.health.status import STAGES
from edge.limits import RETENTION_CHECK_S, STATUS_INTERVAL_S
from edge.pipeline.drops import DropCounter
from edge.pipeline.pipeline import Pipeline
from edge.pipeline.retention import Retention
from edge.scenarios.dispatch import Dispatch
from edge.scenarios.labels import Labels
from edge.uplink.options import UplinkOptions
from edge.uplink.sync import Sync
from tests.sim.around.centre import Uplink
from tests.sim.checks.broken import Broken
from tests.sim.node.disk import Disk, Paper
from tests.sim.node.loop import ProcessLoop

if TYPE_CHECKING:
    from tests.sim.world import World


class Status:
    """What the pipeline reports to its status; drops are kept, the rest goes nowhere."""

    def __init__(self, process: "Process") -> None:
        self._process = process
        self.drops: dict[str, int] = {}
        self.counts: Counter[str] = Counter()
        self.received: Counter[str] = Counter()
        self.alarms: dict[str, str] = {}
        self.latencies = Stages(STAGES)
        self.counts = Counter()
        self.received = Counter()

    def dropped(self, reason: str, count: int) -> None:
        self.drops[reason] = self.drops.get(reason, 0) + count
        if self._process.main and self._process.alive and reason in (Reason.DISK_FULL, Reason.OVERLOADED):
            self._process.world.drop(count)

    def alarm(self, name: str, text: str | None, serving: bool = True) -> None:
        if text is None:
            self.alarms.pop(name, None)
        else:
            self.alarms[name] = text

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_, **__: None


class Process:
    """From start to crash. `main` is false for a clone, which has no clients and is not checked."""

    def __init__(self, world: "World", disk: Disk, boot: int, main: bool = True) -> None:
        self.world, self.disk, self.main = world, disk, main
        self.rng = Random(f"process-{world.plan.seed}-{boot}")
        self.loop = ProcessLoop(world.time)
        self.status = Status(self)
        self.crash_in = -1
        """Effects until a crash that was drawn; below zero: none was."""
        self.paper = Paper(self, disk, world.plan.commit_s, self.rng)
        self.pipeline: Pipeline
        self.loop.inside(lambda: self._start(boot))

    def _start(self, boot: int) -> None:
        node = Node([Dispatch, Labels])
        recovery = self.paper.recover()
        node.recover(recovery.snapshot, recovery.rows)
        if node.recovery_differences:
            raise Broken("I2", f"{node.recovery_differences} rows came out otherwise in recovery")
        clock = Clock()
        if node.number:
            clock.resume(node.last)
        self.pipeline = Pipeline(node, self.paper, clock, self.status, "wgs84", self.fatal)  # type: ignore[arg-type]
        self.world.check_recovery(self, node)
        self.drops = DropCounter(self.disk.block, lambda block: setattr(self.disk, "block", block))
        unrecorded = self.drops.unrecorded(node.number)
        rules = self.world.plan.rules
        self.pipeline.start(Configure(rules) if node.rules != rules else None, unrecorded)
        self._beat()
        if self.main:
            self.world.link.attach(self)
            self.pipeline.links.append(self.world.link)
        uplink = "edge.uplink.sync"
        with patch(f"{uplink}.MqttConnection", Uplink), patch(f"{uplink}.token_hex", lambda _: f"boot-{boot}"):
            self.sync = Sync(
                UplinkOptions(node="n-1", centre="centre", urls=["mqtt://centre"]),
                batches=self.pipeline.batches,
                hello=lambda name: self.pipeline.node.outbox.hello(self.world.instance, name),
                post=lambda item: self.pipeline.post([item]),
            )
        self.retention = Retention(self.pipeline, self.paper, clock)  # type: ignore[arg-type]
        self._retain()
        self.sync._random = self.rng.random
        self.pipeline.on_batches = self.sync.wake
        self.pipeline.on_rebuilt = self.sync.ask_again
        self.sync._loop = self.loop
        self.uplink: Any = self.sync.link
        self.uplink.attach(self)

    def _beat(self) -> None:
        self.drops.keep(*self.pipeline.uncounted)
        self.loop.call_later(STATUS_INTERVAL_S, self._beat)

    def _retain(self) -> None:
        self.retention.check()
        self.loop.call_later(RETENTION_CHECK_S / 10, self._retain)

    @property
    def alive(self) -> bool:
        return self.loop.alive

    def run(self, what: Callable[[], object]) -> None:
        """Something from outside reaches the process, if it is there and not paused."""
        self.loop.call_soon(what)

    # -- ends ----------------------------------------------------------------------------------------------------------

    def step(self) -> None:
        """An effect is about to become visible: here a drawn crash falls."""
        if self.crash_in > 0:
            self.crash_in -= 1
        elif self.crash_in == 0 and self.alive:
            self.crash_in = -1
            self.kill("between two effects")

    def kill(self, why: str) -> None:
        """Power off."""
        if not self.alive:
            return
        self.loop.alive = False
        self.paper.power_cut()
        self.world.note(f"dead {why}")
        if self.main:
            self.world.gone()

    def fatal(self, error: Exception) -> None:
        """What ends the real process."""
        if not isinstance(error, JournalError):
            self.world.fail(Broken("I6", f"the core failed: {error}"))
        self.kill(str(error))

    # -- what the disk reports -----------------------------------------------------------------------------------------

    def handled(self) -> None:
        """A round came out of the core."""
        if self.alive and self.main:
            self.world.checks.round(self.pipeline.node)

    def durable(self, number: int, row: bytes) -> None:
        """A row is on disk."""
        if self.main:
            self.world.durable(number, row)


def time_of(world: "World") -> Any:
    """What `edge.clock` sees instead of the machine's clocks."""
    return SimpleNamespace(monotonic=lambda: world.time.now * world.plan.drift, time=lambda: world.wall_ms() / 1000)
