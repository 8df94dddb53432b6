"""What a person reads."""

from typing import Any

import pytest

from bench.outage.screen import outage_table

REPORT: dict[str, Any] = {
    "minutes_offline": 60.0,
    "plan": {"rate": 5.0},
    "outages": [
        {
            "windows": 9,
            "events": 1_234,
            "backlog_bytes": 5_000,
            "reconnect_s": 1.0,
            "drain_s": 2.0,
            "windows_per_s": 3.0,
            "events_per_s": 4.0,
            "kills": 2,
        }
    ],
    "local_ms": {"cut": {"orders": 5, "p50": 1.0, "p99": 2.0, "p99_of_slices": 2.0}},
    "local_p99_ratio": 1.25,
    "local_p99_ratio_90": [1.0, 1.5],
    "drain_live_p99_ratio": None,
    "drain_live_p99_ratio_90": None,
    "node_cpu_us_an_event": {"before": 500.0, "cut": 510.0},
    "lost": 1,
    "doubled": 0,
    "events": {"at_node": 10, "at_centre": 9},
    "outbox_disk_bytes_max": 2_000_000,
    "proof": {"sentences": ["The journal holds 10 events, the centre counts 9."]},
}


def test_losses_and_what_was_not_measured_are_reported(capsys: pytest.CaptureFixture[str]) -> None:
    """A ratio that could not be measured is no number, and every finding of the proof is a sentence."""
    outage_table(REPORT)
    output = " ".join(capsys.readouterr().out.split())
    assert "lost 1, doubled 0" in output
    assert "cut over before: × 1.25" in output
    assert "drain over before: not measured" in output
    assert "the centre counts 9." in output
