"""Everything that the centre answers over HTTP, on one address: the console for people, `/v1` for programs, and what
`api` has had from the beginning.

It reads on connections of its own, and works beside the event loop, so that batches are stored meanwhile.
"""

import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

from starlette.applications import Starlette
from starlette.routing import Mount

from edge.errors import DoorstepError
from edge.identity.certificate import server_context
from edge.mqtt.listener import Listener, Shortage, listen_on
from edge.service.http import HttpServer, bind

from .config import Config
from .console.desk import Centre
from .console.site import Console
from .figures.figures import SECONDS_MAX, Figures
from .fleet.health import NodeHealth
from .health_index.read import health_index
from .health_index.shops import shop_health
from .operators.operators import Operators
from .operators.tables import TABLES
from .quarantine import settle
from .rollout.progress import end
from .store.open import Where, open_driver, open_store
from .store.reader import Reader
from .store.tiers import DAY_MS, Calendar
from .v1.routes import Api


class Site:
    """One centre's, from `open` to `close`."""

    def __init__(self, config_path: str, config: Config, password: str, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._config_path, self._config, self._password = config_path, config, password
        self._where: Where = config.store or Path(config.data_dir)
        driver = open_driver(self._where, password, readonly=True, seconds_max=SECONDS_MAX)
        self._figures = Figures(driver, Calendar(config.timezone))
        self._operators = Operators(TABLES.open(self._where, password))
        self._listeners: list[Listener] = []
        self._tls: ssl.SSLContext | None = None
        self._console: Console
        self._server: HttpServer
        self.port = 0

    @classmethod
    async def open(
        cls,
        config_path: str,
        config: Config,
        password: str,
        reader: Reader,
        inner: Starlette,
        fleet: Callable[[], list[NodeHealth]],
        states: Callable[[], dict[str, dict[str, int]]],
        now_ms: Callable[[], int],
    ) -> Self:
        """Serve it. `inner` is the application of `api`, `now_ms` the clock. Raises DoorstepError."""
        site = cls(config_path, config, password, now_ms)
        site._console = Console(site._centre(reader, fleet, states))
        routes = [*site._console.routes(), *Api(site._console.desk).routes(), Mount("/", inner)]
        application = Starlette(routes=routes)
        listening = bind(config.api_listen, "api_listen", config_path) if config.api_listen else None
        site._server = await HttpServer.start(application, listening)
        site.port = site._server.port
        if config.api_listen_tls:
            site.read()
            server = site._server
            listener = await listen_on(
                config.api_listen_tls, server.protocol, lambda: _present(site._tls), Shortage(), lambda _: True
            )
            site._listeners.append(listener)
        return site

    @property
    def tls_port(self) -> int:
        """Where `api_listen_tls` listens, 0 where it does not."""
        return self._listeners[0].address[1] if self._listeners else 0

    def read(self) -> None:
        """Read the certificate, also again. Raises ConfigError."""
        if self._config.api_listen_tls:
            self._tls, _ = server_context(self._config_path, self._config.tls_cert, self._config.tls_key)

    async def close(self) -> None:
        """Accept nobody any more, and close what is open."""
        for listener in self._listeners:
            listener.close()
        self._console.close()
        await self._server.close()
        self._figures.close()
        self._operators.close()

    def _centre(
        self, reader: Reader, fleet: Callable[[], list[NodeHealth]], states: Callable[[], dict[str, dict[str, int]]]
    ) -> Centre:
        config = self._config
        invites = bool(config.advertised_address)
        return Centre(
            name=config.name,
            timezone=config.timezone,
            operators=self._operators,
            reader=reader,
            figures=self._figures,
            now_ms=self._now_ms,
            fleet=fleet,
            states=states,
            health=lambda days: health_index(self._figures, fleet(), days, self._now_ms(), config.health),
            shops=lambda days, node: shop_health(self._figures, fleet(), days, self._now_ms(), config.health, node),
            health_options=config.health,
            settle=lambda batch, retry: self._settle(reader, batch, retry),
            end_rollout=self._end_rollout,
            invite=self._invite if invites else None,
            revoke=self._revoke if invites else None,
        )

    def _settle(self, reader: Reader, batch: str, retry: bool) -> tuple[str, bool]:
        for item in reader.quarantine():
            if f"{item['node']}/{item['epoch']}/{item['seq']}" == batch:
                return settle(self._where, self._password, self._config, item, retry)
        raise DoorstepError(f"{batch} is not among the batches that are kept aside. Somebody else has settled it.")

    def _end_rollout(self, number: int, how: str, who: str) -> None:
        store = open_store(self._where, self._config.timezone, self._password, beside=True)
        try:
            with store.driver.transaction():
                end(store.driver, number, how, who, self._now_ms())
        finally:
            store.close()

    def _invite(self, name: str, days: int, replace: bool) -> str:
        from .enrolment.command import invitations

        at = time.time_ns() // 1_000_000
        return invitations(self._config_path, self._config, [name], at, at + days * DAY_MS, replace=replace)[0]

    def _revoke(self, name: str) -> None:
        from .enrolment.command import end_node

        end_node(name, self._config_path, self._config)


def _present(context: ssl.SSLContext | None) -> ssl.SSLContext:
    assert context is not None
    return context
