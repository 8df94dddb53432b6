"""Looks at the fleet, and sends what there is to send, while the centre runs.

Of several collectors on one store the one that holds the lease does both; it is renewed before each message and lasts
longer than a request, so no other sends meanwhile. Where the holder ends, the next one goes on when the lease is over.
"""

import asyncio
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, Final, Self, TypeVar

from edge.errors import DoorstepError
from edge.log.events import ALERT_GIVEN_UP, ALERT_SENT, ALERTS_FAULT, ALERTS_LATE

from ..config import Config
from ..fleet.health import NodeHealth
from ..store.open import Where, open_driver
from ..store.tiers import zone
from .notice import Style
from .observed import observed
from .queue import Queue, State
from .receivers import Receiver
from .tables import open_tables
from .target import Target

LOOK_S: Final = 30.0
"""Between two looks at the fleet: half a window's width."""

LEASE_S: Final = 45.0
"""Three times as long as a request takes at most: a collector that is gone is replaced in this time."""

REST_S: Final = 1.0
"""Between two questions whether something is to be sent, where something may be."""

T = TypeVar("T")


class Alerts:
    """Of one collector, from `open` to `close`. `now_ms` is the centre's clock, `holder` the name by which it holds the
    lease: the same after a restart, so that nobody waits for it then."""

    def __init__(
        self,
        path: str,
        config: Config,
        where: Where,
        password: str,
        fleet: Callable[[], list[NodeHealth]],
        now_ms: Callable[[], int],
        holder: str,
    ) -> None:
        self._config, self._fleet, self._now_ms = config, fleet, now_ms
        self._look_s = max(LOOK_S / config.clock_speed, REST_S / 2)
        self._targets = {each.name: Target(path, each) for each in config.alert}
        self._styles = {each.name: style_of(config, each) for each in config.alert}
        self._reader = open_driver(where, password, readonly=True)
        self._queue = Queue(open_tables(where, password), holder, random.random)
        self._beside = ThreadPoolExecutor(1, "alerts")
        self._looked_at = float("-inf")
        self._leads = False
        self._states: list[State] = []

    @classmethod
    async def open(cls, *args: Any, **options: Any) -> Self:
        """Beside the loop, since the store is opened. Raises DoorstepError where something cannot be used."""
        return await asyncio.to_thread(cls, *args, **options)

    def read(self) -> None:
        """Read the secrets again. Raises ConfigError."""
        for target in self._targets.values():
            target.read()

    def gauges(self) -> dict[str, int]:
        """Messages and changes of all receivers, as the holder of the lease has seen them last."""
        names = ("delivered", "failed", "dead", "waiting", "active")
        return {f"alerts_{name}": sum(getattr(each, name) for each in self._states) for name in names}

    async def run(self) -> None:
        """For as long as the process lives. Whatever goes wrong here is logged, and ends nothing."""
        while True:
            wait_s = self._look_s
            try:
                wait_s = await self._step()
            except DoorstepError as error:
                ALERTS_LATE.write(sentence=str(error))
            except Exception as error:  # noqa: BLE001 - a fault here must not stop the centre
                ALERTS_FAULT.write(error=error)
            await asyncio.sleep(wait_s)

    async def close(self) -> None:
        """Drop what is under way: it stays in the store, and is sent by the next one."""
        for target in self._targets.values():
            await target.close()
        await self._do(self._ended)
        self._beside.shutdown(wait=False)

    def _ended(self) -> None:
        try:
            self._queue.release()
        except DoorstepError as error:
            ALERTS_LATE.write(sentence=str(error))
        self._queue.close()
        self._reader.close()

    async def _step(self) -> float:
        """Look, where it is time, and send what may be sent; how long to wait then (real seconds)."""
        if not await self._do(self._lead):
            return self._look_s
        looked_s = time.monotonic()
        if looked_s - self._looked_at >= self._look_s:
            self._looked_at = looked_s
            fleet = await asyncio.to_thread(self._fleet)
            await self._do(self._look, fleet)
        await asyncio.gather(*map(self._send, self._targets.values()))
        waits_ms = await self._do(self._waits_ms)
        left_s = max(self._look_s - (time.monotonic() - self._looked_at), REST_S / 10)
        return left_s if waits_ms is None else min(left_s, max(waits_ms / 1000, REST_S / 10))

    def _lead(self) -> bool:
        before, self._leads = self._leads, self._queue.leads(int(LEASE_S * 1000))
        if self._leads and not before:
            self._queue.keep([each.name for each in self._config.alert])
        return self._leads

    def _look(self, fleet: list[NodeHealth]) -> None:
        now_ms = self._now_ms()
        self._queue.look(observed(self._reader, fleet, now_ms), self._config.alert, now_ms)

    def _waits_ms(self) -> int | None:
        self._states = self._queue.states()
        return self._queue.waits_ms(_real_ms())

    async def _send(self, target: Target) -> None:
        """One message, where there is one. A look may have taken long: the lease has to last for the request."""
        receiver = target.receiver
        if not await self._do(self._lead):
            return
        pending = await self._do(self._queue.take, receiver, self._config.name, self._now_ms(), _real_ms())
        if pending is None:
            return
        result = await target.push(pending.notice, self._styles[receiver.name], pending.name, datetime.now(UTC))
        given_up = await self._do(self._queue.settle, receiver.name, result, _real_ms())
        if result.fate == "delivered":
            ended = sum(each.ended for each in pending.notice.changes)
            began = len(pending.notice.changes) - ended
            ALERT_SENT.write(name=receiver.name, began=began, ended=ended)
        elif given_up:
            ALERT_GIVEN_UP.write(name=receiver.name, sentence=result.why)

    async def _do(self, work: Callable[..., T], *args: Any) -> T:
        """In the one thread that has the store's connections."""
        return await asyncio.get_running_loop().run_in_executor(self._beside, work, *args)


def style_of(config: Config, receiver: Receiver) -> Style:
    """How messages for a receiver are written."""
    return Style(receiver.template, receiver.language, zone(config.timezone), receiver.link)


def _real_ms() -> int:
    return time.time_ns() // 1_000_000
