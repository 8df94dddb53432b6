"""The paths of `/v1`, each with the scope that it needs."""

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date, timedelta
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

import msgspec
from msgspec import Struct
from msgspec.structs import asdict
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from edge.errors import DoorstepError
from edge.limits import IDENTIFIER_PATTERN
from edge.messages.sentences import fault
from edge.messages.sync.ledger import KINDS

from ..console.desk import Centre, Desk, where_from
from ..figures import views
from ..figures.span import PERIODS_MAX
from ..health_index import DAYS, DAYS_MAX
from ..rollout.progress import newest, options_of, places
from ..store.engine.driver import StoreFailed, StoreFull, StoreLost, StoreSlow
from . import questions
from .access import program
from .answers import Refused, Table, answer, form_of, problem, table
from .openapi import Invite, Name, Settle, document

BODY_BYTES_MAX: Final = 4 * 1024
"""A request that changes something has a name and a few words."""

SERIES: Final = {
    "at": "int64",
    "scenario": "string",
    "kind": "string",
    "name": "string",
    "count": "int64",
    "mean": "float64",
    "p50": "float64",
    "p90": "float64",
    "p99": "float64",
}
CELLS: Final = {"scenario": "string", "name": "string", "cell": "string", "count": "int64"}
LEDGER: Final = {
    **dict.fromkeys(("date", "node", "shop"), "string"),
    **dict.fromkeys(("at", "here", "there", *KINDS), "int64"),
}
LEDGER_DAYS: Final = 30
"""Without `from`."""

_Handler = Callable[[Request, str], Response]
T = TypeVar("T")


class Api:
    """Of one centre."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._centre: Centre = desk.centre

    def routes(self) -> list[Route]:
        """All of them."""
        return [
            Route("/v1/openapi.json", self._openapi, methods=["GET"]),
            Route("/v1/nodes", self._needs("read", self._nodes), methods=["GET"]),
            Route("/v1/nodes/{node}", self._needs("read", self._node), methods=["GET"]),
            Route("/v1/series", self._needs("read", self._series), methods=["GET"]),
            Route("/v1/cells", self._needs("read", self._cells), methods=["GET"]),
            Route("/v1/health", self._needs("read", self._health), methods=["GET"]),
            Route("/v1/ledger", self._needs("read", self._ledger), methods=["GET"]),
            Route("/v1/rollouts", self._needs("read", self._rollouts), methods=["GET"]),
            Route("/v1/rollouts/{number}", self._needs("read", self._rollout), methods=["GET"]),
            Route("/v1/quarantine", self._needs("read", self._quarantine), methods=["GET"]),
            Route(
                "/v1/quarantine/{node}/{epoch}/{seq}",
                self._changes("write", Settle, self._settle),
                methods=["POST"],
            ),
            Route("/v1/enrolment", self._needs("read", self._enrolment), methods=["GET"]),
            Route("/v1/invitations", self._changes("admin", Invite, self._invite), methods=["POST"]),
            Route("/v1/revocations", self._changes("admin", Name, self._revoke), methods=["POST"]),
            Route("/v1/audit", self._needs("admin", self._audit), methods=["GET"]),
            Route("/v1", self._nothing, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
            Route("/v1/{path:path}", self._nothing, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
        ]

    # -- nodes ---------------------------------------------------------------------------------------------------------

    def _nodes(self, request: Request, _: str) -> Response:
        query = request.query_params
        questions.only(query, "limit", "after")
        limit = questions.number(query, "limit", questions.LIMIT, questions.LIMIT_MAX)
        after = questions.identifier(query, "after")
        found = sorted(self._desk.cache.get("fleet", self._centre.fleet), key=lambda each: each.node)
        rest = [each for each in found if each.node > after]
        nodes = [asdict(each) for each in rest[:limit]]
        last = nodes[-1]["node"] if len(rest) > limit else ""
        link = f"/v1/nodes?{urlencode({'limit': limit, 'after': last})}" if last else ""
        return answer(request, {"nodes": nodes, "next": last or None}, link=link)

    def _node(self, request: Request, _: str) -> Response:
        questions.only(request.query_params)
        name = request.path_params["node"]
        found = self._desk.cache.get("fleet", self._centre.fleet)
        health = next((each for each in found if each.node == name), None)
        if health is None:
            raise Refused(404, "There is no such node.")
        return answer(request, {**asdict(health), "stored": self._centre.figures.node(name) or None})

    # -- figures -------------------------------------------------------------------------------------------------------

    def _series(self, request: Request, _: str) -> Response:
        query = request.query_params
        questions.only(query, "from", "to", "period", "node", "scenario", "limit", "format")
        form = form_of(request, query.get("format", ""))
        limit = questions.number(query, "limit", questions.LIMIT, PERIODS_MAX)
        figures = self._centre.figures
        asked = questions.stretch(query, figures.calendar, self._centre.now_ms(), limit)
        node, scenario = questions.identifier(query, "node"), questions.identifier(query, "scenario")
        series = figures.over_time(asked.span, node, of=("counters", "measures"))
        rows: list[tuple[Any, ...]] = []
        for name, sums in series.items():
            if scenario and name != scenario:
                continue
            for at, total in sums.items():
                rows.append((at, name, "events", "events", total.events, None, None, None, None))
                rows += [(at, name, "counter", key, n, *(None,) * 4) for key, n in sorted(total.counters.items())]
                for key, measure in sorted(total.merged().items()):
                    rows.append((at, name, "measure", key, *_values(views.quantile(*measure))))
        rows.sort(key=lambda row: row[:4])
        link = _link("/v1/series", query, {"from": asked.next}) if asked.next else ""
        around = {**asdict(asked.span), "next": asked.next or None}
        return table(request, "series", Table(SERIES, rows), form, around, link)

    def _cells(self, request: Request, _: str) -> Response:
        query = request.query_params
        questions.only(query, "from", "to", "period", "node", "limit", "after", "format")
        form = form_of(request, query.get("format", ""))
        limit = questions.number(query, "limit", questions.LIMIT, questions.LIMIT_MAX)
        after = questions.number(query, "after", 0, questions.NUMBER_MAX, 0)
        figures = self._centre.figures
        asked = questions.stretch(query, figures.calendar, self._centre.now_ms(), PERIODS_MAX, "day")
        if asked.next:
            raise Refused(400, f"At most {PERIODS_MAX} periods at one time: ask for longer periods.")
        node = questions.identifier(query, "node")
        series = figures.over_time(asked.span, node, of=("cells",))
        rows = [
            (scenario, name, f"{cell:x}", count)
            for scenario in series
            for (cell, name), (_, _, count) in sorted(views.whole(series, scenario).cells.items())
        ]
        page, following, link = _page("/v1/cells", query, rows, after, limit)
        around = {**asdict(asked.span), "next": following}
        return table(request, "cells", Table(CELLS, page), form, around, link)

    def _health(self, request: Request, _: str) -> Response:
        query = request.query_params
        questions.only(query, "days", "by", "scenario", "node", "shop", "limit", "after")
        days = questions.number(query, "days", DAYS, DAYS_MAX)
        limit = questions.number(query, "limit", questions.LIMIT, questions.LIMIT_MAX)
        after = questions.number(query, "after", 0, questions.NUMBER_MAX, 0)
        scenario, node = questions.identifier(query, "scenario"), questions.identifier(query, "node")
        by, shop = questions.one_of(query, "by", ("node", "shop")), questions.client(query, "shop")
        body: dict[str, Any] = {"days": days}
        if by == "shop" or shop:
            shops = self._desk.cache.get(("shops", days, node), lambda: self._centre.shops(days, node))
            found, body["unnamed"] = shops.rows, shops.unnamed
        else:
            found = self._desk.cache.get(("health", days), lambda: self._centre.health(days))
        chosen = [
            each
            for each in found
            if scenario in ("", each.scenario) and node in ("", each.node) and shop in ("", each.shop)
        ]
        page, body["next"], link = _page("/v1/health", query, chosen, after, limit)
        return answer(request, {**body, "rows": page}, link=link)

    def _ledger(self, request: Request, _: str) -> Response:
        query = request.query_params
        questions.only(query, "from", "to", "node", "limit", "after", "format")
        form = form_of(request, query.get("format", ""))
        limit = questions.number(query, "limit", questions.LIMIT, questions.LIMIT_MAX)
        after = questions.number(query, "after", 0, questions.NUMBER_MAX, 0)
        today = self._centre.figures.calendar.date(self._centre.now_ms())
        last = questions.date_of(query, "to", today + timedelta(1))
        usual = max(min(last, today).toordinal() - LEDGER_DAYS, 1)
        first = questions.date_of(query, "from", date.fromordinal(usual))
        if first > last:
            raise Refused(400, "from must not be after to.")
        found = self._centre.reader.ledger(str(first), str(last), questions.identifier(query, "node"))
        page, following, link = _page("/v1/ledger", query, found, after, limit)
        rows = [tuple(row[name] for name in LEDGER) for row in page]
        around = {"from": str(first), "to": str(last), "next": following}
        return table(request, "ledger", Table(LEDGER, rows), form, around, link)

    # -- roll-outs -----------------------------------------------------------------------------------------------------

    def _rollouts(self, request: Request, _: str) -> Response:
        query = request.query_params
        questions.only(query, "limit", "before")
        limit = questions.number(query, "limit", questions.ROLLOUTS, questions.ROLLOUTS_MAX)
        before = questions.number(query, "before", questions.NUMBER_MAX, questions.NUMBER_MAX)
        now = self._centre.now_ms()
        found = self._centre.figures.read(lambda driver: newest(driver, now, limit, before))
        last = found[-1].id if len(found) == limit and found[-1].id > 1 else 0
        link = _link("/v1/rollouts", query, {"before": last}) if last else ""
        return answer(request, {"rollouts": [asdict(each) for each in found], "next": last or None}, link=link)

    def _rollout(self, request: Request, _: str) -> Response:
        query, text = request.query_params, request.path_params["number"]
        questions.only(query, "limit", "after")
        limit = questions.number(query, "limit", questions.LIMIT, questions.LIMIT_MAX)
        after = questions.identifier(query, "after")
        number = questions.number({"number": text}, "number", 0, questions.NUMBER_MAX)
        now = self._centre.now_ms()
        one, nodes, options = self._centre.figures.read(
            lambda driver: (
                newest(driver, now, 1, number + 1),
                places(driver, now, number, limit + 1, after),
                options_of(driver, number),
            )
        )
        if not one or one[0].id != number:
            raise Refused(404, "There is no such roll-out.")
        last = nodes[limit - 1].node if len(nodes) > limit else None
        path = f"/v1/rollouts/{number}"
        body = {**asdict(one[0]), "options": options, "nodes": [asdict(each) for each in nodes[:limit]], "next": last}
        return answer(request, body, link=_link(path, query, {"after": last}) if last else "")

    # -- what is settled, and who may come -----------------------------------------------------------------------------

    def _quarantine(self, request: Request, _: str) -> Response:
        questions.only(request.query_params)
        return answer(request, {"batches": self._centre.figures.aside(questions.LIMIT_MAX)})

    def _settle(self, request: Request, who: str, body: Any) -> Response:
        place = request.path_params
        batch = f"{place['node']}/{place['epoch']}/{place['seq']}"[:128]
        sentence, settled = self._centre.settle(batch, body.action == "store")
        if not settled:
            raise Refused(409, sentence)
        self._write(request, who, "quarantine.stored" if body.action == "store" else "quarantine.discarded", batch)
        return answer(request, {"batch": batch, "detail": sentence})

    def _enrolment(self, request: Request, _: str) -> Response:
        questions.only(request.query_params)
        nodes = [{"node": node, **state} for node, state in self._centre.states().items()]
        return answer(request, {"nodes": nodes})

    def _invite(self, request: Request, who: str, body: Any) -> Response:
        if self._centre.invite is None:
            raise Refused(409, "This centre invites nobody: set advertised_address in its configuration.")
        made = self._centre.invite(body.node, body.days, body.replace)
        self._write(request, who, "node.invited", f"{body.node}, {body.days} days{', replaced' * body.replace}")
        return answer(request, {"node": body.node, "invitation": made}, 201)

    def _revoke(self, request: Request, who: str, body: Any) -> Response:
        if self._centre.revoke is None:
            raise Refused(409, "This centre invites nobody: set advertised_address in its configuration.")
        self._centre.revoke(body.node)
        self._write(request, who, "node.revoked", body.node)
        return answer(request, {"node": body.node})

    def _audit(self, request: Request, _: str) -> Response:
        query = request.query_params
        questions.only(query, "limit", "before")
        limit = questions.number(query, "limit", questions.LIMIT, questions.LIMIT_MAX)
        before = questions.number(query, "before", questions.NUMBER_MAX, questions.NUMBER_MAX)
        entries = self._centre.operators.audit(before, limit)
        last = entries[-1]["number"] if len(entries) == limit and entries[-1]["number"] > 1 else 0
        link = _link("/v1/audit", query, {"before": last}) if last else ""
        return answer(request, {"entries": entries, "next": last or None}, link=link)

    # -- around them ---------------------------------------------------------------------------------------------------

    async def _openapi(self, request: Request) -> Response:
        return answer(request, document())

    async def _nothing(self, request: Request) -> Response:
        return problem(404, f"There is no {request.url.path[:128]}. See /v1/openapi.json for what there is.")

    def _needs(self, scope: str, handler: _Handler) -> Any:
        """The endpoint of a question; it works beside the event loop."""

        def work(request: Request) -> Response:
            return handler(request, program(request, self._centre.operators, scope).name)

        return self._answered(work)

    def _changes(self, scope: str, form: type[Struct], handler: Callable[[Request, str, Any], Response]) -> Any:
        """The endpoint of a change."""

        def work(request: Request, body: bytes) -> Response:
            who = program(request, self._centre.operators, scope).name
            questions.only(request.query_params)
            for name in ("node", "epoch", "seq"):
                text = request.path_params.get(name, "0")
                if not re.fullmatch(IDENTIFIER_PATTERN if name == "node" else "[0-9]{1,19}", text, re.ASCII):
                    raise Refused(404, "There is no such batch.")
            if len(body) > BODY_BYTES_MAX:
                raise Refused(413, f"The body has at most {BODY_BYTES_MAX} bytes.")
            try:
                value = msgspec.convert(_whole(msgspec.json.decode(body)), form)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                raise Refused(400, ": ".join(filter(None, fault(error)))) from None
            return handler(request, f"{who} (token)", value)

        return self._answered(work, with_body=True)

    def _answered(self, work: Callable[..., Response], *, with_body: bool = False) -> Any:
        async def endpoint(request: Request) -> Response:
            try:
                more = [await _body(request)] if with_body else []
                return await self._desk.work(work, request, *more)
            except Refused as refused:
                return problem(refused.status, refused.detail, refused.headers)
            except StoreSlow as error:
                return problem(503, str(error), {"retry-after": "60"})
            except (StoreLost, StoreFull, StoreFailed) as error:
                return problem(503, f"The store cannot be reached. {error}", {"retry-after": "5"})
            except DoorstepError as error:
                return problem(409, str(error))

        return endpoint

    def _write(self, request: Request, who: str, what: str, detail: str) -> None:
        self._centre.operators.write(who, where_from(request), what, detail)


async def _body(request: Request) -> bytes:
    body = b""
    with suppress(ClientDisconnect):  # nobody is there to be answered
        async for chunk in request.stream():
            body += chunk
            if len(body) > BODY_BYTES_MAX:
                break
    return body


def _whole(value: Any) -> Any:
    """A number such as 7.0 is a whole one in JSON Schema."""
    if not isinstance(value, dict):
        return value
    return {key: int(each) if isinstance(each, float) and each.is_integer() else each for key, each in value.items()}


def _values(found: views.Quantile) -> tuple[Any, ...]:
    return (found.count, found.mean, found.p50, found.p90, found.p99)


def _link(path: str, query: Any, more: dict[str, Any]) -> str:
    return f"{path}?{urlencode({**dict(query), **more})}"


def _page(path: str, query: Any, rows: Sequence[T], after: int, limit: int) -> tuple[Sequence[T], int | None, str]:
    """The rows behind the first `after`; the `after` of those that follow, and the link to them."""
    end = after + limit
    more = len(rows) > end
    return rows[after:end], end if more else None, _link(path, query, {"after": end}) if more else ""
