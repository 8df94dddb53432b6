"""Who may read the page: whoever holds the token of this data directory, through a loopback name, and nobody's script.

Other users of the box reach loopback too, so everything but `/healthz` and the files of the board needs the token: as
`Authorization: Bearer`, or once as `?token=`, which sets a cookie and leads to an address without it. The Host header
must be a loopback name: a hostile web page whose name was re-bound to 127.0.0.1 sends its own. The cookie is derived
from the token, since a browser shows it to every port of the host.
"""

import hashlib
import hmac
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..log.events import REFUSED
from ..mqtt.address import is_loopback_name
from ..words.words import known
from .board import PATH

HEADERS: Final = {
    "content-security-policy": "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}
"""On every answer, where it has no stricter one. No CORS header anywhere: no other origin may read anything."""


OPEN: Final = ("/healthz", PATH)
BOARD_FILES: Final = f"{PATH}/"
"""What has nothing of the node in it: whether it serves, and the board, whose data come by MQTT to a dispatcher."""


class Guard:
    """ASGI middleware in front of all routes."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = token.encode()
        self._cookie = hmac.digest(self._token, b"doorstep status cookie", hashlib.sha256).hex()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        refusal = self._refusal(Request(scope))
        await (refusal or self._app)(scope, receive, send_with_headers)

    def _refusal(self, request: Request) -> Response | None:
        """What to answer instead of the page, or None where the request may pass."""
        if not is_loopback_name(request.headers.get("host", "")):
            text = "This page answers to loopback names only: use http://127.0.0.1 or http://localhost, or ssh -L.\n"
            return PlainTextResponse(text, 421)
        if request.url.path in OPEN or request.url.path.startswith(BOARD_FILES):
            return None
        name = cookie_name(request)
        given = request.query_params.get("token")
        if given is not None and hmac.compare_digest(given.encode(), self._token):
            language = known(request.query_params.get("lang", ""))
            answer = RedirectResponse(f"/?lang={language}" if language else "/", 303)
            answer.set_cookie(name, self._cookie, httponly=True, samesite="strict", path="/")
            return answer
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and hmac.compare_digest(bearer.strip().encode(), self._token):
            return None
        if hmac.compare_digest(request.cookies.get(name, "").encode(), self._cookie.encode()):
            return None
        host = request.client.host if request.client is not None else ""
        REFUSED.write(listener="status_listen", client="a caller", address=host, why="no token that is good")
        text = "This page needs its token. On this machine, `doorstep status` prints the link that carries it.\n"
        return PlainTextResponse(text, 401, {"www-authenticate": "Bearer"})


def cookie_name(request: Request) -> str:
    """Browsers share cookies among the ports of a host: two nodes on one box need two names."""
    return f"doorstep-{request.scope['server'][1]}"
