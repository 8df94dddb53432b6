"""`doorstep bench revoke`, small."""

import json
from pathlib import Path

from bench.revoke.command import rows
from tests.bench.cli_options import call


def test_both_kinds_end_and_the_others_stay(tmp_path: Path) -> None:
    """A row for clients and one for nodes, in the table and in the report."""
    result = call("revoke", "--rounds", "1", "--idle", "2", "--json", f"{tmp_path}/revoke.json")
    assert result.exit_code == 0, result.output
    revoked = json.loads((tmp_path / "revoke.json").read_text(encoding="utf-8"))["revoked"]
    assert [(len(each["ms"]), each["others_ended"]) for each in revoked.values()] == [(1, 0), (1, 0)]
    assert "a node, by certificate" in result.output


def test_the_longest_counts() -> None:
    """Beside the median."""
    report = {"revoked": {"a client": {"ms": [100.0, 400.4, 200.0], "others_ended": 1}}}
    assert rows(report) == [("a client", "200", "400", "1")]
