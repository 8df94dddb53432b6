"""`doorstep whatif`: the journal of a small district, its report, its plot, its refusals."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bench.whatif.command import whatif
from edge.errors import InputError
from edge.journal.journal import Journal
from tests.bench.whatif.recorded_day import recorded
from tests.edge.journals import Writing, commit, session
from tests.edge.recorded import hour, journal


def call(*arguments: str) -> Result:
    """The command with its options."""
    return CliRunner().invoke(whatif, list(arguments))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with the journal of the small district."""
    folder = tmp_path_factory.mktemp("small")

    async def work(writing: Writing) -> None:
        for body in recorded()[0]:
            writing.journal.submit(commit(body))
        await writing.until(lambda: writing.journal.queued == 0)

    session(folder / "journal.sqlite3", work)
    return folder


def test_the_report_is_the_same_to_the_byte(data: Path, tmp_path: Path) -> None:
    """JSON and plot of two runs; the recorded column is what the street itself saw."""
    files: list[list[bytes]] = []
    for run in ("a", "b"):
        out, plot = tmp_path / f"{run}.json", tmp_path / f"{run}.svg"
        arguments = ["--what-if", "riders=+2", "--what-if", "kitchen=+20%", "--json", str(out), "--plot", str(plot)]
        result = call("--journal", str(data), *arguments)
        assert result.exit_code == 0, result.output
        files.append([out.read_bytes(), plot.read_bytes()])
        assert "riders=+2, kitchen=+20%" in result.stdout
        assert "How far the model can be trusted" in result.stdout
    assert files[0] == files[1]
    report = json.loads(files[0][0])
    ended = [one.state for one in recorded()[1].values()]
    assert report["recorded"]["delivered"] == ended.count("delivered")
    assert report["recorded"]["cancelled"] == ended.count("cancelled") == 1
    assert report["riders_changed"] == report["riders"] + 2 == 10
    assert report["changed"]["orders"] == report["simulated"]["orders"] == 40
    assert report["changes"] == ["riders=+2", "kitchen=+20%"]


def test_without_a_change_the_model_shows_its_error(data: Path) -> None:
    """`--policy planned` simulates the day as it was, and nothing beside it; `--json` without a file prints."""
    result = call("--journal", str(data), "--policy", "planned", "--json")
    report = json.loads(result.stdout)
    assert report["changed"] is report["change"] is None
    assert report["model"]["same"] >= report["recorded"]["delivered"] / 4


def test_another_policy_decides_otherwise(data: Path) -> None:
    """The nearest idle rider, at once: another day."""
    result = call("--json", "--journal", str(data), "--policy", "nearest", "--late-after", "30")
    report = json.loads(result.stdout)
    assert report["policy"] == "nearest"
    assert report["late_after_s"] == 1800
    assert report["changed"] != report["simulated"]


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["--what-if", "riders=2"], "riders=+2"),
        (["--what-if", "riders=-8"], "the day had 8 riders"),
        (["--policy", "best"], "'planned', 'nearest'"),
        (["--late-after", "0", "--policy", "nearest"], "--late-after"),
        ([], "Add --what-if riders=+2"),
        (["--plot", "x.svg"], "Add --what-if riders=+2"),
    ],
)
def test_invalid_arguments_are_refused(data: Path, arguments: list[str], hint: str) -> None:
    """Exit 2, with a sentence that names valid arguments."""
    result = call("--journal", str(data), *arguments)
    assert result.exit_code == 2, result.output
    assert hint in result.output


@pytest.mark.parametrize("option", ["--json", "--plot"])
def test_a_file_that_cannot_be_written_is_named_first(data: Path, option: str) -> None:
    """Before anything is simulated."""
    result = call("--journal", str(data), "--what-if", "riders=+1", option, "/nowhere/x")
    assert isinstance(result.exception, InputError)
    assert "/nowhere/x" in str(result.exception)


@pytest.mark.parametrize("rows", [0, 1])
def test_a_journal_without_a_day_is_named(tmp_path: Path, rows: int) -> None:
    """No rows, or none in which an order ended."""
    path = tmp_path / "journal.sqlite3"
    if rows:
        journal(path, hour()[:3])
    else:
        Journal.open(path).close()
    result = call("--journal", str(tmp_path), "--what-if", "riders=+1")
    assert isinstance(result.exception, InputError)
    assert "no order was placed and ended" in str(result.exception)
