"""What a contest adds up to. (The whole one runs in test_command.)"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.peers import script as script_peer
from bench.peers.doorstep import BROKER
from bench.peers.measure import over_reference
from bench.peers.peer import Missing, Plan
from bench.peers.script import DURABLE, PLAIN


def rounds(*p50s: float, p99: float = 4.0) -> dict[str, Any]:
    """A peer's, at 500 a second."""
    return {"rounds": {"500": [{"p50": p50, "p99": p99, "cut_short": False} for p50 in p50s]}}


def test_doorstep_stands_over_the_durable_script() -> None:
    """Geometric means of paired rounds, and of all of them; a rate at which one of them fell behind does not count."""
    ours, theirs = rounds(1.0, 2.0), rounds(2.0, 1.0, p99=1.0)
    ours["rounds"]["1000"] = [{"p50": 9.0, "p99": 9.0, "cut_short": True}]
    theirs["rounds"]["1000"] = ours["rounds"]["1000"] * 2
    found = over_reference({"doorstep": ours, "script-sqlite": theirs})
    assert found == {
        "reference": "script-sqlite",
        "rounds": 2,
        "at": {"500": {"p50": 1.0, "p99": 4.0}},
        "geometric_mean": 2.0,
    }


@pytest.mark.parametrize(
    ("reports", "expected"),
    [
        ({"doorstep": rounds(1.0)}, None),
        ({"script-sqlite": rounds(1.0)}, None),
        ({"doorstep": rounds(1.0), "script-sqlite": rounds(0.0, p99=0.0)}, {}),
    ],
)
def test_without_both_there_is_no_ratio(reports: dict[str, Any], expected: dict[str, Any] | None) -> None:
    """One of them is missing, or answered nothing."""
    found = over_reference(reports)
    assert (found and found["at"]) == expected


@pytest.mark.parametrize("kind", [PLAIN, DURABLE])
def test_a_missing_library_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: Any) -> None:
    """Without aiomqtt no script can be started, and the message names what to install."""
    monkeypatch.setattr(script_peer, "find_spec", lambda name: None)

    async def main() -> None:
        async with kind.start(tmp_path / "script", Plan(), None):
            pass

    with pytest.raises(Missing, match="package aiomqtt"):
        asyncio.run(main())


def test_processor_time_through_a_broker_is_that_of_both(tmp_path: Path, program: Callable[[str], str]) -> None:
    """In broker mode the node's work is not all: the broker's processor time counts too."""
    program("mosquitto")

    async def main() -> int:
        async with BROKER.start(tmp_path / "broker", Plan(), None) as peer:
            assert not peer.passwords
            assert peer.subject.cpu_us([0.0, 0.0], 1) > 0
            return len(peer.subject.cpu_s())

    assert asyncio.run(main()) == 2
