"""What analysts, dashboards and probes ask the centre, over HTTP. Everything is read from what is committed.

    GET /api/nodes                  every node: where it stands, when it last sent something, its alarms; how each is,
                                    the worst first (`fleet.health.NodeHealth`); who is invited, enrolled, revoked or
                                    retired; and what the listener refused, by reason
    GET /api/summary?from=&to=      sums over the windows that begin in [from, to): Unix ms, or ISO 8601 (in UTC if it
                                    names no offset); by default the last 24 hours
    GET /api/reconciliation?node=&day=
                                    both sides of one day (of UTC, as 2026-01-31) of a node (`fleet.reconcile`)
    GET /api/ledger?from=&to=       how the ledgers of shops differ from the nodes' records, by day: dates, by default
                                    the last 30 days
    GET /healthz                    200 while batches are stored, 503 with a sentence otherwise
    GET /metrics                    the same in Prometheus' text format

Parameters that cannot be used are answered with 400, the field and a hint.
"""

import hmac
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any, Final

from msgspec import to_builtins
from msgspec.structs import asdict
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from edge.log.events import REFUSED

from .fleet.health import STATES, NodeHealth
from .fleet.reconcile import reconcile
from .store.engine.driver import StoreLost
from .store.reader import Reader

DAY_MS: Final = 86_400_000
INSTANT_MS_MAX: Final = 253_402_300_800_000
"""The end of the year 9999, the last that ISO 8601 writes in four digits."""

LOOPBACK_NAMES: Final = ["localhost", "127.0.0.1"]
"""What a browser on this machine calls it. Other names are refused, so that no web page elsewhere can read the API
through a name of its own that points here."""


class QueryError(ValueError):
    """A parameter that cannot be used."""

    def __init__(self, field: str, value: str, hint: str) -> None:
        super().__init__(hint)
        self.field, self.value, self.hint = field, value, hint


def app(
    reader: Reader,
    health: Callable[[], str],
    gauges: Callable[[], dict[str, Any]],
    token: str,
    now_ms: Callable[[], int],
    states: Callable[[], dict[str, dict[str, int]]] = dict,
    fleet: Callable[[], list[NodeHealth]] = list,
) -> Starlette:
    """The application. `health` gives the problem as a sentence (empty: none), `gauges` numbers and texts, `now_ms` the
    centre's clock, `states` the invitation and the certificate of each node that has one, `fleet` how each node is; a
    `token` that is not empty is required."""

    def nodes(_request: Request) -> Response:
        health_of = [asdict(each) for each in fleet()]
        return JSONResponse({"nodes": reader.nodes(), "health": health_of, "enrolment": states(), "listener": gauges()})

    def summary(request: Request) -> Response:
        known = request.query_params
        for field in known:
            if field not in ("from", "to"):
                raise QueryError(field, known[field], "There is no such parameter: from and to are all.")
        to_ms = instant("to", known["to"]) if "to" in known else now_ms() + 1
        from_ms = instant("from", known["from"]) if "from" in known else max(to_ms - DAY_MS, 0)
        if from_ms >= to_ms:
            raise QueryError("from", known.get("from", ""), "It must be before to.")
        return JSONResponse(reader.summary(from_ms, to_ms))

    def healthz(_request: Request) -> Response:
        wrong = health()
        return JSONResponse({"ok": not wrong, "sentence": wrong or "Batches are stored."}, 503 if wrong else 200)

    registry = CollectorRegistry()
    registry.register(_Metrics(reader, gauges, fleet))

    def metrics(_request: Request) -> Response:
        return Response(generate_latest(registry), media_type="text/plain; version=0.0.4; charset=utf-8")

    middleware = [Middleware(_Token, token=token)] if token else []
    if not token:
        middleware.append(Middleware(TrustedHostMiddleware, allowed_hosts=LOOPBACK_NAMES, www_redirect=False))
    return Starlette(
        routes=[
            Route("/api/nodes", nodes),
            Route("/api/summary", summary),
            Route("/api/reconciliation", partial(_reconciliation, reader)),
            Route("/api/ledger", partial(_ledger, reader, now_ms)),
            Route("/healthz", healthz),
            Route("/metrics", metrics),
        ],
        middleware=middleware,
        exception_handlers={QueryError: _bad_query, StoreLost: _unavailable},
    )


def _reconciliation(reader: Reader, request: Request) -> Response:
    node, day = (request.query_params.get(field, "") for field in ("node", "day"))
    try:
        evidence = reader.evidence(node, (date.fromisoformat(day) - date(1970, 1, 1)).days)
    except ValueError as error:
        raise QueryError("day", day[:64], f"{error}. Write a day of UTC such as 2026-01-31.") from None
    if evidence is None:
        raise QueryError("node", node[:64], "There is no such node: see /api/nodes.")
    return JSONResponse(to_builtins(reconcile(evidence)))


def _ledger(reader: Reader, now_ms: Callable[[], int], request: Request) -> Response:
    today = datetime.fromtimestamp(now_ms() / 1000, UTC).date()
    others = (("from", today - timedelta(days=30)), ("to", today + timedelta(days=1)))
    first, last = (_date(field, request.query_params.get(field, str(other))) for field, other in others)
    return JSONResponse({"from": first, "to": last, "days": reader.ledger(first, last)})


async def _bad_query(_request: Request, error: Exception) -> Response:
    assert isinstance(error, QueryError)
    return JSONResponse({"error": "bad parameter", "field": error.field, "value": error.value, "hint": error.hint}, 400)


async def _unavailable(_request: Request, error: Exception) -> Response:
    return JSONResponse({"error": "the store cannot be reached", "hint": f"{error} Ask again in a moment."}, 503)


def _date(field: str, text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise QueryError(field, text[:64], "Write a date such as 2026-01-31.") from None


def instant(field: str, text: str) -> int:
    """Unix ms of a parameter."""
    hint = "Write Unix milliseconds, or ISO 8601 such as 2026-01-31T08:00:00Z."
    try:
        if text.isascii() and text.isdecimal():
            at_ms = int(text[:20])
        else:
            at = datetime.fromisoformat(text.replace(" ", "+"))  # a plus sign arrives as a space
            at_ms = int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise QueryError(field, text[:64], hint) from None
    if not 0 <= at_ms <= INSTANT_MS_MAX:
        raise QueryError(field, text[:64], f"It must lie between 1970 and the year 9999. {hint}")
    return at_ms


class _Token:
    """Lets nobody in who does not show the token (RFC 6750)."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._expected = f"Bearer {token}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            shown = dict(scope["headers"]).get(b"authorization", b"")
            if not hmac.compare_digest(shown, self._expected):
                host, _ = scope.get("client") or ("", 0)
                why = "a wrong token" if shown else "no token"
                REFUSED.write(listener="api_listen", client="a caller", address=host, why=why)
                body = {"error": "unauthorized", "hint": "Send the header Authorization: Bearer <the API token>."}
                await JSONResponse(body, 401, headers={"WWW-Authenticate": "Bearer"})(scope, receive, send)
                return
        await self._app(scope, receive, send)


class _Metrics(Collector):
    """The store's sums in Prometheus' terms, read anew at every scrape."""

    def __init__(
        self, reader: Reader, gauges: Callable[[], dict[str, Any]], fleet: Callable[[], list[NodeHealth]]
    ) -> None:
        self._reader = reader
        self._gauges = gauges
        self._fleet = fleet

    def collect(self) -> Iterator[Metric]:
        totals: dict[str, Any] = self._reader.totals()
        results = ["node", "result"]
        batches = CounterMetricFamily("doorstep_central_batches", "Batches by what became of them", labels=results)
        events = CounterMetricFamily("doorstep_central_events", "Events merged", labels=["node"])
        size = CounterMetricFamily("doorstep_central_bytes", "Compressed bytes merged", labels=["node"])
        seen = GaugeMetricFamily("doorstep_central_last_seen_seconds", "Unix time of the last word", labels=["node"])
        for name, last_seen, stored, repeats, refused, taken, count in totals["nodes"]:
            for result, value in (("stored", stored), ("repeated", repeats), ("refused", refused)):
                batches.add_metric([name, result], value)
            events.add_metric([name], count)
            size.add_metric([name], taken)
            seen.add_metric([name], last_seen / 1000)
        alarms = GaugeMetricFamily("doorstep_central_alarms", "Alarms kept, by kind", labels=["kind"])
        for kind, count in totals["alarms"]:
            alarms.add_metric([kind], count)
        yield from (batches, events, size, seen, alarms, *self._health())
        for name, value in self._gauges().items():
            if isinstance(value, str):
                continue
            yield GaugeMetricFamily(f"doorstep_central_{name}", name.replace("_", " "), value=value)

    def _health(self) -> tuple[Metric, ...]:
        fleet = self._fleet()
        nodes = GaugeMetricFamily("doorstep_central_nodes", "Nodes by state", labels=["state"])
        for state in STATES:
            nodes.add_metric([state], sum(each.state == state for each in fleet))
        behind = GaugeMetricFamily(
            "doorstep_central_node_behind_seconds", "For how long nothing of it is known", labels=["node", "state"]
        )
        problems = GaugeMetricFamily(
            "doorstep_central_node_problem", "Problems that nodes report", labels=["node", "name"]
        )
        for each in fleet:
            if each.behind_s is not None:
                behind.add_metric([each.node, each.state], each.behind_s)
            for name in each.problems:
                problems.add_metric([each.node, name], 1)
        return nodes, behind, problems
