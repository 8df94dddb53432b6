"""The phones as a user asks for them: short, whole, on a real node behind a real proxy."""

from pathlib import Path

import pytest

from bench.phone.district import STAGES
from tests.bench.cli_options import read


def test_taps_arrive_over_every_network(tmp_path: Path) -> None:
    """Nothing is lost, nothing arrives sooner than the network allows, and the waterfall adds up to the time."""
    load = ("--rate", "10", "--seconds", "3", "--customers", "3", "--riders", "6")
    network = ("--rtt", "60", "--stalls", "0", "--stalls", "20", "--stall-s", "0.2", "--dead-spot", "1")
    result, report = read(tmp_path, "phone", *load, *network)
    assert result.exit_code == 0, result.output
    fair, stalling, dead = report["networks"]
    for one in report["networks"]:
        assert (one["orders"], one["lost"]) == (30, 0)
        assert one["phone_ms"]["p50"] >= one["rtt_ms"]
        assert one["waterfall_ms"]["mean"].keys() == set(STAGES)
    assert fair["stalls"] == 0 < stalling["stalls"]
    assert fair["phone_ms"]["max"] == pytest.approx(sum(fair["waterfall_ms"]["slowest"].values()), abs=2.0)
    assert dead["phone_ms"]["max"] > 500  # who tapped in the first half of the dead spot waited at least for the other
