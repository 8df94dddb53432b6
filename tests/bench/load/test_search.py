"""The search for the highest rate, with servers whose limit is known."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from bench.load import search as module
from bench.load.client.openloop import Outcome
from bench.load.client.workload import Workload
from bench.load.search import P99_MS_MAX, Tried, ended, highest, search, tried, why_not

GOOD = dict.fromkeys(Outcome.__struct_fields__, 0) | {"sent": 100, "answered": 100, "p99": 3.0}


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pauses between rates that nobody really asks."""
    monkeypatch.setattr(module, "QUIET_S", 0)
    monkeypatch.setattr(module, "SETTLE_S", 0)


def searched(limit: float, rates: int, bad_moments: int = 0, breaks: bool = False) -> dict[str, Any]:
    """At a server that holds every rate below its limit, but for some bad moments at first."""
    moments: Iterator[bool] = iter([True] * bad_moments)

    async def attempt(rate: float) -> Tried:
        p99 = 100.0 if next(moments, False) or rate >= limit else 10.0
        one = tried(rate, Outcome(**{**GOOD, "p99": p99}), 50.0, Workload("nobody"))
        return one if one.held or not breaks else Tried(**{**module.asdict(one), "broken": True})

    return asyncio.run(search(attempt, 200.0, rates))


@pytest.mark.parametrize("limit", [30.0, 500.0, 5_000.0])
def test_the_search_closes_in_from_below(limit: float) -> None:
    """The best rate was held, lies below the limit, and within a tenth of it after ten rates; never is it guessed."""
    found = searched(limit, 10)
    assert limit * 0.9 < found["best"]["rate"] < limit
    assert found["best"]["rate"] in [one["rate"] for one in found["tried"] if one["held"]]
    assert all(one["held"] == (one["rate"] < limit) for one in found["tried"])
    assert ended(found)
    assert highest(found) == f"{found['best']['rate']:,.0f}"


def test_a_search_that_met_no_failure_gives_a_bound() -> None:
    """It ran out of rates, so its best is no highest rate."""
    found = searched(1e9, 3)
    assert [one["rate"] for one in found["tried"]] == [200, 400, 800]
    assert highest(found) == "≥ 800, search ended"


def test_one_bad_moment_is_no_failure() -> None:
    """A rate has failed when it failed twice; both tries are in the report."""
    found = searched(1_000.0, 1, bad_moments=1)
    assert [(one["rate"], one["held"]) for one in found["tried"]] == [(200, False), (200, True)]


def test_a_server_that_holds_nothing_has_no_best_rate() -> None:
    """Then what was tried remains, and the least of it is an upper bound."""
    found = searched(0.0, 3)
    assert found["best"] is None
    assert [one["rate"] for one in found["tried"]] == [200, 200, 100, 100, 50, 50]
    assert highest(found) == "below 50"


def test_a_server_that_hangs_up_is_asked_no_more() -> None:
    """Its connections are gone."""
    assert len(searched(0.0, 3, breaks=True)["tried"]) == 1


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
