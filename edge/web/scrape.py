"""Metrics for a Prometheus on another machine: a listener of their own, over TLS, with a token of their own.

Nothing else is there: the page, whose address serves the same metrics on loopback, shows where riders are.
"""

import hmac
import ssl
from collections.abc import Callable
from typing import Final, Self

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from ..core.model import Now
from ..health.status import Status
from ..log.events import REFUSED
from ..mqtt.listener import Listener, Shortage, listen_on
from ..service.http import Bounds, HttpServer

CONNECTIONS_MAX: Final = 16
"""A few scrapers; whoever else finds the port takes nothing from clients."""

READS_PER_S: Final = 10
READS_BURST: Final = 20
"""A scrape is one read and takes 3 ms; a refused one 0.4 ms."""

TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


class Scrape:
    """Open from `open` to `close`. `token` may be set anew."""

    def __init__(self, status: Status, now: Callable[[], Now], token: str) -> None:
        self.token = token
        self._status, self._now = status, now
        self._listeners: list[Listener] = []
        self._shortage = Shortage()
        self._server: HttpServer

    @classmethod
    async def open(cls, status: Status, now: Callable[[], Now], token: str) -> Self:
        """Ready to listen."""
        scrape = cls(status, now, token)
        bounds = Bounds(CONNECTIONS_MAX, READS_PER_S, READS_BURST)
        scrape._server = await HttpServer.start(scrape, None, bounds)
        return scrape

    async def listen(self, address: str, *, tls: Callable[[], ssl.SSLContext] | None = None) -> tuple[str, int]:
        """As `Endpoint.listen`."""
        listener = await listen_on(address, self._server.protocol, tls, self._shortage, lambda _: True)
        self._listeners.append(listener)
        return listener.address

    async def close(self) -> None:
        """Accept nobody any more, and close what is open."""
        for listener in self._listeners:
            listener.close()
        await self._server.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, as ASGI has it."""
        if scope["type"] == "http":
            await self._answer(scope)(scope, receive, send)

    def _answer(self, scope: Scope) -> Response:
        """The token first: who has none learns nothing, not even what there is."""
        scheme, _, given = Headers(scope=scope).get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), self.token.encode()):
            host, _ = scope.get("client") or ("", 0)
            why = "a wrong token" if given else "no token"
            REFUSED.write(listener="listen_metrics", client="a caller", address=host, why=why)
            return PlainTextResponse(
                "Metrics need the token of metrics_token_file.\n", 401, {"www-authenticate": "Bearer"}
            )
        if scope["path"] != "/metrics":
            return PlainTextResponse("There is /metrics, and nothing else.\n", 404)
        if scope["method"] not in ("GET", "HEAD"):
            return PlainTextResponse("Metrics are read with GET.\n", 405, {"allow": "GET, HEAD"})
        from .metrics import exposition

        report = self._status.report(self._now())
        return Response(exposition(report, self._status.latencies.histograms()), media_type=TYPE)
