"""The search for a peer's highest rate, and what a peer is. (The whole contest runs in test_command.)"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.load.client.openloop import Outcome
from bench.load.subjects import Subject
from bench.peers import script as script_peer
from bench.peers.doorstep import broker
from bench.peers.measure import PEERS, START_RATE, Contest
from bench.peers.peer import Missing, Peer, Plan


class Workload:
    """Clients whose connections hold."""

    broken = 0


class Scripted(Contest):
    """A peer that holds every rate below its limit, but for one bad moment."""

    def __init__(self, limit: float, bad_moments: int = 0) -> None:
        subject: Any = None
        workload: Any = Workload()
        super().__init__("script", Peer(subject, "1.0"), workload)
        self.limit, self.bad_moments = limit, bad_moments

    async def round(self, rate: float, seconds: float, seed: int) -> tuple[Outcome, float]:
        """Answered quickly below the limit."""
        bad, self.bad_moments = self.bad_moments > 0, max(self.bad_moments - 1, 0)
        p99 = 10.0 if rate < self.limit and not bad else 100.0
        nothing = dict.fromkeys(Outcome.__struct_fields__, 0)
        return Outcome(**{**nothing, "rate": rate, "p50": 1.0, "p99": p99}), 50.0


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pauses between rates that nobody really asks."""
    monkeypatch.setattr("bench.peers.measure.QUIET_S", 0)
    monkeypatch.setattr("bench.peers.measure.SETTLE_S", 0)


def searched(contest: Contest, steps: int) -> dict[str, Any]:
    asyncio.run(contest.search(Plan(steps=steps), lambda _: None))
    return contest.report()


@pytest.mark.parametrize("limit", [30.0, 500.0, 5_000.0])
def test_the_search_closes_in_from_below(limit: float) -> None:
    """The best rate was held, lies below the limit, and within a tenth of it after ten steps; never is it guessed."""
    found = searched(Scripted(limit), 10)
    assert limit * 0.9 < found["best"]["rate"] < limit
    assert found["best"]["rate"] in [one["rate"] for one in found["tried"] if one["held"]]
    assert all(one["held"] == (one["rate"] < limit) for one in found["tried"])


def test_one_bad_moment_is_no_failure() -> None:
    """A rate has failed when it failed twice; both tries are in the report."""
    found = searched(Scripted(1_000.0, bad_moments=1), 1)
    assert [(one["rate"], one["held"]) for one in found["tried"]] == [(START_RATE, False), (START_RATE, True)]
    assert found["best"]["rate"] == START_RATE


def test_a_peer_that_holds_nothing_has_no_best_rate() -> None:
    """Then what was tried remains."""
    found = searched(Scripted(0.0), 3)
    assert found["best"] is None
    assert [one["rate"] for one in found["tried"]] == [200, 200, 100, 100, 50, 50]


def test_a_missing_library_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without aiomqtt the script cannot be started, and the message names what to install."""
    monkeypatch.setattr(script_peer, "find_spec", lambda name: None)

    async def main() -> None:
        async with PEERS["script"][0](tmp_path / "script", Plan()):
            pass

    with pytest.raises(Missing, match="package aiomqtt"):
        asyncio.run(main())


def test_processor_time_through_a_broker_is_that_of_both(tmp_path: Path, program: Callable[[str], str]) -> None:
    """In broker mode the node's work is not all: the broker's processor time counts too."""
    program("mosquitto")

    async def main() -> list[float]:
        async with broker(tmp_path / "broker", Plan()) as peer:
            assert isinstance(peer.subject, Subject)
            assert not peer.passwords
            return peer.subject.cpu_s()

    assert len(asyncio.run(main())) == 2
