"""Sizes as a user asks for them: small ones."""

from pathlib import Path

import pytest

from bench.scale.measure import descriptors
from edge.errors import DoorstepError
from tests.bench.cli_options import read


def test_each_size_has_its_point_and_each_cost_its_exponent(tmp_path: Path) -> None:
    """Riders, orders under way, orders waiting and connections: times, memory, and how they grow."""
    sizes = ("--riders", "100", "--riders", "400", "--orders", "20", "--clients", "2", "--clients", "20")
    result, report = read(tmp_path, "scale", *sizes, "--count", "10", "--rate", "20", "--seconds", "1.5")
    assert result.exit_code == 0, result.output
    for what, wanted in (("riders", [100, 400]), ("carried", [20]), ("waiting", [20]), ("clients", [2, 20])):
        assert [row["size"] for row in report[what]] == wanted
    assert all(0 < row["decide_ms"]["p50"] <= row["decide_ms"]["p99"] for row in report["riders"])
    assert all(row["lost"] == 0 for row in report["clients"])
    assert {f"{what}_p50" for what in ("riders", "carried", "waiting", "clients")} <= report["exponents"].keys()
    assert report["exponents"]["riders_p50"] is not None
    assert report["exponents"]["carried_p50"] is None  # of one size


def test_too_many_connections_for_this_account_are_reported_before_anything_runs() -> None:
    """Where the system allows fewer open files, the message has the command that raises it."""
    with pytest.raises(DoorstepError, match="ulimit -Hn"), descriptors(10**9):
        pass
