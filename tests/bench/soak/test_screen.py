"""What a person reads."""

import pytest

from bench.soak.screen import soak_table


def test_what_grows_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """Each slope with its interval, and a sentence for each that rises."""
    line = {"per_hour": 12.0, "low": 3.0, "high": 21.0, "level": 80.0}
    soak_table(
        {
            "minutes": 20.0,
            "slopes": {"node_rss_mb": {"over_all": line, "within_lives": line}, "node_disk_mb": {"over_all": line}},
            "faults": {"cut": 3},
            "events": 5,
            "lost": 0,
            "doubled": 0,
            "died_unordered": {"edge": 0},
            "upward": ["node_rss_mb"],
        }
    )
    output = " ".join(capsys.readouterr().out.split())
    assert "+12.00 (+3.00 to +21.00)" in output
    assert "It grows: node_rss_mb" in output
    assert "Take 40 minutes or more" in output
    assert "cut 3" in output
