"""The HTTP door against what its own OpenAPI document allows and forbids: schemathesis makes the requests, a real node
answers them."""

import itertools
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, assume, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.core.result import Ok

from bench.lab.settings import free_port
from tests.phone import site
from tests.repo.project import ROOT

DOCUMENT = json.loads((ROOT / "sdk/protocol/doorstep.openapi.json").read_text(encoding="utf-8"))
del DOCUMENT["security"]  # the test has the tokens
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
OPERATIONS: list[Any] = [each.ok() for each in SCHEMA.get_all_operations() if isinstance(each, Ok)]
CLIENTS = [f"client-{number}" for number in range(60)]
"""Each has its own budget of requests, so that few are answered with 429."""


class Door:
    """A node's address, and another client's token for each request."""

    def __init__(self, url: str, tokens: dict[str, str]) -> None:
        self.url = url
        self._numbers = itertools.count(1)
        self._tokens = itertools.cycle(f"Bearer {client}~{token}" for client, token in tokens.items())

    def call(self, case: Case) -> None:
        """Make a request, and check the answer by the document."""
        response = case.call_and_validate(base_url=self.url, headers={"Authorization": next(self._tokens)})
        if response.status_code >= 400:
            problem = json.loads(response.content)
            assert response.headers["content-type"] == ["application/problem+json"]
            assert problem["status"] == response.status_code
            assert problem["detail"]

    def good(self, case: Case) -> Case:
        """A case that fits the document, made to fit what no schema can state."""
        body: Any = case.body
        if isinstance(body, dict):
            if "id" in body:  # a new event needs a new id, and the same one in both places
                body["id"] = f"e-{next(self._numbers)}"
                (case.headers or {}).pop("Idempotency-Key", None)
            for name in {"ready_at", "until"} & body.keys():  # a time near the node's clock
                body[name] = body[name] and int(time.time() * 1000) + 60_000
            for name, ahead_s in (
                ("pickup_by", 60),
                ("dropoff_from", 60),
                ("dropoff_by", 3_600),
            ):  # times that fit together
                if body.get(name) is not None:
                    body[name] = int(time.time() * 1000) + ahead_s * 1000
            if "dropoff" in body and "pickup" in body:  # the door is near the shop
                body["dropoff"] = body["pickup"]
            if case.path.endswith("price.set"):  # one price or several, and times that fit together
                for price in [body, *(body.get("prices") or [])]:
                    price.pop("from_at", None)
                    price.pop("until_at", None)
                if body.get("prices") is not None:
                    body.pop("sku", None)
                    body.pop("price_cents", None)
        return case


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """Of a node of its own."""
    port = free_port()
    with site(tmp_path_factory.mktemp("door"), *CLIENTS, listen_http=f"127.0.0.1:{port}") as made:
        yield Door(f"http://127.0.0.1:{port}", dict(made.tokens))


CHECKS: Any = list(HealthCheck)

few = settings(max_examples=10, phases=(Phase.generate,), suppress_health_check=CHECKS, deadline=None)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.label)
def test_what_the_contract_allows_is_taken(door: Door, operation: Any) -> None:
    """No fault of the node; a status, headers and a body as documented; refused is only what the state forbids."""

    @given(case=operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
    @few
    def run(case: Case) -> None:
        door.call(door.good(case))

    run()


@pytest.mark.parametrize(
    "operation", [each for each in OPERATIONS if each.path != "/v1/orders"], ids=lambda each: each.label
)
def test_what_the_contract_forbids_is_refused(door: Door, operation: Any) -> None:
    """A problem with a documented status; nothing that does not fit is accepted, but for the time of a sender whose
    clock was never set."""

    @given(case=operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))
    @few
    def run(case: Case) -> None:
        body: Any = case.body if isinstance(case.body, dict) else {}
        assume("id" in body or "Idempotency-Key" not in (case.headers or {}))  # the header takes its place
        at = body.get("at", 0)
        assume(not isinstance(at, int | float) or not 0 < at < 10_000_000_000)
        door.call(case)

    run()
