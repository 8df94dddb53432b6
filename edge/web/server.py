"""Serves the page inside the node's event loop. Loopback only: it shows where riders are.

Starlette and uvicorn cost 3 MB of memory and 50 ms; whoever runs the node imports this module when it listens already.
"""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import msgspec
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ..core.model import Now
from ..core.scenario import Dot
from ..health.status import Status
from ..service.http import HttpServer, bind
from .guard import Guard
from .layers import bounded

STATIC: Final = Path(__file__).parent / "static"
ASSETS: Final = {
    "index.html": "text/html; charset=utf-8",
    "app.js": "text/javascript; charset=utf-8",
    "late.js": "text/javascript; charset=utf-8",
    "map.js": "text/javascript; charset=utf-8",
    "charts.js": "text/javascript; charset=utf-8",
    "style.css": "text/css; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
"""What the page is made of, read into memory once: 47 kB, and no file is touched for a request."""

LIVE_CACHE_S: Final = 0.5
"""Viewers who ask within this get the same bytes: a full map takes about 10 ms of the loop to draw up."""


async def serve(
    address: str,
    status: Status,
    layers: Callable[[], Mapping[str, list[Dot]]],
    token: str,
    now: Callable[[], Now],
    path: str = "edge.toml",
) -> HttpServer:
    """Serve on `address` ("host:port", loopback, port 0 for any free one) until `close`. `path` is the configuration
    that an error names. Raises ConfigError where the address is not on loopback, BusyError where another holds it."""
    hint = 'It shows riders\' places, so it stays on loopback: "127.0.0.1:8080". From elsewhere, use ssh -L.'
    listening = bind(address, "status_listen", path, hint)
    return await HttpServer.start(application(status, layers, token, now), listening)


def application(
    status: Status, layers: Callable[[], Mapping[str, list[Dot]]], token: str, now: Callable[[], Now]
) -> Starlette:
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
            live_view = msgspec.json.encode({"at": now().wall_ms, **bounded(layers())})
            live_until = time + LIVE_CACHE_S
        return _json(live_view)

    async def healthz(_: Request) -> Response:
        report = status.report(now())
        text = f"{report['state']}: {report['sentence']}\n"
        return PlainTextResponse(text, 200 if report["serving"] else 503)

    async def metrics(_: Request) -> Response:
        from .metrics import exposition

        return PlainTextResponse(
            exposition(status.report(now()), status.latencies.histograms()),
            media_type="text/plain; version=0.0.4; charset=utf-8",
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
