"""Orders as OpenTelemetry spans, as a reader of OTLP finds them."""

import json
from pathlib import Path

from bench.load.client.openloop import Order
from bench.load.client.spans import Spans

DUE = 1_767_225_600_000_000_000


def test_each_order_is_a_trace_of_two_spans(tmp_path: Path) -> None:
    """From the due time to the answer, and in it to the sending; a lost one ends where it was sent, as an error."""
    spans = Spans(tmp_path / "spans.jsonl")
    spans.add("doorstep", 0, iter([Order(7, DUE, DUE + 1_000, DUE + 2_000_000), Order(8, DUE, DUE + 500, 0)]))
    spans.add("floor", 0, iter([Order(9, DUE, DUE, DUE + 1)]))
    doorstep, floor = [json.loads(line) for line in (tmp_path / "spans.jsonl").read_text().splitlines()]
    (resource,) = doorstep["resourceSpans"]
    assert resource["resource"]["attributes"][0] == {"key": "service.name", "value": {"stringValue": "doorstep"}}
    order, generator, lost, _ = resource["scopeSpans"][0]["spans"]
    assert (order["startTimeUnixNano"], order["endTimeUnixNano"]) == (str(DUE), str(DUE + 2_000_000))
    assert (generator["parentSpanId"], generator["endTimeUnixNano"]) == (order["spanId"], str(DUE + 1_000))
    assert generator["traceId"] == order["traceId"] != lost["traceId"]
    assert (len(order["traceId"]), len(order["spanId"])) == (32, 16)
    assert (lost["status"]["code"], lost["endTimeUnixNano"], "status" in order) == (2, str(DUE + 500), False)
    assert len(floor["resourceSpans"][0]["scopeSpans"][0]["spans"]) == 2
