"""`doorstep explain` on journals: the text, the JSON, and the message for unknown orders."""

import json
from pathlib import Path

import apsw
from click.testing import CliRunner, Result

from edge.cli.journal.explain import explain
from edge.errors import DoorstepError, InputError
from edge.journal.journal import Journal
from edge.scenarios.dispatch.decide.choice import RULE
from tests.edge.recorded import hour, journal


def call(*arguments: str) -> Result:
    """The command with its options, at a width at which sentences do not wrap."""
    return CliRunner().invoke(explain, list(arguments), env={"COLUMNS": "240", "TZ": "UTC"})


def test_a_person_reads_the_whole_story(path: Path) -> None:
    """When, who was considered, the ages and parts of cost, the rules' version, why, and what came of it."""
    result = call("o-1", "--journal", str(path.parent))
    assert result.exit_code == 0, result.output
    for words in (
        "o-1, from 2026-09-21",
        "decided: offer to r-1",
        "the next best, r-2, costs",
        "rider.reply     ",
        "r-1: declines offer 1; accepted",
        "r-2: offer 2: no answer",
        "alice, shop-1: delivered",
        f"rules {RULE}",
        "> r-1",
        "0:04 old",
        "travel 6",
    ):
        assert words in result.stdout
    assert max(len(line) for line in result.stdout.split("\n")) <= 240


def test_it_fits_a_narrow_terminal(path: Path) -> None:
    """At 80 columns nothing is cut off."""
    result = CliRunner().invoke(explain, ["o-1", "--journal", str(path)], env={"COLUMNS": "80"})
    assert max(len(line) for line in result.stdout.split("\n")) <= 80
    assert "…" not in result.stdout


def test_a_program_reads_json(path: Path) -> None:
    """The same as data, times in Unix ms."""
    result = call("o-1", "--journal", str(path), "--json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert found["order"] == "o-1"
    assert [choice["rider"] for choice in found["choices"] if choice["offer"]] == ["r-1", "r-2", "r-3"]
    assert found["choices"][0]["considered"][0].keys() >= {"rider", "travel_s", "age_s", "cost", "total", "chosen"}
    assert all(moment["at"] > 1_700_000_000_000 for moment in found["moments"])


def test_an_unknown_order_gets_a_hint(path: Path) -> None:
    """Exit 1, the range that the journal covers, and ids that look alike."""
    result = call("o-55", "--journal", str(path))
    error = result.exception
    assert isinstance(error, DoorstepError)
    assert error.exit_code == 1
    assert "Nothing about 'o-55' in rows 1 to " in str(error)
    assert "Did you mean o-5?" in str(error)
    assert "retention_days" in str(call("quite-another", "--journal", str(path)).exception)


def test_an_empty_journal_is_reported(tmp_path: Path) -> None:
    """Nothing recorded yet is not a broken journal."""
    Journal.open(tmp_path / "journal.sqlite3").close()
    error = call("o-1", "--journal", str(tmp_path)).exception
    assert isinstance(error, DoorstepError)
    assert error.exit_code == 1
    assert "is empty" in str(error)


def test_a_damaged_journal_is_named(tmp_path: Path) -> None:
    """A row that fails its checksum: an InputError, which the command line makes exit 2."""
    journal(tmp_path / "journal.sqlite3", hour(1))
    db = apsw.Connection(str(tmp_path / "journal.sqlite3"))
    db.execute("UPDATE row SET crc = crc + 1 WHERE number = 5")
    db.close()
    error = call("o-1", "--journal", str(tmp_path)).exception
    assert isinstance(error, InputError)
    assert error.exit_code == 2
    assert "row 5 fails its checksum" in str(error)
