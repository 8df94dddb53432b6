"""An HTTP server inside the event loop, bounded in its connections, its requests, and how long one may stay silent.

uvicorn's `Server.serve` would take over the signals and wake ten times a second for nothing, so its two halves,
`startup` and `shutdown`, are called here.
"""

import asyncio
import errno
import socket
from collections.abc import Callable
from functools import partial
from typing import Any, Final, NamedTuple, Self, cast

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.flow_control import CLOSE_HEADER
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from ..errors import BusyError, ConfigError
from ..mqtt.address import is_loopback, split_address
from ..mqtt.server.budgets import Budget

HTTP_CONNECTIONS_MAX: Final = 64
"""Browsers, scrapers and dashboards."""

HTTP_REQUEST_DEADLINE_S: Final = 10.0
"""A connection whose request is not whole by then is closed; otherwise 64 halves would lock the server."""

HTTP_BODY_DEADLINE_S: Final = 15.0
"""The same for what follows the head of a request. A little longer than doors that answer such a one themselves."""

HTTP_READS_PER_S: Final = 50
HTTP_READS_BURST: Final = 100
"""Requests, and reads that make none, of all connections together; beyond it they wait for their turn, one of each
connection. A refused request costs 0.4 ms: 2 % of the loop. A page asks for two a second."""


class Bounds(NamedTuple):
    """Of one server: its connections at a time, and its reads, sustained and at once."""

    connections: int
    reads_per_s: float
    reads_burst: float


class HttpServer:
    """A running server. `port` is the one bound, also where any free one was asked for; 0 where others listen for it,
    and have it make the protocol of each connection."""

    def __init__(self, server: uvicorn.Server, listener: socket.socket | None) -> None:
        self._server, self._listeners = server, [listener] if listener is not None else []
        host, self.port = listener.getsockname()[:2] if listener is not None else ("", 0)
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{self.port}/"

    @classmethod
    async def start(cls, app: ASGIApp, listener: socket.socket | None, bounds: Bounds | None = None) -> Self:
        """Serve `app` on what `bind` gave, until `close`."""
        bounds = bounds or Bounds(HTTP_CONNECTIONS_MAX, HTTP_READS_PER_S, HTTP_READS_BURST)
        budget = Budget(bounds.reads_burst, bounds.reads_per_s, asyncio.get_running_loop().time())
        settings = uvicorn.Config(
            app,
            http=cast(Any, partial(_Connection, budget, bounds.connections)),
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="error",  # a line for each request that is none would be a way to fill the disk
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
        await server.startup(sockets=[listener] if listener is not None else [])
        return cls(server, listener)

    @property
    def connections(self) -> int:
        """Those that are open."""
        return len(self._server.server_state.connections)

    def protocol(self) -> asyncio.Protocol:
        """Of a connection that somebody else has accepted."""
        server, make = self._server, cast(Callable[..., asyncio.Protocol], self._server.config.http_protocol_class)
        return make(config=server.config, server_state=server.server_state, app_state=server.lifespan.state)

    async def close(self) -> None:
        """Answer what was asked, close what is open."""
        await self._server.shutdown(sockets=self._listeners)


def bind(address: str, option: str, config_path: str, local: str = "") -> socket.socket:
    """A socket that listens on `host:port` (port 0: any free one). `local` is why it has to be loopback, if it has to.

    Raises:
        ConfigError: this machine has no such address, or it is not loopback.
        BusyError: another process holds the port, or this user may not take it.
    """
    if local and not is_loopback(address):
        raise ConfigError(config_path, option, address, local)
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
    """uvicorn's connection, bounded in number, in what it reads of `budget`, and in how long a request may take to
    come."""

    def __init__(self, budget: Budget, connections_max: int, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._budget, self._connections_max = budget, connections_max
        self._waits = False
        self._deadline: asyncio.TimerHandle | None = None
        self._headed: RequestResponseCycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > self._connections_max:
            transport.abort()
            return
        self._await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_deadline()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """After each read, and after each answer."""
        if self._waits or self.transport.is_closing():
            return
        now = self.loop.time()
        if not self._budget.spend(0, now):
            self._waits = True
            self.flow.pause_reading()
            self.loop.call_later(self._budget.wait_s, self._go_on)
            return
        self._budget.spend(1, now)
        super().handle_events()
        cycle = self.cycle
        if cycle is None or cycle.response_complete:  # pyright: ignore[reportUnnecessaryComparison]
            if self._deadline is None:
                self._await_request()
            return
        headers = cast(list[tuple[bytes, bytes]], cycle.scope["headers"])
        if _has_two_lengths(headers) and CLOSE_HEADER not in headers:
            headers.append(CLOSE_HEADER)
        if not cycle.more_body:
            self._end_deadline()
        elif cycle is not self._headed:
            self._headed = cycle
            self._end_deadline()
            self._deadline = self.loop.call_later(HTTP_BODY_DEADLINE_S, self.transport.abort)

    def _go_on(self) -> None:
        self._waits = False
        if not self.transport.is_closing():
            self.flow.resume_reading()
            self.handle_events()

    def _await_request(self) -> None:
        self._deadline = self.loop.call_later(HTTP_REQUEST_DEADLINE_S, self.transport.abort)

    def _end_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def _has_two_lengths(headers: list[tuple[bytes, bytes]]) -> bool:
    """Whether a proxy may have seen the end of this request elsewhere. The answer to it then ends the connection, so
    that what follows is never taken for the request of somebody else (RFC 9112, 6.1)."""
    return {b"content-length", b"transfer-encoding"} <= {name for name, _ in headers}
