"""Serves the page inside the node's event loop. Loopback only: it shows where riders are.

Starlette and uvicorn cost 3 MB of memory and 50 ms; whoever runs the node imports this module when it listens already.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

import msgspec
from msgspec.structs import replace
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from ..core.model import Now
from ..core.scenario import Dot
from ..health.status import Status
from ..service.http import HttpServer, bind
from ..words.words import LANGUAGES, Language, in_language, known, words
from .board import Place, routes
from .guard import Guard
from .layers import bounded
from .pages import STATIC, translated, words_script

ASSETS: Final = {
    "index.html": "text/html; charset=utf-8",
    "language.js": "text/javascript; charset=utf-8",
    "app.js": "text/javascript; charset=utf-8",
    "late.js": "text/javascript; charset=utf-8",
    "map.js": "text/javascript; charset=utf-8",
    "charts.js": "text/javascript; charset=utf-8",
    "style.css": "text/css; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
"""What the page is made of, read into memory once: 50 kB, and no file is touched for a request."""

INDEX: Final = "index.html"
"""Has `{{key}}` for each word."""

WORDS: Final = "words.js"
"""The table of words, for the page's scripts."""

LIVE_CACHE_S: Final = 0.5
"""Viewers who ask within this get the same bytes: a full map takes about 10 ms of the loop to draw up."""


async def serve(
    address: str,
    status: Status,
    layers: Callable[[], Mapping[str, list[Dot]]],
    token: str,
    now: Callable[[], Now],
    path: str = "edge.toml",
    language: Language = "en",
    board: Place | None = None,
) -> HttpServer:
    """Serve on `address` ("host:port", loopback, port 0 for any free one) until `close`. `path` is the configuration
    that an error names; `language` is for who asks for none with `?lang=`; `board` is where the page of dispatchers
    finds the node. Raises ConfigError where the address is not on loopback, BusyError where another holds it."""
    hint = 'It shows riders\' places, so it stays on loopback: "127.0.0.1:8080". From elsewhere, use ssh -L.'
    listening = bind(address, "status_listen", path, hint)
    return await HttpServer.start(application(status, layers, token, now, language, board), listening)


def application(
    status: Status,
    layers: Callable[[], Mapping[str, list[Dot]]],
    token: str,
    now: Callable[[], Now],
    language: Language = "en",
    board: Place | None = None,
) -> Starlette:
    """The routes, behind the guard."""
    assets = {name: (STATIC / name).read_bytes() for name in ASSETS}
    index_page = assets.pop(INDEX)
    pages = {each: translated(index_page, words(each)) for each in LANGUAGES}
    assets[WORDS] = words_script()
    types = {**ASSETS, WORDS: ASSETS["app.js"]}
    live_views: dict[Language, tuple[float, bytes]] = {}

    async def index(request: Request) -> Response:
        asked = _asked(request) or language
        return Response(pages[asked], media_type=types[INDEX])

    async def static(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in assets:
            return PlainTextResponse("There is no such file.\n", 404)
        return Response(assets[name], media_type=types[name])

    async def api_status(request: Request) -> Response:
        report = status.report(now())
        asked = _asked(request) or "en"
        return _json(msgspec.json.encode(report if asked == "en" else in_language(report, words(asked))))

    async def api_live(request: Request) -> Response:
        asked = _asked(request) or "en"
        time = asyncio.get_running_loop().time()
        until, body = live_views.get(asked, (0.0, b""))
        if time >= until:
            view = bounded(layers())
            if asked != "en":
                view["orders"] = [replace(dot, note=words(asked).note(dot.note)) for dot in view["orders"]]
            body = msgspec.json.encode({"at": now().wall_ms, **view})
            live_views[asked] = time + LIVE_CACHE_S, body
        return _json(body)

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
            *(routes(board, language) if board is not None else ()),
        ],
        middleware=[Middleware(Guard, token=token)],
    )


def _asked(request: Request) -> Language | None:
    return known(request.query_params.get("lang", ""))


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json")
