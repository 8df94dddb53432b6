"""The HTTP door of a node: a link of the pipeline, and the server in front of it."""

import asyncio
import ssl
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, Self

from starlette.routing import Route

from ..core.model import Now
from ..core.scenario import Scenario, Value
from ..mqtt.listener import Listener, listen_on
from ..mqtt.seam import Pending
from ..mqtt.server.endpoint import Endpoint
from ..pipeline.pipeline import Pipeline
from ..service.http import Bounds, HttpServer
from .events import WAITING_MAX, Events
from .ledger import LedgerDoor
from .lookups import WAITS_MAX, Lookups
from .routes import Routes

CONNECTIONS_MAX: Final = 1_024
"""Sockets of all clients, some 10 kB each: what may wait at one time, and as many that are between two requests."""

READS_PER_S: Final = 800
READS_BURST: Final = 800
"""Reads of all connections together; beyond it they wait for their turn, one of each connection. An event is two reads
or three, and takes 1 ms: 330 a second, and MQTT has two thirds of the processor left."""


class Door:
    """Open from `open` to `close`. A `seam.Link`."""

    def __init__(
        self,
        pipeline: Pipeline,
        endpoint: Endpoint,
        scenarios: Sequence[type[Scenario]],
        now: Callable[[], Now],
        folder: Path | None = None,
        pages: Sequence[Route] = (),
    ) -> None:
        self._endpoint = endpoint
        self._listeners: list[Listener] = []
        self._counts: Counter[str] = Counter(requests=0, refused_credentials=0)
        self._events = Events(pipeline)
        self._lookups = Lookups(pipeline, now)
        ledger = LedgerDoor(folder, lambda: now().wall_ms) if folder is not None else None
        self._routes = Routes(scenarios, pipeline, endpoint, self._events, self._lookups, self._counts, ledger, pages)
        self._server: HttpServer

    @classmethod
    async def open(
        cls,
        pipeline: Pipeline,
        endpoint: Endpoint,
        scenarios: Sequence[type[Scenario]],
        now: Callable[[], Now],
        folder: Path | None = None,
        pages: Sequence[Route] = (),
    ) -> Self:
        """Ready to listen. Quotas, budgets and who may connect are those of `endpoint`. `folder` is the data directory,
        where ledgers are compared; None where the scenarios have no orders. `pages` need no token."""
        door = cls(pipeline, endpoint, scenarios, now, folder, pages)
        bounds = Bounds(CONNECTIONS_MAX, READS_PER_S, READS_BURST)
        door._server = await HttpServer.start(door._routes.application(), None, bounds)
        return door

    async def listen(self, address: str, *, tls: Callable[[], ssl.SSLContext] | None = None) -> tuple[str, int]:
        """As `Endpoint.listen`."""
        endpoint = self._endpoint
        listener = await listen_on(
            address, self._server.protocol, tls, endpoint.shortage, endpoint.admits, endpoint.handshake_failed
        )
        self._listeners.append(listener)
        return listener.address

    def gauges(self) -> Mapping[str, Mapping[str, Value]]:
        """The section `http` of the status."""
        values: dict[str, Value] = {
            "connections": self._server.connections,
            "events_waiting": len(self._events),
            "events_waiting_max": WAITING_MAX,
            "events_undecided": self._events.undecided,
            "waits": self._lookups.waits,
            "waits_max": WAITS_MAX,
            **self._counts,
        }
        return {"http": values}

    # -- seam.Link -----------------------------------------------------------------------------------------------------

    def wake(self, fresh: Mapping[str, Sequence[Pending]]) -> None:
        """Receipts for those who wait for them; and whose view may have changed."""
        self._events.wake(fresh)
        self._lookups.wake(fresh)

    def pause(self) -> None:
        """Take no event for a while."""
        self._routes.paused = True

    def resume(self) -> None:
        """Take events again."""
        self._routes.paused = False

    def shown(self) -> None:
        """A row is on disk, and its answers are with the links."""
        self._lookups.committed()

    # -- the end -------------------------------------------------------------------------------------------------------

    def stop_listening(self) -> None:
        """Accept nobody any more."""
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()

    async def close(self) -> None:
        """Answer what is decided and whoever waits for a change, and close what is open."""
        self.stop_listening()
        self._lookups.close()
        await asyncio.sleep(0)
        await self._server.close()
