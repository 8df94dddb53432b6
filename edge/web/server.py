"""Serves the page inside the node's event loop. Loopback only: it shows where riders are.

Starlette and uvicorn cost 7 MB of memory and a quarter of a second; whoever runs the node imports this module after it
is ready. uvicorn's `Server.serve` would take over the signals and wake ten times a second for nothing, so its two
halves, `startup` and `shutdown`, are called here.
"""

import asyncio
import errno
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from uvicorn.protocols.http.h11_impl import H11Protocol

from ..core.model import Now
from ..errors import BusyError, ConfigError
from ..health.status import Status
from ..limits import HTTP_CONNECTIONS_MAX
from ..mqtt.address import is_loopback_host, split_address
from .guard import Guard
from .live import LiveView, bounded

HTTP_REQUEST_DEADLINE_S: Final = 10.0
"""A connection to the page that has sent no whole request by then is closed; otherwise 64 idle ones would lock it."""

STATIC: Final = Path(__file__).parent / "static"
ASSETS: Final = {
    "index.html": "text/html; charset=utf-8",
    "app.js": "text/javascript; charset=utf-8",
    "map.js": "text/javascript; charset=utf-8",
    "charts.js": "text/javascript; charset=utf-8",
    "style.css": "text/css; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
"""What the page is made of, read into memory once: 45 kB, and no file is touched for a request."""

LIVE_CACHE_S: Final = 0.5
"""Viewers who ask within this get the same bytes: a full map takes about 10 ms of the loop to draw up."""


class Page:
    """A running server. `port` is the one bound, also where the address asked for any free one."""

    def __init__(self, server: uvicorn.Server, listener: socket.socket, token: str) -> None:
        self._server, self._listener = server, listener
        self.token = token
        host, self.port = listener.getsockname()[:2]
        name = f"[{host}]" if ":" in host else host
        self.url = f"http://{name}:{self.port}/"
        self.url_with_token = f"{self.url}?token={token}"

    async def close(self) -> None:
        """Answer what was asked, close what is open."""
        await self._server.shutdown(sockets=[self._listener])


async def serve(
    address: str,
    status: Status,
    live: Callable[[], LiveView],
    token: str,
    now: Callable[[], Now],
    path: str = "edge.toml",
) -> Page:
    """Serve on `address` ("host:port", loopback, port 0 for any free one) until `close`. `path` is the configuration
    that an error names. Raises ConfigError where the address is not on loopback, BusyError where another holds it."""
    listener = _listen(address, path)
    settings = uvicorn.Config(
        application(status, live, token, now),
        http=_Connection,
        ws="none",
        lifespan="off",
        log_config=None,
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
    return Page(server, listener, token)


def application(status: Status, live: Callable[[], LiveView], token: str, now: Callable[[], Now]) -> Starlette:
    """The routes, behind the guard."""
    assets = {name: (STATIC / name).read_bytes() for name in ASSETS}
    live_view = b""
    live_until = 0.0

    async def index(_: Request) -> Response:
        return Response(assets["index.html"], media_type=ASSETS["index.html"])

    async def static(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in assets:
            return PlainTextResponse("There is no such file.\n", 404)
        return Response(assets[name], media_type=ASSETS[name])

    async def api_status(_: Request) -> Response:
        return _json(msgspec.json.encode(status.report(now())))

    async def api_live(_: Request) -> Response:
        nonlocal live_view, live_until
        time = asyncio.get_running_loop().time()
        if time >= live_until:
            live_view = msgspec.json.encode(bounded(live()))
            live_until = time + LIVE_CACHE_S
        return _json(live_view)

    async def healthz(_: Request) -> Response:
        report = status.report(now())
        text = f"{report['state']}: {report['sentence']}\n"
        return PlainTextResponse(text, 200 if report["serving"] else 503)

    async def metrics(_: Request) -> Response:
        from .metrics import exposition

        return PlainTextResponse(
            exposition(status.report(now()), status.latencies), media_type="text/plain; version=0.0.4; charset=utf-8"
        )

    return Starlette(
        routes=[
            Route("/", index),
            Route("/static/{name}", static),
            Route("/api/status", api_status),
            Route("/api/live", api_live),
            Route("/healthz", healthz),
            Route("/metrics", metrics),
        ],
        middleware=[Middleware(Guard, token=token)],
    )


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json")


def _listen(address: str, path: str) -> socket.socket:
    pair = split_address(address)
    if pair is None or not is_loopback_host(pair[0]):
        hint = 'It shows riders\' places, so it stays on loopback: "127.0.0.1:8080". From elsewhere, use ssh -L.'
        raise ConfigError(path, "status_listen", address, hint)
    host, port = pair
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EACCES, errno.EADDRNOTAVAIL):
            raise
        why = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
        raise BusyError(
            f"Port {port} of {host} {why}, so the status page cannot start. Choose another with status_listen in "
            f'{path}, for example "127.0.0.1:8081", or "127.0.0.1:0" for any free one.'
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
