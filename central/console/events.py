"""When a page should look again: one stream of server-sent events a tab."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from .desk import HEADERS, Desk, cookie_name

STREAMS_MAX: Final = 32
"""Tabs at one time, each with a connection; the server has twice as many."""

LOOK_S: Final = 5.0
"""How often a page refreshes at most, and how often the store is asked whether something has come."""

QUIET_S: Final = 30.0
"""After so long it refreshes in any case: nodes fall behind by doing nothing."""


class Events:
    """Of one centre."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._open = 0
        self._closing = asyncio.Event()

    def close(self) -> None:
        """End every stream: the centre stops."""
        self._closing.set()

    async def stream(self, request: Request) -> Response:
        """An event `change` whenever something was stored, as long as the session lasts."""
        if not await self._is_in(request):
            return Response(status_code=204, headers=HEADERS)  # a browser does not try again
        if self._open >= STREAMS_MAX:
            return Response(status_code=503, headers=HEADERS)
        headers = {**HEADERS, "x-accel-buffering": "no"}
        return StreamingResponse(self._changes(request), headers=headers, media_type="text/event-stream")

    async def _changes(self, request: Request) -> AsyncIterator[str]:
        self._open += 1
        try:
            yield "retry: 5000\n\n"
            last, quiet, again = await self._version(), 0.0, False
            while not self._closing.is_set():
                try:
                    await asyncio.wait_for(self._closing.wait(), LOOK_S)
                except TimeoutError:
                    quiet += LOOK_S
                if not await self._is_in(request):
                    yield "event: end\ndata: 0\n\n"
                    return
                version = await self._version()
                if version != last or again or quiet >= QUIET_S:
                    # Once more at the next look: figures are kept for some seconds.
                    last, quiet, again = version, 0.0, version != last
                    yield f"event: change\ndata: {version}\n\n"
                else:
                    yield ": nothing new\n\n"
        finally:
            self._open -= 1

    async def _version(self) -> int:
        return await self._desk.work(lambda: self._desk.cache.get("version", self._desk.centre.figures.version))

    async def _is_in(self, request: Request) -> bool:
        token = request.cookies.get(cookie_name(request), "")
        operators = self._desk.centre.operators
        return bool(token) and await self._desk.work(lambda: operators.session(token, used=False)) is not None
