"""The HTTP interface of a node as OpenAPI 3.1: a path for each kind of event, and for each collection."""

from typing import Any, Final

from ...core.scenario import Collection, Message
from ...errors import Reason
from ...limits import AMOUNT_CENTS_MAX, LEDGER_AT_MS_MAX, LEDGER_ORDERS_MAX, NAME_PATTERN
from ...messages.sync.ledger import KINDS
from .schema import IN_COMPONENTS, Contract, Schema

WAIT_S_MAX: Final = 60
"""The longest wait for a change: many proxies give up a connection that was silent for so long."""

_PROBLEM: Final = "Problem"
_NAME: Final[Schema] = {"type": "string", "pattern": NAME_PATTERN.replace(r"\A", "^").replace(r"\Z", "$")}
_TEXTS: Final = {
    304: "Nothing has changed.",
    400: "The request is wrong, and why.",
    401: "No token, or one that is not good (any more).",
    403: "The client may not.",
    404: "There is no such thing, for this client at least.",
    408: "The body did not come in time.",
    409: "The state of what it is about forbids it.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    422: "The event cannot be taken as it is.",
    429: "Too much for this client. Retry-After has when to send it again.",
    503: "The node cannot now. Retry-After has when to send it again.",
}
_EVENT_ERRORS: Final = (400, 401, 403, 404, 408, 409, 413, 415, 422, 429, 503)
_LOOKUP_ERRORS: Final = (400, 401, 403, 404, 429, 503)
_RETRY: Final[Schema] = {"description": "Seconds until it is worth to try again.", "schema": {"type": "integer"}}
_ETAG: Final[Schema] = {"description": "Another one when it has changed.", "schema": {"type": "string"}}
_KEY: Final[Schema] = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The id of the event, as in the body. Where it is given the body may leave it out.",
    "schema": {"type": "string", "pattern": f'^"?{NAME_PATTERN[2:-2]}"?$'},
}


def document(made: Contract) -> Schema:
    """What a node with these scenarios serves. `made` has IN_COMPONENTS as its references."""
    paths: dict[str, Schema] = {}
    for message, name, receipt in made.up:
        if not message.answered_by:
            paths[f"/v1/events/{message.kind}"] = {"post": _event(message, name, receipt, made)}
    if "/v1/events/order.place" in paths:
        paths["/v1/ledger"] = {"post": _ledger()}
    for collection, names in made.collections:
        paths[f"/v1/{collection.name}"] = {"get": _list(collection, names[0])}
        paths[f"/v1/{collection.name}/{{id}}"] = {"get": _one(collection, names)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"HTTP for clients of a Doorstep node: {', '.join(made.names)}",
            "version": "1",
            "description": "Events in, receipts back, and a look at one's own things. The tags of an operation are the "
            "roles of the clients that it is for.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "The node that serves this document."}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": {**made.schemas, _PROBLEM: _problem()},
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A JWT, or `<client>~<token>` with a token of the credentials file.",
                }
            },
        },
    }


def _event(message: Message, name: str, receipt: str, made: Contract) -> Schema:
    description = made.schemas[name]["description"]
    answers: dict[str, Schema] = {"204": {"description": "Taken. It is in memory only, and has no receipt."}}
    if receipt:
        answers = {
            "200": {"description": "Accepted: decided, and on disk.", **_json(_reference(receipt))},
            "204": {"description": "Decided so long ago that its receipt is gone."},
        }
    return {
        "operationId": f"send.{message.kind}",
        "tags": list(message.roles),
        "summary": description.partition("\n\n")[0].replace("\n", " "),
        **({"parameters": [_KEY]} if receipt else {}),
        "requestBody": {"required": True, **_json(_reference(name))},
        "responses": answers | _errors(_EVENT_ERRORS),
    }


def _ledger() -> Schema:
    """A shop's ledger against the node's record."""
    count: Schema = {"type": "integer", "minimum": 0}
    text: Schema = {"type": "string"}
    side: Schema = {"anyOf": [{"type": "integer"}, text]}
    order: Schema = {
        "type": "object",
        "properties": {
            "order": _NAME,
            "at": {"type": ["integer", "null"], "minimum": 0, "maximum": LEDGER_AT_MS_MAX},
            "amount_cents": {"type": ["integer", "null"], "minimum": 0, "maximum": AMOUNT_CENTS_MAX},
        },
        "required": ["order"],
    }
    body: Schema = {
        "type": "object",
        "properties": {
            "shop": {"anyOf": [_NAME, {"type": "null"}]},
            "utc_offset_min": {"type": "integer", "minimum": -720, "maximum": 840, "default": 0},
            "orders": {"type": "array", "minItems": 1, "maxItems": LEDGER_ORDERS_MAX, "items": order},
        },
        "required": ["orders"],
    }
    counts = ("here", "there", *KINDS)
    day: Schema = {
        "type": "object",
        "properties": {"shop": text, "date": text, "at": count, **dict.fromkeys(counts, count)},
        "required": ["shop", "date", "at", *counts],
    }
    found: Schema = {
        "type": "object",
        "properties": {
            "kind": {"enum": list(KINDS)},
            **dict.fromkeys(("order", "shop", "date"), text),
            "line": count,
            "here": side,
            "there": side,
        },
        "required": ["kind", "order", "shop", "date"],
    }
    answer: Schema = {
        "type": "object",
        "properties": {
            "days": {"type": "array", "items": day},
            "differences": {"type": "array", "items": found},
            "before": count,
            "unpriced": count,
        },
        "required": ["days", "differences", "before", "unpriced"],
    }
    return {
        "operationId": "compare.ledger",
        "tags": ["shop", "dispatcher"],
        "summary": "A shop's ledger: which orders differ from the node's record. The same one twice counts once.",
        "requestBody": {"required": True, **_json(body)},
        "responses": {"200": {"description": "Compared.", **_json(answer)}, **_errors(_EVENT_ERRORS)},
    }


def _list(collection: Collection, name: str) -> Schema:
    body: Schema = {
        "type": "object",
        "properties": {collection.name: {"type": "array", "items": _reference(name)}},
        "required": [collection.name],
    }
    return {
        "operationId": f"list.{collection.name}",
        "tags": list(collection.roles),
        "summary": f"The {collection.name} that the client may see and that are not over.",
        "responses": {"200": {"description": "They are on disk like this.", **_json(body)}, **_errors(_LOOKUP_ERRORS)},
    }


def _one(collection: Collection, names: list[str]) -> Schema:
    wait: Schema = {"type": "integer", "minimum": 0, "maximum": WAIT_S_MAX, "default": 0}
    tags = {"description": "The ETag of an earlier answer.", "schema": {"type": "string"}}
    waits = "Where If-None-Match is still right: how many seconds to wait for a change before the answer 304."
    body: Schema = {"anyOf": [_reference(name) for name in names]}
    found = {"description": "It is on disk like this.", "headers": {"ETag": _ETAG}, **_json(body)}
    same = {"description": _TEXTS[304], "headers": {"ETag": _ETAG}}
    return {
        "operationId": f"get.{collection.name}",
        "tags": list(collection.roles),
        "summary": f"One of the {collection.name} that the client may see.",
        "parameters": [
            {"name": "id", "in": "path", "required": True, "schema": _NAME},
            {"name": "wait", "in": "query", "description": waits, "schema": wait},
            {"name": "If-None-Match", "in": "header", **tags},
        ],
        "responses": {"200": found, "304": same, **_errors(_LOOKUP_ERRORS)},
    }


def _errors(statuses: tuple[int, ...]) -> dict[str, Schema]:
    made: dict[str, Schema] = {}
    for status in statuses:
        answer: Schema = {
            "description": _TEXTS[status],
            "content": {"application/problem+json": {"schema": _reference(_PROBLEM)}},
        }
        if status in (429, 503):
            answer["headers"] = {"Retry-After": _RETRY}
        made[str(status)] = answer
    return made


def _problem() -> Schema:
    """RFC 9457, with the fields of a receipt where an event was refused."""
    reasons = [reason.value for reason in Reason]
    text: Schema = {"type": "string"}
    return {
        "title": _PROBLEM,
        "description": "Why a request is not served (RFC 9457). Of an event that is refused it has the fields of its "
        "receipt, too.",
        "type": "object",
        "properties": {
            "type": {**text, "description": "`urn:doorstep:reason:<reason>`, or `about:blank`."},
            "title": text,
            "status": {"type": "integer"},
            "detail": {**text, "description": "What is wrong, and what to do."},
            "reason": {"enum": reasons, "description": "Why the event is refused."},
            "again": {"type": "boolean", "description": "The same event can be sent again, with the same id."},
            "field": {**text, "description": "The field that is wrong."},
            "id": {**text, "description": "That of the event."},
            "of": {**text, "description": "The kind of the event."},
            "at": {"type": "integer", "description": "The node's clock when it decided. Unix milliseconds."},
            "order": {**text, "description": "The order that it is about."},
        },
        "required": ["type", "title", "status", "detail"],
    }


def _json(schema: Schema) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}


def _reference(name: str) -> Schema:
    return {"$ref": IN_COMPONENTS.format(name=name)}
