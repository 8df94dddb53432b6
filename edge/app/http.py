"""What a node serves over HTTP: the operator's page, and the door for clients. What they need is imported only where
there is one: Starlette and uvicorn take 3 MB and 50 ms, for which the first answers over MQTT do not wait."""

import asyncio
import secrets
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..clock import Clock
from ..core.scenario import Dot
from ..health.status import Status
from ..identity.files import read_secret
from ..log.events import LISTENING
from ..mqtt.server.endpoint import Endpoint
from ..pipeline.pipeline import Pipeline
from ..service.datadir import DataDir
from ..service.listeners import Listener, Listeners
from .config import Config

if TYPE_CHECKING:
    from ..api.door import Door
    from ..web.scrape import Scrape

LISTENERS: Final = (Listener("listen_http", http=True), Listener("listen_https", tls=True, http=True))
"""The door for clients."""

METRICS: Final = Listener("listen_metrics", tls=True, http=True)
"""For a Prometheus elsewhere. On loopback the page's address has metrics, too."""

LEDGER_OF: Final = "order.place"
"""Where a scenario has it there are ledgers to compare with, and orders for a dispatcher's board."""

METRICS_TOKEN: Final = "metrics_token_file"  # noqa: S105 - the option's name

FIRST_ANSWERS_S: Final = 0.1
"""For clients who wait for a node that was away: an import keeps the interpreter for milliseconds at a time, so beside
it they got in 45 ms later and had their first answers 10 ms later."""


class Http:
    """The servers of one node, from `open_page` and `open_door` to `close`."""

    def __init__(self, config_path: str, config: Config, clock: Clock, status: Status) -> None:
        self._path, self._config, self._clock, self._status = config_path, config, clock, status
        self._page: Any = None
        self._door: Door | None = None
        self._scrape: Scrape | None = None

    async def prepare(self, awaited: bool, *others: Callable[[], object]) -> None:
        """Import what it takes, and do what `others` have to, beside the loop that gives the first answers; after
        FIRST_ANSWERS_S where clients have been here before, and none of them comes over HTTP."""
        names = [
            *(["edge.web.server"] if self._config.status_listen else []),
            *(["edge.api.door", "edge.web.board"] if self._has_door else []),
            *(["edge.web.scrape"] if self._config.listen_metrics else []),
            *(["edge.webhooks.sender"] if self._config.webhook_url else []),
        ]

        def work() -> None:
            for each in others:
                each()
            for name in names:
                import_module(name)

        await asyncio.sleep(FIRST_ANSWERS_S if awaited and not self._has_door else 0)
        with ThreadPoolExecutor(1) as beside:
            await asyncio.get_running_loop().run_in_executor(beside, work)

    @property
    def _has_door(self) -> bool:
        return any(getattr(self._config, each.option) for each in LISTENERS)

    async def open_page(
        self, data: DataDir, layers: Callable[[], Mapping[str, list[Dot]]], ports: Mapping[str, int]
    ) -> dict[str, int]:
        """Serve the page where there is one; its port, by name. `ports` are those of the listeners. Raises BusyError
        and ConfigError."""
        config = self._config
        if not config.status_listen:
            return {}
        from ..web.board import Place
        from ..web.server import serve

        token = data.kept("status.token", r"[A-Za-z0-9_-]{32,128}", lambda: secrets.token_urlsafe(32))
        page = self._page = await serve(
            config.status_listen,
            self._status,
            layers,
            token,
            self._clock.now,
            self._path,
            config.lang,
            Place(config.node, ports),
        )
        LISTENING.write(address=page.url, option="status_listen")
        if sys.stdout.isatty():  # the token is for a person at a terminal, and for no log
            print(f"status page  {page.url}?token={token}", flush=True)
        return {"status": page.port}

    async def open_door(
        self, pipeline: Pipeline, endpoint: Endpoint | None, listeners: Listeners, ports: Mapping[str, int]
    ) -> dict[str, int]:
        """Serve clients where a listener is configured; the ports by option. `endpoint` has credentials and quotas,
        `ports` are those of its listeners. Raises BusyError and ConfigError."""
        config = self._config
        if not self._has_door or endpoint is None:
            return {}
        from ..api.door import Door
        from ..web.board import Place, routes

        sells = any(each.kind == LEDGER_OF for kind in config.kinds for each in kind.messages)
        folder = Path(config.data_dir) if sells else None
        pages = routes(Place(config.node, ports), config.lang) if sells else ()
        door = self._door = await Door.open(pipeline, endpoint, config.kinds, self._clock.now, folder, pages)
        pipeline.links.append(door)
        before = pipeline.on_shown

        def shown() -> None:
            before()
            door.shown()

        pipeline.on_shown = shown
        self._status.register("http", door.gauges)
        return await listeners.open_http(door, LISTENERS)

    async def open_metrics(self, listeners: Listeners) -> dict[str, int]:
        """Serve metrics where their listener is configured; its port by option. Raises BusyError and ConfigError."""
        config = self._config
        if not config.listen_metrics:
            return {}
        from ..web.scrape import Scrape

        token = read_secret(self._path, METRICS_TOKEN, config.metrics_token_file)
        self._scrape = await Scrape.open(self._status, self._clock.now, token)
        return await listeners.open_http(self._scrape, [METRICS])

    def read(self, config: Config) -> None:
        """Read the token of the metrics (again). Raises ConfigError, and then the old one stays."""
        if self._scrape is not None:
            self._scrape.token = read_secret(self._path, METRICS_TOKEN, config.metrics_token_file)

    def stop_listening(self) -> None:
        """Accept no client any more."""
        if self._door is not None:
            self._door.stop_listening()

    async def close(self) -> None:
        """Answer what is decided, and close."""
        if self._door is not None:
            await self._door.close()
        for each in (self._page, self._scrape):
            if each is not None:
                await each.close()
