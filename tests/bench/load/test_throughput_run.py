"""When a rate counts as held. (The whole search runs in test_command.)"""

import pytest

from bench.load.client.openloop import Outcome
from bench.load.client.workload import Workload
from bench.load.throughput_run import P99_MS_MAX, why_not

GOOD = dict.fromkeys(Outcome.__struct_fields__, 0) | {"sent": 100, "answered": 100, "p99": 3.0}


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({}, ""),
        ({"lost": 1}, "1 lost, 0 refused"),
        ({"refused": 2}, "0 lost, 2 refused"),
        ({"cut_short": True, "lost": 5}, "answers fell behind for good"),
        ({"p99": P99_MS_MAX}, "p99 of 50.0 ms"),
        ({"p99": 80.0, "late_p99": 60.0}, "p99 of 80.0 ms (the load generator was the late one)"),
    ],
)
def test_a_rate_is_held_or_reports_why_not(wrong: dict[str, float], why: str) -> None:
    """Loss, refusal, lag, and a p99 over the bound end it; where the generator was late, that is noted."""
    assert why_not(Outcome(**{**GOOD, **wrong}), Workload("nobody")) == why
