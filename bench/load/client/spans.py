"""Every order of a run as OpenTelemetry spans, for whoever looks at single ones in a viewer of traces.

A line of the file is one OTLP request in JSON (OpenTelemetry protocol, `resourceSpans`), for one subject in one round.
The collector's `otlpjsonfile` receiver reads it; an HTTP endpoint of OTLP takes it line by line. The node itself has no
tracing: it would cost every order something, also when nobody looks.
"""

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from .openloop import Order

_CLIENT: Final = 3  # SPAN_KIND_CLIENT
_ERROR: Final = 2  # STATUS_CODE_ERROR


class Spans:
    """The file. Raises OSError where it cannot be written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.write_text("", encoding="utf-8")

    def add(self, subject: str, number: int, orders: Iterator[Order]) -> None:
        """The orders of a subject's round."""
        spans = [span for order in orders for span in _spans(subject, order)]
        named = [_text("service.name", subject), _text("doorstep.round", str(number + 1))]
        scope = {"scope": {"name": "doorstep bench latency"}, "spans": spans}
        request = {"resourceSpans": [{"resource": {"attributes": named}, "scopeSpans": [scope]}]}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(request, separators=(",", ":")) + "\n")


def _spans(subject: str, order: Order) -> Iterator[dict[str, Any]]:
    """`order`, from when it was due until its rider has it, and in it `generator`, how late it was sent."""
    identity = sha256(f"{subject} {order.number} {order.due_ns}".encode()).hexdigest()
    trace, root = identity[:32], identity[32:48]
    times = {"startTimeUnixNano": str(order.due_ns), "endTimeUnixNano": str(order.answered_ns or order.sent_ns)}
    lost = {} if order.answered_ns else {"status": {"code": _ERROR, "message": "lost"}}
    attributes = [_text("doorstep.order", str(order.number))]
    base = {"traceId": trace, "kind": _CLIENT}
    yield {**base, "spanId": root, "name": "order", **times, "attributes": attributes, **lost}
    times = {"startTimeUnixNano": str(order.due_ns), "endTimeUnixNano": str(order.sent_ns)}
    yield {**base, "spanId": identity[48:], "parentSpanId": root, "name": "generator", **times}


def _text(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": value}}
