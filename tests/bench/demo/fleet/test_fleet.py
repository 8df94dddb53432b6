"""`doorstep demo --nodes`, with real nodes and a real centre."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.demo.command import demo


def test_everything_that_goes_wrong_is_seen_and_mended(tmp_path: Path) -> None:
    """Two nodes: one is cut off and drains, the other one tries bad settings and goes back; a book with three
    differences, alerts, and both sides of the day. Every invariant holds; the console's address is printed."""
    out = tmp_path / "out.json"
    words = ["--nodes", "2", "--headless", "--speed", "150", "--minutes", "0.1", "--json", str(out)]
    result = CliRunner().invoke(demo, words)
    report = json.loads(out.read_text())
    assert report["evidence"] == {}
    assert {name: node["evidence"] for name, node in report["nodes"].items()} == {"shop-1": {}, "shop-2": {}}
    assert result.exit_code == 0, result.output
    assert "The console: http://127.0.0.1:" in result.output
    assert report["rollouts"]["tried_at"] == ["shop-1"]
    assert report["reconciled"] == {"shop-1": True, "shop-2": True}
    assert any("shop-2: nothing comes of it" in text for text in report["alerts"])


@pytest.mark.parametrize("words", [["--broker", "mqtt://127.0.0.1"], ["--kill-node", "1"], ["--instance", "."]])
def test_what_does_not_go_together_is_refused(words: list[str]) -> None:
    """Before anything is started."""
    result = CliRunner().invoke(demo, ["--nodes", "3", "--headless", *words])
    assert result.exit_code == 2
    assert "--nodes makes its own districts" in result.output
