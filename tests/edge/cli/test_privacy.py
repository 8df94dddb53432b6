"""`doorstep privacy`, as an operator or a data protection officer runs it."""

import json
from pathlib import Path

from click.testing import CliRunner

from edge.cli.privacy import privacy


def call(folder: Path, *arguments: str, text: str = "") -> str:
    """Its output, with further lines in the configuration."""
    path = folder / "edge.toml"
    path.write_text('node = "n-1"\nretention_days = 3\n' + text)
    done = CliRunner().invoke(privacy, ["--config", str(path), *arguments])
    assert done.exit_code == 0, done.output
    return done.output


def test_it_lists_what_is_personal_with_its_days(tmp_path: Path) -> None:
    """A door is in the journal for the retention, positions are in memory; without an uplink nothing leaves."""
    output = call(tmp_path)
    assert "dropoff: in the journal, 3 days." in output
    assert "points: in memory only." in output
    assert "nothing: uplink is empty" in output
    assert "snapshot: names of clients" in output
    assert "capacity" not in output
    assert "capacity" in call(tmp_path, "--all")


def test_with_an_uplink_the_figures_are_listed(tmp_path: Path) -> None:
    """Each with its form; those by place with the bound of people; only scenarios that are on."""
    text = 'uplink = "mqtt://127.0.0.1:1"\nk_anonymity = 9\nscenarios = ["dispatch"]\n'
    output = call(tmp_path, text=text)
    assert "by H3 cell of at least 9 people" in output
    assert "price.set" not in output
    body = json.loads(call(tmp_path, "--json", text=text))
    assert {figure["scenario"] for figure in body["to_the_centre"]} == {"dispatch"}
    kinds = [each["kind"] for each in body["messages_to_the_centre"]]
    assert "sync.ledger" in kinds
    assert [kind for kind in kinds if f"  {kind}: " not in output] == []
    assert body["fields"]
