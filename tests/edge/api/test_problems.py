"""Tests of edge.api.problems: what a library, and a person, learn of a refusal."""

import json

import pytest

from edge.api.problems import STATUSES, later, problem, refusal
from edge.errors import MENDABLE, Reason


@pytest.mark.parametrize("reason", Reason)
def test_each_reason_has_a_status_and_whether_to_come_again(reason: Reason) -> None:
    """4xx where it is final; 429, 503 or `again`, with Retry-After, where time mends it."""
    answer = refusal(reason, {"id": "e-1", "status": "refused", "detail": "why", "order": "o-1"})
    body = json.loads(bytes(answer.body))
    assert answer.media_type == "application/problem+json"
    assert answer.status_code == body["status"] == STATUSES[reason]
    assert (body["reason"], body["detail"], body["id"], body["order"]) == (reason, "why", "e-1", "o-1")
    assert body["type"] == f"urn:doorstep:reason:{reason}"
    assert body["again"] == ("retry-after" in answer.headers) == (reason in MENDABLE)
    assert 400 <= answer.status_code < 500 or reason in MENDABLE


def test_a_problem_of_the_request_has_no_type_of_its_own() -> None:
    """`about:blank`, whose title is the status in words, as RFC 9457 has it."""
    body = json.loads(bytes(problem(415, "Send JSON.").body))
    assert body == {"type": "about:blank", "title": "Unsupported Media Type", "status": 415, "detail": "Send JSON."}


def test_later_is_never_now() -> None:
    """Retry-After is whole seconds, and one at least."""
    assert [later(429, "", wait).headers["retry-after"] for wait in (0, 0.2, 1.7, 5)] == ["1", "1", "2", "6"]
