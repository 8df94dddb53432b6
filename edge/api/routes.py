"""What each path answers.

POST /v1/events/{kind}         an event; answered when it is decided and on disk
POST /v1/ledger                a shop's ledger, compared with the node's record
GET  /v1/{collection}          what the client may see of a collection, such as orders
GET  /v1/{collection}/{id}     one of it with an ETag; with If-None-Match and `?wait=SECONDS`, when it has changed
GET  /v1/openapi.json          all of it, as OpenAPI 3.1
GET  /board                    the dispatchers' page, where the node has it
"""

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..core.scenario import Collection, Scenario
from ..errors import Reason
from ..limits import NAME_PATTERN
from ..messages.envelope import KIND, UNKNOWN
from ..mqtt.seam import Receiver
from ..mqtt.server.endpoint import Endpoint
from ..scenarios.protocol.openapi import WAIT_S_MAX, document
from .access import OPEN, WORK_PER_REQUEST, Access, Caller, authenticate
from .bodies import BadBody, read_event
from .events import DECISION_S_MAX, Decided, Events
from .ledger import LedgerDoor
from .lookups import Lookups, NotOnDisk
from .problems import later, problem, refusal

BUSY_S: Final = 5.0
"""Retry-After where the disk, or everybody who waits already, is the cause."""

DAY_QUOTA_S: Final = 3600
"""Retry-After of who has sent all that it may in a day: it is not known here when that began."""

_NAME: Final = re.compile(NAME_PATTERN)
_TAG: Final = re.compile(r'"([^"]*)"')
_JSON: Final = "application/json"

_Handler = Callable[[Request], Awaitable[Response]]


class Routes:
    """Of one node. `counts` has requests, and what is refused by cause. `pages` need no token. `paused`: the disk is
    behind, and no event is taken."""

    def __init__(
        self,
        scenarios: Sequence[type[Scenario]],
        receiver: Receiver,
        endpoint: Endpoint,
        events: Events,
        lookups: Lookups,
        counts: Counter[str],
        ledger: LedgerDoor | None = None,
        pages: Sequence[Route] = (),
    ) -> None:
        self._scenarios, self._receiver, self._endpoint, self._ledger = scenarios, receiver, endpoint, ledger
        self._events, self._lookups, self._counts, self._pages = events, lookups, counts, pages
        self._up = {each.kind: each for one in scenarios for each in one.messages if each.direction == "up"}
        self._contract: asyncio.Future[bytes] | None = None
        self.paused = False

    def application(self) -> Starlette:
        """The routes, behind the guard."""
        routes = [Route("/v1/events/{kind}", self._event, methods=["POST"]), Route(OPEN, self._openapi)]
        if self._ledger is not None:
            routes.append(Route("/v1/ledger", self._compare_ledger, methods=["POST"]))
        for scenario in self._scenarios:
            for each in scenario.collections:
                routes.append(Route(f"/v1/{each.name}", self._list(scenario.name, each)))
                routes.append(Route(f"/v1/{each.name}/{{id}}", self._one(scenario.name, each)))
        public = [OPEN, *(page.path.split("{")[0] for page in self._pages)]
        app = Starlette(
            routes=[*routes, *self._pages],
            middleware=[Middleware(Access, endpoint=self._endpoint, counts=self._counts, public=public)],
            exception_handlers={HTTPException: self._no_route, Exception: _failed},
        )
        app.router.redirect_slashes = False
        return app

    # -- events --------------------------------------------------------------------------------------------------------

    async def _event(self, request: Request) -> Response:
        caller: Caller = request.scope["caller"]
        kind = request.path_params["kind"]
        message = self._up.get(kind)
        if message is not None and message.answered_by:
            return self._drop(caller, Reason.UNKNOWN_KIND, f"what answers {kind} goes over MQTT only: ask there")
        durable = message is None or message.durable
        try:
            body = await read_event(request, has_id=durable)
        except BadBody as bad:
            self._count(caller, bad.reason)
            return bad.answer
        full = Reason.OVERLOADED if self.paused else self._events.room(caller.client)
        if full is not None:
            return self._drop(caller, full, "too many events are under way; send it again")
        now = self._endpoint.clock()
        if not caller.identity.take(1, now):
            return self._drop(caller, Reason.OVER_QUOTA, "more events than this client may send; send it again")
        caller.identity.budget.spend(-WORK_PER_REQUEST, now)
        return _answer(
            await self._events.decide(caller, kind if KIND.fullmatch(kind) else UNKNOWN, body.id, body.payload)
        )

    async def _compare_ledger(self, request: Request) -> Response:
        assert self._ledger is not None
        caller: Caller = request.scope["caller"]
        if not caller.identity.take(1, self._endpoint.clock()):
            return self._drop(caller, Reason.OVER_QUOTA, "more than this client may send; send it again")
        try:
            return await self._ledger.compare(request)
        except BadBody as bad:
            self._counts[f"refused_{bad.reason}"] += 1
            return bad.answer

    def _drop(self, caller: Caller, reason: Reason, detail: str) -> Response:
        """An event goes no further."""
        self._count(caller, reason)
        return refusal(reason, {"detail": detail})

    def _count(self, caller: Caller, reason: Reason) -> None:
        self._counts[f"refused_{reason}"] += 1
        self._receiver.shed(caller.client, reason, 1)

    # -- collections ---------------------------------------------------------------------------------------------------

    def _list(self, scenario: str, collection: Collection) -> _Handler:
        async def answer(request: Request) -> Response:
            caller: Caller = request.scope["caller"]
            if refused := self._not_allowed(caller, collection):
                return refused
            try:
                items = await self._lookups.items(scenario, collection.name, caller)
            except NotOnDisk:
                return self._busy()
            return Response(msgspec.json.encode({collection.name: [item.body for item in items]}), media_type=_JSON)

        return answer

    def _one(self, scenario: str, collection: Collection) -> _Handler:
        async def answer(request: Request) -> Response:
            caller: Caller = request.scope["caller"]
            if refused := self._not_allowed(caller, collection):
                return refused
            wait = request.query_params.get("wait", "0")
            if not re.fullmatch("[0-9]{1,4}", wait) or int(wait) > WAIT_S_MAX:
                return problem(400, f"wait is a number of seconds from 0 to {WAIT_S_MAX}.")
            header = request.headers.get("if-none-match", "")
            known = _Known(_TAG.findall(header), header.strip() == "*")
            wait_s = int(wait) if header else 0
            if wait_s and not self._lookups.room(caller.client):
                self._counts["refused_waits"] += 1
                return later(429, "Too many requests wait for a change.", BUSY_S)
            id_ = request.path_params["id"]
            gone = asyncio.ensure_future(_gone(request))
            try:
                item = await self._lookups.changed(scenario, collection.name, caller, id_, known, wait_s, gone)
            except NotOnDisk:
                return self._busy()
            finally:
                gone.cancel()
            again = authenticate(self._endpoint, caller.token) if wait_s else caller
            if again is None or again.grant != caller.grant:
                return problem(401, "The token has ended while the request waited.", {"www-authenticate": "Bearer"})
            if item is None:
                return problem(404, f"There is no such thing among your {collection.name}.")
            etag = {"etag": f'W/"{item.version}"'}
            if item.version in known:
                return Response(status_code=304, headers=etag)
            return Response(msgspec.json.encode(item.body), 200, etag, _JSON)

        return answer

    def _not_allowed(self, caller: Caller, collection: Collection) -> Response | None:
        if not collection.roles or not set(collection.roles).isdisjoint(caller.grant.roles):
            return None
        self._counts[f"refused_{Reason.NOT_ALLOWED}"] += 1
        return refusal(Reason.NOT_ALLOWED, {"detail": f"it needs the role {' or '.join(collection.roles)}"})

    def _busy(self) -> Response:
        self._counts["refused_disk"] += 1
        return later(503, "The disk does not take what the answer is made of. Ask again.", BUSY_S)

    # -- the contract, and what is none of it --------------------------------------------------------------------------

    async def _openapi(self, _: Request) -> Response:
        if self._contract is None:
            self._contract = asyncio.ensure_future(asyncio.to_thread(_contract, self._scenarios))
        return Response(await asyncio.shield(self._contract), 200, {"connection": "close"}, _JSON)

    async def _no_route(self, _: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        self._counts[f"refused_{'method' if error.status_code == 405 else 'path'}"] += 1
        return problem(error.status_code, f"See {OPEN} for what there is.", error.headers)


class _Known:
    """The versions that a client has, by If-None-Match."""

    def __init__(self, tags: Sequence[str], everything: bool) -> None:
        self._tags, self._everything = tags, everything

    def __contains__(self, version: object) -> bool:
        return self._everything or version in self._tags


def _answer(decided: Decided) -> Response:
    if decided.undecided:
        return later(503, f"Not decided within {DECISION_S_MAX:g} s. Send it again with the same id.", BUSY_S)
    if decided.reason:
        return refusal(decided.reason, decided.fields, DAY_QUOTA_S if decided.reason == Reason.OVER_QUOTA else 0)
    return Response(decided.receipt, 200, media_type=_JSON) if decided.receipt else Response(status_code=204)


async def _gone(request: Request) -> None:
    """Ends when the client has hung up."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _failed(_: Request, error: Exception) -> Response:  # noqa: ARG001 - it is logged by whoever called
    return problem(500, "This is a fault of the node. Its log has the details.")


def _contract(scenarios: Sequence[type[Scenario]]) -> bytes:
    from ..scenarios.protocol.schema import IN_COMPONENTS, contract  # reads sources, which takes a moment

    return msgspec.json.encode(document(contract(scenarios, IN_COMPONENTS)))
