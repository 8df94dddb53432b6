"""The contract of `/v1`: an OpenAPI 3.1 document, made of the structs that requests are decoded with."""

from functools import cache
from typing import Annotated, Any, Final, Literal, get_args

import msgspec
from msgspec import Meta, Struct

from edge.limits import IDENTIFIER_PATTERN, NAME_PATTERN
from edge.messages.sync.ledger import KINDS

from ..figures.span import PERIODS_MAX, STEP_MS
from ..health_index import DAYS, DAYS_MAX
from ..health_index.parts import PARTS
from ..rollout.plan import State
from ..rollout.progress import NODE_STATES, Ending
from .answers import FORMATS
from .questions import LIMIT, LIMIT_MAX, NUMBER_MAX, ROLLOUTS, ROLLOUTS_MAX

_NAME: Final = IDENTIFIER_PATTERN.replace(r"\A", "^").replace(r"\Z", "$")
_Node = Annotated[str, Meta(pattern=_NAME, description="A node's name.")]


class Settle(Struct, forbid_unknown_fields=True):
    """What becomes of a batch that is kept aside."""

    action: Annotated[Literal["store", "discard"], Meta(description="Store it now, or give it up.")]


class Invite(Struct, forbid_unknown_fields=True):
    """An invitation."""

    node: _Node
    days: Annotated[int, Meta(ge=1, le=30, description="How long it is good.")] = 7
    replace: Annotated[bool, Meta(description="Also where the node is invited or enrolled already.")] = False


class Name(Struct, forbid_unknown_fields=True):
    """One node."""

    node: _Node


_INSTANT: Final = {
    "type": "string",
    "minLength": 1,
    "maxLength": 40,
    "description": "Unix milliseconds, or ISO 8601 (in UTC if it names no offset).",
    "examples": ["2026-01-31T08:00:00Z", "1767261600000"],
}
_INT: Final = {"type": "integer"}
_TEXT: Final = {"type": "string"}
_FLOAT: Final = {"type": ["number", "null"]}
_MAYBE: Final = {"type": ["integer", "null"]}
_PROBLEM: Final = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {"type": _TEXT, "title": _TEXT, "status": _INT, "detail": _TEXT},
}


def _object(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    properties = {**required, **(optional or {})}
    return {"type": "object", "required": list(required), "properties": properties}


_HEALTH: Final = {
    "node": _TEXT,
    "state": {"type": "string", "description": "current, behind, stalled, quarantined, clock, never or retired."},
    "sentence": {"type": "string", "description": "What that means, and what to do."},
    "is_green": {"type": "boolean", "description": "It is current and reports no problem."},
    "is_connected": {"type": "boolean"},
    "behind_s": _FLOAT,
    "silent_s": _FLOAT,
    "problems": {"type": "array", "items": _TEXT},
    "version": _TEXT,
    "waiting": _MAYBE,
    "clock_ahead_s": _FLOAT,
    "quarantined": _INT,
    "certificate_days": _FLOAT,
}
_ALARM: Final = _object({"at": _INT, "kind": _TEXT, "detail": _TEXT, "events": _INT})
_STORED: Final = _object(
    {
        **dict.fromkeys(("enrolled_at", "last_seen", "batches", "repeats", "refused", "bytes", "events"), _INT),
        "alarms": {"type": "array", "items": _ALARM},
    }
)
_SPAN: Final = {"start": _INT, "end": _INT, "tier": {"enum": list(STEP_MS)}}
_SERIES_ROW: Final = _object(
    {
        "at": {"type": "integer", "description": "When the period begins, Unix ms."},
        "scenario": _TEXT,
        "kind": {"enum": ["events", "counter", "measure"]},
        "name": _TEXT,
        "count": _INT,
        **dict.fromkeys(("mean", "p50", "p90", "p99"), _FLOAT),
    }
)
_CELL_ROW: Final = _object({"scenario": _TEXT, "name": _TEXT, "cell": _TEXT, "count": _INT})
_ENTRY: Final = _object({"number": _INT, "at": _INT, **dict.fromkeys(("who", "address", "what", "detail"), _TEXT)})
_BATCH: Final = _object({"node": _TEXT, "epoch": _INT, "seq": _INT, "at": _INT, "reason": _TEXT, "detail": _TEXT})

_COUNTS: Final = _object(dict.fromkeys(NODE_STATES, _INT))
_ROLLOUT: Final = {
    "id": {"type": "integer", "description": "The version."},
    "group": _TEXT,
    "at": _INT,
    "started_by": _TEXT,
    "state": {"enum": list(get_args(State))},
    "why": _TEXT,
    "changed_at": _INT,
    "stage": {"type": "integer", "description": "The present one, from 0."},
    "stages": {"type": "array", "items": _TEXT},
    "deadline_ms": {"type": "integer", "description": "After so long without an answer a node is silent."},
    "due_at": {"type": ["integer", "null"], "description": "When the last of those that wait is silent."},
    "counts": {**_COUNTS, "description": "Its nodes by state."},
    "sha256": {"type": "string", "description": "Of the options."},
    "ending": {"enum": list(get_args(Ending)), "description": "What may be done with it on the page Roll-outs."},
}
_PLACE: Final = _object(
    {
        "node": _TEXT,
        "state": {"enum": list(NODE_STATES)},
        "outcome": {"type": "string", "description": "What the node has reported of this version; empty: nothing yet."},
        "detail": _TEXT,
        "version": {"type": "integer", "description": "What is in force there; 0: nothing that was pushed."},
        "sha256": {"type": "string", "description": "Of the options in force there."},
        "since": _INT,
    }
)
_PART: Final = _object(
    {
        "name": {"enum": list(PARTS)},
        "weight": _INT,
        "score": _FLOAT,
        "value": _FLOAT,
        "count": {"type": "integer", "description": "Of how many it is made."},
        "budget_ms": _INT,
        "missing": {"enum": ["", "no_such", "too_few"], "description": "Why there is no score."},
    }
)
_HEALTH_ROW: Final = _object(
    {
        "scenario": _TEXT,
        "node": {"type": "string", "description": "Empty: all nodes together."},
        "shop": {"type": "string", "description": "Empty: not of a shop."},
        "score": {"type": ["integer", "null"], "description": "From 0 to 100; null without enough data."},
        "advice": {"enum": ["", "keep", "mend", "retire"]},
        "mend": {"enum": ["", *PARTS], "description": "The part that costs most."},
        "where": {"type": "string", "description": "The node where it is worst."},
        "sentence": _TEXT,
        "events": {"type": "integer", "description": "Of a shop: the orders that it was asked for."},
        "parts": {"type": "array", "items": _PART},
    }
)
_LEDGER_ROW: Final = _object(
    {**dict.fromkeys(("date", "node", "shop"), _TEXT), **dict.fromkeys(("at", "here", "there", *KINDS), _INT)}
)


def _query(name: str, schema: dict[str, Any], text: str = "") -> dict[str, Any]:
    found = {"name": name, "in": "query", "required": False, "schema": schema}
    return found | ({"description": text} if text else {})


_LIMIT: Final = _query(
    "limit", {"type": "integer", "minimum": 1, "maximum": LIMIT_MAX, "default": LIMIT}, "Of one page."
)
_FORMAT: Final = _query("format", {"enum": list(FORMATS)}, "Without it the Accept header decides.")
_STRETCH: Final = [
    _query("from", _INSTANT, "By default a day before `to`."),
    _query("to", _INSTANT, "By default now."),
    _query("node", {"type": "string", "pattern": _NAME}, "Of one node; without it of all together."),
]


def _period(usual: str) -> dict[str, Any]:
    return _query("period", {"enum": list(STEP_MS), "default": usual})


def _responses(schema: dict[str, Any], *others: int, status: int = 200, tables: bool = False) -> dict[str, Any]:
    content: dict[str, Any] = {"application/json": {"schema": schema}}
    headers: dict[str, Any] = {"ETag": {"required": True, "schema": {"type": "string"}}}
    if tables:
        headers["Link"] = {"schema": {"type": "string"}, "description": "The next page."}
        content |= {media.split(";")[0]: {"schema": {}} for form, media in FORMATS.items() if form != "json"}
    found: dict[str, Any] = {str(status): {"description": "Done.", "headers": headers, "content": content}}
    for code in (401, 403, 503, *others):
        found[str(code)] = {"$ref": "#/components/responses/Problem"}
    if status == 200:
        found["304"] = {"description": "As the caller has it (If-None-Match)."}
    return dict(sorted(found.items()))


def _get(summary: str, scope: str, responses: dict[str, Any], parameters: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "get": {"summary": summary, "security": [{"token": [scope]}], "parameters": parameters, "responses": responses}
    }


def _post(
    summary: str, scope: str, form: str, responses: dict[str, Any], parameters: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    responses = {code: each for code, each in responses.items() if code != "304"}
    body = {"required": True, "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{form}"}}}}
    operation = {"summary": summary, "security": [{"token": [scope]}], "requestBody": body, "responses": responses}
    return {"post": operation | ({"parameters": parameters} if parameters else {})}


def _path(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _list(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": schema}


def _figures() -> dict[str, Any]:
    scenario = _query("scenario", {"type": "string", "pattern": _NAME})
    periods = _query(
        "limit", {"type": "integer", "minimum": 1, "maximum": PERIODS_MAX, "default": LIMIT}, "Periods of one page."
    )
    after = _query("after", {"type": "integer", "minimum": 0, "maximum": NUMBER_MAX}, "`next` of the page before.")
    series = _object({**_SPAN, "next": _MAYBE, "rows": _list(_SERIES_ROW)})
    cells = _object({**_SPAN, "next": _MAYBE, "rows": _list(_CELL_ROW)})
    return {
        "/v1/series": _get(
            "Events, counters and measures by period. `next` is the `from` of the next page.",
            "read",
            _responses(series, 400, 406, tables=True),
            [*_STRETCH, _period("hour"), scenario, periods, _FORMAT],
        ),
        "/v1/cells": _get(
            "Counts by H3 cell.",
            "read",
            _responses(cells, 400, 406, tables=True),
            [*_STRETCH, _period("day"), _LIMIT, after, _FORMAT],
        ),
    }


def _nodes() -> dict[str, Any]:
    health, name = _object(_HEALTH), {"type": "string", "pattern": _NAME}
    after = _query("after", name, "`next` of the page before.")
    one = _object({**_HEALTH, "stored": {"oneOf": [{"type": "null"}, _STORED]}})
    names = "invited_until certificate_until revoked_at retired_at".split()
    times: dict[str, Any] = dict.fromkeys(names, _INT)
    state = _object({"node": _TEXT}, times)
    invitation = _object({"node": _TEXT, "invitation": _TEXT})
    return {
        "/v1/nodes": _get(
            "How every node is, by name.",
            "read",
            _responses(_object({"nodes": _list(health), "next": {"type": ["string", "null"]}}), 400),
            [_LIMIT, after],
        ),
        "/v1/nodes/{node}": _get("One node.", "read", _responses(one, 400, 404), [_path("node", name)]),
        "/v1/enrolment": _get(
            "Who is invited, enrolled, revoked and retired.",
            "read",
            _responses(_object({"nodes": _list(state)}), 400),
            [],
        ),
        "/v1/invitations": _post(
            "Invite a node.", "admin", "Invite", _responses(invitation, 400, 409, 413, status=201)
        ),
        "/v1/revocations": _post(
            "End a node's certificate and session.",
            "admin",
            "Name",
            _responses(_object({"node": _TEXT}), 400, 409, 413),
        ),
    }


def _health() -> dict[str, Any]:
    name = {"type": "string", "pattern": _NAME}
    days = {"type": "integer", "minimum": 1, "maximum": DAYS_MAX, "default": DAYS}
    after = _query("after", {"type": "integer", "minimum": 0, "maximum": NUMBER_MAX}, "`next` of the page before.")
    unnamed = {"type": "integer", "description": "By shop: orders at others, which are not named."}
    found = _object({"days": _INT, "rows": _list(_HEALTH_ROW), "next": _MAYBE}, {"unnamed": unnamed})
    shop = {"type": "string", "pattern": NAME_PATTERN.replace(r"\A", "^").replace(r"\Z", "$")}
    which = [
        _query("by", {"enum": ["node", "shop"], "default": "node"}, "With shop: of shops, over whole days (UTC)."),
        _query("scenario", name, "Of one scenario."),
        _query("node", name, "Of one node."),
        _query("shop", shop, "Of one shop."),
    ]
    return {
        "/v1/health": _get(
            "The health index: each scenario over all nodes and at each, or each shop; the worst first.",
            "read",
            _responses(found, 400),
            [_query("days", days, "Of so many days."), *which, _LIMIT, after],
        )
    }


def _ledger() -> dict[str, Any]:
    date = {"type": "string", "format": "date", "examples": ["2026-01-31"]}
    after = _query("after", {"type": "integer", "minimum": 0, "maximum": NUMBER_MAX}, "`next` of the page before.")
    ledger = _object({"from": _TEXT, "to": _TEXT, "next": _MAYBE, "rows": _list(_LEDGER_ROW)})
    node = _query("node", {"type": "string", "pattern": _NAME}, "Of one node; without it of all.")
    dates = [_query("from", date, "By default 30 days ago."), _query("to", date, "By default tomorrow.")]
    return {
        "/v1/ledger": _get(
            "How the books of shops differ from the orders of their nodes, by day: the latest first.",
            "read",
            _responses(ledger, 400, 406, tables=True),
            [*dates, node, _LIMIT, after, _FORMAT],
        )
    }


def _rollouts() -> dict[str, Any]:
    limit = {"type": "integer", "minimum": 1, "maximum": ROLLOUTS_MAX, "default": ROLLOUTS}
    number = {"type": "integer", "minimum": 1, "maximum": NUMBER_MAX}
    before = _query("before", number, "`next` of the page before.")
    name = {"type": "string", "pattern": _NAME}
    text = {"type": ["string", "null"]}
    one = _object({**_ROLLOUT, "options": _TEXT, "nodes": _list(_PLACE), "next": text})
    return {
        "/v1/rollouts": _get(
            "The versions of the settings, the newest first.",
            "read",
            _responses(_object({"rollouts": _list(_object(_ROLLOUT)), "next": _MAYBE}), 400),
            [_query("limit", limit, "Of one page."), before],
        ),
        "/v1/rollouts/{number}": _get(
            "One of them, with its options in TOML and its nodes, by name.",
            "read",
            _responses(one, 400, 404),
            [_path("number", number), _LIMIT, _query("after", name, "`next` of the page before.")],
        ),
    }


def _others() -> dict[str, Any]:
    count = {"type": "integer", "minimum": 0, "maximum": 2**62}
    place = [
        _path("node", {"type": "string", "pattern": _NAME}),
        _path("epoch", count),
        _path("seq", count),
    ]
    before = _query("before", {"type": "integer", "minimum": 1, "maximum": NUMBER_MAX}, "`next` of the page before.")
    return {
        "/v1/quarantine": _get(
            "The batches that are kept aside, the oldest first.",
            "read",
            _responses(_object({"batches": _list(_BATCH)}), 400),
            [],
        ),
        "/v1/quarantine/{node}/{epoch}/{seq}": _post(
            "Store a batch, or give it up.",
            "write",
            "Settle",
            _responses(_object({"batch": _TEXT, "detail": _TEXT}), 400, 404, 409, 413),
            place,
        ),
        "/v1/audit": _get(
            "The audit log, the latest first.",
            "admin",
            _responses(_object({"entries": _list(_ENTRY), "next": _MAYBE}), 400),
            [_LIMIT, before],
        ),
    }


@cache
def document() -> dict[str, Any]:
    """The whole."""
    _, schemas = msgspec.json.schema_components([Settle, Invite, Name], ref_template="#/components/schemas/{name}")
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Doorstep centre",
            "version": "1",
            "description": "Times are Unix milliseconds. Errors are problems (RFC 9457). Every answer has an ETag.",
        },
        "paths": {**_nodes(), **_figures(), **_health(), **_ledger(), **_rollouts(), **_others()},
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "responses": {
                "Problem": {
                    "description": "What is wrong, and what to do.",
                    "content": {"application/problem+json": {"schema": _PROBLEM}},
                }
            },
        },
    }
