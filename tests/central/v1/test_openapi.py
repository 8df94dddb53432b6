"""The API against what its own document allows and forbids: schemathesis makes the requests, a real centre answers."""

import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.core.result import Ok

from central.v1.openapi import document
from tests.central.consoles import Served

DOCUMENT: dict[str, Any] = json.loads(json.dumps(document()))
for _path in DOCUMENT["paths"].values():
    for _operation in _path.values():
        del _operation["security"]  # the test has the token
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
OPERATIONS: list[Any] = [each.ok() for each in SCHEMA.get_all_operations() if isinstance(each, Ok)]
CHECKS: Any = list(HealthCheck)
few = settings(max_examples=8, phases=(Phase.generate,), suppress_health_check=CHECKS, deadline=None)


def call(console: Served, token: str, case: Case) -> None:
    """Make a request, and check the answer by the document."""
    response = case.call_and_validate(base_url=console.url, headers={"Authorization": f"Bearer {token}"})
    if response.status_code >= 400:
        problem = json.loads(response.content)
        assert response.headers["content-type"] == ["application/problem+json"]
        assert problem["status"] == response.status_code
        assert problem["detail"]


def good(case: Case) -> Case:
    """A case that fits the document, made to fit what no schema can state: a stretch of time."""
    query: Any = case.query or {}
    if case.operation.path == "/v1/ledger":
        query.update({name: "2026-01-31" for name in ("from", "to") if name in query})
    elif "from" in query or "to" in query:
        now_ms = int(time.time() * 1000)
        query.update({"from": str(now_ms - 3_600_000), "to": str(now_ms)})
    return case


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.label)
def test_what_the_contract_allows_is_taken(console: Served, tokens: dict[str, str], operation: Any) -> None:
    """No fault of the centre; a status, headers and a body as documented."""

    @given(case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
    @few
    def run(case: Case) -> None:
        call(console, tokens["all"], good(case))

    run()


@pytest.mark.parametrize(
    "operation",
    [each for each in OPERATIONS if each.path not in ("/v1/quarantine", "/v1/enrolment")],
    ids=lambda each: each.label,
)
def test_what_the_contract_forbids_is_refused(console: Served, tokens: dict[str, str], operation: Any) -> None:
    """A problem with a documented status; a path without parameters forbids nothing."""
    if operation.path in ("/v1/quarantine", "/v1/enrolment"):
        return

    @given(case=operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))
    @few
    def run(case: Case) -> None:
        call(console, tokens["all"], case)

    run()


def test_the_document_is_served(ask: Callable[..., httpx.Response]) -> None:
    """Without a token, as 3.1, with a scope for each operation and every path that is routed."""
    served = ask("/v1/openapi.json", "").json()
    assert served == json.loads(json.dumps(document()))
    assert served["openapi"] == "3.1.0"
    for path in served["paths"].values():
        for operation in path.values():
            assert operation["security"][0]["token"]
