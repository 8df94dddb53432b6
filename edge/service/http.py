"""An HTTP server inside the event loop, bounded in its connections and in how long one may stay silent.

uvicorn's `Server.serve` would take over the signals and wake ten times a second for nothing, so its two halves,
`startup` and `shutdown`, are called here.
"""

import asyncio
import errno
import socket
from typing import Final, Self

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from ..errors import BusyError, ConfigError
from ..mqtt.address import split_address

HTTP_CONNECTIONS_MAX: Final = 64
"""Browsers, scrapers and dashboards."""

HTTP_REQUEST_DEADLINE_S: Final = 10.0
"""A connection that has sent no whole request by then is closed; otherwise 64 idle ones would lock the server."""


class HttpServer:
    """A running server. `port` is the one bound, also where any free one was asked for."""

    def __init__(self, server: uvicorn.Server, listener: socket.socket) -> None:
        self._server, self._listener = server, listener
        host, self.port = listener.getsockname()[:2]
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{self.port}/"

    @classmethod
    async def start(cls, app: ASGIApp, listener: socket.socket) -> Self:
        """Serve `app` on what `bind` gave, until `close`."""
        settings = uvicorn.Config(
            app,
            http=_Connection,
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=1,
            h11_max_incomplete_event_size=16 * 1024,
        )
        settings.load()
        server = uvicorn.Server(settings)
        server.lifespan = settings.lifespan_class(settings)
        await server.startup(sockets=[listener])
        return cls(server, listener)

    async def close(self) -> None:
        """Answer what was asked, close what is open."""
        await self._server.shutdown(sockets=[self._listener])


def bind(address: str, option: str, config_path: str) -> socket.socket:
    """A socket that listens on `host:port` (port 0: any free one).

    Raises:
        ConfigError: this machine has no such address.
        BusyError: another process holds the port, or this user may not take it.
    """
    pair = split_address(address)
    if pair is None:
        raise ConfigError(config_path, option, address, 'Write "host:port", for example "127.0.0.1:8080".')
    host, port = pair
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server(pair, family=family, backlog=HTTP_CONNECTIONS_MAX)
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise ConfigError(config_path, option, address, f"{error.strerror or error}.") from None
        why = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
        raise BusyError(
            f'Port {port} of {host} {why}. Choose another with {option} in {config_path}, for example "{host}:'
            f'{port + 1}", or "{host}:0" for any free one.'
        ) from None


class _Connection(H11Protocol):
    """uvicorn's connection, bounded in number and in how long it may stay silent."""

    _asked = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > HTTP_CONNECTIONS_MAX:
            transport.abort()
            return
        self.loop.call_later(HTTP_REQUEST_DEADLINE_S, self._close_if_silent)

    def handle_events(self) -> None:
        super().handle_events()
        self._asked = self._asked or self.scope is not None  # pyright: ignore[reportUnnecessaryComparison]

    def _close_if_silent(self) -> None:
        if not self._asked:
            self.transport.abort()
