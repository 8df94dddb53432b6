"""Who may ask, and how much: the credentials, tokens, quotas and budgets of MQTT, at each request anew.

A request names its client and proves it in one header: `Authorization: Bearer <token>`, where the token is a JWT
(its `sub` is the client), or `<client>~<token>` for a token of the credentials file. So a token that is revoked, or has
ended, is good for nothing more. Where no credentials are asked for, the token is the client's name.
"""

import base64
import binascii
import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..limits import NAME_PATTERN
from ..log.events import REFUSED
from ..messages.grants import EVERYBODY, Grant
from ..mqtt.address import as_ipv4, is_loopback_name
from ..mqtt.server.connect import authenticated
from ..mqtt.server.endpoint import Endpoint
from ..mqtt.server.sessions import Identity
from .problems import later, problem

WORK_PER_REQUEST: Final = 25
"""What a request costs of its client's budget (`mqtt.server.budgets`), 0.5 ms: 8 a second for good, 40 at once. An
event that comes into the core pays it back, and costs one message of the quota instead."""

OPEN: Final = "/v1/openapi.json"
"""The contract, which is public; so is the dispatchers' board, whose files have nothing of anybody."""

HEADERS: Final = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))
"""On every answer. No CORS header anywhere: a page of another origin can send nothing here that needs a token."""

_NAME: Final = re.compile(NAME_PATTERN)
_WHO: Final = (
    "Send Authorization: Bearer <token>. The token is a JWT, or <client>~<token> with one of the credentials file."
)


class _Claims(msgspec.Struct):
    sub: str = ""


_claims: Final = msgspec.json.Decoder(_Claims).decode


class Caller(NamedTuple):
    """An authenticated client, and the token that proved it."""

    client: str
    token: str
    grant: Grant
    identity: Identity

    @property
    def sees_as(self) -> Grant:
        """The grant with the shop that the client acts for, also where everybody may be everything."""
        return self.grant if self.grant is not EVERYBODY else msgspec.structs.replace(EVERYBODY, shop=self.client)


class Access:
    """ASGI middleware in front of all routes: they find the `Caller` in `scope["caller"]`. `counts` has the requests,
    and those refused by cause. `public` needs no token: paths, and beginnings of paths, which end with a slash."""

    def __init__(self, app: ASGIApp, endpoint: Endpoint, counts: Counter[str], public: Sequence[str] = (OPEN,)) -> None:
        self._app, self._endpoint, self._counts = app, endpoint, counts
        self._public = frozenset(public)
        self._beginnings = tuple(path for path in public if path.endswith("/"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *HEADERS]
            await send(message)

        self._counts["requests"] += 1
        found = self._admit(Request(scope))
        if isinstance(found, Caller):
            scope["caller"] = found
            await self._app(scope, receive, send_with_headers)
        else:
            await (found or self._app)(scope, receive, send_with_headers)

    def _admit(self, request: Request) -> Caller | Response | None:
        """The caller, the refusal of the request, or None where it needs no caller."""
        endpoint, now = self._endpoint, self._endpoint.clock()
        host = as_ipv4(request.client.host) if request.client is not None else ""
        anonymous = endpoint.registry.options.anonymous
        if anonymous and not is_loopback_name(request.headers.get("host", "")):
            self._counts["refused_host"] += 1
            return problem(421, "Without credentials this node answers to loopback names only: use 127.0.0.1.")
        path = request.url.path
        if path in self._public or path.startswith(self._beginnings):
            endpoint.registry.failed.charge(host, now)
            return None
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        caller = authenticate(endpoint, token.strip()) if scheme.lower() == "bearer" else None
        if caller is None:
            self._counts["refused_credentials"] += 1
            endpoint.registry.failed.refuse(host, "credentials", now)
            option = "listen_https" if request.url.scheme == "https" else "listen_http"
            REFUSED.write(
                listener=option, client="a caller", address=host, why="a wrong token" if scheme else "no token"
            )
            why = 'Bearer error="invalid_token"' if scheme else "Bearer"
            return problem(401, _WHO, {"www-authenticate": why, "connection": "close"})
        budget = caller.identity.budget
        if not budget.spend(0, now):
            self._counts["refused_budget"] += 1
            return later(429, "This client has used up its budget of requests.", math.ceil(budget.wait_s))
        budget.spend(WORK_PER_REQUEST, now)
        return caller


def authenticate(endpoint: Endpoint, token: str) -> Caller | None:
    """Whom a token proves, now."""
    registry = endpoint.registry
    if registry.options.anonymous:
        client, grant = token, EVERYBODY if _NAME.fullmatch(token) else None
    else:
        client, tilde, secret = token.partition("~")
        client, secret = (client, secret) if tilde else (_subject(token), token)
        grant = authenticated(client, secret.encode(), registry)
    return Caller(client, token, grant, endpoint.visitor(client)) if grant is not None else None


def _subject(token: str) -> str:
    """Whose token a JWT claims to be, before anything of it is verified; empty where that cannot be read."""
    parts = token.split(".")
    if len(parts) != 3:
        return ""
    try:
        return _claims(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))).sub
    except (binascii.Error, ValueError, msgspec.DecodeError, RecursionError):
        return ""
